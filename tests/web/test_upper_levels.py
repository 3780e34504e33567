"""Levels 4 and 5: who is offered them, and what the page and the API say of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from broker.contract.hint import Source, State
from tests.web.kit import EXERCISE, WRONG, Caller, licensed, problem, queued
from web.courses.models import Course, Exercise, Membership
from web.engines.models import AIModelConfig, Engine, JudgedBy, Mode
from web.hints.models import Hint
from web.people.models import User
from web.tutor.languages import Locale

pytestmark = pytest.mark.django_db
Written = Callable[[Locale, set[int]], None]


@pytest.fixture
def written(db: None) -> Written:
    """Says which levels the only model may write in a language; none in the others."""
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM, judged_by=JudgedBy.NOBODY)
    Engine.objects.all().delete()
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, model_name="fake")

    def says(locale: Locale, levels: set[int]) -> None:
        licensed("fake", levels={locale: sorted(levels)})

    return says


def had(student: User, exercise: Exercise, level: int, *, reflects: bool = True) -> None:
    """A hint of this level, and the student's words on it."""
    hint = queued(student, exercise, level=level)
    words = "I think otherwise now" if reflects else ""
    Hint.objects.filter(pk=hint.pk).update(
        state=State.ANSWERED, source=Source.MODEL, reflection=words
    )


def levels(api: Caller) -> list[int]:
    return list(api.get(f"/v1/ladder?exercise={EXERCISE}").json()["levels"])


def hidden(api: Caller, language: str = "en") -> set[int]:
    """The levels of which the page shows nothing until it hears that they are there."""
    page = api.client.get("/c/basics/add/", headers={"Accept-Language": language}).content.decode()
    rungs = re.findall(r'<label class="rung"([^>]*)>\s*<input type="radio"[^>]*value="(\d)"', page)
    assert len(rungs) == 5
    return {int(number) for attributes, number in rungs if "hidden" in attributes}


@pytest.mark.parametrize(
    ("may_write", "tells", "there"),
    [
        (set(), False, [1, 2, 3]),
        (set(), True, [1, 2, 3]),
        ({1, 2, 3}, True, [1, 2, 3]),
        ({1, 2, 3, 4}, False, [1, 2, 3, 4]),
        ({4, 5}, False, [1, 2, 3, 4]),
        ({1, 2, 3, 4, 5}, True, [1, 2, 3, 4, 5]),
        ({1, 5}, True, [1, 2, 3, 5]),
    ],
)
def test_a_level_is_offered_where_a_model_may_write_it_and_the_course_wants_it(
    api: Caller, exercise: Exercise, written: Written, may_write: set[int], tells: bool,
    there: list[int],
) -> None:  # fmt: skip
    Course.objects.update(tells=tells)
    written("en", may_write)

    assert levels(api) == there
    assert hidden(api) == {1, 2, 3, 4, 5} - {*there}


def test_a_licence_is_of_one_language(api: Caller, exercise: Exercise, written: Written) -> None:
    written("ko", {1, 2, 3, 4})

    assert levels(api) == [1, 2, 3]
    assert hidden(api, "ko") == {5}
    assert hidden(api, "en") == {4, 5}


@pytest.mark.parametrize(("level", "tells", "there"), [(4, False, 4), (5, True, 5), (5, False, 3)])
def test_an_author_who_has_written_one_needs_no_model(
    api: Caller, exercise: Exercise, level: int, tells: bool, there: int
) -> None:
    Course.objects.update(tells=tells)
    exercise.authored_hints.create(level=level, text_ko="쓴 힌트", text_en="As it is written.")

    assert max(levels(api)) == there


@pytest.mark.parametrize(
    "change", [{"language": "java"}, {"tests": "", "cases": []}], ids=["not python", "no tests"]
)
def test_there_is_no_example_where_nobody_could_run_it(
    api: Caller, exercise: Exercise, written: Written, change: dict[str, object]
) -> None:
    Course.objects.update(tells=True)
    Exercise.objects.update(**change)
    written("en", {1, 2, 3, 4, 5})

    assert levels(api) == [1, 2, 3, 5]


@pytest.mark.parametrize(("level", "tells"), [(4, True), (5, False), (5, True)])
def test_what_is_not_offered_is_refused_with_a_sentence(
    api: Caller, student: User, exercise: Exercise, level: int, tells: bool
) -> None:
    Course.objects.update(tells=tells)
    had(student, exercise, 3)

    refused = problem(api.ask(level=level), 409, "level-locked")

    assert refused["detail"] == f"There are no hints of level {level} for this exercise."
    assert (refused["highest"], refused["opener"]) == (3, None)
    korean = Caller(student, language="ko").ask(level=level).json()["detail"]
    assert korean == f"이 문제에는 {level}단계 힌트가 없어요."


def test_who_has_had_a_level_4_hint_is_refused_it_where_the_model_is_gone(
    api: Caller, student: User, exercise: Exercise, written: Written
) -> None:
    had(student, exercise, 4)
    Course.objects.update(ladder=False)

    problem(api.ask(level=4), 409, "level-locked")
    written("en", {1, 2, 3, 4})
    assert api.ask(level=4).status_code == 202


def test_they_open_one_after_the_other(
    api: Caller, student: User, exercise: Exercise, written: Written
) -> None:
    Course.objects.update(tells=True)
    written("en", {1, 2, 3, 4, 5})
    had(student, exercise, 3)

    why = problem(api.ask(level=5), 409, "level-locked")["detail"]
    assert why == "Level 5 opens once you have had a hint of level 4."
    assert api.ask(level=4).status_code == 202
    Hint.objects.filter(level=4).update(state=State.ANSWERED, source=Source.MODEL)

    problem(api.ask(level=5), 409, "level-locked")
    Hint.objects.filter(level=4).update(reflection="two ideas are alike")
    assert api.ask(level=5).status_code == 202


def test_without_the_fourth_the_fifth_follows_the_third(
    api: Caller, student: User, exercise: Exercise, written: Written
) -> None:
    Course.objects.update(tells=True)
    written("en", {1, 2, 3, 5})
    had(student, exercise, 3, reflects=False)

    why = api.get(f"/v1/ladder?exercise={EXERCISE}").json()["why"]
    assert why.startswith("Level 5 opens once you have run a changed program")
    page = api.client.get("/c/basics/add/", headers={"Accept-Language": "en"}).content.decode()
    assert why in page
    Hint.objects.update(reflection="now I see it")
    assert api.ask(level=5).status_code == 202


def test_who_teaches_sees_what_there_is(exercise: Exercise, written: Written) -> None:
    teacher = User.objects.create_user("teacher")
    Membership.objects.create(
        user=teacher, course=exercise.course, role=Membership.Role.TEACHER
    )  # fmt: skip
    written("en", {1, 2, 3, 4})

    assert levels(Caller(teacher)) == [1, 2, 3, 4]
    assert Caller(teacher).ask(level=4, code=WRONG).status_code == 202


def test_the_door_promises_what_everybody_gets(api: Caller, db: None) -> None:
    page = Caller().client.get("/accounts/login/", headers={"Accept-Language": "en"})

    assert "<b>Concept</b>" in page.content.decode()
    assert "<b>Analogy</b>" not in page.content.decode()
