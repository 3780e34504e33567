"""What is remembered of latest runs, without a request around it."""

from __future__ import annotations

from web.courses.models import Exercise
from web.hints import lately
from web.hints.lately import Lately
from web.hints.models import Submission
from web.people.models import User
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Case, Report, Verdict

FACT = Fact(kind=FactKind.GIVES, line=2, lines=(), values={"value": "1"}, score=1.0)
FAILED = Report(
    verdict=Verdict.FAILED, passed=0, total=1, first=Case(call="f(1)", expected="2", got="1"),
    facts=(FACT,),
)  # fmt: skip


def exercise(pk: int = 1, revision: int = 1) -> Exercise:
    return Exercise(pk=pk, revision=revision)


def program(code: str, of: Exercise, report: Report = FAILED, student: int = 1) -> Submission:
    return Submission(student=User(pk=student), exercise=of, code=code, report=report.as_json())


def test_the_latest_program_of_each_student_and_exercise_is_known() -> None:
    known = Lately()
    known.keep(program("old", exercise()))
    known.keep(program("new", exercise()))
    known.keep(program("other", exercise(2)))

    assert known.find(User(pk=1), exercise(), "new") == FAILED
    assert known.find(User(pk=1), exercise(2), "other") == FAILED
    assert known.find(User(pk=1), exercise(), "old") is None
    assert known.find(User(pk=2), exercise(), "new") is None
    assert known.find(User(pk=1), exercise(revision=2), "new") is None


def test_what_was_not_found_out_is_not_known() -> None:
    known = Lately()
    for number, report in enumerate((
        Report(verdict=Verdict.PASSED, passed=1, total=1),
        Report(verdict=Verdict.NOT_RUN),
        Report(verdict=Verdict.FAILED, total=1),
    )):  # fmt: skip
        known.keep(program("x", exercise(number), report))

        assert known.find(User(pk=1), exercise(number), "x") is None


def test_the_oldest_is_forgotten_first() -> None:
    known = Lately()
    for pk in [*range(lately.MOST), 0, lately.MOST]:
        known.keep(program("x", exercise(), student=pk + 1))

    assert len(known._shown) == lately.MOST
    assert known.find(User(pk=1), exercise(), "x") == FAILED
    assert known.find(User(pk=2), exercise(), "x") is None
