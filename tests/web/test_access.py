"""What a course shows to whom, row by row; whom each address lets in: test_access_matrix.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django_celery_results.models import TaskResult

from tests.web.kit import EXERCISE, WRONG, Caller, call, queued
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.engines.models import AIModelConfig, Engine, Mode
from web.hints import attempts, store
from web.hints.models import Hint
from web.people import access
from web.people.models import ApiToken, User
from web.people.tokens import fresh

pytestmark = pytest.mark.django_db
ROLE = Membership.Role
ADD = "/admin/courses/exercise/add/"


def member(name: str, course: Course, role: str = ROLE.STUDENT, **more: Any) -> User:
    user = User.objects.create_user(name, **more)
    Membership.objects.create(user=user, course=course, role=role)
    return user


def token(user: User) -> str:
    row = ApiToken(user=user, name="script")
    text = fresh(row)
    row.save()
    return text


class World:
    """Two courses that know nothing of each other, each with a student, a hint and a teacher."""

    def __init__(self, course: Course, exercise: Exercise) -> None:
        self.course, self.exercise = course, exercise
        AIModelConfig.current()
        Engine.objects.create(name="gpu9", kind=Mode.VLLM, api_key="sk-hidden")
        self.other = Course.objects.create(slug="secret", title_ko="감춘", title_en="Hidden course")
        self.other_exercise = Exercise.objects.create(
            course=self.other, slug="hidden", title_ko="숨김", title_en="Hidden exercise",
            statement_ko="x", statement_en="x", reference="hidden_reference",
        )  # fmt: skip
        AuthoredHint.objects.create(
            exercise=self.other_exercise, level=1, text_ko="x", text_en="hidden_words"
        )
        self.student = member("minji", course)
        self.hint = self.asked(self.student, exercise, "the raw words")
        self.other_student = member("hidden_student", self.other)
        self.other_hint = self.asked(self.other_student, self.other_exercise, "hidden_raw")

    def asked(self, student: User, exercise: Exercise, raw: str) -> Hint:
        hint = queued(student, exercise)
        assert store.claim(str(hint.pk), 1, "gpu9")
        attempts.keep(str(hint.pk), 1, [call(raw, "R2")])
        TaskResult.objects.create(task_id=f"{hint.pk}-1", status="SUCCESS", worker="gpu9@here")
        return hint

    def caller(self, who: str) -> Caller:
        return getattr(self, f"_{who}")()

    def _student(self) -> Caller:
        return Caller(self.student)

    def _classmate(self) -> Caller:
        return Caller(member("classmate", self.course))

    def _former_student(self) -> Caller:
        Membership.objects.filter(user=self.student).delete()
        return Caller(self.student)

    def _teacher(self) -> Caller:
        return Caller(member("teacher", self.course, ROLE.TEACHER))

    def _course_admin(self) -> Caller:
        return Caller(member("head", self.course, ROLE.ADMIN))

    def _token_of_teacher(self) -> Caller:
        return Caller(token=token(member("teacher", self.course, ROLE.TEACHER)))

    def _teacher_elsewhere(self) -> Caller:
        """A teacher of the other course who sits in this one as a student."""
        user = member("elsewhere", self.other, ROLE.TEACHER)
        Membership.objects.create(user=user, course=self.course)
        return Caller(user)

    def _former_teacher(self) -> Caller:
        user = member("former", self.course, ROLE.TEACHER)
        caller = Caller(user)
        user.memberships.all().delete()
        return caller

    def _staff(self) -> Caller:
        return Caller(User.objects.create_user("staff", is_staff=True))

    def _staff_with_permissions(self) -> Caller:
        """Django's own permissions open lists, but no course."""
        user = User.objects.create_user("permitted", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label__in=("hints", "courses"))
        )
        return Caller(user)

    def _superuser(self) -> Caller:
        return Caller(User.objects.create_superuser("root"))

    def _deactivated_teacher(self) -> Caller:
        caller = self._teacher()
        User.objects.filter(username="teacher").update(is_active=False)
        return caller

    def _deactivated_student(self) -> Caller:
        caller = self._student()
        User.objects.filter(pk=self.student.pk).update(is_active=False)
        return caller


