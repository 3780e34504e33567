"""Who has solved an exercise says why it works: kept for the teacher, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.web.kit import EXERCISE, RIGHT, WRONG, Caller, problem
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Explanation, Submission
from web.people.models import User

pytestmark = pytest.mark.django_db
PATH = "/v1/explanations"
WORDS = "Because the plus sign adds both numbers"
KOREAN = "더하기 기호가 두 수를 더하기 때문이에요"


def read(caller: Caller) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(f"{PATH}?exercise={EXERCISE}").json()
    return found


def write(caller: Caller, text: Any = WORDS, **more: Any) -> Any:
    return caller.put(PATH, {"exercise": EXERCISE, "text": text} | more)


@pytest.fixture
def solved(api: Caller) -> Caller:
    api.run(RIGHT)
    return api


def test_nothing_is_there_before_the_tests_pass(api: Caller) -> None:
    assert read(api) == {"solved": False, "text": "", "written_at": None}
    api.run(WRONG)

    problem(write(api), 409, "not-solved")

    assert not read(api)["solved"]
    assert not Explanation.objects.exists()


@pytest.mark.parametrize("text", [WORDS, KOREAN])
def test_the_words_are_kept_with_the_program(
    solved: Caller, student: User, exercise: Exercise, text: str
) -> None:
    assert read(solved) == {"solved": True, "text": "", "written_at": None}

    written = write(solved, text).json()

    assert (written["solved"], written["text"]) == (True, text)
    assert read(solved) == written
    row = Explanation.objects.get()
    assert (row.student, row.exercise, row.text) == (student, exercise, text)
    assert row.submission == Submission.objects.get()


def test_the_last_words_count_and_can_be_taken_back(solved: Caller) -> None:
    write(solved)
    write(solved, "It simply adds both of them")
    assert Explanation.objects.get().text == "It simply adds both of them"

    assert write(solved, " \n ").json() == {"solved": True, "text": "", "written_at": None}

    assert not Explanation.objects.exists()


def test_a_later_program_that_fails_takes_nothing_away(solved: Caller) -> None:
    write(solved)
    solved.run(WRONG)

    assert read(solved)["text"] == WORDS
    assert write(solved, "The plus sign still adds both").status_code == 200
    assert Explanation.objects.get().submission.code == RIGHT


@pytest.mark.parametrize("text", ["x" * 2001, "one two", "… !!!", "a\0b c d", None, 7], ids=repr)
def test_what_says_nothing_or_is_too_long_is_refused(solved: Caller, text: Any) -> None:
    problem(write(solved, text), 422, "invalid")

    assert not Explanation.objects.exists()


def test_it_belongs_to_its_student(
    solved: Caller, stranger: Caller, teacher: Caller, course: Course
) -> None:
    write(solved)
    other = User.objects.create_user("jun")
    Membership.objects.create(user=other, course=course)
    classmate = Caller(other)

    assert read(classmate) == {"solved": False, "text": "", "written_at": None}
    assert read(teacher)["text"] == ""
    problem(stranger.get(f"{PATH}?exercise={EXERCISE}"), 404, "not-found")
    problem(write(stranger), 404, "not-found")
    problem(write(solved, on_behalf_of="x"), 403, "forbidden")


def test_a_teacher_reads_it_by_exercise(
    solved: Caller, teacher: Caller, course: Course, exercise: Exercise, student: User
) -> None:
    write(solved, f"{WORDS} <script>")
    other = Exercise.objects.create(course=course, slug="more", title_en="More", tests="x")
    kept = {"submission": Submission.objects.get(), "text": "of the other one"}
    Explanation.objects.create(student=student, exercise=other, **kept)
    page = "/admin/hints/explanation/"

    listed = teacher.client.get(f"{page}?exercise__id__exact={exercise.pk}").content.decode()
    row = Explanation.objects.get(exercise=exercise)
    shown = teacher.client.get(f"{page}{row.pk}/change/").content.decode()

    assert f"{WORDS} &lt;script&gt;" in listed
    assert "of the other one" not in listed
    assert all(part in shown for part in (WORDS, "return a + b", "minji"))
    elsewhere = User.objects.create_user("other", is_staff=True)
    far = Course.objects.create(slug="far", title_en="x", title_ko="x")
    Membership.objects.create(user=elsewhere, course=far, role=Membership.Role.TEACHER)
    client = Client()
    client.force_login(elsewhere)
    assert WORDS not in client.get(page).content.decode()


def test_no_model_is_asked_about_a_right_program(solved: Caller) -> None:
    problem(solved.ask(code=RIGHT), 409, "already-correct")
