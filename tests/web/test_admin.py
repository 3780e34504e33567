"""The admin opens for the admin and for nobody else, and shows what staff need of a hint."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin as site
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_results.models import TaskResult

from broker.contract.attempt import Ended, Purpose
from broker.contract.hint import Outcome, Source, State
from broker.contract.job import Partial
from tests.web.kit import EXERCISE, Caller, call, licensed, queued
from web.courses.models import AuthoredHint, Course, Exercise
from web.engines.models import AIModelConfig, Engine, ModeChange
from web.evaluation.models import Evaluation
from web.hints import attempts, store
from web.hints.models import Attempt, Explanation, Hint, Submission
from web.people.models import Allowance, ApiToken, Platform, User

pytestmark = pytest.mark.django_db
TIMELINE = {
    "en": ["Attempt 2 on gpu0", "first words after 0.0 s", "ended after 0.0 s",
           "the engine was silent for too long: silent for 30 s", "write · fake", "template 1",
           "tokens: 70 in (20 cached), 30 out", "max_tokens = 200", "half a sen",
           "Attempt 5 on gpu0", "Its worker was not heard of again.", "Attempt 6 on gpu0",
           "runs now", "blocked by R2", "the raw words", "judge · judge-1",
           "&lt;b&gt;no bug&lt;/b&gt;", "passed the gate", "good words"],
    "ko": ["gpu0에서 2번째 시도", "0.0초 뒤 첫 글", "0.0초 뒤 끝남",
           "엔진이 너무 오래 조용했습니다: silent for 30 s", "쓰기 · fake", "틀 1",
           "토큰: 입력 70(캐시 20), 출력 30", "max_tokens = 200", "half a sen",
           "gpu0에서 5번째 시도", "워커의 소식이 끊겼습니다.", "gpu0에서 6번째 시도",
           "지금 실행 중", "R2 규칙이 막음", "the raw words", "판정 · judge-1",
           "&lt;b&gt;no bug&lt;/b&gt;", "관문 통과", "good words"],
}  # fmt: skip
"""What the timeline says, in its order."""
ADMINS: list[ModelAdmin[Any]] = list(site.site._registry.values())
NAMES = [each.opts.label_lower for each in ADMINS]


@pytest.fixture
def finished(student: User, exercise: Exercise, engine: Engine) -> str:
    """A hint with an attempt, its model call, and Celery's record of it."""
    hint = str(queued(student, exercise).pk)
    store.claim(hint, 1, "gpu0")
    store.finish(hint, 1, Outcome(state=State.ANSWERED, text="Look.", source=Source.MODEL), Ended())
    attempts.keep(hint, 1, [call("the raw words", "R2")])
    TaskResult.objects.create(task_id=f"{hint}-1", status="SUCCESS", worker="gpu0@here")
    return hint


@pytest.fixture
def everything(finished: str, student: User) -> None:
    """A row of each model that this site makes."""
    AIModelConfig.current()
    ModeChange.objects.create(by=student, before="api", after="vllm")
    ApiToken.objects.create(user=student, name="script")
    Group.objects.create(name="graders")
    Platform.objects.create(slug="judge")
    licensed()
    Evaluation.objects.create(engine="gpu0", model="fake", set_name="shipped")
    program = Submission.objects.get()
    Explanation.objects.create(
        student=student, exercise=program.exercise, submission=program, text="the signs agree"
    )
    Allowance.objects.create(course=Course.objects.get(), hints_a_day=30)


def text_of(client: Client, path: str, language: str = "en") -> str:
    """A page without its marks, and with single blanks."""
    html = client.get(path, headers={"Accept-Language": language}).content.decode()
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


def page(model: ModelAdmin[Any], name: str, *args: Any) -> str:
    return reverse(f"admin:{model.opts.app_label}_{model.opts.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", ADMINS, ids=NAMES)
def test_every_list_and_row_opens_for_the_admin(
    admin: Client, everything: None, model: ModelAdmin[Any]
) -> None:
    assert admin.get(page(model, "changelist"), follow=True).status_code == 200

    row = model.model._default_manager.first()
    if row is not None:
        assert admin.get(page(model, "change", row.pk)).status_code == 200
    else:
        assert model.opts.app_label == "axes"


