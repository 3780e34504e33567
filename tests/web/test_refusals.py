"""Bad input: a problem with a stable type, in both languages, and nothing left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.web.kit import EXERCISE, WRONG, Caller, live, nothing_left, problem
from web.courses.models import Course, Exercise
from web.hints.models import Hint
from web.people.models import User

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-4000-8000-000000000000"
HANGUL = re.compile("[가-힣]")
Send = Callable[[Caller], Any]


def asked(**changes: Any) -> Send:
    return lambda caller: caller.ask(**changes)


def raw(body: bytes | str) -> Send:
    return lambda caller: caller.post("/v1/hints", body)


def got(path: str) -> Send:
    return lambda caller: caller.get(path)


REFUSED: dict[str, tuple[Send, int, str, str]] = {
    "empty code": (asked(code=" \n"), 422, "invalid", "code"),
    "no code": (raw(json.dumps({"exercise": EXERCISE, "level": 1})), 422, "invalid", "code"),
    "64 KB and a byte": (asked(code="#" * 65_537), 413, "code-too-large", ""),
    "64 KB in 22,000 letters": (asked(code="가" * 22_000), 413, "code-too-large", ""),
    "two megabytes": (asked(code="#" * 2_000_000), 413, "too-large", ""),
    "a NUL in the code": (asked(code="x = 1\0"), 422, "invalid", "code"),
    "a NUL in the question": (asked(question="\0"), 422, "invalid", "question"),
    "a NUL in the exercise": (asked(exercise="basics/\0"), 422, "invalid", "exercise"),
    "half a character": (
        raw(f'{{"exercise": "{EXERCISE}", "level": 1, "code": "x = \\ud800"}}'),
        422,
        "invalid",
        "code",
    ),
    "a long question": (asked(question="?" * 1_001), 422, "invalid", "question"),
    "a long key": (asked(key="k" * 256), 422, "invalid", "Idempotency-Key"),
    "level 0": (asked(level=0), 422, "invalid", "level"),
    "level 6": (asked(level=6), 422, "invalid", "level"),
    "a level in words": (asked(level="one"), 422, "invalid", "level"),
    "another language": (asked(locale="fr"), 422, "invalid", "locale"),
    "code as a list": (asked(code=["x"]), 422, "invalid", "code"),
    "a body that is a list": (raw("[]"), 422, "invalid", "exercise level code"),
    "no body": (raw(""), 422, "invalid", "body"),
    "broken JSON": (raw('{"code": '), 422, "invalid", ""),
    "JSON without end": (raw("[" * 100_000), 422, "invalid", ""),
    "bytes that are no text": (raw(b'{"code": "\xff"}'), 422, "invalid", ""),
    "another media type": (
        lambda caller: caller.client.post("/v1/hints", "{}", "text/plain", headers=caller.headers),
        415,
        "media-type",
        "",
    ),
    "a form": (
        lambda caller: caller.client.post("/v1/checks", {"code": "x"}, headers=caller.headers),
        415,
        "media-type",
        "",
    ),
    "a level that is a truth": (asked(level=True), 422, "invalid", "level"),
    "a level in quotes": (asked(level="1"), 422, "invalid", "level"),
    "a locked level": (asked(level=2), 409, "level-locked", ""),
    "no such exercise": (asked(exercise="basics/none"), 404, "not-found", ""),
    "no such course": (asked(exercise="none/add"), 404, "not-found", ""),
    "no course at all": (asked(exercise="add"), 422, "invalid", "exercise"),
    "an unknown path": (got("/v1/nothing"), 404, "not-found", ""),
    "an unknown hint": (got(f"/v1/hints/{NOBODY}"), 404, "not-found", ""),
    "an id that is none": (got("/v1/hints/1"), 404, "not-found", ""),
    "a list without exercise": (got("/v1/hints"), 422, "invalid", "exercise"),
    "a list of a broken exercise": (got("/v1/hints?exercise=a%00b"), 422, "invalid", "exercise"),
    "a wrong method": (lambda caller: caller.put("/v1/hints", {}), 405, "method-not-allowed", ""),
    "checks of no code": (
        lambda caller: caller.post("/v1/checks", {"exercise": EXERCISE, "code": ""}),
        422,
        "invalid",
        "code",
    ),
    "an unknown hint to cancel": (
        lambda caller: caller.post(f"/v1/hints/{NOBODY}/cancel"),
        404,
        "not-found",
        "",
    ),
    "an unknown hint to rate": (
        lambda caller: caller.put(f"/v1/hints/{NOBODY}/feedback", {"helpful": True}),
        404,
        "not-found",
        "",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_leaves_a_problem_and_nothing_else(api: Caller, case: str) -> None:
    send, status, name, fields = REFUSED[case]
    live()

    english = problem(send(api), status, name)
    api.headers["Accept-Language"] = "ko"
    korean = problem(send(api), status, name)

    assert HANGUL.search(korean["title"])
    assert not HANGUL.search(english["title"] + english["detail"])
    assert bool(korean["detail"]) == bool(english["detail"])
    assert not korean["detail"] or HANGUL.search(korean["detail"])
    assert [error["where"] for error in english["errors"]] == fields.split()
    assert nothing_left()


def test_a_wrong_method_is_told_the_right_ones(api: Caller) -> None:
    assert set(api.put("/v1/hints", {})["Allow"].split(", ")) == {"GET", "POST"}


def test_an_exercise_of_another_course_is_not_there(api: Caller) -> None:
    live()
    other = Course.objects.create(slug="other", title_ko="다른", title_en="Other")
    Exercise.objects.create(course=other, slug="add")

    problem(api.ask(exercise="other/add"), 404, "not-found")
    check = {"exercise": "other/add", "code": WRONG}
    problem(api.post("/v1/checks", check), 404, "not-found")
    problem(api.get("/v1/hints?exercise=other/add"), 404, "not-found")

    assert nothing_left()


def test_a_stranger_gets_nothing(api: Caller, stranger: Caller) -> None:
    links = api.ask().json()["links"]

    problem(stranger.ask(), 404, "not-found")
    problem(stranger.post("/v1/checks", {"exercise": EXERCISE, "code": WRONG}), 404, "not-found")
    problem(stranger.get(f"/v1/hints?exercise={EXERCISE}"), 404, "not-found")
    problem(stranger.get(links["self"]), 404, "not-found")
    problem(stranger.post(links["cancel"]), 404, "not-found")
    problem(stranger.put(links["feedback"], {"helpful": False}), 404, "not-found")

    assert Hint.objects.get().state == "queued"
    assert Hint.objects.get().helpful is None


def test_a_fellow_student_cannot_touch_the_hint(api: Caller, course: Course) -> None:
    links = api.ask().json()["links"]
    fellow = Caller(User.objects.create_user("fellow"))
    course.memberships.create(user=fellow_of(fellow))

    problem(fellow.get(links["self"]), 404, "not-found")
    problem(fellow.post(links["cancel"]), 404, "not-found")
    problem(fellow.put(links["feedback"], {"helpful": False}), 404, "not-found")
    assert fellow.get(f"/v1/hints?exercise={EXERCISE}").json() == {"items": []}

    assert Hint.objects.get().state == "queued"


def fellow_of(caller: Caller) -> User:
    return User.objects.get(pk=caller.client.session["_auth_user_id"])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nobody_is_asked_to_sign_in(api: Caller, language: str) -> None:
    links = api.ask().json()["links"]
    nobody = Caller(language=language)

    for answer in (
        nobody.ask(),
        nobody.post("/v1/checks", {"exercise": EXERCISE, "code": WRONG}),
        nobody.get(f"/v1/hints?exercise={EXERCISE}"),
        nobody.get(links["self"]),
        nobody.post(links["cancel"]),
        nobody.put(links["feedback"], {"helpful": True}),
    ):
        title = problem(answer, 401, "not-signed-in")["title"]
        assert bool(HANGUL.search(title)) == (language == "ko")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_browser_without_its_csrf_token_changes_nothing(
    api: Caller, student: User, language: str
) -> None:
    live()
    caller = Caller(student, language=language)
    caller.client = Client(enforce_csrf_checks=True)
    caller.client.force_login(student)

    title = problem(caller.ask(), 403, "csrf")["title"]

    assert bool(HANGUL.search(title)) == (language == "ko")
    assert nothing_left()


def test_a_browser_with_its_csrf_token_may_ask(api: Caller, student: User) -> None:
    caller = Caller(student)
    caller.client = Client(enforce_csrf_checks=True)
    caller.client.force_login(student)
    caller.client.get("/accounts/login/")
    caller.client.get("/c/basics/add/")
    caller.headers["X-CSRFToken"] = caller.client.cookies["csrftoken"].value

    assert caller.ask().status_code == 202


def test_what_breaks_inside_is_a_problem_without_its_text(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the machine")

    monkeypatch.setattr("web.runner.checker.Checker.running", broken)

    body = problem(api.ask(), 500, "internal")

    assert "secret" not in str(body)
    assert nothing_left()


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=é"])
@pytest.mark.parametrize("path", ["/v1/checks", "/v1/hints"])
def test_a_broken_form_is_no_json_in_a_browser_either(
    student: User, path: str, content_type: str
) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    browser.force_login(student)
    browser.get("/")
    token = browser.cookies["csrftoken"].value

    answer = browser.post(path, b"x", content_type, headers={"X-CSRFToken": token})

    problem(answer, 415, "media-type")


@pytest.mark.parametrize("path", ["/", "/v1/hints", "/accounts/login/", "/admin/"])
@pytest.mark.parametrize("host", ["evil.example", "localhost:port", "é", "a b"])
def test_a_strange_host_is_refused_and_breaks_nothing(path: str, host: str) -> None:
    answer = Client(headers={"Accept-Language": "en"}).get(path, headers={"Host": host})

    assert answer.status_code == (422 if path.startswith("/v1/") else 400)
