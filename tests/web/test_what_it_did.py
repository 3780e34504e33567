"""What a program did, as the API gives it: the table of steps, the case, and who ran the tests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.kit import RIGHT, WRONG, Caller, live
from web.courses.models import Exercise
from web.hints import submissions
from web.hints.creation import Created, NewHint
from web.hints.store import create
from web.people.models import User
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.evidence.steps import Step, Steps, StepsKind
from web.tutor.languages import Locale

pytestmark = pytest.mark.django_db
STEPS = Steps(
    kind=StepsKind.LOOP,
    names=("cups", "days"),
    rows=(
        Step(line=3, label="1", values={"cups": "4", "days": "1"}, changed=("cups", "days")),
        Step(line=3, label="2", values={"cups": "1"}, changed=("cups",)),
    ),
    omitted=0,
    line=6,
    at={"cups": "1"},
)
NOTE = {"ko": "남은 쌀을 보세요.", "en": "Look at what is left."}
IO = Case(call="", stdin="7 3\n", expected="3\n", got="2\n", note=NOTE)


def shown(api: Caller, student: User, exercise: Exercise, report: Report, locale: Locale) -> Any:
    """The test report of a hint whose program had this one."""
    live()
    program = submissions.ran(student, exercise, WRONG, report)
    made = create(NewHint(submission=program, level=1, locale=locale, question="", prefix="p"))
    assert isinstance(made, Created)
    return api.get(f"/v1/hints/{made.hint.pk}").json()["l0"]


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_a_hint_shows_the_steps_of_its_program(
    api: Caller, student: User, exercise: Exercise, locale: Locale
) -> None:
    report = Report(verdict=Verdict.FAILED, passed=1, total=2, first=IO, steps=STEPS)

    l0 = shown(api, student, exercise, report, locale)

    assert l0["report"]["steps"] == STEPS.as_json()
    first = l0["report"]["first"]
    assert (first["stdin"], first["hidden"], first["note"]) == ("7 3\n", False, NOTE)
    assert NOTE[locale] in l0["words"]
    assert "facts" not in l0["report"]


def test_of_a_hidden_case_the_note_alone_is_told(
    api: Caller, student: User, exercise: Exercise
) -> None:
    hidden = Case(call="", stdin="", expected="", hidden=True, note=NOTE)
    report = Report(verdict=Verdict.FAILED, total=2, first=hidden)

    l0 = shown(api, student, exercise, report, "en")

    first = l0["report"]["first"]
    assert (first["hidden"], first["note"]) == (True, NOTE)
    assert first["stdin"] == first["expected"] == ""
    assert l0["report"]["steps"] is None


def test_a_program_that_passes_has_no_steps(api: Caller) -> None:
    answer = api.post("/v1/checks", {"exercise": "basics/add", "code": RIGHT}).json()

    assert (answer["report"]["steps"], answer["report"]["first"]) == (None, None)


def test_it_is_told_who_ran_the_tests(api: Caller) -> None:
    body = {"exercise": "basics/add", "code": WRONG}

    here = api.post("/v1/checks", body).json()
    elsewhere = api.post("/v1/checks", body | {"result": {"status": "failed"}}).json()

    assert (here["source"], elsewhere["source"]) == ("here", "platform")
