"""What a student has before them, as the rules ask for it."""

from __future__ import annotations

import builtins
import keyword
import re
from functools import cached_property

from web.tutor.lexis import GRAM, SPAN, Gram, grams, is_name, tokens, uncommented

KEYWORDS = frozenset(word.casefold() for word in keyword.kwlist)
BUILTINS = frozenset(name.casefold() for name in dir(builtins) if name[0] != "_")
BRACKETS = frozenset("()[]{},:")
# Also for code that cannot be read as Python; what stands in a text is no name.
UNNAMED = re.compile(r"#.*+|'[^'\n]*+'|\"[^\"\n]*+\"")


class Seen:
    """What the student has before them: own code, exercise and test result, as tokens."""

    def __init__(self, student_code: str, statement: str) -> None:
        self._code, self._statement = tokens(student_code), tokens(statement)
        shown = "\n".join(SPAN.findall(statement))
        named = "\n".join(UNNAMED.sub(" ", uncommented(code)) for code in (student_code, shown))
        self._named = tokens(named)

    @cached_property
    def grams(self) -> set[Gram]:
        return grams(self._code, GRAM) | grams(self._statement, GRAM)

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
    def names(self) -> frozenset[str]:
        """Names of the student's program and of the code in the exercise; no words of prose."""
        return frozenset(filter(is_name, self._named)) - KEYWORDS

    @cached_property
    def functions(self) -> frozenset[str]:
        """Functions to be written, or written by the student: any call of them is a question."""
        pairs = list(zip(self._named, self._named[1:], strict=False))
        defined = {name for word, name in pairs if word == "def"}
        return frozenset(defined | {name for name, mark in pairs if mark == "("} - BUILTINS)

    def holds(self, parts: list[str]) -> bool:
        """Whether these tokens stand in a row in what the student has seen."""
        return f" {' '.join(parts)} " in self.line
