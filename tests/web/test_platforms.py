"""A platform's token acts for its own users, in its courses, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import ProtectedError
from django.test import Client

from broker.keys import RUNS
from tests.web.kit import EXERCISE, RIGHT, WRONG, Caller, at_once, live, problem
from web.courses.models import Course, Exercise, Membership
from web.engines.models import Engine
from web.events import admission
from web.hints.models import Hint, Submission
from web.link import broker
from web.people import access
from web.people.models import ApiToken, Platform, User
from web.people.passes import holding
from web.people.tokens import fresh

pytestmark = pytest.mark.django_db
CHECK = {"exercise": EXERCISE, "code": WRONG}
HISTORY = f"/v1/hints?exercise={EXERCISE}"
OWNER = "owner"


def platform(slug: str, *courses: Course) -> tuple[Platform, Caller]:
    """A platform with a token, whose person may do anything."""
    row = Platform.objects.create(slug=slug)
    row.courses.set(courses)
    return row, another(row)


def another(row: Platform) -> Caller:
    """One more token of the platform."""
    owner = User.objects.filter(username=OWNER).first() or User.objects.create_superuser(OWNER)
    token = ApiToken(user=owner, platform=row, name="service")
    text = fresh(token)
    token.save()
    caller = Caller(token=text)
    caller.client = Client(enforce_csrf_checks=True)
    return caller


@pytest.fixture
def judge(line: None, course: Course, exercise: Exercise, engine: Engine) -> Caller:
    live()
    return platform("judge", course)[1]


@pytest.fixture
def other(line: None, course: Course, exercise: Exercise, engine: Engine) -> Caller:
    return platform("other", course)[1]


def users() -> list[str]:
    return sorted(User.objects.exclude(platform=None).values_list("username", flat=True))


def test_a_user_is_made_at_first_sight(judge: Caller, course: Course) -> None:
    assert judge.ask(on_behalf_of="alice").status_code == 202

    user = User.objects.get(username="judge:alice")
    assert Hint.objects.get().student == user
    assert list(user.memberships.values_list("course", "role")) == [(course.pk, "student")]
    problem(judge.ask(on_behalf_of="alice"), 409, "already-waiting")
    assert users() == ["judge:alice"]


@pytest.mark.parametrize("path", ["/v1/hints", "/v1/checks"])
def test_a_platform_makes_no_more_users_than_it_may(
    judge: Caller, course: Course, path: str
) -> None:
    Platform.objects.update(most_users=2)
    for name in ("alice", "bob"):
        assert judge.post("/v1/checks", CHECK | {"on_behalf_of": name}).status_code == 200

    body = CHECK | {"on_behalf_of": "carol"} | ({"level": 1} if path == "/v1/hints" else {})
    refused = problem(judge.post(path, body), 409, "too-many-users")

    assert "as many users as it may" in refused["title"]
    assert "admin" in refused["detail"]
    assert users() == ["judge:alice", "judge:bob"]
    judge.headers["Accept-Language"] = "ko"
    assert "사용자" in problem(judge.post(path, body), 409, "too-many-users")["title"]
    # Who is there goes on, also in another course of the platform.
    assert judge.post("/v1/checks", CHECK | {"on_behalf_of": "alice"}).status_code == 200
    Platform.objects.update(most_users=3)
    assert judge.post("/v1/checks", CHECK | {"on_behalf_of": "carol"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_once_no_more_are_made(line: None, course: Course) -> None:
    row = Platform.objects.create(slug="judge", most_users=3)
    row.courses.add(course)

    def come(number: int) -> bool:
        try:
            return bool(access.acted_for(row, f"user{number}", course))
        except access.TooManyUsers:
            return False

    came = at_once(*(partial(come, number) for number in range(6)))

    assert sum(came) == len(users()) == 3


def test_one_question_finds_who_was_here_before(
    judge: Caller, course: Course, django_assert_num_queries: Any
) -> None:
    row = Platform.objects.get()
    made = access.acted_for(row, "alice", course)

    with django_assert_num_queries(1):
        assert access.acted_for(row, "alice", course) == made


@pytest.mark.parametrize("name", ["a", "김민지", "7f3c-42", "a:b/c d", "x" * 100, OWNER, "minji"])
def test_any_printable_name_will_do(judge: Caller, student: User, name: str) -> None:
    assert judge.ask(on_behalf_of=name).status_code == 202
    assert Hint.objects.get().student.username == f"judge:{name}"
    assert Hint.objects.get().student not in (student, User.objects.get(username=OWNER))


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", "a\0", "a\n", "\ud800", "a\u200bb", "\u202ea", "x" * 101, 7, [], {}],
)
@pytest.mark.parametrize("path", ["/v1/hints", "/v1/checks"])
def test_what_is_no_name_is_refused_by_field(judge: Caller, path: str, name: Any) -> None:
    body = {"exercise": EXERCISE, "code": WRONG, "level": 1, "on_behalf_of": name}

    found = problem(judge.post(path, body), 422, "invalid")

    assert [each["where"] for each in found["errors"]] == ["on_behalf_of"]
    assert users() == []


def test_a_platform_says_for_whom_it_asks(judge: Caller) -> None:
    for answer in (
        judge.ask(),
        judge.post("/v1/checks", {"exercise": EXERCISE, "code": WRONG}),
        judge.get(HISTORY),
    ):
        found = problem(answer, 422, "invalid")
        assert [each["where"] for each in found["errors"]] == ["on_behalf_of"]
    assert not Hint.objects.exists()


def plain_token(student: User) -> Caller:
    token = ApiToken(user=student, name="script")
    text = fresh(token)
    token.save()
    return Caller(token=text)


@pytest.mark.parametrize("caller", [Caller, plain_token], ids=["browser", "token"])
def test_nobody_else_asks_on_behalf_of_others(
    judge: Caller, student: User, caller: Callable[[User], Caller]
) -> None:
    for name in ("alice", "judge:alice", student.username):
        found = problem(caller(student).ask(on_behalf_of=name), 403, "forbidden")
        assert "platform" in found["detail"]
        problem(caller(student).get(f"{HISTORY}&on_behalf_of={name}"), 403, "forbidden")
    assert users() == []
    assert (
        "플랫폼"
        in problem(Caller(student, language="ko").ask(on_behalf_of="alice"), 403, "forbidden")[
            "detail"
        ]
    )


def test_the_same_name_of_two_platforms_is_two_users(judge: Caller, other: Caller) -> None:
    for caller in (judge, other):
        assert caller.ask(on_behalf_of="alice").status_code == 202
    # Neither can spell the other's.
    assert other.ask(on_behalf_of="judge:alice").status_code == 202

    assert users() == ["judge:alice", "other:alice", "other:judge:alice"]


def test_tokens_of_one_platform_share_its_users(judge: Caller) -> None:
    asked = judge.ask(on_behalf_of="alice").json()
    second = another(Platform.objects.get())

    assert second.get(asked["links"]["self"]).status_code == 200
    ApiToken.objects.order_by("pk").first().delete()
    assert second.get(asked["links"]["self"]).status_code == 200
    problem(judge.get(asked["links"]["self"]), 401, "not-signed-in")


def test_a_platform_follows_and_rates_what_its_users_asked(judge: Caller, other: Caller) -> None:
    links = judge.ask(on_behalf_of="alice").json()["links"]

    answer = judge.get(links["self"])
    assert answer.status_code == 200
    assert judge.get(links["self"], answer["ETag"]).status_code == 304
    assert judge.post(links["cancel"]).status_code == 202
    assert judge.put(links["feedback"], {"helpful": True}).status_code == 200
    assert len(judge.get(f"{HISTORY}&on_behalf_of=alice").json()["items"]) == 1
    assert judge.get(f"{HISTORY}&on_behalf_of=bob").json()["items"] == []
    assert other.get(f"{HISTORY}&on_behalf_of=alice").json()["items"] == []
    for refused in (
        other.get(links["self"]),
        other.get(links["self"], answer["ETag"]),
        other.post(links["cancel"]),
        other.put(links["feedback"], {"helpful": False}),
    ):
        problem(refused, 404, "not-found")
    assert Hint.objects.get().helpful is True


def test_a_platform_sees_no_hint_of_anybody_else(judge: Caller, student: User) -> None:
    """Its person, here a superuser, would see them all."""
    links = Caller(student).ask().json()["links"]

    problem(judge.get(links["self"]), 404, "not-found")
    problem(judge.post(links["cancel"]), 404, "not-found")
    problem(judge.get(f"/v1/hints/{uuid4()}"), 404, "not-found")


def test_a_platform_stays_in_its_courses(judge: Caller, course: Course) -> None:
    elsewhere = Course.objects.create(slug="elsewhere", title_ko="x", title_en="x")
    Exercise.objects.create(course=elsewhere, slug="add", statement_en="x", tests="assert f()")

    for path in ("elsewhere/add", "basics/none", "none/none"):
        problem(judge.ask(exercise=path, on_behalf_of="alice"), 404, "not-found")
        problem(judge.get(f"/v1/hints?exercise={path}&on_behalf_of=alice"), 404, "not-found")
    # Nothing half done: who could not ask is not there.
    assert users() == []


def test_a_course_that_a_platform_leaves_is_closed_to_it(judge: Caller, course: Course) -> None:
    links = judge.ask(on_behalf_of="alice").json()["links"]
    Platform.objects.get().courses.clear()

    problem(judge.ask(on_behalf_of="alice"), 404, "not-found")
    problem(judge.get(links["self"]), 404, "not-found")
    assert not Membership.objects.filter(user__username="judge:alice").exists()
    Platform.objects.get().courses.add(course)
    assert judge.get(f"{HISTORY}&on_behalf_of=alice").status_code == 200
    assert judge.get(links["self"]).status_code == 200


def test_a_deleted_course_is_gone_for_the_platform_too(judge: Caller, course: Course) -> None:
    links = judge.ask(on_behalf_of="alice").json()["links"]
    course.delete()

    problem(judge.ask(on_behalf_of="alice"), 404, "not-found")
    problem(judge.get(links["self"]), 404, "not-found")
    problem(judge.get(f"{HISTORY}&on_behalf_of=alice"), 404, "not-found")


def test_the_user_of_a_platform_cannot_sign_in(judge: Caller) -> None:
    judge.ask(on_behalf_of="alice")
    user = User.objects.get(username="judge:alice")
    assert not user.has_usable_password()
    user.set_password("known words 17")
    user.save()

    page = {"username": "judge:alice", "password": "known words 17"}
    assert Client().post("/accounts/login/", page).status_code == 200
    assert User.objects.get(username="judge:alice").last_login is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": True}])
def test_a_user_who_was_locked_out_or_raised_is_not_acted_for(
    judge: Caller, change: dict[str, bool]
) -> None:
    links = judge.ask(on_behalf_of="alice").json()["links"]
    User.objects.filter(username="judge:alice").update(**change)

    problem(judge.ask(on_behalf_of="alice"), 403, "forbidden")
    problem(judge.get(links["self"]), 404, "not-found")


def test_an_account_that_only_looks_like_it_is_not_the_platforms(judge: Caller) -> None:
    """The admin's forms take no colon, but a command line may."""
    User.objects.create_user("judge:alice")

    problem(judge.ask(on_behalf_of="alice"), 403, "forbidden")