@pytest.fixture
def world(line: None, course: Course, exercise: Exercise) -> World:
    return World(course, exercise)


@pytest.fixture
def teacher(world: World) -> Client:
    return world.caller("teacher").client


# What GET answers: the hint by the API, its page in the admin, the exercise's page, its page in
# the admin, the admin's first page.
NOWHERE = (404, 302, 404, 302, 302)
OTHERS = {
    "former_student": NOWHERE,
    "course_admin": (200, 200, 200, 200, 200),
    "token_of_teacher": (200, 302, 302, 302, 302),
    "teacher_elsewhere": (404, 302, 200, 302, 200),
    "former_teacher": NOWHERE,
    "staff": (404, 403, 404, 403, 200),
    "staff_with_permissions": (404, 302, 404, 302, 200),
    "deactivated_teacher": (401, 302, 302, 302, 302),
    "deactivated_student": (401, 302, 302, 302, 302),
}


@pytest.mark.parametrize("who", OTHERS)
def test_everybody_sees_what_is_theirs(world: World, who: str) -> None:
    caller = world.caller(who)

    answers = (
        caller.get(f"/v1/hints/{world.hint.pk}"),
        caller.get(f"/admin/hints/hint/{world.hint.pk}/change/"),
        caller.get("/c/basics/add/"),
        caller.get(f"/admin/courses/exercise/{world.exercise.pk}/change/"),
        caller.get("/admin/"),
    )

    assert tuple(answer.status_code for answer in answers) == OTHERS[who]


@pytest.mark.parametrize("who", OTHERS)
def test_only_the_student_acts_on_a_hint(world: World, who: str) -> None:
    caller = world.caller(who)

    status = caller.post(f"/v1/hints/{world.hint.pk}/cancel").status_code

    read = OTHERS[who][0]
    assert status == (403 if read == 200 else read)


def test_many_are_told_at_once_what_each_may_read(world: World) -> None:
    world.caller("teacher")
    world.caller("teacher_elsewhere")
    world.caller("superuser")
    hints = {str(world.hint.pk), str(world.other_hint.pk)}
    users = list(User.objects.all())

    told = access.readers(hints, {user.pk for user in users})

    alone = {(user.pk, str(hint.pk)) for user in users for hint in access.hints(user)}
    assert told == alone
    assert len(told) == 6


def test_the_batch_lane_is_for_those_who_teach_the_course(world: World) -> None:
    asked = {
        who: world.caller(who).ask(lane="batch").status_code
        for who in ("teacher", "teacher_elsewhere", "classmate", "superuser")
    }

    assert asked == {
        "teacher": 202, "teacher_elsewhere": 403, "classmate": 403, "superuser": 202
    }  # fmt: skip


def read(client: Client, path: str) -> str:
    answer = client.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def lists(world: World) -> list[str]:
    return ["/admin/", "/admin/courses/", "/admin/courses/course/", "/admin/courses/exercise/",
            "/admin/hints/", "/admin/hints/hint/", ADD,
            f"/admin/courses/course/{world.course.pk}/change/",
            f"/admin/courses/course/{world.course.pk}/history/",
            f"/admin/courses/exercise/{world.exercise.pk}/change/",
            f"/admin/courses/exercise/{world.exercise.pk}/delete/",
            f"/admin/hints/hint/{world.hint.pk}/change/", "/admin/hints/submission/",
            f"/admin/hints/submission/{world.hint.submission_id}/change/",
            f"/admin/hints/submission/?exercise__course__id__exact={world.other.pk}",
            "/admin/hints/submission/?q=hidden",
            "/admin/hints/hint/?q=hidden", "/admin/courses/exercise/?q=hidden",
            f"/admin/courses/exercise/?course__id__exact={world.other.pk}",
            f"/admin/hints/hint/?exercise__course__id__exact={world.other.pk}"]  # fmt: skip


