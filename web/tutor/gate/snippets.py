"""Pieces of code in running prose, in backticks or not, which the student has not written."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from typing import NamedTuple

from web.tutor.gate.lexis import QUOTES, SPAN, TOKEN, folded, is_name, tokens
from web.tutor.gate.seen import BUILTINS, KEYWORDS, Seen

# A value may be told with its name: `cups = 7` says what the student's loop holds.
LITERALS = frozenset({"true", "false", "none", "null"})
TYPES = frozenset(
    ("int", "long", "double", "float", "char", "bool", "boolean", "string", "var", "const", "auto")
)
"""What a declaration in other languages begins with; `let` begins English sentences too."""
ASSIGNING = frozenset(
    ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**=", "//=", ">>=", "<<=", ":=")
)
COMPARING = frozenset(("==", "!=", "<=", ">=", "//", "<<", ">>", "&&", "||"))
EVERYDAY = frozenset("+-*/%<>&|^×÷≤≥≠−") | {"**", "mod", "div"}
"""Operators that are also a dash, a slash or emphasis, and ask more of what stands beside them."""
MODULES = frozenset(
    ("math", "functools", "itertools", "collections", "statistics", "operator", "re", "numpy", "np")
)
"""What stands after the point of one is a function, whether it is called or only named."""
OPERATORS = ASSIGNING | COMPARING | EVERYDAY
STEPPING = frozenset(("++", "--"))
LANGUAGES = frozenset(("c", "g"))
"""`C++` and `g++` are names, where `n++` is code."""
# Words in quotes are a value, where no operator stands among them.
QUOTED = re.compile(r"(?<![\w)\]])(['\"])[\w ,.!?#-]{0,60}+\1(?!\w)")
PRINT = "print"
"""May be called with anything: looking at a value changes no result."""
HEADER_TOKENS = 6
"""As far as the colon of `while not done:` is looked for."""


class Stretch(NamedTuple):
    """Indices of the tokens of an expression, or of one value in it."""

    start: int
    end: int


class Tokens:
    """The tokens of one text, read once from left to right."""

    def __init__(self, text: str, seen: Seen) -> None:
        text = folded(text)
        found = list(TOKEN.finditer(QUOTES.sub(" ", text)))
        quoted = {at for one in QUOTED.finditer(text) for at in range(*one.span())}
        self._quoted = {at for at, one in enumerate(found) if one.start() in quoted}
        self.parts = [match[0] for match in found]
        self._touching = [left.end() == right.start() for left, right in pairwise(found)]
        self._closing = _closing(self.parts)
        self._seen = seen
        self._read: set[int] = set()
        self._names = seen.names.union(*map(tokens, SPAN.findall(text)))
        """Of the student's, and of the code spans here, where every word is a name."""

    def shows_snippet(self) -> bool:
        """Whether the student would learn a piece of code here."""
        for at in range(len(self.parts)):
            if self._is_statement(at) and not self._is_known(self._statement(at)):
                return True
            if at not in self._read and (values := self._values(at)) and self._is_new(values):
                return True
        return False

    def _at(self, at: int) -> str:
        return self.parts[at] if 0 <= at < len(self.parts) else ""

    def _touches(self, at: int) -> bool:
        """Whether no blank stands between this token and the next one."""
        return 0 <= at < len(self._touching) and self._touching[at]

    def _is_known(self, part: Stretch) -> bool:
        return self._seen.holds(self.parts[part.start : part.end])

    def _is_named(self, at: int) -> bool:
        return self._at(at) in self._names

    def _values(self, at: int) -> list[Stretch]:
        """The values, with operators between them, of the expression that begins here."""
        values = [value] if (value := self._value(at)) else []
        while values and (value := self._value(values[-1].end + 1)):
            if not self._joins(values[-1], value):
                break
            values.append(value)
        self._read.update(value.start for value in values)
        return values

    def _value(self, at: int) -> Stretch | None:
        """A name, a number or brackets, with the calls, indices and attributes behind it."""
        end = at
        if self._at(end) in ("-", "+", "~") and self._touches(end):
            end += 1
        if end in self._closing:
            end = self._closing[end] + 1
        elif self._is_word(end):
            end += 1
        elif not self._is_method(end):
            return None
        while end == at or self._touches(end - 1):
            if end in self._closing and self._at(end) != "{":
                self._read.add(end)
                end = self._closing[end] + 1
            elif self._at(end) == "." and self._touches(end) and is_name(self._at(end + 1)):
                self._read.add(end + 1)
                end += 2
            elif self._at(end) in STEPPING:
                end += 1
            else:
                break
        return Stretch(at, end)

    def _is_word(self, at: int) -> bool:
        """Whether it is a name or a number."""
        part = self._at(at)
        return (is_name(part) or part[:1].isdigit()) and part not in KEYWORDS - LITERALS

    def _is_method(self, at: int) -> bool:
        """Whether a method of a text is called: the quotes before its point are no tokens."""
        called = is_name(self._at(at + 1)) and self._at(at + 2) == "("
        return self._at(at) == "." and self._touches(at) and called

    def _is_code(self, value: Stretch) -> bool:
        """Whether it is a name of the student's, or more than a name."""
        return any(
            part in self._names or part in "([" for part in self.parts[value.start : value.end]
        )

    def _joins(self, left: Stretch, right: Stretch) -> bool:
        """Whether the token between two values is an operator, and no mark of prose."""
        at = left.end
        returned = self._at(left.start - 1) == "return" and is_name(self._at(left.start))
        operator, codes = self.parts[at], (returned or self._is_code(left), self._is_code(right))
        if operator == "=" or operator in ASSIGNING:
            return is_name(self._at(left.start))
        if operator in COMPARING:
            return any(codes) or any(map(is_name, (self._at(left.start), self._at(right.start))))
        if operator not in EVERYDAY:
            return False
        if self._at(left.start - 1) == "=" and is_name(self._at(left.start)):
            # What is computed for a name is code, whoever has chosen the names.
            return self._touches(at - 1) == self._touches(at)
        if self._touches(at - 1) != self._touches(at):
            # A dash or emphasis touches one word, and rarely two names of the program.
            return operator in "+-/%" and all(codes)
        numbers = (self._at(left.start)[0].isdigit(), self._at(right.end - 1)[0].isdigit())
        if all(code or number for code, number in zip(codes, numbers, strict=True)):
            return True
        computed = max(left.end - left.start, right.end - right.start) > 1
        return operator in "+*/%" and any(codes) and computed

    def _is_new(self, values: list[Stretch]) -> bool:
        """Whether this expression is code, and not the student's."""
        whole = Stretch(values[0].start, values[-1].end)
        if self._at(whole.start - 1) == "return" and self._computes(whole):
            return not self._is_known(Stretch(whole.start - 1, whole.end))
        if len(values) == 1:
            return self._is_new_value(whole)
        if self.parts[values[0].end] != "=":
            return self._holds_names(whole) and not self._is_known(whole)
        declared = self._at(whole.start - 1) in TYPES or self._at(whole.end) == ";"
        computed = len(values) > 2 or self._is_code(values[1])
        told = Stretch(values[1].start, whole.end)
        return (declared or (computed and self._holds_names(told))) and not self._is_known(whole)

    def _holds_names(self, part: Stretch) -> bool:
        """Whether it is more than values, and calls with values of the student's function."""
        return any(
            is_name(self.parts[at])
            and at not in self._quoted
            and self.parts[at] not in LITERALS | OPERATORS
            and self.parts[at] not in self._seen.functions
            for at in range(*part)
        )

    def _computes(self, whole: Stretch) -> bool:
        """Whether it is more than a name, a number or words in brackets."""
        parts = self.parts[whole.start : whole.end]
        operated = any(part in OPERATORS for part in parts)
        called = parts[0] != "(" and any(part in "([" for part in parts)
        return (operated or called) and any(is_name(part) for part in parts)

    def _is_new_value(self, value: Stretch) -> bool:
        """Whether one value calls what is not the student's, or takes an unknown part of it."""
        opened = next((at for at in range(*value) if at in self._closing), value.end)
        name, inside = self._at(opened - 1), self.parts[opened + 1 : self._closing.get(opened, 0)]
        if self.parts[value.end - 1] in STEPPING:
            return self._at(value.start) not in LANGUAGES and not self._is_known(value)
        if opened == value.end:
            of_module = self._at(value.start) in MODULES and self._at(value.start + 1) == "."
            return of_module and not self._is_known(value)
        if opened == value.start or name in KEYWORDS:
            return False
        plain = all(part in self._names or part[0].isdigit() for part in inside)
        if self.parts[opened] == "[":
            return self._is_named(opened - 1) and not (plain or self._is_known(value))
        if value.start + 1 == opened and (name in self._seen.functions or name == PRINT):
            return False
        method = opened > value.start + 1
        if inside == ["s"] and "s" not in self._names and not method:
            return False
        named = method or name in BUILTINS or name in self._names
        # A bracket that touches a word, as in "value(s)", is code where a name stands in it.
        if not named and not any(part in self._names for part in inside):
            return False
        literal = name in self._names and not any(map(is_name, inside))
        return (method or not literal) and not self._is_known(value)

    def _is_statement(self, at: int) -> bool:
        """Whether a keyword begins a statement of a program, not a sentence."""
        name, then = self._at(at + 1), self._at(at + 2)
        match self.parts[at]:
            case "def" | "function" | "class":
                return is_name(name) and then in ("(", ":") and self._touches(at + 1)
            case "lambda":
                return then in (":", ",")
            case "import":
                return name in sys.stdlib_module_names
            case "from" if then == "import":
                return name in sys.stdlib_module_names
            case "return":
                return then == ";"
            case "for" if then == "in":
                short = len(name) <= 2 or name in self._names
                value = self._value(at + 3)
                return bool(short and value and self._is_code(value))
            case "for" if name == "(":
                return ";" in self.parts[at + 1 : self._closing.get(at + 1, 0)]
            case "if" | "elif" | "while":
                header = self.parts[at + 1 : at + HEADER_TOKENS]
                names = self._names | LITERALS | {"not", "and", "or"}
                return ":" in header[1:] and names.issuperset(header[: header.index(":")])
        return False

    def _statement(self, at: int) -> Stretch:
        """As much of it as tells whether it is the student's."""
        return Stretch(at, at + 4 if self.parts[at] == "for" else at + 3)


def _closing(parts: list[str]) -> dict[int, int]:
    """The index of each closed opening bracket, with the index of its closing bracket."""
    pairs, opened = {}, []
    for at, part in enumerate(parts):
        if part in ("(", "[", "{"):
            opened.append(at)
        elif part in (")", "]", "}") and opened:
            pairs[opened.pop()] = at
    return pairs


def shows_snippet(text: str, seen: Seen) -> bool:
    """R1 where no pattern may be shown: code that is neither the student's nor a plain value.

    Calls of the student's own function and of print, `name = value`, and sums of numbers pass.
    """
    return Tokens(text, seen).shows_snippet()