@pytest.mark.parametrize("model", ADMINS, ids=NAMES)
def test_no_list_opens_for_a_student(api: Caller, model: ModelAdmin[Any]) -> None:
    answer = api.get(page(model, "changelist"))

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


def test_the_admin_speaks_korean(admin: Client) -> None:
    html = admin.get("/admin/", headers={"Accept-Language": "ko"}).content.decode()

    assert {"AI 모드", "문제", "힌트", "API 토큰"} <= set(re.findall(r">([^<>\n]+)</a>", html))


def test_a_hint_shows_its_attempts_with_their_model_calls(
    admin: Client, student: User, exercise: Exercise, engine: Engine
) -> None:
    hint = str(queued(student, exercise).pk)
    store.claim(hint, 2, "gpu0")
    store.requeue(hint, 2, ended=Ended(seen_s=0, failure="timeout", error="silent for 30 s"))
    attempts.keep(hint, 2, [call("half a sen", "")])
    store.claim(hint, 5, "gpu0")
    store.requeue(hint, 5)
    store.claim(hint, 6, "gpu0")
    hidden = call("<b>no bug</b>", "", purpose=Purpose.JUDGE, model="judge-1", parameters={})
    attempts.keep(hint, 6, [call("the raw words", "R2"), hidden, call("good words")])
    # However long this machine took.
    Attempt.objects.filter(number=2).update(
        first_piece_at=F("started_at"), finished_at=F("started_at")
    )

    for language, words in TIMELINE.items():
        seen = text_of(admin, f"/admin/hints/hint/{hint}/change/", language)
        assert [seen.find(word) for word in words] == sorted(seen.find(word) for word in words)
        assert not [word for word in words if word not in seen]


def test_a_hint_that_nobody_took_says_so(admin: Client, student: User, exercise: Exercise) -> None:
    hint = queued(student, exercise)

    assert "No engine has been asked yet" in text_of(admin, f"/admin/hints/hint/{hint.pk}/change/")


