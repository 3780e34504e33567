"""What a student has before them, as the rules ask for it."""

from __future__ import annotations

import builtins
import keyword
import re
from functools import cached_property

from web.tutor.gate.lexis import GRAM, SPAN, Gram, grams, is_name, operated, tokens, without_blanks
from web.tutor.gate.literals import Pair, quoted
from web.tutor.gate.spoken import skeleton

KEYWORDS = frozenset(word.casefold() for word in keyword.kwlist)
BUILTINS = frozenset(name.casefold() for name in dir(builtins) if name[0] != "_")
LOOKING = frozenset(("print", "type", "id", "bool", "repr"))
"""May be called with anything: looking at a value changes no result."""
BRACKETS = frozenset("()[]{},:")
UNNAMED = re.compile(r"\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|#.*+|'[^'\n]*+'|\"[^\"\n]*+\"")
"""Comments and texts: what stands in them is no name. Python's own tokenizer is ten times slower,
and refuses half of the programs that students ask about."""


class Seen:
    """What the student has before them: own code, exercise and test result, as tokens.

    All of it is made when a rule asks: about most sentences none does.
    """

    def __init__(self, student_code: str, statement: str) -> None:
        self._student_code, self._exercise = student_code, statement

    def and_code(self, code: str) -> Seen:
        """The same with code that the student is shown beside it."""
        return Seen(f"{self._student_code}\n{code}", self._exercise)

    @cached_property
    def _code(self) -> list[str]:
        return tokens(self._student_code)

    @cached_property
    def _statement(self) -> list[str]:
        return tokens(self._exercise)

    @cached_property
    def grams(self) -> set[Gram]:
        return grams(self._code, GRAM) | grams(self._statement, GRAM)

    @cached_property
    def lines(self) -> list[str]:
        """Lines of the student's program as tokens with spaces around each."""
        return [f" {' '.join(tokens(line))} " for line in self._student_code.splitlines()]

    @cached_property
    def text(self) -> str:
        return f"{self._student_code}\n{self._exercise}"

    @cached_property
    def squeezed(self) -> str:
        return f"{without_blanks(self._student_code)}\n{without_blanks(self._exercise)}"

    @cached_property
    def squeezed_lines(self) -> frozenset[str]:
        return frozenset(map(without_blanks, self._student_code.splitlines()))

    def may_follow(self, line: str) -> set[str] | None:
        """Tokens that the student's lines which begin with this one go on with; None where one is
        this line."""
        longer = [one for one in self.lines if one.startswith(line)]
        if line in longer:
            return None
        return {one[len(line) :].partition(" ")[0] for one in longer}

    @cached_property
    def tokens(self) -> frozenset[str]:
        return frozenset([*self._code, *self._statement])

    @cached_property
    def pairs(self) -> set[Gram]:
        return grams(self._code, 2) | grams(self._statement, 2)

    @cached_property
    def dictated(self) -> set[Gram]:
        return grams(skeleton(self._code), GRAM) | grams(skeleton(self._statement), GRAM)

    @cached_property
    def scattered(self) -> set[Gram]:
        return operated(self._code) | operated(self._statement)

    @cached_property
    def read_out(self) -> set[Gram]:
        return grams(skeleton(self._code), 2) | grams(skeleton(self._statement), 2)

    @cached_property
    def turned(self) -> set[Gram]:
        """Runs of three, and each from its last token to its first one."""
        return self.grams | {run[::-1] for run in self.grams}

    @cached_property
    def quoted(self) -> set[Pair]:
        return quoted(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(filter(is_name, [*self._code, *self._statement]))

    @cached_property
    def line(self) -> str:
        """The tokens with spaces around each, for a search of several in a row."""
        return f" {' '.join([*self._code, *self._statement])} "

    @cached_property
    def plain(self) -> frozenset[str]:
        """What a call or value that the student could write may hold, beside numbers."""
        return (self.words - KEYWORDS) | BRACKETS

    @cached_property
    def _named(self) -> list[str]:
        shown = "\n".join(SPAN.findall(self._exercise))
        return tokens(UNNAMED.sub(" ", f"{self._student_code}\n{shown}"))

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the student's program and of the code in the exercise; no words of prose."""
        return frozenset(filter(is_name, self._named)) - KEYWORDS

    @cached_property
    def programmed(self) -> frozenset[str]:
        """Names and keywords of the student's program; none of its comments and texts."""
        return frozenset(filter(is_name, tokens(UNNAMED.sub(" ", self._student_code))))

    @cached_property
    def own(self) -> frozenset[str]:
        """Names that stand for something in this exercise alone."""
        return self.names - BUILTINS

    @cached_property
    def functions(self) -> frozenset[str]:
        """Functions to be written, or written by the student: any call of them is a question."""
        pairs = list(zip(self._named, self._named[1:], strict=False))
        defined = {name for word, name in pairs if word == "def"}
        return frozenset(defined | {name for name, mark in pairs if mark == "("} - BUILTINS)

    def names_line(self, number: str) -> bool:
        """Whether the exercise or the result speaks of a line with this number."""
        return f" line {number} " in self.line

    def without_lines(self, text: str) -> str:
        """The text with a blank in each code span that is a line of the student's program, or what
        a line ends with: all that it asks, returns or assigns."""
        if "`" not in text or not self.lines:
            return text
        return SPAN.sub(lambda span: "` `" if self._ends_line(span[1]) else span[0], text)

    def _ends_line(self, span: str) -> bool:
        # What is told beside a part that goes on behind it may be what changes it.
        end = f" {' '.join(tokens(span))} "
        return end.count(" ") > 2 and any(
            line.endswith(end) or line.endswith(f"{end}: ") for line in self.lines
        )

    def holds(self, parts: list[str]) -> bool:
        """Whether these tokens stand in a row in what the student has seen."""
        return f" {' '.join(parts)} " in self.line
