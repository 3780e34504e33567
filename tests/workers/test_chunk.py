"""parse tells what a frame says, and refuses what is no frame."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.contract.hint import Usage
from broker.health import EngineFailure
from tests.failures import fails
from web.engines.client.chunk import Chunk, parse
from web.engines.client.complaint import Complaint
from web.engines.client.errors import ErrorFrame


def frame(delta: Any = None, finish_reason: Any = None, **other: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return json.dumps({"choices": [choice], **other}).encode()


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        (frame({"content": "반복"}), Chunk("반복")),
        (frame({"role": "assistant", "content": ""}), Chunk()),
        (frame({"reasoning_content": "hm"}), Chunk(thoughts=2)),
        (frame({"content": None}, "length"), Chunk("", "length")),
        (b'{"choices": []}', Chunk()),
        (b'{"choices": [], "usage": null}', Chunk()),
        (
            frame({"content": "x"}, usage={"prompt_tokens": 3, "completion_tokens": 1}),
            Chunk("x", None, Usage(prompt_tokens=3, completion_tokens=1)),
        ),
        (
            b'{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2,'
            b' "prompt_tokens_details": {"cached_tokens": 4}}}',
            Chunk("", None, Usage(prompt_tokens=9, completion_tokens=2, cached_tokens=4)),
        ),
    ],
)
def test_a_frame_says_what_it_adds(data: bytes, chunk: Chunk) -> None:
    assert parse(data) == chunk


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        (frame({"content": "x", "role": "assistant"}), Chunk("x")),
        (frame({"content": "x", "role": "tool"}), Chunk(thoughts=1)),
        (frame({"content": "x", "reasoning": "hm"}), Chunk("x", thoughts=2)),
        (frame({"content": "x"}, "stop"), Chunk("x", "stop")),
        (frame({"content": "x"}, ""), Chunk("x")),
        (frame({"content": ["x", "y"]}), Chunk("xy")),
        (frame({"content": "x"}, error={"message": ""}), Chunk("x")),
        (frame({"content": "x"}, usage={"prompt_tokens": 0}), Chunk("x")),
        (b'{"choices": [{"index": 1, "delta": {"content": "x"}}]}', Chunk()),
        (b'{"choices": [{"index": "0", "delta": {"content": "x"}}]}', Chunk("x")),
        (b'{"choices": [{"delta": {"content": "x"}}]}', Chunk("x")),
        (b'{"choices": [null]}', Chunk()),
        (b'{"choices": [null, {"index": 0, "delta": {"content": "x"}}]}', Chunk("x")),
        (b'{"choices": [{"index": 0, "text": "x"}]}', Chunk("x")),
        (b'{"choices": [{"index": 0, "message": {"content": "x"}}]}', Chunk("x", "stop")),
    ],
)
def test_little_beside_the_text_changes_what_a_frame_says(data: bytes, chunk: Chunk) -> None:
    assert parse(data) == chunk


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b'{"choices": [{"delta',
        b'"text"',
        b"[]",
        b"7",
        b'{"choices": {"delta": 1}}',
        b'{"choices": [{"delta": {"content": 7}}]}',
        b'{"choices": [{"delta": {"content": "\xff"}}]}',
    ],
)
def test_what_is_no_frame_cuts_the_stream(data: bytes) -> None:
    with fails(EngineFailure.CUT, match="unreadable"):
        parse(data)


@pytest.mark.parametrize(
    ("reason", "word"),
    [("abort", "abort"), ("error", "error"), ("network_error", "error"), ("CANCELLED", "cancel")],
)
def test_an_engine_that_gives_up_cuts_the_stream(reason: str, word: str) -> None:
    with fails(EngineFailure.CUT, match=f"gave up: {word}$"):
        parse(frame({}, reason))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b'{"error": {"message": "dead", "code": 500}}', Complaint("dead", status=500)),
        (b'{"error": {"message": "no", "code": "429"}}', Complaint("no", code="429", status=429)),
        (b'{"error": "overloaded"}', Complaint("overloaded")),
        (b'{"error": true, "message": "no"}', Complaint("no")),
        (b'{"error": {"error": {"message": "deep"}}}', Complaint("deep")),
        (b'{"object": "error", "message": "long", "code": 400}', Complaint("long", status=400)),
        (frame({"content": "x"}, object="error", message="no"), Complaint("no")),
        (frame({"content": "x"}, error={"message": "late"}), Complaint("late")),
    ],
)
def test_an_error_frame_is_told(data: bytes, complaint: Complaint) -> None:
    with pytest.raises(ErrorFrame) as error:
        parse(data)

    assert error.value.complaint == complaint


def test_what_is_cut_and_what_is_deep_is_unreadable() -> None:
    for data in (b"[" * 100_000, b'{"choices":' * 10_000, b'{"a":' + b"9" * 100_000):
        with fails(EngineFailure.CUT, match="unreadable"):
            parse(data)


def told(*entries: Any) -> dict[str, Any]:
    """A choice whose first token has these alternatives."""
    first, *others = entries
    logprobs = {"content": [{**first, "top_logprobs": list(others)}]}
    return {"index": 0, "delta": {"content": first["token"]}, "logprobs": logprobs}


YES, NO = {"token": "Yes", "logprob": -0.5}, {"token": "No", "logprob": -1}


@pytest.mark.parametrize(
    ("choice", "chances"),
    [
        (told(YES, YES, NO), {"Yes": -0.5, "No": -1.0}),
        (told(YES), {"Yes": -0.5}),
        (told({"token": "Yes", "logprob": 0}, {"token": "No", "logprob": -9999.0}),
         {"Yes": 0.0, "No": -1000.0}),
        (told({"token": "Yes", "logprob": -(10**400)}, {"token": "No", "logprob": 10**400}),
         {"Yes": -1000.0, "No": 0.0}),
        (told({"token": "x" * 99, "logprob": -1.0}), {"x" * 20: -1.0}),
        (told(YES, *[{"token": str(n), "logprob": -2.0} for n in range(99)]), 21),
        (told({"token": "Yes", "logprob": None}, {"token": 3, "logprob": -1.0}, "No", None), None),
        (told({"token": "Yes", "logprob": True}), None),
        ({**told(YES), "logprobs": {"content": []}}, None),
        ({**told(YES), "logprobs": {"content": None}}, None),
        ({**told(YES), "logprobs": {"tokens": ["Yes"]}}, None),
        ({**told(YES), "logprobs": ["Yes"]}, None),
        ({**told(YES), "logprobs": None}, None),
    ],
)  # fmt: skip
def test_what_might_have_been_said_first_is_read_within_bounds(choice: Any, chances: Any) -> None:
    found = parse(json.dumps({"choices": [choice]}).encode())

    assert found.text == choice["delta"]["content"]
    expected = len(found.chances or ()) if chances == 21 else found.chances
    assert expected == chances
