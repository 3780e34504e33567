"""The hint that a test of a connection asks for: of the first exercise of the seed course."""

from __future__ import annotations

from functools import lru_cache

from broker.contract.job import Message
from web.courses import seeding
from web.courses.seeding import SeedExercise
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.gate.gate import Gate
from web.tutor.languages import Locale
from web.tutor.writing import prompt

LEVEL = 1
# A hint's is new and secret. This one need not be: the program that it marks is our own.
NONCE = "5eed1e55"
REPORT = Report(
    verdict=Verdict.FAILED,
    passed=4,
    total=6,
    first=Case(call="rice_days(7, 3)", expected="3", got="2"),
)
"""What the tests of the exercise say of the first wrong program in its file."""


@lru_cache(maxsize=1)
def exercise() -> SeedExercise:
    return seeding.load().exercises[0]


def messages(locale: Locale, blocked: str | None) -> list[Message]:
    """As a hint of a student sends them. blocked: why the gate refused the first answer."""
    task = prompt.PromptTask(
        level=LEVEL,
        locale=locale,
        statement=exercise().row.statement(locale),
        hint=exercise().hints[LEVEL].text(locale),
        mistakes=exercise().row.mistakes(locale),
        result=l0_words(REPORT, locale),
        code=exercise().wrong[0],
        retry=blocked,
    )
    return prompt.build(task, NONCE)


def gate(locale: Locale) -> Gate:
    return Gate(
        level=LEVEL,
        locale=locale,
        student_code=exercise().wrong[0],
        statement=f"{exercise().row.statement(locale)}\n{l0_words(REPORT, locale)}",
        reference=exercise().row.reference,
    )
