"""Pieces of code in running prose, in backticks or not, which the student has not written (R1).

Prose and code share their letters, so what counts is where operators, brackets and blanks stand,
and whether a word is a name of the student's program. An expression is a row of values with an
operator between two; a value is a name, a number or brackets, with what is called or taken of it.
"""

from __future__ import annotations

import re
import sys
from itertools import pairwise

from web.tutor.gate.lexis import SPAN, TOKEN, folded, is_name, tokens, unquoted
from web.tutor.gate.seen import BUILTINS, KEYWORDS, LOOKING, Seen

LITERALS = frozenset({"true", "false", "none", "null"})
NO_VALUES = KEYWORDS - LITERALS
"""Words at which no value begins."""
TYPES = frozenset(
    ("int", "long", "double", "float", "char", "bool", "boolean", "string", "var", "const", "auto")
)
"""What a declaration in other languages begins with; `let` begins English sentences too."""
ASSIGNING = frozenset(
    ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**=", "//=", ">>=", "<<=", ":=")
)
COMPARING = frozenset(("==", "!=", "<=", ">=", "//", "<<", ">>", "&&", "||"))
"""Operators that prose does not use."""
EVERYDAY = frozenset("+-*/%<>&|^×÷≤≥≠−") | {"**", "mod", "div"}
"""Operators that are also a dash, a slash or emphasis: what stands beside them decides."""
MODULES = frozenset(
    ("math", "functools", "itertools", "collections", "statistics", "operator", "re", "numpy", "np")
)
"""Of Python and its users. `math.sqrt` is a function even where it is not called."""
OPERATORS = ASSIGNING | COMPARING | EVERYDAY
JOINING = OPERATORS | {"="}
STEPPING = frozenset(("++", "--"))
LANGUAGES = frozenset(("c", "g"))
"""`C++` and `g++` are names, where `n++` is code."""
QUOTED = re.compile(r"(?<![\w)\]])(['\"])[\w ,.!?#-]{0,60}+\1(?!\w)")
"""Words in quotes, without an operator among them: a value, and no names."""
PARTICLES = frozenset("은는이가을를와과의로") | {"으로", "에서", "에는", "이랑", "하고"}
"""Of Korean, behind a sign that is named, as tokens of their own."""
SIGNS = OPERATORS | STEPPING | MODULES | {"=", "(", "[", ";", "import", "lambda", "except"}
"""Without one of these no words are code, but for those of HEADS before a colon, and `for`."""
HEADS = frozenset(("if", "elif", "while", "class", "def", "function"))
ASKING = frozenset(("if", "elif", "while", "return"))
"""Before `not`, where its operand is code."""
RAISED = re.compile(r"[(:]|[a-z]+error|exception")
"""Behind `except` where it is no word of prose: its point, or what it catches."""
HEADER_TOKENS = 6
"""The colon of `while not done:` is looked for among so many tokens, the keyword included."""


