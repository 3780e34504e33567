"""In the admin: who teaches a course gives its students other quotas, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.web.kit import Caller
from web.courses.models import Course, Membership
from web.people.models import Allowance, User

pytestmark = pytest.mark.django_db
ADD = "/admin/people/allowance/add/"
COURSE = "/admin/courses/course/{}/change/"


@pytest.fixture
def far() -> Course:
    """A course that the teacher does not teach, with a student of its own."""
    course = Course.objects.create(slug="far", title_ko="x", title_en="x")
    Membership.objects.create(user=User.objects.create_user("hidden"), course=course)
    return course


def add(caller: Caller, course: Course, **changes: Any) -> Any:
    """The form as a browser sends it."""
    body = {
        "course": course.pk, "student": "", "hints_an_exercise": "", "hints_a_day": "",
        "until_0": "", "until_1": "",
    }  # fmt: skip
    return caller.client.post(ADD, body | changes, headers={"Accept-Language": "en"})


def refused(answer: Any) -> str:
    assert answer.status_code == 200
    assert not Allowance.objects.exists()
    return str(answer.content.decode())


def test_a_deadline_gives_all_students_more(teacher: Caller, course: Course) -> None:
    until = timezone.localtime() + timedelta(days=1)
    times = {"until_0": until.date().isoformat(), "until_1": "18:00:00"}

    assert add(teacher, course, hints_a_day=40, **times).status_code == 302

    row = Allowance.objects.get()
    assert (row.course, row.student, row.hints_an_exercise, row.hints_a_day) == (
        course, None, None, 40,
    )  # fmt: skip
    assert row.until
    assert timezone.localtime(row.until).hour == 18
    page = teacher.client.get("/admin/people/allowance/", headers={"Accept-Language": "en"})
    assert "all of the course" in page.content.decode()


def test_one_student_gets_more_and_the_row_opens_again(
    teacher: Caller, course: Course, student: User
) -> None:
    assert add(teacher, course, student="minji", hints_an_exercise=9).status_code == 302

    row = Allowance.objects.get()
    assert (row.student, row.hints_an_exercise, row.until) == (student, 9, None)
    page = teacher.client.get(f"/admin/people/allowance/{row.pk}/change/").content.decode()
    assert 'name="student" value="minji"' in page


@pytest.mark.parametrize("name", ["hidden", "nobody"])
def test_only_members_of_the_course_can_be_named(
    teacher: Caller, course: Course, far: Course, name: str
) -> None:
    answer = refused(add(teacher, course, student=name, hints_a_day=9))

    assert "has this username." in answer


def test_a_teacher_gives_nothing_in_another_course(
    teacher: Caller, course: Course, far: Course
) -> None:
    refused(add(teacher, far, hints_a_day=9))
    row = Allowance.objects.create(course=far, hints_a_day=1)

    address = f"/admin/people/allowance/{row.pk}/"
    for page in ("change/", "delete/"):
        assert teacher.client.get(address + page).status_code == 302
        assert teacher.client.post(address + page, {"post": "yes"}).status_code == 302
    assert "far" not in teacher.client.get("/admin/people/allowance/").content.decode()
    assert Allowance.objects.get() == row


def test_a_row_that_changes_nothing_is_not_taken(teacher: Caller, course: Course) -> None:
    assert "Give one of the two numbers." in refused(add(teacher, course))


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "99999999"])
def test_a_number_that_is_none_is_not_taken(teacher: Caller, course: Course, number: str) -> None:
    refused(add(teacher, course, hints_a_day=number))


def test_a_teacher_sets_the_quotas_of_the_course(teacher: Caller, course: Course) -> None:
    page = COURSE.format(course.pk)
    columns = ("slug", "title_ko", "title_en", "ladder", "streams")
    body = {name: getattr(course, name) for name in columns} | {
        "hints_an_exercise": "", "hints_a_day": 7, "tokens_a_day": 100_000,
        "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    }  # fmt: skip

    answer = teacher.client.post(page, body)

    assert answer.status_code == 302, answer.content.decode()
    course.refresh_from_db()
    assert (course.hints_an_exercise, course.hints_a_day, course.tokens_a_day) == (
        None, 7, 100_000,
    )  # fmt: skip


def test_what_goes_with_a_student_or_a_course_goes(course: Course, student: User) -> None:
    Allowance.objects.create(course=course, student=student, hints_a_day=1)
    Allowance.objects.create(course=course, hints_a_day=1)

    student.delete()
    assert Allowance.objects.count() == 1
    course.delete()

    assert not Allowance.objects.exists()