def test_limits_are_each_users_own(judge: Caller) -> None:
    limit = broker().client
    for name in ("alice", "bob"):
        for _ in range(30):
            judge.post("/v1/checks", {"exercise": EXERCISE, "code": RIGHT, "on_behalf_of": name})
        answer = judge.post(
            "/v1/checks", {"exercise": EXERCISE, "code": RIGHT, "on_behalf_of": name}
        )
        problem(answer, 429, "too-many-runs")
    assert limit.exists(RUNS(str(User.objects.get(username="judge:bob").pk)))
    assert judge.ask(on_behalf_of="carol").status_code == 202


def test_levels_and_keys_are_each_users_own(judge: Caller) -> None:
    first = judge.ask("key", on_behalf_of="alice").json()
    second = judge.ask("key", on_behalf_of="bob").json()

    assert first["id"] != second["id"]
    assert judge.ask("key", on_behalf_of="alice").json()["id"] == first["id"]
    problem(judge.ask(level=2, on_behalf_of="carol"), 409, "level-locked")


def test_a_refused_program_makes_no_user(judge: Caller) -> None:
    problem(judge.ask(code=" ", on_behalf_of="alice"), 422, "invalid")
    problem(judge.ask(code="#" * 65537, on_behalf_of="alice"), 413, "code-too-large")
    problem(judge.ask(question="\0", on_behalf_of="alice"), 422, "invalid")
    assert users() == []