class Tokens:
    """The tokens of one text, read once from left to right. A range of their indices is a part.

    text: as folded; found: its tokens.
    """

    def __init__(self, text: str, found: list[re.Match[str]], seen: Seen, patterns: bool) -> None:
        quoted = {at for one in QUOTED.finditer(text) for at in range(*one.span())}
        self._quoted = {at for at, one in enumerate(found) if one.start() in quoted}
        self._parts = [match[0] for match in found]
        pairs = enumerate(pairwise(found))
        self._touching = {at for at, (one, next_one) in pairs if one.end() == next_one.start()}
        """Indices of the tokens after which no blank stands."""
        self._closing = _closing(self._parts)
        self._seen = seen
        self._patterns = patterns
        self._read: set[int] = set()
        """Indices at which no further expression begins: they were read as part of another one."""
        self._names = seen.names.union(*map(tokens, SPAN.findall(text)))
        self._codes = [part in self._names or part in "([" for part in self._parts]
        """Of the student's program, and of the code spans here, where every word is a name."""

    def shows_snippet(self) -> bool:
        """Whether the student would learn a piece of code here."""
        for at in range(len(self._parts)):
            if (begun := self._begun(at)) and not self._is_known(begun):
                return True
            if at not in self._read and (values := self._values(at)) and self._is_new(values):
                return True
        return False

    def _at(self, at: int) -> str:
        """The token with this index; empty before the first one and after the last one."""
        return self._parts[at] if 0 <= at < len(self._parts) else ""

    def _of(self, part: range) -> list[str]:
        return self._parts[part.start : part.stop]

    def _is_known(self, part: range) -> bool:
        """Whether the student has it; or, where a pattern may be shown, whether it is no more."""
        its = self._of(part)
        if self._patterns and self._seen.own.isdisjoint(its):
            return True
        return self._seen.holds(its)

    def _values(self, at: int) -> list[range]:
        """The values of the expression that begins here, in order; none where none begins."""
        values = [value] if (value := self._value(at)) else []
        # What stands behind another token is not read twice, so that a search is linear.
        while values and self._at(values[-1].stop) in JOINING:
            value = self._value(values[-1].stop + 1)
            if not value or not self._joins(values, value):
                break
            values.append(value)
        self._read.update(value.start for value in values)
        return values

    def _value(self, at: int) -> range:
        """A name, a number or brackets, with the calls, indices and attributes behind it, or empty.

        What is taken of the value is noted as read, so that no other value begins there.
        """
        end = at
        if self._at(end) in ("-", "+", "~") and end in self._touching:
            end += 1
        part = self._at(end)
        if end in self._closing:
            end = self._closing[end] + 1
        elif (is_name(part) or part[:1].isdigit()) and part not in NO_VALUES:
            end += 1
        elif not self._is_method(end):
            return range(0)
        while end == at or end - 1 in self._touching:
            if end in self._closing and self._at(end) != "{":
                self._read.add(end)
                end = self._closing[end] + 1
            elif self._at(end) == "." and end in self._touching and is_name(self._at(end + 1)):
                self._read.add(end + 1)
                end += 2
            elif self._at(end) in STEPPING:
                end += 1
            else:
                break
        return range(at, end)

    def _is_method(self, at: int) -> bool:
        """Whether a method of a text is called: the quotes before its point are no tokens."""
        called = is_name(self._at(at + 1)) and self._at(at + 2) == "("
        return self._at(at) == "." and at in self._touching and called

    def _is_code(self, value: range) -> bool:
        """Whether it is a name of the student's, or more than a name. value: may be empty."""
        return any(self._codes[value.start : value.stop])

    def _joins(self, values: list[range], right: range) -> bool:
        """Whether the token between two values is an operator, and no mark of prose.

        values: of the expression up to there, the left one last.
        """
        left = values[-1]
        at, first, before = left.stop, self._at(left.start), self._at(left.start - 1)
        operator = self._parts[at]
        if first in PARTICLES:
            # "`//`는 `%`와" names two signs.
            return False
        if operator == "=" or operator in ASSIGNING:
            return is_name(first)
        returned = before == "return" and is_name(first)
        codes = (returned or self._is_code(left), self._is_code(right))
        if operator in COMPARING:
            # In `n % 2 != 1` it stands between two numbers.
            code = any(codes) or any(map(self._is_code, values))
            return code or is_name(first) or is_name(self._at(right.start))
        if operator not in EVERYDAY:
            return False
        alike = (at - 1 in self._touching) == (at in self._touching)
        if before == "=" and is_name(first):
            # What is computed for a name is code, whoever has chosen the names.
            return alike
        if not alike:
            # A dash or emphasis touches one word, and rarely two names of the program.
            return operator in "+-/%" and all(codes)
        numbers = (first[0].isdigit(), self._at(right.stop - 1)[0].isdigit())
        if all(code or number for code, number in zip(codes, numbers, strict=True)):
            return True
        computed = max(len(left), len(right)) > 1
        return operator in "+*/%" and any(codes) and computed

    def _is_new(self, values: list[range]) -> bool:
        """Whether this expression is code, and not the student's."""
        whole = range(values[0].start, values[-1].stop)
        if self._at(whole.start - 1) == "return" and self._computes(whole):
            return not self._is_known(range(whole.start - 1, whole.stop))
        return self._is_expression(values) and not self._is_known(whole)

    def _computes(self, whole: range) -> bool:
        """Whether it is more than a name, a number or words in brackets."""
        parts = self._of(whole)
        operated = any(part in OPERATORS for part in parts)
        called = parts[0] != "(" and any(part in "([" for part in parts)
        return (operated or called) and any(map(is_name, parts))

    def _is_expression(self, values: list[range]) -> bool:
        """Whether it is code, and not only a value that is told: `cups = 7` says what a name holds.

        values: of one expression, at least one.
        """
        first, last = values[0], values[-1]
        if len(values) == 1:
            return self._is_call(first)
        if self._parts[first.stop] != "=":
            return self._holds_names(range(first.start, last.stop))
        if self._at(first.start - 1) in TYPES or self._at(last.stop) == ";":
            return True
        computed = len(values) > 2 or self._is_code(last)
        return computed and self._holds_names(range(values[1].start, last.stop))

    def _holds_names(self, part: range) -> bool:
        """Whether it is more than values, and calls with values of the student's function."""
        return any(
            is_name(self._parts[at])
            and at not in self._quoted
            and self._parts[at] not in LITERALS | OPERATORS
            and self._parts[at] not in self._seen.functions
            for at in part
        )

    def _is_call(self, value: range) -> bool:
        """Whether one value is code: a call, an index, a function of a module, or a step `n++`."""
        first = self._at(value.start)
        if self._at(value.stop - 1) in STEPPING:
            return first not in LANGUAGES
        opened = next((at for at in value if at in self._closing), None)
        if opened is None:
            return first in MODULES and self._at(value.start + 1) == "."
        name, inside = self._at(opened - 1), self._of(range(opened + 1, self._closing[opened]))
        if opened == value.start or name in KEYWORDS:
            return False
        if self._at(opened) == "[":
            plain = all(part in self._names or part[0].isdigit() for part in inside)
            return name in self._names and not plain
        if opened > value.start + 1:
            # A method, or a call behind a sign: prose has no such thing.
            return True
        if name in self._seen.functions or name in LOOKING:
            return False
        if not inside:
            return is_name(name)
        if inside == ["s"] and "s" not in self._names:
            # The plural of prose, as in "value(s)".
            return False
        if name in self._names:
            # With values alone, `f(3)` asks what a call gives.
            within = range(opened + 1, self._closing[opened])
            return any(is_name(self._at(at)) and at not in self._quoted for at in within)
        return name in BUILTINS or any(part in self._names for part in inside)

    def _begun(self, at: int) -> range:
        """The tokens by which to know a statement that is told here; none where there is none."""
        match self._parts[at]:
            case "," if self._swaps(at):
                return range(at - 1, at + 6)
            case "except" if RAISED.fullmatch(self._at(at + 1)):
                return range(at, at + 2)
        if not self._is_statement(at):
            return range(0)
        return range(at, at + (4 if self._parts[at] == "for" else 3))

    def _swaps(self, at: int) -> bool:
        """Whether the comma stands in `a, b = b, a`, or in a row of other names."""
        signs = self._at(at + 2), self._at(at + 4)
        names = {self._at(at + step) for step in (-1, 1, 3, 5)}
        return signs == ("=", ",") and all(map(is_name, names)) and names.isdisjoint(LITERALS)

    def _is_statement(self, at: int) -> bool:
        """Whether the token is a keyword, and begins a statement and not a part of a sentence."""
        name, then = self._at(at + 1), self._at(at + 2)
        match self._parts[at]:
            case "def" | "function" | "class":
                return is_name(name) and then in ("(", ":") and at + 1 in self._touching
            case "lambda":
                return then in (":", ",")
            case "import" | "from" as word:
                return "import" in (word, then) and name in sys.stdlib_module_names
            case "!":
                return name == "(" and at in self._touching and at - 1 not in self._touching
            case "return":
                return then == ";"
            case "not" if self._at(at - 1) in ASKING:
                return then in OPERATORS and name in self._names
            case "for" if then == "in":
                short = len(name) <= 2 or name in self._names
                return self._is_code(self._value(at + 3)) and short
            case "for" | "if" | "while" | "switch" if name == "(" and at + 1 in self._closing:
                closed = self._closing[at + 1]
                return self._at(closed + 1) == "{" or ";" in self._of(range(at + 1, closed))
            case "if" | "elif" | "while":
                header = self._of(range(at + 1, at + HEADER_TOKENS))
                names = self._names | LITERALS | {"not", "and", "or", "in", "is"}
                end = next((mark for mark in (":", "else") if mark in header[1:]), "")
                return bool(end) and names.issuperset(header[: header.index(end)])
        return False


def _closing(parts: list[str]) -> dict[int, int]:
    """The index of each closed opening bracket, with the index of its closing bracket."""
    pairs, opened = {}, []
    for at, part in enumerate(parts):
        if part in ("(", "[", "{"):
            opened.append(at)
        elif part in (")", "]", "}") and opened:
            pairs[opened.pop()] = at
    return pairs


def _may_hold_code(parts: set[str]) -> bool:
    return not (
        SIGNS.isdisjoint(parts)
        and (":" not in parts or HEADS.isdisjoint(parts))
        and not {"for", "in"} <= parts
        and not {"if", "else"} <= parts
    )


def shows_snippet(text: str, seen: Seen, patterns: bool) -> bool:
    """Rule R1: code that is neither the student's nor a plain value.

    Calls of the student's own function and of print, `name = value`, and sums of numbers pass.
    text: a sentence or two. Its tokens are read once, whatever stands in them. patterns: code
    passes too in which no name is of the student's program.
    """
    text = folded(text)
    found = list(TOKEN.finditer(unquoted(text)))
    if not _may_hold_code({match[0] for match in found}):
        return False
    return Tokens(text, found, seen, patterns).shows_snippet()
