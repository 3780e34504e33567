"""The hint that a test of a connection asks for: of a wrong program, as a student would."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from broker.contract.job import Message
from web.courses import seeding
from web.courses.models import AuthoredHint, Exercise
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.gate.gate import Gate
from web.tutor.languages import Locale
from web.tutor.writing import prompt
from web.tutor.writing.fault import Fault

LEVEL = 1
# A hint's is new and secret. This one need not be: the program that it marks is our own.
NONCE = "5eed1e55"
REPORT = Report(
    verdict=Verdict.FAILED,
    passed=4,
    total=6,
    first=Case(call="rice_days(7, 3)", expected="3", got="2"),
)
"""What the tests of the shipped exercise say of the first wrong program in its file."""


@dataclass(frozen=True, slots=True)
class WrongProgram:
    """A wrong program of one exercise. hint: its author's for LEVEL. report: what the tests say."""

    exercise: Exercise
    hint: AuthoredHint
    code: str
    report: Report

    def messages(self, locale: Locale, fault: Fault | None) -> list[Message]:
        """As a hint of a student sends them. fault: of the first answer, for the second one."""
        task = prompt.PromptTask(
            level=LEVEL,
            locale=locale,
            statement=self.exercise.statement(locale),
            hint=self.hint.text(locale),
            mistakes=self.exercise.mistakes(locale),
            result=l0_words(self.report, locale),
            code=self.code,
            fault=fault,
        )
        return prompt.build(task, NONCE)

    def gate(self, locale: Locale) -> Gate:
        return Gate(
            level=LEVEL,
            locale=locale,
            student_code=self.code,
            statement=f"{self.exercise.statement(locale)}\n{l0_words(self.report, locale)}",
            reference=self.exercise.reference,
        )


@lru_cache(maxsize=1)
def shipped() -> WrongProgram:
    """Of the first exercise of the seed course, which is there before any course is."""
    first = seeding.load().exercises[0]
    return WrongProgram(first.row, first.hints[LEVEL], first.wrong[0], REPORT)