def test_no_page_of_a_teacher_names_anything_of_another_course(
    world: World, teacher: Client
) -> None:
    boss = User.objects.create_superuser("root")
    content_type = ContentType.objects.get_for_model(Exercise)
    LogEntry.objects.create(
        user=boss, content_type=content_type, object_id=world.other_exercise.pk,
        object_repr="secret/hidden", action_flag=CHANGE,
    )  # fmt: skip

    for path in lists(world):
        html = read(teacher, path)
        typed = re.sub(r'value="hidden"|q=hidden', "", html)
        assert not re.search(r"secret|Hidden|hidden_|감춘|숨김|sk-", typed), path


def test_a_teacher_sees_the_own_course(world: World, teacher: Client) -> None:
    assert "basics" in read(teacher, "/admin/courses/course/")
    assert "basics/add" in read(teacher, "/admin/hints/hint/")
    index = read(teacher, "/admin/")
    assert "/admin/courses/exercise/add/" in index
    assert "/admin/courses/course/add/" not in index
    assert not re.search(r'href="/admin/(auth|engines|api|axes|django_celery_results)', index)

    hint = read(teacher, f"/admin/hints/hint/{world.hint.pk}/change/")
    assert "the raw words" in hint
    assert "Attempt 1 on gpu9" in hint
    assert f'href="/admin/hints/submission/{world.hint.submission_id}/change/"' in hint
    assert not re.search(r'href="/admin/(auth|django_celery_results)', hint)
    assert "minji" in hint
    program = read(teacher, f"/admin/hints/submission/{world.hint.submission_id}/change/")
    assert "return a - b" in program
    assert "minji" in read(teacher, "/admin/hints/submission/")


def test_runs_alone_do_not_keep_a_teacher_from_deleting_an_exercise(
    world: World, teacher: Client
) -> None:
    path = f"/admin/courses/exercise/{world.exercise.pk}/delete/"
    assert teacher.post(path, {"post": "yes"}).status_code == 403
    Hint.objects.filter(exercise=world.exercise).delete()
    assert world.exercise.submissions.exists()

    assert teacher.post(path, {"post": "yes"}).status_code == 302
    assert not Exercise.objects.filter(pk=world.exercise.pk).exists()


def test_what_a_model_wrote_is_on_no_page_of_a_student(world: World) -> None:
    student = Caller(world.student)
    paths = [f"/v1/hints/{world.hint.pk}", f"/v1/hints?exercise={EXERCISE}", "/c/basics/add/", "/"]
    pages = [student.get(path) for path in paths]
    closed = [
        student.get(path).status_code
        for path in (
            f"/admin/hints/hint/{world.hint.pk}/change/",
            f"/admin/hints/submission/{world.hint.submission_id}/change/",
        )
    ]

    assert ([page.status_code for page in pages], closed) == ([200] * 4, [302] * 2)
    assert not [page for page in pages if "the raw words" in page.content.decode()]


def foreign(world: World) -> list[tuple[str, list[str]]]:
    """Paths of rows that are not the teacher's, and words that would give each away."""
    course, exercise, hint = world.other.pk, world.other_exercise.pk, world.other_hint.pk
    program = world.other_hint.submission_id
    return [
        (f"/admin/{row}/{verb}/", words)
        for row, words in (
            (f"courses/course/{course}", ["secret", "감춘"]),
            (f"courses/exercise/{exercise}", ["secret", "숨김", "hidden_words"]),
            (f"hints/hint/{hint}", ["secret", "hidden_student", "hidden_raw"]),
            (f"hints/submission/{program}", ["secret", "hidden_student"]),
        )
        for verb in ("change", "delete", "history")
    ]


def test_no_address_opens_a_row_of_another_course(world: World, teacher: Client) -> None:
    for path, words in foreign(world):
        html = teacher.get(path, follow=True).content.decode()
        assert not [word for word in words if word in html], path
        assert teacher.post(path, {"post": "yes"}).status_code in (302, 403, 404), path

    assert (Course.objects.count(), Exercise.objects.count(), Hint.objects.count()) == (2, 2, 2)


