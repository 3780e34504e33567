"""The worked example that a hint may hold: one block of code, of another domain than the exercise.

No rule for prose reads it. R5 asks of its code, and of what it says in texts, comments and names.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator

from web.tutor.gate import fixes, orders
from web.tutor.gate.disguises import is_disguised
from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import tokens
from web.tutor.gate.rendered import alike
from web.tutor.gate.ruling import Ruling, blocked
from web.tutor.gate.seen import Seen
from web.tutor.gate.solution import Solutions
from web.tutor.gate.whole import names_in, resembles
from web.tutor.levels import EXAMPLE_LINES
from web.tutor.parsing import lexemes_of, tree_of
from web.tutor.writing.fault import Fault

OPENING = re.compile(r"```(?:python|py)?[ \t]*\n", re.IGNORECASE)
CLOSING = re.compile(r" {0,3}```+[ \t]*\n?")
MOST_LINES = 2 * EXAMPLE_LINES
"""With those that are blank."""


class WorkedExample:
    """Takes the lines of a hint's first block of code, sentence by sentence.

    wanted: the level has one; of any other nothing is taken. code: all its lines, once the block
    has ended; empty before. blocked: by R8 where it is no such block, or by R5. seen: what the
    student has before them, with the example.
    """

    def __init__(self, wanted: bool, student_code: str, known: Solutions, seen: Seen) -> None:
        self.code = ""
        self.blocked: Ruling | None = None
        self.seen = seen
        self._wanted, self._student_code, self._known = wanted, student_code, known
        self._at = 0
        """Index in the hint's other text at which it stands."""
        self._lines: list[str] | None = None
        self._line = ""
        """What of a line has come, in the block."""
        self._begins = True
        """Whether the next sentence stands at the start of a line."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is wanting."""
        return bool(self.code) or not self._wanted

    def takes(self, sentence: str, at: int) -> bool:
        """Whether this sentence of the hint is a part of the block. at: characters before it."""
        begins, self._begins = self._begins, sentence.endswith("\n")
        if self._lines is None:
            if not (self._wanted and begins and OPENING.fullmatch(sentence)):
                return False
            self._lines, self._at = [], at
        elif self.code:
            return False
        else:
            self._line += sentence
            if self._begins or CLOSING.fullmatch(self._line):
                self._end_line(self._lines)
        return True

    def put_into(self, text: str) -> str:
        """The other text with the block, if it has ended, in its place."""
        if not self.code:
            return text
        block = f"```python\n{self.code}```\n\n"
        return f"{text[: self._at]}\n\n{block}{text[self._at :].lstrip()}".lstrip("\n")

    def _end_line(self, lines: list[str]) -> None:
        line, self._line = self._line, ""
        if not CLOSING.fullmatch(line):
            lines.append(line)
            full = sum(bool(one.strip()) for one in lines)
            if full > EXAMPLE_LINES or len(lines) > MOST_LINES or "```" in line:
                self.blocked = blocked("R8", Fault.EXAMPLE)
            return
        self.code = "".join(lines)
        if not self.code.strip():
            self.blocked = blocked("R8", Fault.EXAMPLE)
        elif tells(self.code, self._student_code, self._known, self.seen):
            self.blocked = blocked("R5", Fault.EXAMPLE, self.code)
        self.seen = self.seen.and_code(self.code)


def tells(code: str, student_code: str, known: Solutions, seen: Seen) -> bool:
    """Rule R5, but for running it: whether the example shares a name with the exercise, is like a
    program of it, or says in words or lines what a solution does."""
    tree, lexemes = tree_of(code), lexemes_of(code)
    if tree is None or lexemes is None:
        # Nobody can tell what it says.
        return True
    if resembles(code, [student_code, *known.programs], seen.own | known.names):
        return True
    said = " ".join(words(tree, lexemes))
    lines = Draft()
    lines.read(code)
    draft = Draft()
    draft.read(said)
    shown = alike(said)
    return (
        fixes.shows_line(lines, known, seen)
        or fixes.shows_fix(draft, known, seen)
        or orders.commands_edit(said, seen)
        or is_disguised(shown, tokens(shown), known, seen)
    )


def words(tree: ast.AST, lexemes: list[tokenize.TokenInfo]) -> Iterator[str]:
    """What Python's code says to a reader beside what it does: its comments, texts and names."""
    for token in lexemes:
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    for name in sorted(names_in(tree)):
        yield name.replace("_", " ")
