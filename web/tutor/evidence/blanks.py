"""What the blanks of a composed hint hold: the failing case, and what a fact tells, as Markdown.

Nothing else gets into a hint: pieces of the student's program, of the failing case, and values that
the program had on it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache

from web.tutor.evidence import raised
from web.tutor.evidence.explain import line_of, met_syntax
from web.tutor.evidence.facts import OF_CODE, Fact, FactKind
from web.tutor.evidence.forms import rule_of
from web.tutor.evidence.keyboard import PYTHONS, is_pythons
from web.tutor.evidence.l0 import LINE_END, one_line
from web.tutor.evidence.report import Report, Verdict
from web.tutor.evidence.wording import TABLES, Wording
from web.tutor.evidence.wording.particles import Said
from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.gate.seen import BRACKETS
from web.tutor.languages import Locale

SPAN_CHARS = 80
"""A longer piece is hard to read within a sentence, and stands in the test report anyway."""
HEAD_CHARS, TAIL_CHARS = 30, 15
"""Of the two ends by which a call or an input is named that is longer than both."""
LISTED = 4
"""Values that are told of a longer row."""
MORE = "…"
NOTHING = "\0"
"""Fills an optional blank; it goes with a space beside it."""
IDENTIFIER = re.compile(r"[^\W\d]\w*")
VARIABLE = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w|\s*\()")
"""A name that is neither called nor taken of something."""
MAKES = re.compile(r"^[ \t]*+(?:async[ \t]++)?def\s", re.MULTILINE)
"""A line that makes a function."""
TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|#.*")
EMPTY_TEXTS = {"''", '""'}
"""As Python shows a text that has nothing in it."""
OF_NO_VALUE = {"NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError"}
"""Where one of these is raised, the name that matters holds nothing."""
MARKS = frozenset({"always", "behind", "breaks", "forward", "moving", "near_builtin"})
"""What a fact says to be so or not: a sentence with such a blank is told only where it is."""
TELLS_THE_STOP = frozenset({
    FactKind.STOPPED, FactKind.BEFORE_STOP, FactKind.MISSING_FUNCTION, FactKind.CALLED_OTHERWISE,
    FactKind.NO_NUMBER, FactKind.NO_WHOLE_NUMBER, FactKind.INPUT_OVER, FactKind.PARTS_DIFFER,
    FactKind.OUT_OF_RANGE, FactKind.MISSING_KEY, FactKind.WRONG_NAME, FactKind.LIMIT_DEPTH,
    FactKind.LIMIT_MEMORY, FactKind.LIMIT_TIME, FactKind.NEVER_ENDS,
    FactKind.GROWS_ON, FactKind.SYNTAX,
})  # fmt: skip
"""Of any other kind of fact nobody would see that the program stops."""
COUNTS = frozenset({
    "asked", "found", "index", "left", "length", "read", "round", "stop", "wanted",
})  # fmt: skip
"""Numbers that stand in the sentence as they are."""
TIMES = frozenset({"rounds", "runs", "times"})
"""Numbers that say how often."""


class Blanks:
    """brief: names neither the case nor what it gave, for a sentence that would be too long."""

    def __init__(
        self, report: Report, fact: Fact | None, locale: Locale, code: str, *, brief: bool
    ) -> None:
        self._report, self._fact, self._code, self._brief = report, fact, code, brief
        self._locale, self._table = locale, TABLES[locale]
        first = report.first
        self._hidden = bool(first and first.hidden)

    def fill(self, wording: Wording) -> str:
        """The sentence; empty where something that it needs is not known."""
        values = self._values
        if not wording.blanks <= values.keys():
            return ""
        # What fills a blank is not read for blanks again, so a value may hold braces.
        text = wording.text.format_map(values)
        if self._fact and self._fact.kind not in TELLS_THE_STOP:
            text = f"{self._stops()} {text}"
        text = text.replace(f"{NOTHING} ", "").replace(NOTHING, "")
        return upper(text)

    @cached_property
    def _values(self) -> dict[str, str]:
        case = self._case()
        found: dict[str, str | None] = {
            "case": case,
            "Case": upper(case),
            "against": self._against() or NOTHING,
            "expected": self._expected(),
            "line": self._line(),
            "type": self._type(),
            "meaning": self._meaning(),
            "rule": self._rule(),
            "named": NOTHING if self._names_something() else None,
            "whole_lines": None if self._fact and self._fact.values.get("breaks") else NOTHING,
            "gave": None if self._report.error else NOTHING,
            "makes": NOTHING if MAKES.search(self._code) else None,
            "held": NOTHING if self._fact and self._fact.values.get("names") else None,
        }
        if self._fact:
            found |= {name: self._of_fact(name) for name in self._fact.values if name not in found}
            self._tell_apart(self._fact, found)
            self._tell_the_stop(self._fact, found)
        return {name: value for name, value in found.items() if value}

    def _tell_apart(self, fact: Fact, found: dict[str, str | None]) -> None:
        """Renames what is told in another sentence, and drops what cannot be."""
        values, places, keys = (fact.values.get(name) for name in ("values", "places", "keys"))
        match fact.kind:
            # One value alone is nothing that a name goes through, and may be the result.
            case FactKind.WRITES_ANSWER if isinstance(values, tuple) and len(values) == 1:
                whole = "answer" in fact.values and self._is_result(values[0])
                found["result" if whole else "value"] = found.pop("values")
            # The rounds of all its starts together say little of one.
            case FactKind.ROUNDS if "runs" in fact.values:
                found["in_all"] = found.pop("rounds")
            case FactKind.BRANCH_NOT_TAKEN | FactKind.BRANCH_ALWAYS_TAKEN if found.get("asked"):
                found["once" if fact.values["asked"] == 1 else "often"] = NOTHING
            # What stays the same holds no loop up where something else changes.
            case FactKind.NEVER_ENDS if fact.values.get("changed"):
                found["unchanged"] = found["settled"] = None
            # One place alone is a parameter, whose list is kept from call to call.
            case FactKind.ONE_LIST_MANY_TIMES if isinstance(places, tuple) and len(places) == 1:
                found["kept"] = found.pop("places")
            # These are not the keys of the dictionary that was asked.
            case FactKind.MISSING_KEY if isinstance(keys, tuple) and fact.values.get("key") in keys:
                found["keys"] = None
            # What a helper, an inner call or one of several prints gives is not the result.
            case FactKind.GIVES if "inner" in fact.values or not self._is_result(
                fact.values.get("value")
            ):
                found["between"] = found.pop("value", None)

    def _tell_the_stop(self, fact: Fact, found: dict[str, str | None]) -> None:
        """The same of what stopped the program."""
        match fact.kind:
            # Of nothing there is no last position.
            case FactKind.OUT_OF_RANGE:
                found["fixed"] = None if found.get("moving") else NOTHING
                if fact.values.get("length") == 0:
                    found |= {"length": None, "moving": None, "fixed": None, "empty": NOTHING}
            # In an empty text there is no part that is a number.
            case FactKind.NO_NUMBER if fact.values.get("text") in EMPTY_TEXTS:
                found["text"], found["empty"] = None, None if self._hidden else NOTHING
            # The values may all be right where the call's form is wrong.
            case FactKind.STOPPED if self._is_of_call():
                found |= {"names": None, "held": None, "named": None, "of_call": NOTHING}
            case FactKind.WRONG_NAME:
                typed = is_pythons(spelled(str(fact.values.get("name")), self._code))
                found["keyboard"] = NOTHING if typed else None
                told = typed or found.get("near_builtin") or found.get("close")
                found["own_made"] = None if told else NOTHING

    def _is_of_call(self) -> bool:
        kind = (self._type() or "").strip("`")
        return raised.is_of_call(kind, self._message())

    def _stops(self) -> str:
        """That the program stops, as a sentence; nothing of one that comes to its end."""
        error = self._report.error
        if error is None or self._report.verdict is not Verdict.ERROR:
            return NOTHING
        known = IDENTIFIER.fullmatch(error.kind)
        return self._table.cases["stops"].format(type=span(error.kind)) if known else NOTHING

    def _is_result(self, value: object) -> bool:
        """Whether it is all that the failing case gave."""
        first = self._report.first
        return bool(first and first.got and first.got.strip() == value)

    def _case(self) -> str:
        first, cases = self._report.first, self._table.cases
        if first is None:
            return cases["none"]
        if first.hidden:
            return cases["hidden"]
        # What the tests look at need not be what a call gives.
        one_call = first.call.endswith(")") and "; " not in first.call
        name, text = "call" if one_call else "steps", first.call
        if first.stdin is not None:
            name, text = "stdin", one_line(first.stdin, LINE_END)
        # The test report names the case in full, however long it is.
        shown = None if self._brief else span(ends(text))
        values = {"stdin" if first.stdin is not None else "call": shown}
        return cases[name].format_map(values) if shown else cases["long"]

    def _against(self) -> str:
        """What the case should have given, and what it gave."""
        first = self._report.first
        if self._brief or first is None or first.hidden:
            return ""
        expected, got = span(first.expected), span(first.got or "")
        name = "against_call" if first.stdin is None else "against_stdin"
        values = {"expected": expected, "got": got}
        # Two that look alike differ in what cannot be seen.
        told = expected and got and expected != got
        return self._table.cases[name].format_map(values) if told else ""

    def _expected(self) -> str | None:
        first = self._report.first
        return span(first.expected) if first and not (first.hidden or self._brief) else None

    def _line(self) -> str | None:
        error = self._report.error
        line = self._fact.line if self._fact else error.line if error else None
        return str(line) if line and line <= self._code.count("\n") + 1 else None

    def _names_something(self) -> bool:
        """Whether a variable stands on the line, so that its value can be asked for."""
        line, error = self._line(), (self._type() or "").strip("`")
        if error in OF_NO_VALUE:
            return False
        names = VARIABLE.findall(TEXT.sub(" ", line_of(self._code, int(line or 0))))
        return not PYTHONS.issuperset(names)

    def _type(self) -> str | None:
        """Class of the exception that stopped the program."""
        error = self._report.error
        kind = self._fact.values.get("type") if self._fact else error.kind if error else None
        return span(kind) if isinstance(kind, str) and IDENTIFIER.fullmatch(kind) else None

    def _meaning(self) -> str | None:
        """What Python's words for the error mean; None where that names what is not there."""
        if self._fact and self._fact.kind is FactKind.SYNTAX:
            message = str(self._fact.values.get("message", ""))
            meaning = met_syntax(message, self._locale, self._code, self._fact.line)
            # The report says which sign is missing; a hint at these levels does not.
            shown = " ".join(SPAN.findall(meaning))
            return meaning if self._has_written(shown) else None
        # Many errors have no sentence, and the hint is whole without it; so has none that the
        # program raises itself, for a reason of its own.
        kind = (self._type() or "").strip("`")
        if raised.raises(self._code, int(self._line() or 0)):
            return NOTHING
        line = line_of(self._code, int(self._line() or 0))
        return raised.meaning(kind, self._message(), self._locale, self._code, line) or NOTHING

    def _message(self) -> str:
        """What Python says of the exception; of a hidden case nothing, for it tells of values."""
        error = self._report.error
        if self._hidden:
            return ""
        told = self._fact.values.get("message") if self._fact else error.message if error else None
        return str(told or "")

    def _rule(self) -> str | None:
        """How the line that Python cannot read should be written; None for one that it can."""
        fact = self._fact
        if fact is None or fact.kind is not FactKind.SYNTAX:
            return None
        message = str(fact.values.get("message", ""))
        rule, form = rule_of(message, line_of(self._code, fact.line))
        return self._table.rules[rule].format(form=form)

    def _of_fact(self, name: str) -> str | None:
        assert self._fact is not None
        value = self._fact.values[name]
        if name in MARKS:
            return NOTHING if value else None
        if name in OF_CODE:
            # The facts come from where the student's program ran, which may have forged them.
            texts = value if isinstance(value, tuple) else (value,)
            # What a list of names says holds of each of them.
            text = spelled(str(texts[0]), self._code) if texts else ""
            return span(text) if self._has_written(text) else None
        # Also how often a loop goes round, or how long a list is, may tell a hidden input.
        if self._hidden:
            return None
        # A class's name says little to a beginner, who has seen `str` at most.
        if name.endswith("_type"):
            return self._kind_of_value(value)
        if name in TIMES and isinstance(value, int):
            times = self._table.times
            return times.get(str(value), times["0"]).format(count=value)
        if name in COUNTS:
            return Said(value) if isinstance(value, int) else None
        return spans(value) if isinstance(value, tuple) else span(value)

    def _kind_of_value(self, name: object) -> str | None:
        types = self._table.types
        if name in types:
            return Said(types[str(name)])
        return span(name) if isinstance(name, str) and IDENTIFIER.fullmatch(name) else None

    def _has_written(self, text: str) -> bool:
        """Whether all of it stands in the student's program, in whatever order."""
        return written(self._code).issuperset(tokens(text))