def test_a_stream_is_its_users_and_ends_with_the_token(
    judge: Caller, other: Caller, rf: Any
) -> None:
    hints = [judge.ask(on_behalf_of=name).json()["id"] for name in ("alice", "bob")]

    def opened(caller: Caller, *wanted: str) -> Any:
        headers = {"Authorization": caller.headers["Authorization"]}
        return admission.admit(rf.get("/v1/events", headers=headers), wanted)

    holder, _ = opened(judge, hints[0])
    assert holder.user == User.objects.get(username="judge:alice").pk
    for caller, wanted in ((judge, hints), (other, hints[:1])):
        with pytest.raises(Exception, match="not-found"):
            opened(caller, *wanted)
    follower = admission.Follower(holder, hints[0])
    assert admission.lost([follower]) == {}
    assert holding([holder]) == {holder}
    User.objects.filter(pk=holder.user).update(is_active=False)
    assert admission.lost([follower])[follower].name == "not-signed-in"
    User.objects.filter(pk=holder.user).update(is_active=True)
    Platform.objects.get(slug="judge").courses.clear()
    assert admission.lost([follower])[follower].name == "not-found"
    ApiToken.objects.all().delete()
    assert admission.lost([follower])[follower].name == "not-signed-in"


def test_a_token_of_a_person_who_was_locked_out_is_refused(judge: Caller) -> None:
    User.objects.filter(username=OWNER).update(is_active=False)

    problem(judge.ask(on_behalf_of="alice"), 401, "not-signed-in")


