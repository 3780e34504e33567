"""Through the API: which levels are open, and how a student opens the next one."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest

from broker.contract.hint import Source, State
from tests.web.kit import EXERCISE, RIGHT, TESTS, WRONG, Caller, problem
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint, Submission
from web.people.models import User

OTHER_WRONG = "def add(a, b):\n    return a * b + 1\n"
STOPS = "def add(a, b):\n    return a + c\n"
UNREADABLE = "def add(a, b)\n    return a\n"


def had(api: Caller, source: Source = Source.MODEL, **asked: Any) -> dict[str, Any]:
    """A hint that was asked for, and came."""
    answer = api.ask(**asked)
    assert answer.status_code == 202, answer.content
    hint: dict[str, Any] = answer.json()
    state = State.ANSWERED if source is Source.MODEL else State.FAILED
    Hint.objects.filter(pk=hint["id"]).update(state=state, source=source, text="Why?")
    return hint


def ladder(api: Caller) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/ladder?exercise={EXERCISE}").json()
    return found


def locked(api: Caller, level: int, **asked: Any) -> dict[str, Any]:
    return problem(api.ask(level=level, **asked), 409, "level-locked")


def test_before_the_first_run_the_lowest_level_is_open(api: Caller, exercise: Exercise) -> None:
    assert ladder(api) == {
        "entry": 1, "highest": 1, "opener": "hint", "advised": 1, "levels": [1, 2, 3],
        "why": "Level 2 opens once you have had a hint of level 1.", "quota": ANY,
    }  # fmt: skip
    assert locked(api, 2)["opener"] == "hint"


@pytest.mark.parametrize(
    ("code", "entry"), [(WRONG, 1), (STOPS, 2), (UNREADABLE, 3), ("def add(a, b): ...", 3)]
)
def test_help_begins_by_what_is_wrong(
    api: Caller, exercise: Exercise, code: str, entry: int
) -> None:
    Exercise.objects.update(starter="def add(a, b): ...\n")

    assert api.post("/v1/checks", {"exercise": EXERCISE, "code": code}).status_code == 200

    assert (ladder(api)["entry"], ladder(api)["highest"]) == (entry, entry)
    if entry < 3:
        locked(api, entry + 1, code=code)
    assert api.ask(level=entry, code=code).status_code == 202


def test_a_question_for_the_form_opens_the_pattern(api: Caller, exercise: Exercise) -> None:
    locked(api, 3, question="why?")

    assert api.ask(level=3, question="How do I write a sum?").status_code == 202


def test_the_same_program_opens_no_further_level(api: Caller, exercise: Exercise) -> None:
    had(api)

    refused = locked(api, 2)

    assert (refused["highest"], refused["opener"]) == (1, "effort")
    assert "run a changed program" in refused["detail"]
    assert ladder(api)["why"] == refused["detail"]
    assert locked(api, 2, code=f"# a comment\n\n{WRONG}")["opener"] == "effort"


def test_korean_students_read_why_in_korean(student: User, exercise: Exercise) -> None:
    api = Caller(student, language="ko")
    had(api)

    assert "2단계" in locked(api, 2)["detail"]
    assert "2단계" in ladder(api)["why"]


@pytest.mark.parametrize("source", [Source.MODEL, Source.EVIDENCE, Source.AUTHORED])
def test_a_changed_program_opens_the_next_level(
    api: Caller, exercise: Exercise, source: Source
) -> None:
    had(api, source)

    assert had(api, source, level=2, code=OTHER_WRONG)["level"] == 2
    locked(api, 3, code=OTHER_WRONG)
    assert api.ask(level=3, code=WRONG).status_code == 202


def test_a_program_that_was_tried_and_taken_back_counts(api: Caller, exercise: Exercise) -> None:
    had(api)
    for code in (OTHER_WRONG, WRONG):
        api.post("/v1/checks", {"exercise": EXERCISE, "code": code})

    assert ladder(api)["highest"] == 2
    assert api.ask(level=2).status_code == 202


def test_what_was_tried_before_the_hint_does_not_count(api: Caller, exercise: Exercise) -> None:
    api.post("/v1/checks", {"exercise": EXERCISE, "code": OTHER_WRONG})
    had(api)

    locked(api, 2)


def test_another_result_of_the_same_program_counts(api: Caller, exercise: Exercise) -> None:
    had(api)
    exercise.tests = f"{TESTS}assert add(2, 2) == 4\n"
    exercise.revision += 1
    exercise.save()

    assert api.ask(level=2).status_code == 202


@pytest.mark.parametrize("state", [State.RUNNING, State.ANSWERED])
def test_a_reflection_opens_the_next_level(api: Caller, exercise: Exercise, state: State) -> None:
    hint = had(api)
    Hint.objects.filter(pk=hint["id"]).update(state=state)

    kept = api.put(hint["links"]["reflection"], {"text": "I think b is taken away"})

    assert (kept.status_code, kept.json()["reflection"]) == (200, "I think b is taken away")
    Hint.objects.filter(pk=hint["id"]).update(state=State.ANSWERED)
    assert api.ask(level=2).status_code == 202


@pytest.mark.parametrize("text", ["", "no idea", "a a a a", "1 2 3"])
def test_a_reflection_that_says_nothing_is_not_taken(
    api: Caller, exercise: Exercise, text: str
) -> None:
    hint = had(api)

    refused = problem(api.put(hint["links"]["reflection"], {"text": text}), 422, "invalid")

    assert refused["errors"] == [{"where": "text", "what": "Write at least three different words."}]
    locked(api, 2)


def test_a_reflection_is_the_students_own(api: Caller, course: Course, exercise: Exercise) -> None:
    hint = had(api)
    teacher = User.objects.create_user("teacher")
    Membership.objects.create(user=teacher, course=course, role=Membership.Role.TEACHER)

    answer = Caller(teacher).put(hint["links"]["reflection"], {"text": "three good words"})

    problem(answer, 403, "forbidden")


@pytest.mark.parametrize("text", ["a\x00b c d", "x" * 1001])
def test_a_reflection_is_bounded(api: Caller, exercise: Exercise, text: str) -> None:
    problem(api.put(had(api)["links"]["reflection"], {"text": text}), 422, "invalid")


@pytest.mark.parametrize(
    ("state", "source"),
    [(State.CANCELLED, Source.NONE), (State.FAILED, Source.NONE), (State.FAILED, Source.L0)],
)
def test_what_was_no_hint_opens_nothing(
    api: Caller, exercise: Exercise, state: State, source: Source
) -> None:
    hint = had(api)
    Hint.objects.filter(pk=hint["id"]).update(state=state, source=source)

    assert locked(api, 2, code=OTHER_WRONG)["opener"] == "hint"


def test_an_earlier_hints_reflection_opens_one_level_only(api: Caller, exercise: Exercise) -> None:
    api.put(had(api)["links"]["reflection"], {"text": "b is taken away"})
    had(api, level=2)

    locked(api, 3)


def test_a_level_that_was_had_stays_open(api: Caller, exercise: Exercise) -> None:
    had(api, level=3, code=UNREADABLE)

    assert api.ask(level=3, code=WRONG).status_code == 202


def test_a_refused_request_keeps_the_program(api: Caller, exercise: Exercise) -> None:
    locked(api, 3)

    assert Submission.objects.get().code == WRONG


def test_a_course_without_a_ladder_has_all_levels_open(
    api: Caller, course: Course, exercise: Exercise
) -> None:
    Course.objects.update(ladder=False)

    assert ladder(api) == {
        "entry": 1, "highest": 3, "opener": None, "why": "", "advised": 1, "levels": [1, 2, 3],
        "quota": ANY,
    }  # fmt: skip
    assert api.ask(level=3).status_code == 202


@pytest.mark.parametrize(("code", "advised"), [(WRONG, 1), (STOPS, 2), (UNREADABLE, 3)])
def test_where_all_is_open_help_is_advised_where_it_begins(
    api: Caller, course: Course, exercise: Exercise, code: str, advised: int
) -> None:
    Course.objects.update(ladder=False)

    api.post("/v1/checks", {"exercise": EXERCISE, "code": code})

    assert (ladder(api)["highest"], ladder(api)["advised"]) == (3, advised)
    page = api.client.get("/c/basics/add/").content.decode()
    assert f'name="level" value="{advised}" checked' in page


def test_who_teaches_need_not_climb(course: Course, exercise: Exercise) -> None:
    teacher = User.objects.create_user("teacher")
    Membership.objects.create(user=teacher, course=course, role=Membership.Role.TEACHER)

    assert Caller(teacher).ask(level=3).status_code == 202


def test_each_exercise_and_student_has_a_ladder_of_its_own(
    api: Caller, course: Course, exercise: Exercise
) -> None:
    had(api)
    other = User.objects.create_user("other")
    Membership.objects.create(user=other, course=course)
    exercise.pk, exercise.slug = None, "more"
    exercise.save()

    problem(api.ask(level=2, exercise="basics/more", code=OTHER_WRONG), 409, "level-locked")
    problem(Caller(other).ask(level=2, code=OTHER_WRONG), 409, "level-locked")


def test_a_program_that_passes_is_told_so_at_any_level(api: Caller, exercise: Exercise) -> None:
    problem(api.ask(level=3, code=RIGHT), 409, "already-correct")


def test_the_ladder_is_for_members(db: None, exercise: Exercise) -> None:
    stranger = Caller(User.objects.create_user("stranger"))

    problem(stranger.get(f"/v1/ladder?exercise={EXERCISE}"), 404, "not-found")