@pytest.mark.parametrize(
    "field",
    ["app_label=courses&model_name=membership&field_name=user",
     "app_label=people&model_name=apitoken&field_name=user",
     "app_label=hints&model_name=hint&field_name=student"],
)  # fmt: skip
def test_no_completion_names_who_else_has_an_account(teacher: Client, field: str) -> None:
    assert teacher.get(f"/admin/autocomplete/?{field}&term=").status_code == 403


@pytest.mark.parametrize(
    "query",
    ["student__password__startswith=p", "exercise__course__memberships__user__username=x",
     "student__api_tokens__sha256__startswith=a", "exercise__reference__contains=x"],
)  # fmt: skip
def test_no_filter_asks_for_more_than_the_list_shows(
    world: World, teacher: Client, query: str
) -> None:
    assert teacher.get(f"/admin/hints/hint/?{query}").status_code == 400


def fields(exercise: Exercise, **changes: Any) -> dict[str, Any]:
    names = "slug position topic title_ko title_en statement_ko statement_en language starter"
    kept = {name: getattr(exercise, name) for name in f"{names} tests reference".split()}
    formset = {"authored_hints-TOTAL_FORMS": 0, "authored_hints-INITIAL_FORMS": 0}
    return kept | {"course": exercise.course_id} | formset | changes


def test_a_teacher_writes_exercises_of_the_own_course_only(world: World, teacher: Client) -> None:
    path = f"/admin/courses/exercise/{world.exercise.pk}/change/"
    assert teacher.post(path, fields(world.exercise, title_en="Sum")).status_code == 302
    world.exercise.refresh_from_db()
    assert teacher.post(ADD, fields(world.exercise, slug="more")).status_code == 302
    assert Exercise.objects.get(slug="more").course == world.course

    away = {"slug": "away", "course": world.other.pk}
    assert teacher.post(path, fields(world.exercise, **away)).status_code == 200
    assert teacher.post(ADD, fields(world.exercise, **away)).status_code == 200
    foreign_hint = world.other_exercise.authored_hints.get()
    taken = {
        "authored_hints-TOTAL_FORMS": 1,
        "authored_hints-INITIAL_FORMS": 1,
        "authored_hints-0-id": foreign_hint.pk,
        "authored_hints-0-exercise": world.exercise.pk,
        "authored_hints-0-level": 1,
        "authored_hints-0-text_ko": "taken",
        "authored_hints-0-text_en": "taken",
    }
    teacher.post(path, fields(world.exercise, **taken))

    world.exercise.refresh_from_db()
    assert (world.exercise.title_en, world.exercise.course) == ("Sum", world.course)
    assert not Exercise.objects.filter(slug="away").exists()
    foreign_hint.refresh_from_db()
    assert (foreign_hint.text_en, foreign_hint.exercise) == ("hidden_words", world.other_exercise)


def test_completions_name_courses_of_ones_own_only(world: World, teacher: Client) -> None:
    query = "app_label=courses&model_name=exercise&field_name=course&term="

    found = teacher.get(f"/admin/autocomplete/?{query}").json()["results"]

    assert [each["text"] for each in found] == ["basics"]


def test_bulk_actions_reach_no_row_of_another_course(world: World, teacher: Client) -> None:
    for model, pk in (("exercise", world.other_exercise.pk), ("course", world.other.pk)):
        form = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
        teacher.post(f"/admin/courses/{model}/", form)

    assert (Course.objects.count(), Exercise.objects.count(), Hint.objects.count()) == (2, 2, 2)


def test_an_exercise_with_hints_is_not_deleted_by_its_teacher(
    world: World, teacher: Client
) -> None:
    Exercise.objects.create(course=world.course, slug="new", title_en="New")
    for exercise in world.course.exercises.all():
        teacher.post(f"/admin/courses/exercise/{exercise.pk}/delete/", {"post": "yes"})

    assert [each.slug for each in world.course.exercises.all()] == ["add"]
    assert world.course.exercises.get().hints.exists()


