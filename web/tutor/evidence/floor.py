"""What a student gets where no model's text may be shown, best first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from broker.contract.hint import Outcome, Source
from web.tutor.evidence.compose import HIGHEST, Composed
from web.tutor.evidence.forms import FORMS
from web.tutor.evidence.wording import TABLES
from web.tutor.gate.gate import Gate
from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.gate.orders import LINE
from web.tutor.languages import Locale
from web.tutor.levels import LEVELS

NUMBER = re.compile(r"\d+")
OF_ANY_LINE = {
    locale: "\n".join((*FORMS.values(), *table.rules.values())) for locale, table in TABLES.items()
}
"""How Python wants any line to be written; that tells nothing of one exercise's solution."""


def floor(
    *,
    level: int,
    locale: Locale,
    code: str,
    statement: str,
    reference: str,
    composed: Iterable[Composed],
    authored: str,
    l0: str,
) -> Iterator[tuple[Source, str]]:
    """Texts with their sources; an empty one is not to be had.

    composed: hints as web.tutor.evidence.compose makes them; the first one counts that gives away
    nothing: it knows no reference, but a value of the run may happen to be a piece of it.
    """

    def passes(told: Composed) -> bool:
        rules = OF_ANY_LINE[locale] if told.level > HIGHEST else ""
        if only_reference_has(told.text, reference, f"{code}\n{statement}\n{l0}\n{rules}"):
            return False
        gate = Gate(
            level=told.level,
            locale=locale,
            student_code=code,
            # What the run held stands in the hint's spans, and is the student's to know.
            statement="\n".join([statement, l0, *SPAN.findall(told.text)]),
            reference=reference,
        )
        gate.feed(told.text)
        ruling = gate.finish()
        return ruling.ok and ruling.text == told.text

    def evidence(told: Iterable[Composed]) -> Iterator[tuple[Source, str]]:
        return ((Source.EVIDENCE, each.text) for each in islice(filter(passes, told), 1))

    all_told = tuple(composed)
    if LEVELS[level].by_author:
        # A plan is the author's to explain, and so is a rule that has no sentences at this level.
        yield from evidence(each for each in all_told if each.level == level)
        yield Source.AUTHORED, authored
    yield from evidence(all_told)
    yield Source.AUTHORED, authored
    yield Source.L0, l0


def only_reference_has(text: str, reference: str, shown: str) -> bool:
    """Whether the hint holds a number or a piece of code of the reference that nobody has shown."""
    # A line's number is no part of a program, whatever numbers the reference holds.
    words = f"{' '.join(SPAN.findall(text))} {' '.join(NUMBER.findall(LINE.sub('', text)))}"
    return not set(tokens(reference)).intersection(tokens(words)) <= set(tokens(shown))


def fallback(outcome: Outcome, texts: Iterable[tuple[Source, str]]) -> Outcome:
    """The outcome with what the student gets without a model: the first of these that is there."""
    source, text = next((each for each in texts if each[1]), (Source.L0, ""))
    return replace(outcome, text=text, source=source)
