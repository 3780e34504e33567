"""Queries whose SQL is made once answer as those do that Django makes anew."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model

from tests.web.kit import new_hint, queued
from web.courses.models import Course, Exercise, Membership
from web.hints.models import Hint, Submission
from web.people import access, tokens
from web.people.models import ApiToken, User
from web.prepared import Prepared, Slot
from web.statements import insert

pytestmark = pytest.mark.django_db

HINT = Prepared(
    lambda: Hint.objects.filter(student=Slot("student")).select_related(
        "exercise__course", "submission"
    )
)


def values(row: Model) -> dict[str, Any]:
    return {
        column.attname: getattr(row, column.attname) for column in type(row)._meta.concrete_fields
    }


def test_an_object_is_as_django_loads_it(
    student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    queued(student, exercise)
    expected = Hint.objects.get()

    with django_assert_num_queries(1):
        (found,) = HINT.objects(student=student.pk)
        beside = [found.exercise, found.exercise.course, found.submission]

    assert found == expected
    assert values(found) == values(expected)
    for row, other in zip(beside, [exercise, exercise.course, expected.submission], strict=True):
        assert values(row) == values(other)


def test_each_run_brings_its_own_values(course: Course, exercise: Exercise) -> None:
    people = [User.objects.create_user(name) for name in ("one", "two", "three")]
    Membership.objects.create(user=people[1], course=course)
    Membership.objects.create(user=people[2], course=course, role=Membership.Role.TEACHER)
    root = User.objects.create_superuser("root")

    for _ in range(2):
        found = [access.exercise(each, "basics/add") for each in [*people, root]]
        assert found == [None, exercise, exercise, exercise]
        assert [access.teaches(each, course) for each in [*people, root]] == [
            False,
            False,
            True,
            True,
        ]
        assert access.exercise(root, "basics/none") is None


def test_a_token_brings_its_user_with_it(student: User, django_assert_num_queries: Any) -> None:
    row = ApiToken(user=student, name="one")
    text = tokens.fresh(row)
    row.save()
    assert tokens.valid(text) == row

    with django_assert_num_queries(1):
        found = tokens.valid(text)
        assert found
        assert values(found.user) == values(student)

    assert tokens.valid(text + "x") is None


def test_a_row_is_kept_as_django_keeps_it(
    student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    new = new_hint(student, exercise)
    submission = {"report": {"a": ["한", None, 1.5]}, "code": "x = '\\'", "fingerprint": "f"}
    for row in (
        new.hint(new.submission),
        Submission(student=student, exercise=exercise, **submission),
        Course(slug="other"),
    ):
        with django_assert_num_queries(1):
            assert insert(row)

        assert row.pk
        assert values(type(row).objects.get(pk=row.pk)) == values(row)  # type: ignore[attr-defined]
    row.delete()
    assert not Course.objects.filter(slug="other").exists()


def test_a_row_that_may_not_stand_beside_another_is_kept_out(
    student: User, exercise: Exercise
) -> None:
    hint = queued(student, exercise)
    again = new_hint(student, exercise).hint(hint.submission)

    assert not insert(again)
    assert not insert(Course(slug=exercise.course.slug))

    assert again._state.adding
    assert list(Hint.objects.all()) == [hint]


def test_the_sql_is_made_once(student: User, exercise: Exercise) -> None:
    made = []

    def build() -> Any:
        made.append(1)
        return Exercise.objects.filter(slug=Slot("slug")).values_list("slug", "revision")

    prepared = Prepared(build)

    assert [prepared.rows(slug=slug) for slug in ("add", "none", "add")] == [
        [("add", 1)],
        [],
        [("add", 1)],
    ]
    assert made == [1]