def spelled(text: str, code: str) -> str:
    """With the program's own spelling of its names, which Python knows in another form.

    Source: Python's reference on identifiers, which are read in the form NFKC.
    """
    if text.isascii():
        return text
    names = {unicodedata.normalize("NFKC", name): name for name in IDENTIFIER.findall(code)}
    return IDENTIFIER.sub(lambda name: names.get(name[0], name[0]), text)


@lru_cache(maxsize=16)
def written(code: str) -> frozenset[str]:
    """Tokens of a program, of which each of its facts is asked; brackets are always among them."""
    return BRACKETS.union(tokens(code))


def upper(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def span(value: object) -> Said | None:
    """A code span of one line; None for what is no such line, or too long for a sentence."""
    # A backtick would end the span, and two lines would end the paragraph around it.
    text = str(value).strip()
    if not text or len(text) > SPAN_CHARS or "`" in text or len(text.splitlines()) > 1:
        return None
    return Said(f"`{text}`")


def ends(text: str) -> str:
    """Whole words of a long text's beginning and end, around `…`; empty where it has none there."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    head = text[: HEAD_CHARS + 1].rpartition(" ")[0]
    tail = text[-TAIL_CHARS - 1 :].partition(" ")[2]
    return f"{head} {MORE} {tail}" if head and tail else ""


def spans(values: Sequence[str]) -> Said | None:
    """Code spans in a row; None where none of them can be shown, and `…` for those left out."""
    # Where facts are found, a row that was cut ends with `…`.
    whole = [value for value in values if value != MORE]
    shown = list(map(span, whole[:LISTED]))
    if not shown or None in shown:
        return None
    more = [MORE] if len(whole) > LISTED or len(whole) < len(values) else []
    return Said(", ".join([*map(str, shown), *more]))
