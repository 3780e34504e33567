"""A result that comes with the request stands in the place of a run here, in any language."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.contract.job import Endpoint, Sampling
from tests.web.kit import EXERCISE, RIGHT, WRONG, Caller, live, problem
from web.courses.models import AuthoredHint, Exercise
from web.engines.roster import Serving
from web.hints import jobs, store
from web.hints.models import Hint, Submission
from web.runner import checker as running
from web.tutor.evidence.report import LENGTHS, Report
from web.tutor.languages import LANGUAGES

pytestmark = pytest.mark.django_db
JAVA = 'class Main { public static void main(String[] a) { System.out.println("5"); } }'
FAILED = {
    "status": "failed", "call": "add(1, 2)", "expected": "3", "got": "-1", "passed": 1, "total": 2,
}  # fmt: skip


@pytest.fixture
def platform(api: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """It has judged the program, so nothing may run here."""

    def never(*_: Any) -> None:
        raise AssertionError("the program was run")

    monkeypatch.setattr(running.Checker, "running", never)
    live()
    return api


def check(caller: Caller, result: Any, code: str = WRONG) -> Any:
    return caller.post("/v1/checks", {"exercise": EXERCISE, "code": code, "result": result})


def test_a_result_is_kept_as_the_platforms(platform: Caller) -> None:
    answer = platform.ask(result=FAILED)

    assert answer.status_code == 202
    row = Submission.objects.get()
    assert (row.source, Hint.objects.get().submission) == ("platform", row)
    report = Report.from_json(row.report)
    assert (report.verdict, report.passed, report.total) == ("failed", 1, 2)
    assert report.first
    assert (report.first.call, report.first.expected, report.first.got) == ("add(1, 2)", "3", "-1")
    assert "`add(1, 2)` should give `3`, but your code gives `-1`." in answer.json()["l0"]["words"]


@pytest.mark.parametrize("language", ["java", "cpp", "javascript", "kotlin", "rust"])
def test_a_program_in_any_language_gets_a_hint(
    platform: Caller, exercise: Exercise, language: str
) -> None:
    Exercise.objects.update(language=language, tests="")
    result = {"status": "failed", "stdin": "1 2\n", "expected": "3\n", "got": "5\n"}

    answer = platform.ask(code=JAVA, result=result)

    assert answer.status_code == 202
    words = answer.json()["l0"]["words"]
    assert "`1 2`" in words
    assert "`3`" in words
    assert "`5`" in words
    assert "Python" not in words


def test_what_passed_there_is_already_correct(platform: Caller) -> None:
    for result in ({"status": "passed"}, {"status": "passed", "passed": 7, "total": 7}):
        problem(platform.ask(result=result), 409, "already-correct")
    assert [row.source for row in Submission.objects.all()] == ["platform", "platform"]


def test_a_run_here_and_the_same_result_from_there_are_two_submissions(api: Caller) -> None:
    live()
    api.post("/v1/checks", {"exercise": EXERCISE, "code": RIGHT})
    report = Submission.objects.get().report
    check(api, {"status": "passed", "passed": 2, "total": 2}, RIGHT)

    rows = list(Submission.objects.order_by("pk"))
    assert [row.source for row in rows] == ["here", "platform"]
    assert rows[1].report == report
    check(api, {"status": "passed", "passed": 2, "total": 2}, RIGHT)
    assert Submission.objects.count() == 2


def test_another_result_under_the_same_key_is_another_request(platform: Caller) -> None:
    first = platform.ask("key", result=FAILED).json()

    assert platform.ask("key", result=FAILED).json()["id"] == first["id"]
    problem(platform.ask("key", result=FAILED | {"got": "0"}), 422, "key-reused")


STATUSES = {
    "failed": "wrong result",
    "syntax": "could not be read",
    "error": "stops with",
    "time": "did not finish in time",
    "memory": "more memory",
    "too_deep": "more often",
    "output": "prints more",
    "not_run": "not run",
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_each_status_is_told_in_words(platform: Caller, status: str, locale: str) -> None:
    caller = Caller(language=locale)
    caller.client = platform.client
    for more in (
        {},
        {"message": "java.lang.IllegalStateException: no cups", "line": 7},
        {"call": "add(1, 2)"},
        {"call": "add(1, 2)", "expected": "3"},
        {"call": "add(1, 2)", "got": "3"},
        {"stdin": "1\n2\n"},
        {"stdin": "1\n2\n", "expected": "3", "got": ""},
        {"stdin": "", "expected": "3"},
        {"passed": 3, "total": 9, "message": "`x`"},
    ):
        words = check(caller, {"status": status} | more).json()["words"]
        assert words
        assert "None" not in words
        assert "  " not in words.replace("`` ", "").replace(" ``", "")
        if locale == "en":
            assert STATUSES[status] in words or "call" in more or "stdin" in more
        if more.get("total"):
            assert "3" in words
            assert "9" in words
        if "java" in str(more):
            assert "no cups" in words


def test_who_was_judged_without_a_case_is_not_told_one(platform: Caller) -> None:
    words = check(platform, {"status": "failed", "passed": 3, "total": 9}).json()["words"]

    assert "a test that is not shown" in words
    assert "3 of 9 tests pass." in words


CLAIMS = ("wrong", "incorrect", "mistake", "fails", "틀렸", "틀린", "잘못", "오답", "실패")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_without_runner_and_result_nobody_says_that_it_is_wrong(
    api: Caller, exercise: Exercise, engine: Any, locale: str
) -> None:
    live()
    Exercise.objects.update(language="java", tests="")
    AuthoredHint.objects.all().delete()
    caller = Caller(language=locale)
    caller.client = api.client
    not_run = {"en": "was not run", "ko": "실행하지 않았어요"}[locale]

    first = caller.post("/v1/checks", {"exercise": EXERCISE, "code": JAVA}).json()["words"]
    second = check(caller, {"status": "not_run", "message": "no compiler here"}, JAVA).json()
    asked = caller.ask(code=JAVA, locale=locale).json()

    for words in (first, second["words"], asked["l0"]["words"]):
        assert not_run in words
        assert not [claim for claim in CLAIMS if claim in words]
    job = store.claim(asked["id"], 1, "gpu0")
    assert job
    assert not_run in job.l0


def test_the_words_of_a_result_go_to_the_worker(
    platform: Caller, exercise: Exercise, engine: Any
) -> None:
    hint = platform.ask(result=FAILED | {"message": "rule 7"}, locale="ko").json()["id"]

    job = store.claim(hint, 1, "gpu0")

    assert job
    assert "`add(1, 2)`" in job.l0
    assert "rule 7" in job.l0
    row = Hint.objects.select_related("submission", "exercise").get()
    serving = Serving(Endpoint(base_url="", model=""), Sampling(), judge=None, diagnoses=False)
    assert jobs.job(row, serving, streams=False).l0 == job.l0


BAD: dict[str, tuple[Any, str]] = {
    "no status": ({}, "result.status"),
    "another status": ({"status": "WA"}, "result.status"),
    "a status that is no text": ({"status": ["failed"]}, "result.status"),
    "a result that is a text": ("failed", "result"),
    "a result that is a list": ([FAILED], "result"),
    "a NUL": (FAILED | {"got": "a\0b"}, "result.got"),
    "half a character": (FAILED | {"expected": "\ud83d"}, "result.expected"),
    "a number for a text": (FAILED | {"got": 7}, "result.got"),
    "a text for a number": (FAILED | {"total": "9"}, "result.total"),
    "a huge number": (FAILED | {"total": 10**30}, "result.total"),
    "a negative number": (FAILED | {"passed": -1}, "result.passed"),
    "a truth value": (FAILED | {"passed": True}, "result.passed"),
    "half a test": (FAILED | {"passed": 0.5}, "result.passed"),
    "line 0": (FAILED | {"line": 0}, "result.line"),
    "a line far away": (FAILED | {"line": 10**9}, "result.line"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("path", ["/v1/hints", "/v1/checks"])
def test_a_bad_result_is_refused_by_field(platform: Caller, path: str, name: str) -> None:
    result, where = BAD[name]
    # Sent as JSON of our own: Django's test client would spell half a character in another way.
    body = json.dumps({"exercise": EXERCISE, "level": 1, "code": WRONG, "result": result})

    for language in LANGUAGES:
        caller = Caller(language=language)
        caller.client = platform.client
        errors = problem(caller.post(path, body), 422, "invalid")["errors"]
        assert [each["where"] for each in errors] == [where]
        assert any("가" <= char <= "힣" for char in errors[0]["what"]) == (language == "ko")
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b'{"exercise": "basics/add", "level": 1, "code": "x", "result": %s1%s}'
        % (b'{"a":' * 100_000, b"}" * 100_000),
        b'{"exercise": "basics/add", "level": 1, "code": "x", "result": %s%s}'
        % (b"[" * 100_000, b"]" * 100_000),
        b'{"exercise": "basics/add", "level": 1, "code": "x", "result": {"status": "failed", '
        b'"total": %s}}' % (b"9" * 100_000),
        b'{"exercise": "basics/add", "level": 1, "code": "x", "result": {"status": "failed", '
        b'"total": NaN}}',
        b'{"exercise": "basics/add", "level": 1, "code": "x", "result": {"status": "failed", '
        b'"total": 1e999}}',
    ],
    ids=["deep objects", "deep lists", "100,000 digits", "no number", "infinite"],
)
def test_hostile_json_is_refused(platform: Caller, body: bytes) -> None:
    assert problem(platform.post("/v1/hints", body), 422, "invalid")
    assert not Submission.objects.exists()


def test_ten_megabytes_are_refused_before_they_are_read(platform: Caller) -> None:
    found = problem(platform.ask(result=FAILED | {"got": "x" * 10_000_000}), 413, "too-large")

    assert "1 MB" in found["detail"]


def test_long_and_invisible_text_is_cut_and_cleaned(platform: Caller) -> None:
    result = {
        "status": "error", "call": "f()" * 100_000, "expected": "\x1b[31m" + "x" * 200_000,
        "message": "boom\x07\u202e" * 20_000, "got": "\u200b\x9b",
    }  # fmt: skip

    answer = check(platform, result)

    assert answer.status_code == 200
    report = answer.json()["report"]
    assert len(report["first"]["call"]) <= LENGTHS["call"]
    assert report["first"]["expected"].startswith("[31mxxx")
    assert len(report["error"]["message"]) <= LENGTHS["message"]
    assert report["first"]["got"] == ""
    assert len(answer.content) < 8_000
    assert not set("\x07\x1b\x9b\u200b\u202e") & set(answer.json()["words"])


def test_a_null_result_is_none(api: Caller) -> None:
    live()

    assert api.ask(result=None).status_code == 202
    assert Submission.objects.get().source == "here"


def test_who_may_not_ask_may_not_send_a_result_either(stranger: Caller) -> None:
    problem(stranger.ask(result=FAILED), 404, "not-found")
    problem(Caller().ask(result=FAILED), 401, "not-signed-in")


def test_what_does_not_fit_together_is_taken_as_far_as_it_does(platform: Caller) -> None:
    report = check(platform, FAILED | {"passed": 3, "total": 2, "stdin": "1"}).json()["report"]

    assert (report["passed"], report["total"]) == (3, 3)
    assert report["first"]["call"] == "add(1, 2)"
