"""NUL and halves of characters, wherever they come from: told in words, or kept with a mark.

PostgreSQL stores neither, SQLite both: run with TEST_DATABASE=postgresql to see what these hold.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib import admin as site
from django.test import Client, RequestFactory
from django.urls import reverse

from broker.contract.attempt import Ended
from broker.contract.hint import Outcome, Source, State
from broker.contract.job import Partial
from broker.contract.text import storable, storable_json
from tests.web.kit import EXERCISE, Caller, call, new_hint, problem, queued
from web.api.problem import Problem
from web.courses.models import Exercise
from web.engines.models import Engine
from web.events import asked
from web.hints import attempts, creation, store, submissions
from web.hints.models import Attempt, Hint, ModelCall
from web.people.models import User
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict

pytestmark = pytest.mark.django_db
BAD = "a\0b\ud83dc"
GOOD = "a␀b\ufffdc"
MODELS = [each.opts.label_lower for each in site.site._registry.values()]
QUERIES = [
    "q=%00", "q=a%00b", "o=%00", "p=%00", "e=%00", "id=%00", "state=%00", "state__exact=%00",
    "student__id__exact=%00", "exercise__course__id__exact=%00", "created_at__year=%00", "%00=1",
    "_popup=%00", "q=%ed%a0%80", "q=%ff",
]  # fmt: skip


@pytest.fixture
def hint(student: User, exercise: Exercise, engine: Engine) -> str:
    return str(queued(student, exercise).pk)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("한글 ␀ 🙂", "한글 ␀ 🙂"),
        ("\0", "␀"),
        ("\0\0x", "␀␀x"),
        ("\ud800", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        (BAD, GOOD),
    ],
)
def test_a_mark_stands_for_what_cannot_be_kept(text: str, kept: str) -> None:
    assert storable(text) == kept
    assert storable(kept) == kept


def test_the_marks_reach_every_part_of_a_json_value() -> None:
    value = {BAD: [BAD, {"x": BAD}, 1, None, True, 1.5], "y": (BAD,)}

    assert storable_json(value) == {GOOD: [GOOD, {"x": GOOD}, 1, None, True, 1.5], "y": [GOOD]}


@pytest.mark.parametrize("model", MODELS)
def test_no_query_breaks_a_list_of_the_admin(admin: Client, model: str) -> None:
    path = reverse("admin:{}_{}_changelist".format(*model.split(".")))

    found = {query: admin.get(f"{path}?{query}", follow=True).status_code for query in QUERIES}

    assert found == {query: 400 if "%00" in query else 200 for query in QUERIES}


@pytest.mark.parametrize("model", MODELS)
def test_no_path_breaks_the_admin(admin: Client, model: str) -> None:
    path = reverse("admin:{}_{}_changelist".format(*model.split(".")))
    ends = ["%00/change/", "1%00/history/", "%00/delete/", "%00"]

    assert [admin.get(path + end).status_code for end in ends] == [400] * len(ends)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_page_says_in_words_what_was_wrong(admin: Client, language: str) -> None:
    answer = admin.get("/admin/hints/hint/?q=%00", headers={"Accept-Language": language})

    words = {"en": "a character in it that cannot be used", "ko": "쓸 수 없는 문자"}
    assert answer.status_code == 400
    assert words[language] in answer.content.decode()
    assert "Content-Security-Policy" in answer


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "delete_selected", "_selected_action": "\0"},
        {"action": "\0", "_selected_action": "1"},
        {"\0": "1"},
        {"username": "a\0b", "password": "x"},
        {"drain": "\0"},
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/admin/hints/hint/",
        "/accounts/login/",
        "/ops/fleet/",
        "/i18n/setlang/",
    ],
)
def test_no_form_breaks_a_page(admin: Client, path: str, fields: dict[str, str]) -> None:
    assert admin.post(path, fields).status_code == 400


@pytest.mark.parametrize("where", ["/", f"/{EXERCISE}/", "/admin/"])
@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken", "django_language", "other"])
def test_no_cookie_breaks_a_page(api: Caller, where: str, cookie: str) -> None:
    headers = {"Cookie": f'{cookie}="a\\000b"'}

    assert Client().get(where, headers=headers).status_code == 400


@pytest.mark.parametrize("header", ["User-Agent", "X-Real-IP", "Accept", "Authorization", "Cookie"])
def test_no_header_breaks_a_sign_in(client: Client, header: str) -> None:
    fields = {"username": "nobody", "password": "wrong"}

    assert client.post("/accounts/login/", fields, headers={header: "a\0b"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/v1/hints?exercise=a%00/b",
        "/v1/hints?%00",
        "/v1/%00",
        "/v1/hints/2f0d1c5e-6a3b-4b7e-9c1d-8e5f7a9b0c2d%00",
    ],
)
def test_no_address_breaks_the_api(api: Caller, path: str) -> None:
    problem(api.get(path), 422, "invalid")


def test_no_header_breaks_the_api(api: Caller) -> None:
    problem(api.ask(key="a\0b"), 422, "invalid")
    api.headers["Authorization"] = "Bearer hl_\0"
    problem(api.ask(), 422, "invalid")


@pytest.mark.parametrize("header", ["Cookie", "Last-Event-ID", "Authorization"])
def test_no_header_breaks_the_events(header: str) -> None:
    request = RequestFactory().get(
        f"/v1/events?hint={uuid4()}", headers={header: 'sessionid="a\\000b"; \0'}
    )

    with pytest.raises(Problem) as refused:
        asked.read(request)

    assert refused.value.kind.status == 400


@pytest.mark.parametrize("name", ["exercise", "code", "question", "locale", "lane", "level"])
@pytest.mark.parametrize("text", ["\0", "\ud800", f"{EXERCISE}\0", f"{EXERCISE}\ud800"])
def test_no_field_breaks_the_api(api: Caller, name: str, text: str) -> None:
    # A test client's JSON is ASCII, as that of any program may be: "\ud800" travels as six letters.
    problem(api.ask(**{name: text}), 422, "invalid")
    assert not Hint.objects.exists()


def test_whatever_a_request_brings_its_row_can_be_kept(student: User, exercise: Exercise) -> None:
    report = Report(
        verdict=Verdict.FAILED,
        first=Case(call=BAD, expected=BAD, got=BAD, error=BAD),
        error=ProgramError(kind=BAD, message=BAD),
        output=BAD,
    )
    new = replace(new_hint(student, exercise), question=BAD)
    program = submissions.keep(submissions.ran(student, exercise, BAD, report))
    new = replace(new, submission=program)

    created = store.create(replace(new, idempotency_key=BAD))

    assert isinstance(created, creation.Created)
    row = Hint.objects.get()
    assert (row.submission.code, row.question, row.idempotency_key) == (GOOD, GOOD, GOOD)
    kept = row.submission.report
    assert kept["first"] == {
        "call": GOOD, "expected": GOOD, "got": GOOD, "error": GOOD,
        "stdin": None, "hidden": False, "note": {},
    }  # fmt: skip
    assert (kept["error"]["message"], kept["output"]) == (GOOD, GOOD)
    assert submissions.keep(submissions.ran(student, exercise, BAD, report)) == program
    assert isinstance(store.create(replace(new, idempotency_key=BAD)), creation.Repeated)


def test_whatever_a_model_writes_is_kept_with_a_mark(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    ending = Outcome(state=State.ANSWERED, text=BAD, source=Source.MODEL)

    assert store.finish(hint, 1, ending, Ended())
    attempts.keep(hint, 1, [call(BAD, "R1", model=BAD, parameters={BAD: BAD})])

    assert Hint.objects.get().text == GOOD
    kept = ModelCall.objects.get()
    assert (kept.text, kept.model, kept.parameters) == (GOOD, GOOD, {GOOD: GOOD})


def test_whatever_an_engine_says_closes_its_attempt(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    assert store.requeue(hint, 1, ended=Ended(failure="cut", error=f"{BAD}{'x' * 5000}"))

    kept = Attempt.objects.get()
    assert kept.error.startswith(GOOD)
    assert len(kept.error) == 1000


def test_what_a_cut_attempt_left_is_kept(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    left = Partial(model=BAD, text=BAD)

    assert store.requeue(hint, 1, left)

    again = store.claim(hint, 2, "gpu0")
    assert again is not None
    assert again.partial == Partial(model=GOOD, text=GOOD)


def test_a_comment_is_kept(hint: str) -> None:
    row = Hint.objects.get()

    store.say(row, helpful=True, comment=BAD)

    assert Hint.objects.get().comment == row.comment == GOOD