def members(course: Course, *rows: dict[str, Any]) -> dict[str, Any]:
    """The form of a course's page; existing rows first. A row names what it changes."""
    kept = [{"id": row.pk, "role": row.role} for row in course.memberships.order_by("pk")]
    form = {"slug": course.slug, "title_ko": course.title_ko, "title_en": course.title_en,
            "memberships-TOTAL_FORMS": len(kept) + len(rows),
            "memberships-INITIAL_FORMS": len(kept)}  # fmt: skip
    for number, row in enumerate([*kept, *rows]):
        form |= {f"memberships-{number}-{name}": value for name, value in row.items()}
        form[f"memberships-{number}-course"] = course.pk
    return form


def test_a_teacher_adds_and_removes_members_by_username(world: World, teacher: Client) -> None:
    path = f"/admin/courses/course/{world.course.pk}/change/"
    html = read(teacher, path)
    assert 'value="minji"' in html
    assert "<option" not in html.split('name="memberships-0-user"')[1].split("</td>")[0]

    form = members(world.course, {"user": "hidden_student", "role": ROLE.STUDENT})
    assert teacher.post(path, form).status_code == 302
    assert world.course.memberships.filter(user=world.other_student).exists()

    form = members(world.course)
    number = [row.user.username for row in world.course.memberships.order_by("pk")].index("minji")
    assert teacher.post(path, form | {f"memberships-{number}-DELETE": "on"}).status_code == 302
    assert not world.course.memberships.filter(user=world.student).exists()
    # Out of this course, not out of the site.
    assert User.objects.filter(pk=world.student.pk).exists()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["nobody"], "Nobody has this username."),
        (["minji"], "duplicate data for user"),
        (["hidden_student", "hidden_student"], "duplicate data for user"),
        ([""], "This field is required."),
    ],
)
def test_a_member_who_cannot_be_added_is_explained(
    world: World, teacher: Client, rows: list[str], told: str
) -> None:
    path = f"/admin/courses/course/{world.course.pk}/change/"
    added = [{"user": name, "role": ROLE.TEACHER} for name in rows]

    answer = teacher.post(path, members(world.course, *added), headers={"Accept-Language": "en"})

    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert world.course.memberships.count() == 2


def test_a_member_cannot_be_swapped_for_somebody_else(world: World, teacher: Client) -> None:
    path = f"/admin/courses/course/{world.course.pk}/change/"
    form = members(world.course) | {"memberships-0-user": "hidden_student"}
    elsewhere = Membership.objects.get(user=world.other_student)
    stolen = members(world.course) | {"memberships-0-id": elsewhere.pk}

    teacher.post(path, form)
    teacher.post(path, stolen)

    elsewhere.refresh_from_db()
    assert elsewhere.course == world.other
    assert not world.course.memberships.filter(user=world.other_student).exists()


def test_who_becomes_a_teacher_gets_in_at_once_and_out_again(world: World) -> None:
    caller = world.caller("student")
    seen: Callable[[], int] = lambda: caller.get("/admin/courses/exercise/").status_code  # noqa: E731

    before = seen()
    world.student.memberships.update(role=ROLE.TEACHER)
    promoted = seen()
    world.student.memberships.all().delete()

    assert (before, promoted, seen()) == (302, 200, 302)


def test_a_teacher_signs_in_at_the_admins_own_door(world: World) -> None:
    user = member("teacher", world.course, ROLE.TEACHER, password="right-7 words")
    client = Client()
    assert not user.is_staff

    form = {"username": "teacher", "password": "right-7 words", "next": "/admin/"}
    answer = client.post("/admin/login/", form, follow=True)

    assert answer.redirect_chain == [("/admin/", 302)]
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("who", "shown"), [("student", False), ("teacher", True), ("staff", True), ("superuser", True)]
)
def test_the_link_to_the_admin_is_there_for_those_it_opens_to(
    world: World, who: str, shown: bool
) -> None:
    html = world.caller(who).get("/").content.decode()

    assert ('href="/admin/"' in html) is shown


def test_a_superuser_sees_every_course(world: World) -> None:
    boss = world.caller("superuser").client

    assert "secret" in read(boss, "/admin/courses/course/")
    assert "hidden_reference" in read(
        boss, f"/admin/courses/exercise/{world.other_exercise.pk}/change/"
    )
    assert WRONG.split("\n")[0] in read(boss, f"/admin/hints/hint/{world.other_hint.pk}/change/")
