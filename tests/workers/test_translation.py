"""What a refusal comes to: its cause, its pause, and its own sentence, safe to be logged."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from broker.contract.job import Endpoint
from broker.health import EngineFailure
from web.engines.client.body import Answered
from web.engines.client.complaint import Complaint
from web.engines.client.errors import EngineFailed, ErrorFrame, ModelError, ModelRefused, Refusal
from web.engines.client.redaction import Redaction
from web.engines.client.translation import LONGEST_PAUSE_S, Translation
from web.engines.kinds import KINDS

SECRET = "the student's own words"
DATE = "Sat, 28 Nov 2026 10:00:00 GMT"


def translation(kind: str = "api") -> Translation:
    return Translation(
        Endpoint(base_url="http://e/v1", model="m", has=KINDS[kind].has),
        Redaction("sk-key", (SECRET,)),
    )


def error_of(status: int, body: Any = "", kind: str = "api", **headers: str) -> ModelError:
    """headers: `_` written for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = httpx2.Request("POST", "http://e/v1/chat/completions")
    response = httpx2.Response(status, headers=named, request=request)
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return translation(kind).answered(Answered(response, text))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "no such thing"}}, "no such thing"),
        ({"error": "no such thing"}, "no such thing"),
        ({"error": {"error": {"message": "no such thing"}}}, "no such thing"),
        ({"message": "no such thing", "object": "error"}, "no such thing"),
        ({"detail": "no such thing"}, "no such thing"),
        ({"title": "no such thing"}, "no such thing"),
        ({"errors": [{"message": "no such"}, {"message": "thing"}]}, "no such; thing"),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "not permitted", "input": {"a": SECRET}}]},
            "n: not permitted",
        ),
        (
            {"message": {"detail": [{"loc": ["body", "n"], "msg": "no"}]}, "object": "error"},
            "n: no",
        ),
        ({"detail": {"error": {"message": "no such thing"}}}, "no such thing"),
        ([{"error": {"message": "no such thing", "code": 400}}], "no such thing"),
        ({"detail": ["no such", "thing"]}, "no such; thing"),
        (b"no such\n thing", "no such thing"),
        (b'{"error": {"message": "no such thi', "no such thi"),
        ({"error": {"message": f"bad: {SECRET}, sk-key"}}, "bad: …, …"),
        (f"bad: {SECRET}".encode(), "bad: …"),
        ({"error": {"message": "long " * 100}}, ("long " * 100)[:200]),
    ],
)
def test_the_servers_own_sentence_is_readable(body: Any, text: str) -> None:
    assert str(error_of(400, body)) == f"status 400: {text}"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>no", b"{", b"[1", b"null", b"7", b'{"error": ' * 20_000, b"\xff\x00", [[1]], {}],
)
def test_a_body_that_says_nothing_leaves_the_status(body: Any) -> None:
    assert str(error_of(400, body)).startswith("status 400")
    assert len(str(error_of(400, body))) < 20


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (402, "", Refusal.KEY),
        (403, "", Refusal.KEY),
        (429, "insufficient_quota", Refusal.KEY),
        (400, "model_not_found", Refusal.MODEL),
        (404, "", Refusal.ADDRESS),
        (405, "", Refusal.ADDRESS),
        (418, "", Refusal.REQUEST),
    ],
)
def test_a_refusal_has_its_cause(status: int, code: str, cause: Refusal) -> None:
    error = error_of(status, {"error": {"message": "no", "code": code}})

    assert isinstance(error, ModelRefused)
    assert error.cause is cause


@pytest.mark.parametrize("field", ["code", "type"])
def test_an_account_without_quota_is_told_by_either_field(field: str) -> None:
    error = error_of(429, {"error": {"message": "no", field: "insufficient_quota"}})

    assert isinstance(error, ModelRefused)


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after_ms": "250", "retry_after": "3"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "3"}, 3.0),
        ({"retry_after": "Sat, 28 Nov 2026 10:00:07 GMT", "date": DATE}, 7.0),
        ({"retry_after": "Sat, 28 Nov 2026 09:00:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Mon, 28 Nov 2033 10:00:00 GMT", "date": DATE}, LONGEST_PAUSE_S),
        ({"retry_after": "99999999999"}, LONGEST_PAUSE_S),
        ({"retry_after": "-1"}, 0.0),
        ({"retry_after": "Sat, 28 Nov 2026 10:00:07 GMT"}, None),
        ({"retry_after": "Sat, 28 Nov 2026 10:00:07 GMT", "date": "today"}, None),
        ({"retry_after": "Sat, 28 Nov 2026 10:00:07 GMT", "date": DATE[:-4]}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Sat, 99 Nov 2026 10:00:07 GMT"}, None),
    ],
)
def test_when_to_come_back_is_read_by_the_servers_own_clock(
    headers: dict[str, str], pause_s: float | None
) -> None:
    error = error_of(429, **headers)

    assert isinstance(error, EngineFailed)
    assert error.failure is EngineFailure.RATE_LIMITED
    assert error.retry_after_s == pause_s


@pytest.mark.parametrize(
    ("status", "kind", "headers", "wanted", "pause_s"),
    [
        (429, "vllm", {}, EngineFailure.BUSY, None),
        (429, "vllm", {"retry_after": "2"}, EngineFailure.RATE_LIMITED, 2.0),
        (429, "local", {}, EngineFailure.RATE_LIMITED, None),
        (503, "api", {}, EngineFailure.BUSY, None),
        (503, "api", {"retry_after": "2"}, EngineFailure.RATE_LIMITED, 2.0),
        (529, "api", {}, EngineFailure.BUSY, None),
        (500, "api", {"retry_after": "2"}, EngineFailure.UNREACHABLE, None),
        (502, "api", {}, EngineFailure.UNREACHABLE, None),
    ],
)
def test_want_of_room_is_told_from_a_rate_limit(
    status: int, kind: str, headers: dict[str, str], wanted: EngineFailure, pause_s: float | None
) -> None:
    error = error_of(status, kind=kind, **headers)

    assert isinstance(error, EngineFailed)
    assert error.failure is wanted
    assert error.retry_after_s == pause_s


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://else.where/v2?token=t#f", "https://else.where/v2"),
        ("//else.where:8/v2", "http://else.where:8/v2"),
        ("/other", "http://e/other"),
        ("https://user:pass@else.where/", "https://else.where/"),
        ("http://h:port/", "an address that is none"),
        ("", "http://e/v1/chat/completions"),
    ],
)
def test_a_redirect_is_refused_and_names_its_target(status: int, location: str, told: str) -> None:
    error = error_of(status, location=location)

    assert isinstance(error, ModelRefused)
    assert error.cause is Refusal.ADDRESS
    assert str(error) == f"status {status}: it sends us on to {told}"


def test_an_error_frame_is_safe_and_keeps_the_status_that_it_names() -> None:
    frame = ErrorFrame(Complaint(f"no: {SECRET}", status=401))
    late, early = (translation().in_stream(frame, began) for began in (True, False))

    assert isinstance(late, EngineFailed)
    assert (late.failure, str(late)) == (EngineFailure.CUT, "error frame: no: …")
    assert isinstance(early, ModelRefused)
    assert early.cause is Refusal.KEY


def test_an_error_of_the_transport_may_repeat_the_prompt_too() -> None:
    error = translation().before_headers(httpx2.ReadError(f"bad line: {SECRET}"))

    assert str(error) == "no answer: ReadError bad line: …"
