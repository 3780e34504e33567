"""What a written hint says against what the program did: a wrong line, value or result (R9).

Only claims that can be read for certain are looked at: no word on a claim is no praise of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from web.tutor.evidence.report import Report
from web.tutor.gate.asides import NUMBERED
from web.tutor.gate.lexis import SPAN, folded, without_blanks

LINE = "line"
"""It names a line that the program does not have."""
VALUE = "value"
"""It says of a name that it has a value which it has at no time of the failing run."""
RESULT = "result"
"""It says that the failing call gives, or should give, something else than it does."""
EQUAL = re.compile(
    r"\s*([A-Za-z_]\w*)\s*==?\s*(-?\d+(?:\.\d+)?|'[^'\\]*'|\"[^\"\\]*\"|True|False|None)\s*"
)
GIVES = re.compile(
    r"`(?P<call>[^`\n]{1,200})`[^.?!`\n]{0,30}?(?:\b(?:gives?|returns?|is|gave|returned)\b"
    r"[^.?!`\n]{0,20}?`(?P<value>[^`\n]{1,200})`"
    r"|(?:의 결과는|은|는|을 부르면|를 부르면)\s*`(?P<ko>[^`\n]{1,200})`)"
)
SHOULD = re.compile(r"\b(?:should|expect\w*|must|supposed|ought|want\w*)\b|이어야|여야|기대|나와야")


def contradictions(text: str, code: str, report: Report) -> list[str]:
    """The kinds of what it says wrongly, each once, in this order. report: of the code, explained.

    The cost is linear in the text: each pattern's repetitions are bounded.
    """
    checks = (
        (LINE, lines(text, code)),
        (VALUE, values(text, report)),
        (RESULT, results(text, report)),
    )
    return [kind for kind, found in checks if any(found)]


def lines(text: str, code: str) -> Iterator[bool]:
    # A line break at the end begins no line.
    last = len(code.rstrip("\n").split("\n"))
    for found in NUMBERED.finditer(folded(text)):
        yield any(not 1 <= int(number) <= last for number in re.findall(r"\d+", found[0]))


def values(text: str, report: Report) -> Iterator[bool]:
    """Of names whose values were all seen; a value that the code itself writes down may stand."""
    seen = seen_values(report)
    for span in SPAN.findall(text):
        said = EQUAL.fullmatch(span)
        if said and said[1] in seen:
            yield without_blanks(said[2]) not in seen[said[1]]


def seen_values(report: Report) -> dict[str, set[str]]:
    """Of each name in the table of steps what it was, where no row was left out."""
    steps = report.steps
    # A row that was left out may hold the very value that a hint speaks of.
    if steps is None or steps.omitted:
        return {}
    found: dict[str, set[str]] = {}
    for held in (*(row.values for row in steps.rows), steps.at):
        for name, value in held.items():
            found.setdefault(name, set()).add(without_blanks(value))
    # A cut value could be any that begins like it.
    return {name: kept for name, kept in found.items() if not any("…" in each for each in kept)}


def results(text: str, report: Report) -> Iterator[bool]:
    """Of the failing call: a value said of it is what it gave, or what it should give."""
    case = report.first
    if case is None or case.hidden or not case.call or case.got is None:
        return
    call, known = (
        without_blanks(case.call),
        {without_blanks(case.got), without_blanks(case.expected)},
    )
    for found in GIVES.finditer(text):
        said = found["value"] or found["ko"]
        # Of other calls, a passing case's for instance, nothing is known here.
        if without_blanks(found["call"]) == call and "…" not in said:
            expected = bool(SHOULD.search(found[0]) or SHOULD.search(text[found.end() :][:12]))
            right = {without_blanks(case.expected)} if expected else known
            yield without_blanks(said) not in right