def test_the_timeline_costs_the_same_for_many_attempts(
    admin: Client, finished: str, student: User, exercise: Exercise,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    hint = str(queued(student, exercise).pk)
    for number in range(1, 9):
        store.claim(hint, number, "gpu0")
        attempts.keep(hint, number, [call("words")] * 3)
        store.requeue(hint, number)
    with CaptureQueriesContext(connection) as few:
        admin.get(f"/admin/hints/hint/{finished}/change/")

    with django_assert_max_num_queries(len(few)):
        admin.get(f"/admin/hints/hint/{hint}/change/")


def test_a_hint_leads_to_its_program(admin: Client, finished: str) -> None:
    path = f"/admin/hints/submission/{Hint.objects.get().submission_id}/change/"

    assert f'href="{path}"' in admin.get(f"/admin/hints/hint/{finished}/change/").content.decode()
    html = admin.get(path).content.decode()
    assert "return a - b" in html
    assert admin.post(path, {"code": "x"}).status_code == 403
    assert admin.get("/admin/hints/submission/add/").status_code == 403


def test_the_text_of_a_cut_attempt_is_shown_to_nobody(
    admin: Client, student: User, exercise: Exercise, engine: Engine
) -> None:
    hint = queued(student, exercise)
    store.claim(str(hint.pk), 1, "gpu0")
    store.requeue(str(hint.pk), 1, Partial(model="m", text="ungated words"))

    seen = [
        admin.get(page(site.site._registry[Hint], "changelist")),
        admin.get(page(site.site._registry[Hint], "change", hint.pk)),
        Caller(student).get(f"/v1/hints/{hint.pk}"),
        Caller(student).get(f"/v1/hints?exercise={EXERCISE}"),
    ]

    assert [answer.status_code for answer in seen] == [200] * 4
    assert not any("ungated words" in answer.content.decode() for answer in seen)


def test_a_hint_cannot_be_edited(admin: Client, finished: str) -> None:
    path = f"/admin/hints/hint/{finished}/change/"

    assert admin.post(path, {"state": "queued"}).status_code == 403
    assert admin.get("/admin/hints/hint/add/").status_code == 403
    assert Hint.objects.get().state == State.ANSWERED


def test_a_task_result_cannot_be_edited(admin: Client, finished: str) -> None:
    path = f"/admin/django_celery_results/taskresult/{TaskResult.objects.get().pk}/change/"

    assert admin.post(path, {"status": "FAILURE"}).status_code == 403
    assert admin.get("/admin/django_celery_results/taskresult/add/").status_code == 403


def test_the_list_of_hints_costs_the_same_for_many(
    admin: Client, student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        store.cancel(str(queued(student, exercise).pk))
    admin.get("/admin/hints/hint/")

    # Session, person; page count, list; the engines and the courses of the filters.
    with django_assert_num_queries(6):
        admin.get("/admin/hints/hint/")


def test_the_list_of_hints_offers_filters_and_never_counts_them_all(
    admin: Client, student: User, exercise: Exercise, engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for _ in range(3):
        store.cancel(str(queued(student, exercise).pk))
    # Django offers no choice where there is only one.
    Course.objects.create(slug="loops", title_ko="x", title_en="x")
    monkeypatch.setattr("web.hints.admin.MOST_LISTED", 2)

    html = admin.get("/admin/hints/hint/").content.decode()

    for query in ("reason=cancelled", "engine=gpu0", "exercise__course__id__exact="):
        assert f"?{query}" in html, query
    assert "2 hints" in html
    assert "0 hints" in admin.get("/admin/hints/hint/?engine=gpu0").content.decode()
    assert "2 hints" in admin.get("/admin/hints/hint/?reason=cancelled").content.decode()


def test_a_token_is_shown_once(admin: Client, student: User) -> None:
    fields = {"user": student.pk, "name": "script", "expires_at_0": "", "expires_at_1": ""}
    html = admin.post("/admin/people/apitoken/add/", fields, follow=True).content.decode()
    shown = re.search(r"hl_[\w-]{43}", html)
    assert shown
    assert Caller(token=shown[0]).get("/v1/hints?exercise=basics/add").status_code == 404

    row = ApiToken.objects.get()
    for path in ("/admin/people/apitoken/", f"/admin/people/apitoken/{row.pk}/change/"):
        assert shown[0] not in admin.get(path).content.decode()

    before = row.sha256
    admin.post(f"/admin/people/apitoken/{row.pk}/change/", fields | {"name": "renamed"})
    row.refresh_from_db()
    assert (row.name, row.sha256) == ("renamed", before)


def exercise_form(exercise: Exercise, **changes: str) -> dict[str, Any]:
    hint = AuthoredHint.objects.get()
    names = "course_id slug position topic title_ko title_en statement_ko statement_en language"
    more = "starter tests reference mistakes_ko mistakes_en"
    fields = {
        name.removesuffix("_id"): getattr(exercise, name) for name in f"{names} {more}".split()
    }
    prefix = "authored_hints"
    return {
        **fields,
        f"{prefix}-TOTAL_FORMS": 1,
        f"{prefix}-INITIAL_FORMS": 1,
        f"{prefix}-0-id": hint.pk,
        f"{prefix}-0-exercise": exercise.pk,
        f"{prefix}-0-level": hint.level,
        f"{prefix}-0-text_ko": hint.text_ko,
        f"{prefix}-0-text_en": hint.text_en,
        **changes,
    }


@pytest.mark.parametrize("tests", ["assert add(1, 2) = 3", "print(add(1, 2))", "더하기"])
@pytest.mark.parametrize(("language", "status"), [("python", 200), ("java", 302)])
def test_tests_that_test_nothing_are_not_kept(
    admin: Client, exercise: Exercise, tests: str, language: str, status: int
) -> None:
    fields = exercise_form(exercise, tests=tests, language=language)

    answer = admin.post(f"/admin/courses/exercise/{exercise.pk}/change/", fields)

    assert answer.status_code == status
    assert ("nobody&#x27;s code could be tested" in answer.content.decode()) == (status == 200)


@pytest.mark.parametrize("field", ["statement_en", "authored_hints-0-text_en"])
def test_a_changed_text_is_a_new_revision(admin: Client, exercise: Exercise, field: str) -> None:
    path = f"/admin/courses/exercise/{exercise.pk}/change/"

    assert admin.post(path, exercise_form(exercise, **{field: "Add."})).status_code == 302

    exercise.refresh_from_db()
    assert exercise.revision == 2
    assert "Add." in (exercise.statement_en, AuthoredHint.objects.get().text_en)
