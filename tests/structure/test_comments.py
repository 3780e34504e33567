"""Comments give reasons, limits and traps: some in each room, and not so many that nobody reads."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.structure.test_sources import MODULES, ROOT

ROOMS = ("broker", "broker/base", "broker/contract", "web/api", "web/hints")
FEWEST, MOST = 3, 6
"""Comments in 100 lines of code."""
FOR_TOOLS = re.compile(r"# ?(noqa|type:|fmt:|pragma)")
LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def counted(path: Path) -> tuple[int, int]:
    """Lines with a comment for people, and lines of code: docstrings are neither."""
    text = path.read_text()
    comments: set[int] = set()
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments |= set() if FOR_TOOLS.match(token.string) else {token.start[0]}
        elif token.type not in LAYOUT:
            code |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), end_lineno=int(end)):
                code -= set(range(node.lineno, end + 1))
    return len(comments), len(code)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_gives_reasons_and_no_lecture(room: str) -> None:
    found = [counted(path) for path in MODULES if path.parent == ROOT / room]
    comments, lines = (sum(column) for column in zip(*found, strict=True))

    assert FEWEST <= 100 * comments / lines <= MOST


def test_what_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        '"""Docs."""\n\n# Why.\nX = 1  # noqa: E501\n"""Docs\nagain."""\nY = """a\nb"""  # Trap.\n'
    )

    assert counted(file) == (2, 3)