def test_a_platform_with_users_is_not_deleted_by_a_click(judge: Caller) -> None:
    judge.ask(on_behalf_of="alice")

    with pytest.raises(ProtectedError):
        Platform.objects.get().delete()
    assert Submission.objects.exists()


def test_the_admin_makes_a_platform_with_its_token_and_sees_its_users(
    admin: Client, course: Course, exercise: Exercise
) -> None:
    live()
    form = {"slug": "judge", "courses": [course.pk], "most_users": 50}
    admin.post("/admin/people/platform/add/", form)
    row = Platform.objects.get()
    assert row.most_users == 50
    assert list(row.courses.all()) == [course]
    form = {"user": User.objects.get().pk, "platform": row.pk, "name": "service"}
    page = admin.post("/admin/people/apitoken/add/", form, follow=True).content.decode()
    token = re.findall(r"hl_[\w-]{43}", page)[0]

    assert Caller(token=token).ask(on_behalf_of="alice").status_code == 202

    user = User.objects.get(username="judge:alice")
    listed = admin.get("/admin/people/platform/").content.decode()
    assert f"/admin/people/user/?platform__id__exact={row.pk}" in listed
    found = admin.get(f"/admin/people/user/?platform__id__exact={row.pk}").content.decode()
    assert "judge:alice" in found
    assert "root" not in found.partition("result_list")[2].partition("</table>")[0]
    assert "judge" in admin.get(f"/admin/people/user/{user.pk}/change/").content.decode()
    # The name stands in the names of its users.
    admin.post(
        f"/admin/people/platform/{row.pk}/change/", {"slug": "x", "courses": [], "most_users": 50}
    )
    assert Platform.objects.get().slug == "judge"
    assert not Membership.objects.filter(user=user).exists()


def test_the_members_of_a_course_are_listed_without_a_platforms_users(
    admin: Client, judge: Caller, course: Course
) -> None:
    """They may be thousands, and each would be a form."""
    judge.ask(on_behalf_of="alice")

    page = admin.get(f"/admin/courses/course/{course.pk}/change/").content.decode()
    assert "judge:alice" not in page
