"""Reader takes every shape of stream that servers send, and no half answer for a whole one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.hint import Usage
from broker.health import EngineFailure
from tests.failures import fails
from web.engines.client import reader as reader_module
from web.engines.client.chunk import Chunk
from web.engines.client.complaint import Complaint
from web.engines.client.errors import EngineFailed, ErrorFrame, ModelRefused, Refusal
from web.engines.client.reader import Reader, joined

STOP: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
EMOJI = "\N{SLIGHTLY SMILING FACE}"


def frame(content: Any, reason: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": reason}
    return {"choices": [choice], **more}


def stream(*frames: Any, end: str = "\n", done: bool = True) -> bytes:
    """Each frame an event; a string stands as it is."""
    texts = [
        one if isinstance(one, str) else f"data: {json.dumps(one)}{end}{end}" for one in frames
    ]
    return "".join([*texts, f"data: [DONE]{end}{end}" if done else ""]).encode()


def whole(content: Any, reason: Any = "stop", **message: Any) -> bytes:
    choice = {"index": 0, "finish_reason": reason, "message": {"content": content, **message}}
    return json.dumps({"object": "chat.completion", "choices": [choice]}, indent=1).encode()


def read(body: bytes, size: int = 1 << 30) -> list[Chunk]:
    """All chunks of the body, given in pieces of this size. Raises: as Reader."""
    reader, chunks = Reader(), []
    for start in range(0, len(body), size):
        chunks += reader.feed(body[start : start + size])
    return [*chunks, *reader.end()]


def feed(reader: Reader, part: bytes, times: int) -> None:
    for _ in range(times):
        list(reader.feed(part))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


ANSWERS: dict[str, tuple[bytes, str]] = {
    "plain": (stream(frame("a "), frame("b"), STOP), "a b"),
    "no choices": (stream({"choices": []}, {"choices": None}, {}, frame("a"), STOP), "a"),
    "choices of null": (stream({"choices": [None]}, frame("a"), STOP), "a"),
    "a delta of null": (stream(frame("a"), {"choices": [{"delta": None}]}, STOP), "a"),
    "no delta": (stream(frame("a"), {"choices": [{"content_filter_results": {}}]}, STOP), "a"),
    "data null": (stream("data: null\n\n", "data:\n\n", frame("a"), STOP), "a"),
    "error null": (stream(frame("a", error=None), STOP), "a"),
    "error empty": (stream(frame("a", error={}), frame("b", error=""), STOP), "ab"),
    "error of nothing": (stream(frame("a", error={"code": None, "message": ""}), STOP), "a"),
    "reasons that are none": (
        stream(*[frame("a", reason) for reason in ("", "null", None, "none", 0, False, {})], STOP),
        "a" * 7,
    ),
    "done without a reason": (stream(frame("a")), "a"),
    "a reason without done": (stream(frame("a"), STOP, done=False), "a"),
    "an odd reason with done": (stream(frame("a"), frame("", "paused")), "a"),
    "content null": (stream(frame(None), frame("a"), STOP), "a"),
    "content false": (stream(frame(False), frame([]), frame({}), frame("a"), STOP), "a"),
    "typed parts": (
        stream(
            frame([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
            frame([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, "c"]),
            frame({"type": "text", "text": "d"}),
            frame([{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text"}]),
            STOP,
        ),
        "abcd",
    ),
    "two halves": (stream(frame("\ud83d"), frame("\ude42!"), STOP), f"{EMOJI}!"),
    "two halves far apart": (
        stream(frame("a\ud83d"), {"choices": []}, frame(""), frame("\ude42"), STOP),
        f"a{EMOJI}",
    ),
    "a half alone": (stream(frame("\ud83d"), frame("a\ude42"), STOP), "\ufffda\ufffd"),
    "a half at the end": (stream(frame("a\ud83d"), STOP), "a\ufffd"),
    "two first halves": (stream(frame("\ud83d"), frame("\ud83d\ude42"), STOP), f"\ufffd{EMOJI}"),
    "nul": (stream(frame("\0"), frame("a\0b"), STOP), "ab"),
    "cr alone": (stream(frame("a"), frame("b"), STOP, end="\r"), "ab"),
    "crlf": (stream(frame("a"), frame("b"), STOP, end="\r\n"), "ab"),
    "mixed": (
        stream(frame("a"), end="\r", done=False) + stream(frame("b"), end="\r\n", done=False)
        + stream(frame("c"), STOP),
        "abc",
    ),
    "no blank line at the end": (stream(frame("a"), STOP, done=False).rstrip(), "a"),
    "no line end at the end": (stream(frame("a")).rstrip(), "a"),
    "a mark of the byte order": (b"\xef\xbb\xbf" + stream(frame("a"), STOP), "a"),
    "no blank after the colon": (stream(f"data:{json.dumps(frame('a'))}\n\n", STOP), "a"),
    "names, ids, comments": (
        stream(
            ": hello\n\n", "retry: 5\n", "id: 7\nevent: message\n", frame("a"),
            'event: ping\ndata: {"type": "ping"}\n\n', ": keep\n", STOP,
        ),
        "a",
    ),
    "a frame on two lines": (
        stream('data: {"choices": [{"delta":\ndata: {"content": "a"}}]}\n\n', STOP),
        "a",
    ),
    "another choice": (
        stream(frame("a"), {"choices": [{"index": 1, "delta": {"content": "no"}}]}, STOP),
        "a",
    ),
    "two choices in a frame": (
        stream(
            {"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "a"}}]},
            STOP,
        ),
        "a",
    ),
    "text in the choice": (stream({"choices": [{"index": 0, "text": "a"}]}, STOP), "a"),
    "a refusal": (stream({"choices": [{"delta": {"refusal": "I cannot"}}]}, STOP), ""),
    "a tool call": (
        stream(
            {"choices": [{"delta": {"content": None, "tool_calls": [{"index": 0}]}}]},
            frame(None, "tool_calls"),
        ),
        "",
    ),
    "strange usage": (
        stream(*[frame("a", usage=use) for use in ("1", [1], 7, {"prompt_tokens": "2"})], STOP),
        "aaaa",
    ),
    "thousands of digits": (
        stream('data: {"choices": [], "usage": {"x": ' + "9" * 9000 + "}}\n\n", frame("a"), STOP),
        "a",
    ),
    "whole": (whole("a b"), "a b"),
    "whole without a reason": (whole("a", None), "a"),
    "whole with a mark": (b"\xef\xbb\xbf\r\n " + whole("a"), "a"),
    "whole of parts": (whole([{"type": "text", "text": "a"}]), "a"),
    "whole with a half": (whole("a\ud83d\ude42"), f"a{EMOJI}"),
    "frames after done": (stream(frame("a")) + stream(frame("b")), "a"),
    "an index in quotes": (stream({"choices": [{"index": "0", "delta": {"content": "a"}}]}), "a"),
    "the whole beside each delta": (
        stream(*[
            {"choices": [{"delta": {"content": part}, "message": {"content": so_far}}]}
            for part, so_far in (("a", "a"), ("b", "ab"))
        ], {"choices": [{"delta": {}, "message": {"content": "ab"}, "finish_reason": "stop"}]}),
        "ab",
    ),
    "googles reason": (stream(frame("a"), frame("", "FINISH_REASON_STOP"), done=False), "a"),
    "another reason": (stream(frame("a"), frame("", "done"), done=False), "a"),
    "parts that are thoughts": (
        stream(frame([{"type": "text", "text": "hm", "thought": True}]), frame("a"), STOP),
        "a",
    ),
    "deltas that are thoughts": (
        stream(
            *[
                {"choices": [{"delta": {"content": "hm", **mark}}]}
                for mark in (
                    {"thought": True}, {"extra_content": {"google": {"thought": True}}},
                    {"channel": "analysis"}, {"role": "reasoning"}, {"role": "tool"},
                )
            ],
            frame("a", extra_content={"google": {}}),
            STOP,
        ),
        "a",
    ),
    "nan": (stream(frame("a", usage={"prompt_tokens": float("nan")})), "a"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("size", [1, 7, 1 << 30])
def test_an_answer_is_read_in_any_shape_and_any_pieces(name: str, size: int) -> None:
    body, text = ANSWERS[name]

    assert text_of(read(body, size)) == text


HALVES: dict[str, bytes] = {
    "nothing": b"",
    "only comments": b": hi\n\n",
    "no reason": stream(frame("a"), done=False),
    "an empty reason": stream(frame("a", ""), done=False),
    "the text null": stream(frame("a", "null"), done=False),
    "an unknown reason": stream(frame("a"), frame("", "paused"), done=False),
    "a reason of another choice": stream(
        frame("a"), {"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]}, done=False
    ),
    "stop in every frame": stream(frame("a", "stop"), frame("b", "stop"), done=False),
    "a frame cut in two": stream(frame("a"), done=False) + b'data: {"choices": [{"del',
    "half of a whole answer": whole("a b")[:-5],
    "a list": b"[]",
    "no json": stream("data: hello\n\n", STOP),
    "a number": stream(frame(7), STOP),
    "true": stream(frame(True), STOP),
    "not utf-8": stream(frame("a"), done=False) + b'data: {"x": "\xff"}\n\n' + stream(STOP),
    "an error": stream(frame("a"), {"error": {"message": "dead"}}, STOP),
    "an event of error": stream(frame("a"), 'event: error\ndata: {"message": "dead"}\n\n', STOP),
    "words of error": stream(frame("a"), "event: error\ndata: dead\n\n", STOP),
    "gave up": stream(frame("a", "abort"), STOP),
    **{
        reason: stream(frame("a"), frame("", reason))
        for reason in ("timeout", "time_limit", "preempted", "abort: oom", "ENGINE_ERROR", "failed")
    },
    "a detail alone": stream({"detail": "Not found"}),
    "a message and a code": stream({"code": 500, "message": "dead"}),
    "an event of Error": stream(frame("a"), 'event: Error\ndata: {"message": "dead"}\n\n', STOP),
}


@pytest.mark.parametrize("name", HALVES)
def test_a_half_answer_is_never_taken_for_a_whole_one(name: str) -> None:
    with fails(EngineFailure.CUT):
        read(HALVES[name])


def test_a_reason_repeats_nothing_of_the_prompt() -> None:
    with fails(EngineFailure.CUT) as cut:
        read(stream(frame("a", "error: cannot go on with def rice(cups)")))

    assert str(cut.value) == "the engine gave up: error"


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("stop", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("STOP", "stop"),
        ("stop_sequence", "stop"), ("COMPLETE", "stop"), ("length", "length"),
        ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"),
        ("function_call", "tool_calls"), ("tool_use", "tool_calls"),
    ],
)  # fmt: skip
def test_reasons_have_one_name(reason: str, name: str) -> None:
    reasons = [chunk.finish_reason for chunk in read(stream(frame("a", reason), done=False))]

    assert reasons == [name]


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hmm"},
        {"reasoning": "hmm"},
        {"thinking": "hmm"},
        {"reasoning": "hmm", "reasoning_content": "hmm"},
        {"reasoning_content": "hmm", "content": ""},
    ],
)
def test_thoughts_that_are_kept_apart_are_counted_and_never_text(delta: dict[str, str]) -> None:
    chunks = read(stream({"choices": [{"delta": delta}]}, frame("a"), STOP))

    assert text_of(chunks) == "a"
    assert sum(chunk.thoughts for chunk in chunks) == 3


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 1}, Usage(prompt_tokens=3, completion_tokens=1)),
        ({"prompt_tokens": "3", "completion_tokens": 1}, Usage(completion_tokens=1)),
        ({"prompt_tokens": True, "completion_tokens": 10**30}, None),
        ({"prompt_tokens": -1, "completion_tokens": 2.5}, None),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, None),
        ({"prompt_tokens": 3, "prompt_tokens_details": [4]}, Usage(prompt_tokens=3)),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"x": "x"}}, Usage(prompt_tokens=3)),
        ("12", None), ([12], None), (12, None), (True, None), ({}, None),
    ],
)  # fmt: skip
def test_usage_that_cannot_be_is_ignored(usage: Any, counted: Usage | None) -> None:
    chunks = read(stream(frame("a", usage=usage), STOP))

    assert [chunk.usage for chunk in chunks if chunk.text] == [counted]


def test_a_web_page_is_no_answer() -> None:
    for page in (b"<!doctype html><p>Sign in", b"\n  <html>", b"\xef\xbb\xbf<html>"):
        with pytest.raises(ModelRefused, match="web page") as refused:
            read(page)

        assert refused.value.cause is Refusal.ADDRESS


def test_an_error_in_place_of_an_answer_keeps_its_words() -> None:
    with pytest.raises(ErrorFrame) as error:
        read(b'{"error": {"message": "no such key", "code": 401}}')

    assert (error.value.complaint.text, error.value.complaint.status) == ("no such key", 401)


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_has_a_limit(end: str) -> None:
    reader = Reader()
    part = f"data: {'x' * 65_530}{end}".encode()

    with pytest.raises(ValueError, match="longer than"):
        feed(reader, part, 17)


def test_an_answer_has_a_limit() -> None:
    reader, part = Reader(), stream(frame("x" * 10_000), done=False)

    with fails(EngineFailure.CUT, match="characters"):
        feed(reader, part, reader_module.MAX_CHARS // 10_000 + 1)


def test_a_body_has_a_limit_even_if_it_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_BYTES", 1000)
    reader = Reader()

    with fails(EngineFailure.CUT, match="bytes"):
        feed(reader, b": nothing\n", 101)


KEYS = st.sampled_from(
    ["choices", "delta", "message", "content", "text", "finish_reason", "usage", "error", "index",
     "prompt_tokens", "prompt_tokens_details", "cached_tokens", "reasoning", "type", "code",
     "detail", "loc", "msg", "param", "object"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    LEAVES | st.sampled_from(["stop", "error", "thinking", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(frames=st.lists(JSON, max_size=3), size=st.integers(1, 50))
def test_no_shape_of_json_is_a_defect_of_ours(frames: list[Any], size: int) -> None:
    for body in (stream(*[f"data: {json.dumps(frame)}\n\n" for frame in frames]), whole(frames)):
        with suppress(EngineFailed, ModelRefused):
            for chunk in read(body, size):
                chunk.text.encode()


@given(body=st.binary(max_size=200), size=st.integers(1, 50))
def test_no_bytes_are_a_defect_of_ours(body: bytes, size: int) -> None:
    for start in (b"", b"data: ", b"{"):
        with suppress(EngineFailed, ModelRefused):
            read(start + body, size)


@given(body=JSON)
def test_no_shape_of_an_error_is_a_defect_of_ours(body: Any) -> None:
    complaint = Complaint.read(json.dumps(body).encode())

    assert isinstance(complaint.text, str)
    assert all(isinstance(name, str) for name in (*complaint.names, complaint.code))


USAGE = Usage(prompt_tokens=1, completion_tokens=2)
JOINED: dict[str, tuple[list[Chunk], list[Chunk]]] = {
    "texts": ([Chunk("a"), Chunk(" "), Chunk("b")], [Chunk("a b")]),
    "a text that ends": ([Chunk("a"), Chunk("b", "stop")], [Chunk("ab", "stop")]),
    "the last usage": (
        [Chunk("a", usage=Usage()), Chunk("b", usage=USAGE)],
        [Chunk("ab", None, USAGE)],
    ),
    "thoughts, then text": (
        [Chunk(thoughts=2), Chunk("a"), Chunk("b")],
        [Chunk(thoughts=2), Chunk("ab")],
    ),
    "thoughts after text": (
        [Chunk("a"), Chunk("b", thoughts=1)],
        [Chunk("a"), Chunk("b", thoughts=1)],
    ),
    "a blank first": ([Chunk(" \n"), Chunk("a"), Chunk("b")], [Chunk(" \n"), Chunk("ab")]),
    "text after a reason": ([Chunk("a", "stop"), Chunk("b")], [Chunk("a", "stop"), Chunk("b")]),
    "a reason by itself": ([Chunk("a"), Chunk("", "stop")], [Chunk("a"), Chunk("", "stop")]),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("came", "given"), JOINED.values(), ids=JOINED)
def test_texts_of_one_part_become_one_chunk(came: list[Chunk], given: list[Chunk]) -> None:
    assert list(joined(iter(came))) == given


def test_what_came_before_an_error_is_given_before_it() -> None:
    body = stream(frame("a"), frame("b"), {"error": {"message": "no"}}, frame("c"))
    found: list[Chunk] = []

    with pytest.raises(ErrorFrame):
        found.extend(joined(Reader().feed(body)))

    assert found == [Chunk("ab")]
