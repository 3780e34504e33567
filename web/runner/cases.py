"""An exercise's tests, rewritten so that every assert tells what it called, expected and got."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from web.tutor.evidence.report import LENGTHS, NOTE_CHARS, shorten
from web.tutor.languages import Words

# Names are taken before the student's code runs: it may call its own variable `len` or `repr`.
# A cut text ends as web.tutor.evidence.report.shorten ends it.
PRELUDE = """
_hl_repr, _hl_len, _hl_str, _hl_type = repr, len, str, type
_hl_at, _hl_seen, _hl_bad = [None], {}, {}
def _hl_cut(text, most=VALUE_CHARS):
    if _hl_len(text) <= most:
        return text
    kept = text[:most - NOTE_CHARS]
    return f"{kept}…(+{_hl_len(text) - _hl_len(kept):,})"
def _hl_show(value):
    return _hl_cut(_hl_repr(value))
def _hl_fail(number, call, want, got="", error=None):
    if number not in _hl_bad:
        name = "" if error is None else _hl_type(error).__name__
        text = "" if error is None else _hl_cut(_hl_str(error), MESSAGE_CHARS)
        _hl_bad[number] = (call, want, got, name, text)
"""
PRELUDE = (
    PRELUDE.replace("NOTE_CHARS", str(NOTE_CHARS))
    .replace("VALUE_CHARS", str(LENGTHS["got"]))
    .replace("MESSAGE_CHARS", str(LENGTHS["message"]))
)
# The student's code may have put anything in the place of what the prelude made, or filled it with
# values of any size. Formats alone need no name that could be taken, and bound what leaves the
# sandbox, whatever they are given.
TALLY = """
_hl_running = _hl_at[0] or ("", "", "", "", "")
for _hl_first in _hl_bad.values():
    break
else:
    _hl_first = _hl_running
[
    f"{_hl_len(_hl_seen)!s:.9}", f"{_hl_len(_hl_bad)!s:.9}", f"{_hl_running[0]!s:.LONGEST}",
    f"{_hl_first[0]!s:.LONGEST}", f"{_hl_first[1]!s:.LONGEST}", f"{_hl_first[2]!s:.LONGEST}",
    f"{_hl_first[3]!s:.LONGEST}", f"{_hl_first[4]!s:.LONGEST}",
]
""".replace("LONGEST", str(LENGTHS["message"]))
"""Cases that ran, those that failed; the call of the case that was running; then call, expected,
got, error class and error text of the first case that failed, else of the running one. All are
texts, empty for none."""

CASE = """
_hl_call = _hl_cut({call})
_hl_at[0] = (_hl_call, {want!r}, "", "", "")
_hl_seen[{number}] = True
try:
    _hl_got = {left}
    _hl_want = {right}
    if not ({same}):
        _hl_fail({number}, _hl_call, _hl_show(_hl_want), _hl_show(_hl_got))
except Exception as _hl_error:
    _hl_fail({number}, _hl_call, {want!r}, error=_hl_error)
_hl_at[0] = None
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """counted: the rewritten source; plain: as the author wrote it; total: asserts in it."""

    counted: str
    plain: str
    total: int


@lru_cache(maxsize=256)
def expand(tests: str) -> Suite | None:
    """The tests with counting asserts; None when they are not Python or assert nothing."""
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError):
        return None
    rewriter = _Counting(_shown_names(tree))
    tree = rewriter.visit(tree)
    if not rewriter.total:
        return None
    return Suite(ast.unparse(tree), tests, rewriter.total)


def _shown_names(tree: ast.Module) -> dict[str, str]:
    """For `def check(candidate)` … `check(f)`: candidate is shown as f."""
    parameters = {
        node.name: node.args.args[0].arg
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1
    }
    names = {}
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Name(helper), [ast.Name(function)])) if helper in parameters:
                names[parameters[helper]] = function
    return names


class _Counting(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.total = 0

    def visit_Assert(self, node: ast.Assert) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Constant):
            return ast.Pass()
        left, right, same = _sides(node.test)
        case = CASE.format(
            number=self.total,
            call=self._call_text(left),
            want=_source(right),
            left=ast.unparse(left),
            right=ast.unparse(right),
            same=same,
        )
        self.total += 1
        return ast.parse(case).body

    def _call_text(self, left: ast.expr) -> str:
        """Source of the call as text; variables among its arguments are shown by value."""
        shown = copy.deepcopy(left)
        for node in ast.walk(shown):
            if isinstance(node, ast.Name):
                node.id = self.names.get(node.id, node.id)
        values = ""
        if isinstance(left, ast.Call) and isinstance(shown, ast.Call):
            for place, argument in enumerate(left.args):
                if isinstance(argument, ast.Name):
                    hole = f"_hl_value{place}_"
                    shown.args[place] = ast.Name(hole)
                    values += f".replace({hole!r}, _hl_show({argument.id}))"
        return repr(_source(shown)) + values


def _sides(test: ast.expr) -> tuple[ast.expr, ast.expr, str]:
    """What the student's code gives, what it should give, and source that compares the two."""
    match test:
        case ast.Compare(left, [ast.Eq() | ast.Is() as operator], [right]):
            if _calls(right) and not _calls(left):
                left, right = right, left
            sign = "==" if isinstance(operator, ast.Eq) else "is"
            return left, right, f"_hl_got {sign} _hl_want"
        case ast.UnaryOp(ast.Not(), operand):
            return operand, ast.Constant(False), "not _hl_got"
    return test, ast.Constant(True), "_hl_got"


def _calls(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) for part in ast.walk(node))


def _source(node: ast.expr) -> str:
    return shorten(ast.unparse(node), LENGTHS["call"])


@dataclass(frozen=True, slots=True, kw_only=True)
class IoCase:
    """Standard input, and what a program should print for it. note: its author's, by language.

    Of a case that is not visible a student learns only that it failed, and the note.
    """

    name: str
    stdin: str
    expected: str
    visible: bool
    note: Words


@dataclass(frozen=True, slots=True)
class Asserts:
    """Tests as Python asserts."""

    source: str


@dataclass(frozen=True, slots=True)
class Io:
    """Tests of programs that read and print. checker: exact, tokens or float; the last one's
    tolerances: a number fits within either."""

    cases: tuple[IoCase, ...]
    checker: str
    absolute: float
    relative: float


Tests: TypeAlias = Asserts | Io


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Of all cases of one run together."""

    time_s: float = 1.0
    memory_bytes: int = 128 * 2**20
