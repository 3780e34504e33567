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
