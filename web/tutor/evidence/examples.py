"""An example of everything that a composed hint may tell, to read its sentences by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict

RICE = """\
def rice_days(cups, per_day):
    days = 0
    while cups > per_day:
        cups - per_day
        days += 1
    return days
"""
TALL = """\
def tallest(heights):
    best = 0
    for i in range(len(heights) - 1):
        if heights[i] > best:
            best = heights[i + 1]
            return best
    print(best)
"""
WORDS = """\
def count(words, seen={}):
    rows = [[0] * 2] * 2
    for word in words:
        word = word.lower
        seen[word] = seen[word] + 1
    list = words
    if list or "a":
        return cuont(list)
"""
FACTORIAL = """\
def factorial(n):
    return n * factorial(n - 1)
"""
OPEN = """\
def double(n)
    return n * 2
"""
RECEIPT = """\
n = int(input("n: "))
prices = []
for i in range(n):
    prices.append(int(input()))
print(prices)
"""
TYPED = """\
n = int(input())
ㅔ갸ㅜㅅ(n)
"""
Values = dict[str, str | int | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Example:
    """A program, and what its run showed. told: the entry of the table of sentences."""

    told: str
    code: str
    report: Report


CALLS = {
    RICE: Case(call="rice_days(7, 3)", expected="3", got="2"),
    TALL: Case(call="tallest([150, 162, 171])", expected="171", got="162"),
    WORDS: Case(call="count(['a', 'b'])", expected="{'a': 1, 'b': 1}", got="{'a': 2}"),
    FACTORIAL: Case(call="factorial(3)", expected="6"),
    OPEN: Case(call="double(4)", expected="8"),
    TYPED: Case(call="", stdin="3\n", expected="3\n"),
    RECEIPT: Case(call="", stdin="2\n500\n30\n", expected="500\n30\n", got="n: [500, 30]"),
}
"""The failing case of each program, as a call."""
# The values of a kind need not all be of one run: each is there so that a sentence can be read.
FACTS: dict[FactKind, tuple[str, int, Values]] = {
    FactKind.SYNTAX: (OPEN, 1, {"message": "expected ':'"}),
    FactKind.STOPPED: (
        TALL, 5,
        {"type": "IndexError", "message": "list index out of range", "names": ("i = 2",)},
    ),
    FactKind.MISSING_FUNCTION: (RICE, 1, {"called": "rice_day", "close": "rice_days"}),
    FactKind.CALLED_OTHERWISE: (RICE, 1, {"name": "rice_days"}),
    FactKind.BEFORE_STOP: (TALL, 5, {"name": "best", "value": "162", "stop": 4}),
    FactKind.NO_NUMBER: (RECEIPT, 4, {"text": "'500 30'"}),
    FactKind.NO_WHOLE_NUMBER: (RECEIPT, 4, {"text": "'3.7'"}),
    FactKind.INPUT_OVER: (RECEIPT, 4, {"read": 2}),
    FactKind.INPUT_LEFT: (RECEIPT, 4, {"left": 1}),
    FactKind.PARTS_DIFFER: (RECEIPT, 4, {"wanted": 3, "found": 1}),
    FactKind.PRINTS_WRONG: (RECEIPT, 5, {"printed": "[500, 30]", "behind": 1}),
    FactKind.PRINTS_NOTHING: (RECEIPT, 3, {}),
    FactKind.OUTPUT_ENDS: (RECEIPT, 5, {}),
    FactKind.PROMPT_PRINTED: (RECEIPT, 1, {"prompt": '"n: "'}),
    FactKind.LIST_PRINTED: (RECEIPT, 5, {"printed": "[500, 30]"}),
    FactKind.OBJECT_PRINTED: (RECEIPT, 5, {"got_type": "map"}),
    FactKind.NAME_PRINTED: (RECEIPT, 5, {"name": "prices", "printed": "{prices}"}),
    FactKind.BLANKS_DIFFER: (RECEIPT, 5, {"printed": "50030", "behind": 1}),
    FactKind.DROPPED: (RICE, 4, {"expression": "cups - per_day"}),
    FactKind.PRINTED_GAVE_NONE: (TALL, 7, {"printed": "171"}),
    FactKind.ENDED_WITHOUT_VALUE: (TALL, 7, {"branch": "heights[i] > best"}),
    FactKind.ANOTHER_TYPE: (TALL, 6, {"got_type": "str", "expected_type": "int"}),
    FactKind.ENDS_FIRST_ROUND: (
        TALL, 6,
        {"loop": 3, "word": "return", "round": 1, "names": ("i = 0", "best = 162")},
    ),
    FactKind.NEVER_ENDS: (
        RICE, 3,
        {"condition": "cups > per_day", "names": ("cups = 7", "per_day = 3"),
         "unchanged": ("cups", "per_day"), "changed": ("days",)},
    ),
    FactKind.GROWS_ON: (WORDS, 3, {"sequence": "words"}),
    FactKind.SHRINKS_ON: (WORDS, 3, {"sequence": "words", "rounds": 2}),
    FactKind.NO_ROUND: (TALL, 3, {"loop": 3}),
    FactKind.ROUNDS: (TALL, 3, {"rounds": 2, "variable": "i", "first": "0", "last": "1"}),
    FactKind.LAST_UNSEEN: (TALL, 3, {"sequence": "heights", "index": 1, "length": 3, "forward": 1}),
    FactKind.FIRST_UNSEEN: (TALL, 3, {"sequence": "heights", "index": 1, "length": 3}),
    FactKind.OUT_OF_RANGE: (TALL, 5, {"sequence": "heights", "index": 3, "length": 3}),
    FactKind.MISSING_KEY: (WORDS, 5, {"key": "'b'", "keys": ("'a'",)}),
    FactKind.BRANCH_NOT_TAKEN: (
        TALL, 4, {"condition": "heights[i] > best", "asked": 3, "values": ("i = 0", "best = 200")},
    ),
    FactKind.BRANCH_ALWAYS_TAKEN: (
        TALL, 4, {"condition": "heights[i] > best", "asked": 3, "values": ("i = 0", "best = 0")},
    ),
    FactKind.BRANCH_SOMETIMES_TAKEN: (
        TALL, 4,
        {"condition": "heights[i] > best", "times": 1, "asked": 3,
         "values": ("i = 0", "best = 0")},
    ),
    FactKind.ONE_LIST_MANY_TIMES: (WORDS, 2, {"places": ("0", "1")}),
    FactKind.LEFT_BEHIND: (WORDS, 2, {"name": "rows"}),
    FactKind.CHANGED_INPUT: (WORDS, 5, {"name": "words", "before": "['a', 'b']", "after": "['a']"}),
    FactKind.PARAMETER_OVERWRITTEN: (RICE, 2, {"name": "cups"}),
    FactKind.LOOP_VARIABLE_OVERWRITTEN: (WORDS, 4, {"name": "word"}),
    FactKind.HIDES_BUILTIN: (WORDS, 6, {"name": "list"}),
    FactKind.NEVER_CALLED: (WORDS, 4, {"name": "lower"}),
    FactKind.UNCALLED: (FACTORIAL, 1, {"name": "factorial"}),
    FactKind.WRONG_NAME: (WORDS, 8, {"name": "cuont", "close": "count"}),
    FactKind.ALWAYS_TRUE_PART: (WORDS, 7, {"part": '"a"'}),
    FactKind.WRITES_ANSWER: (RICE, 5, {"name": "days", "values": ("0", "1", "2")}),
    FactKind.GIVES: (RICE, 6, {"value": "2"}),
    FactKind.LIMIT_TIME: (RICE, 4, {}),
    FactKind.LIMIT_MEMORY: (WORDS, 5, {}),
    FactKind.LIMIT_DEPTH: (FACTORIAL, 2, {"function": "factorial", "depth": 1000}),
    FactKind.AGAINST_PASSING: (
        TALL, 4,
        {"call": "tallest([150, 162])", "condition": "heights[i] > best",
         "values_failing": ("i = 1", "best = 162"), "values_passing": ("i = 0", "best = 0")},
    ),
    FactKind.FIRST_DIFFERENCE: (RICE, 5, {"name": "days", "value": "2", "at": "round 2"}),
}  # fmt: skip
OTHERWISE: list[tuple[FactKind, tuple[str, int, Values]]] = [
    (FactKind.ONE_LIST_MANY_TIMES, (WORDS, 1, {"places": ("seen",)})),
    (FactKind.ONE_LIST_MANY_TIMES, (WORDS, 2, {"whole": "rows"})),
    (FactKind.ONE_LIST_MANY_TIMES, (WORDS, 2, {"attribute": "rows"})),
    (
        FactKind.STOPPED,
        (
            FACTORIAL,
            2,
            {
                "type": "TypeError",
                "names": ("n = 3",),
                "message": "factorial() takes 1 positional argument but 2 were given",
            },
        ),
    ),
    (FactKind.NO_NUMBER, (RECEIPT, 4, {"text": "''"})),
    (
        FactKind.ENDS_FIRST_ROUND,
        (TALL, 6, {"loop": 3, "word": "return", "round": 1, "names": ("i = 0",), "always": 1}),
    ),
    (
        FactKind.LAST_UNSEEN,
        (TALL, 3, {"sequence": "heights", "index": 1, "length": 3}),
    ),
    (
        FactKind.FIRST_UNSEEN,
        (TALL, 3, {"sequence": "heights", "index": 1, "length": 3, "forward": 1}),
    ),
    (FactKind.OUT_OF_RANGE, (TALL, 5, {"index": 3, "moving": 1})),
    (FactKind.OUT_OF_RANGE, (TALL, 5, {"sequence": "heights", "index": -1, "length": 0})),
    (FactKind.OUT_OF_RANGE, (TALL, 5, {"index": 2})),
    (
        FactKind.BRANCH_NOT_TAKEN,
        (TALL, 4, {"condition": "heights[i] > best", "asked": 1, "values": ("i = 0",)}),
    ),
    (
        FactKind.BRANCH_ALWAYS_TAKEN,
        (TALL, 4, {"condition": "heights[i] > best", "asked": 1, "values": ("i = 0",)}),
    ),
    (FactKind.WRONG_NAME, (WORDS, 8, {"name": "cuont", "near_builtin": 1})),
    (FactKind.WRONG_NAME, (WORDS, 8, {"name": "cuont"})),
    (FactKind.WRONG_NAME, (TYPED, 2, {"name": "ㅔ갸ㅜㅅ"})),
    (FactKind.OUTPUT_ENDS, (RECEIPT, 5, {"breaks": 1})),
    (FactKind.ROUNDS, (TALL, 3, {"rounds": 6, "runs": 2})),
    (FactKind.WRITES_ANSWER, (RICE, 5, {"name": "days", "values": ("1",)})),
    (FactKind.WRITES_ANSWER, (RICE, 5, {"name": "days", "values": ("2",), "answer": 1})),
    (FactKind.GIVES, (FACTORIAL, 2, {"value": "6"})),
    (
        FactKind.NEVER_ENDS,
        (RICE, 3, {"condition": "cups > per_day", "unchanged": ("cups", "per_day")}),
    ),
    (
        FactKind.NEVER_ENDS,
        (RICE, 3, {"condition": "cups > per_day", "settled": ("cups",)}),
    ),
]
REPORTS = {
    Verdict.FAILED: (RICE, None),
    Verdict.ERROR: (
        TALL,
        ProgramError(kind="IndexError", message="list index out of range", line=5),
    ),
    Verdict.SYNTAX: (OPEN, ProgramError(kind="SyntaxError", message="expected ':'", line=1)),
    Verdict.TIME: (RICE, None),
    Verdict.MEMORY: (WORDS, None),
    Verdict.TOO_DEEP: (FACTORIAL, None),
    Verdict.OUTPUT: (TALL, None),
    Verdict.CRASHED: (FACTORIAL, None),
}
"""Runs of which no fact is known."""


def examples() -> Iterator[Example]:
    """One of each kind of fact, then one of each verdict that has sentences of its own.

    Of a kind that is told otherwise where something else is known, there are two.
    """
    for kind, (code, line, values) in (*FACTS.items(), *OTHERWISE):
        fact = Fact(kind=kind, line=line, values=values, score=1)
        syntax = kind is FactKind.SYNTAX
        verdict = Verdict.SYNTAX if syntax else Verdict.FAILED
        first = None if syntax else CALLS[code]
        yield Example(kind, code, Report(verdict=verdict, total=3, first=first, facts=(fact,)))
    for verdict, (code, error) in REPORTS.items():
        first = None if verdict in (Verdict.SYNTAX, Verdict.OUTPUT) else CALLS[code]
        if first and error:
            first = replace(first, got=None, error=f"{error.kind}: {error.message}")
        report = Report(verdict=verdict, total=3, first=first, error=error)
        yield Example(f"report_{verdict}", code, report)
