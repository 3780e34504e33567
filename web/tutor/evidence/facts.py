"""What a student's own program did on its failing case, as facts about its lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from web.tutor.gate.lexis import printable

MOST_FACTS = 8
"""Facts of a report, the most telling ones."""
TEXT_CHARS = 120
"""Longest text of a fact, each of a list alone."""
MOST_VALUES = 12
"""Values of a fact, also texts of one of its lists."""
MOST_LINES = 5
LAST_LINE = 100_000
LARGEST = 10**12
"""Largest whole number that a fact tells as one."""
OF_CODE = frozenset({
    "attribute", "branch", "changed", "close", "condition", "expression", "function", "name",
    "part", "prompt", "sequence", "settled", "unchanged", "variable", "whole", "word",
})  # fmt: skip
"""Values of facts that the student has written. All others come from a run: of a hidden case, whose
input nobody may see, they are not told."""


class FactKind(StrEnum):
    """What happened; in brackets the values that a fact of the kind carries."""

    SYNTAX = "syntax"
    """Python cannot read the code. (message)"""
    STOPPED = "stopped"
    """An exception ended the case. (type, message, names: `cups = 1` …)"""
    MISSING_FUNCTION = "missing_function"
    """The tests call what the program does not have. (called, close: a function that it has)"""
    CALLED_OTHERWISE = "called_otherwise"
    """The tests call the function with another number of values than it takes. (name)"""
    BEFORE_STOP = "before_stop"
    """The line gives a name its value, and an exception ends the case. (name, value, stop: line)"""
    NO_NUMBER = "no_number"
    """A text that is no number was to become one. (text)"""
    NO_WHOLE_NUMBER = "no_whole_number"
    """A text that is a number with a point was to become a whole one. (text)"""
    INPUT_OVER = "input_over"
    """The program reads on when the input is over. (read: lines of the input)"""
    INPUT_LEFT = "input_left"
    """Lines of the input that nothing has read. (left: how many)"""
    PARTS_DIFFER = "parts_differ"
    """A value was to be parted among names, and has another number of parts. (wanted, found)"""
    PRINTS_WRONG = "prints_wrong"
    """Where the output first differs from what is expected. (printed, behind: 1 where something was
    printed before it)"""
    PRINTS_NOTHING = "prints_nothing"
    """The program ends and has printed nothing. ()"""
    OUTPUT_ENDS = "output_ends"
    """All that is printed is as expected, and more is. (breaks: 1 where lines end elsewhere)"""
    PROMPT_PRINTED = "prompt_printed"
    """The question of an `input` stands in the output. (prompt)"""
    LIST_PRINTED = "list_printed"
    """A list is printed with its brackets, and none are expected. (printed)"""
    OBJECT_PRINTED = "object_printed"
    """An object is printed itself, and not what is in it. (got_type)"""
    NAME_PRINTED = "name_printed"
    """The letters of a name are printed where its value was meant. (name, printed)"""
    BLANKS_DIFFER = "blanks_differ"
    """The output differs in blanks and line ends alone; where it does first. (printed)"""
    DROPPED = "dropped"
    """A value is computed and nothing keeps it. (expression)"""
    PRINTED_GAVE_NONE = "printed_gave_none"
    """The answer is printed, and the caller gets None. (printed)"""
    ENDED_WITHOUT_VALUE = "ended_without_value"
    """The function ended without return. (branch: condition that was false, if there is one)"""
    ANOTHER_TYPE = "another_type"
    """The answer is another kind of value. (got_type, expected_type)"""
    ENDS_FIRST_ROUND = "ends_first_round"
    """The loop was left in its first round. (loop, word, round, names, always: 1 where no way
    leads to a second one)"""
    NEVER_ENDS = "never_ends"
    """The loop went on until it was stopped. (condition, names, unchanged, settled: from some
    round on, changed, rounds)"""
    GROWS_ON = "grows_on"
    """The loop goes over what grows in each round. (sequence)"""
    SHRINKS_ON = "shrinks_on"
    """The loop goes over what gets shorter within it. (sequence, rounds)"""
    NO_ROUND = "no_round"
    """The loop's body did not run. (loop)"""
    ROUNDS = "rounds"
    """How often the loop's body ran. (rounds, variable, first, last, length)"""
    LAST_UNSEEN = "last_unseen"
    """The loop's index never comes to the end of what it looks into. (sequence, index, length,
    forward: 1 where the index goes up)"""
    FIRST_UNSEEN = "first_unseen"
    """The loop's index never comes to the first of what it looks into. (sequence, index, length,
    forward)"""
    OUT_OF_RANGE = "out_of_range"
    """An index that is not there. (sequence, index, length, moving: 1 where it is worked out)"""
    MISSING_KEY = "missing_key"
    """A key that is not there. (key, keys)"""
    BRANCH_NOT_TAKEN = "branch_not_taken"
    """The condition was never true. (condition, asked: how often, values: `n = 3` …)"""
    BRANCH_ALWAYS_TAKEN = "branch_always_taken"
    """The condition was always true. (condition, asked, values)"""
    BRANCH_SOMETIMES_TAKEN = "branch_sometimes_taken"
    """The condition was true in some rounds. (condition, times, asked, values when it was true)"""
    ONE_LIST_MANY_TIMES = "one_list_many_times"
    """Places of the answer, of a name's value, calls of a function or objects of a class share one
    value that can change. (places; whole: the name; attribute: of the class)"""
    LEFT_BEHIND = "left_behind"
    """A name that calls change and tests share, where the case alone passes. (name)"""
    CHANGED_INPUT = "changed_input"
    """An argument differs after the call. (name, before, after)"""
    PARAMETER_OVERWRITTEN = "parameter_overwritten"
    """A parameter gets a new value before it is read. (name)"""
    LOOP_VARIABLE_OVERWRITTEN = "loop_variable_overwritten"
    """The body gives the loop's variable another value. (name)"""
    HIDES_BUILTIN = "hides_builtin"
    """A name of Python's own is used for something else. (name)"""
    NEVER_CALLED = "never_called"
    """A function of the program, or of a module, is named and not called. (name)"""
    UNCALLED = "uncalled"
    """A function of the program that nothing calls. (name)"""
    WRONG_NAME = "wrong_name"
    """A name that nothing has made. (name, close, near_builtin: 1 where Python has one like it)"""
    ALWAYS_TRUE_PART = "always_true_part"
    """A part of a condition that cannot be false. (part)"""
    WRITES_ANSWER = "writes_answer"
    """The line gives the value that reaches the answer. (name, values it went through, answer: 1
    where the name itself is the answer)"""
    GIVES = "gives_back"
    """The line that gave the answer. (value, inner: 1 where it gave only that of another call)"""
    LIMIT_TIME = "limit_time"
    """Where the program was when its time was over. ()"""
    LIMIT_MEMORY = "limit_memory"
    """Where the program was when its memory was full. ()"""
    LIMIT_DEPTH = "limit_depth"
    """The function calls itself too often. (function, depth)"""
    AGAINST_PASSING = "against_passing"
    """The same condition came out otherwise in a passing case.
    (call, condition, values_failing, values_passing)"""
    FIRST_DIFFERENCE = "first_difference"
    """Where the run and that of the reference part; only the student's side. (name, value, at)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """line: 1-based; lines: others that belong to it; score: how telling it is, 0 to 2."""

    kind: FactKind
    line: int
    lines: tuple[int, ...] = ()
    values: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)
    score: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Keys kind, line, lines, values, score; only JSON types."""
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.values.items()
        }
        return asdict(self) | {
            "kind": self.kind.value, "lines": list(self.lines), "values": values
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: object) -> Fact | None:
        """A fact as as_json wrote it, each field checked and cut; None for what is none.

        data: untrusted, for a student's program shares its memory with what finds facts.
        """
        # In a list, not a set: what is sent as a kind need not have a hash.
        if not isinstance(data, Mapping) or data.get("kind") not in list(FactKind):
            return None
        line = whole(data.get("line"), 1, LAST_LINE)
        lines, values = data.get("lines", ()), data.get("values", {})
        if line is None or not isinstance(lines, list | tuple):
            return None
        if not isinstance(values, Mapping):
            return None
        kept = {}
        for name, value in list(values.items())[:MOST_VALUES]:
            # Names of values are ours; text of the student's stands in values alone.
            if isinstance(name, str) and name.isascii() and name.isidentifier():
                cut = _value(value)
                if cut is not None:
                    kept[name[:TEXT_CHARS]] = cut
        score = data.get("score", 0)
        return cls(
            kind=FactKind(data["kind"]),
            line=line,
            lines=tuple(each for each in lines[:MOST_LINES] if whole(each, 1, LAST_LINE)),
            values=kept,
            score=_score(score),
        )


def facts_from_json(data: object) -> tuple[Fact, ...]:
    """The first MOST_FACTS facts of a list; what is no fact is left out."""
    if not isinstance(data, list | tuple):
        return ()
    return tuple(filter(None, map(Fact.from_json, data[:MOST_FACTS])))


def cut_text(text: str, most: int) -> str:
    """Printable text of at most `most` characters; a cut one ends with `…`."""
    return printable(text if len(text) <= most else text[: most - 1] + "…")


def whole(value: object, least: int, most: int) -> int | None:
    """The value, where it is a whole number from `least` to `most`."""
    # A bool is an int, and counts nothing.
    return value if type(value) is int and least <= value <= most else None


def _value(value: object) -> str | int | tuple[str, ...] | None:
    match value:
        case bool():
            return str(value)
        case int() if abs(value) <= LARGEST:
            return value
        case str():
            return cut_text(value, TEXT_CHARS)
        case list() | tuple():
            texts = [each for each in value[:MOST_VALUES] if isinstance(each, str)]
            return tuple(cut_text(each, TEXT_CHARS) for each in texts)
    return None


def _score(value: object) -> float:
    # JSON as Python reads it has NaN and infinities too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), 2.0)
