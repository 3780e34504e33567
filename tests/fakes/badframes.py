"""Modes of the bad server: frames in every shape that servers send, and streams that break."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import cache

import brotli

from tests.fakes.badreply import HINT, SSE, Asked, Modes, Reply, completion, good, words

HALF = "Look at what your function gives back. Is it right that the cups chan"
KOREAN = "반복문이 도는 횟수를 종이에 적어 보세요 🙂. 컵의 수가 바뀌면 무엇이 달라져야 할까요?"
FRAMES = Modes(good=good)


def stream_of(text: str, end: str = "\n") -> bytes:
    """A whole stream with this line end."""
    said = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in words(text)]
    choices = [*said, {"index": 0, "delta": {}, "finish_reason": "stop"}]
    frames = [json.dumps({"choices": [choice]}, ensure_ascii=False) for choice in choices]
    return "".join(f"data: {frame}{end}{end}" for frame in [*frames, "[DONE]"]).encode()


@FRAMES
async def slow_good(reply: Reply, asked: Asked) -> None:
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    for word in words(HINT):
        reply.chunk({"content": word})
        await reply.pause(0.5)
    reply.stop()


@FRAMES
async def falls_silent(reply: Reply, asked: Asked) -> None:
    """A few words, then frames without any, and comments."""
    reply.start()
    await reply.say("Look at what ")
    while True:
        reply.chunk({"content": ""})
        reply.raw(": keep-alive\n\n")
        await reply.pause(0.1)


@FRAMES
async def stays_open(reply: Reply, asked: Asked) -> None:
    """A finish reason, then comments, but neither [DONE] nor an end."""
    reply.start()
    await reply.say(HINT)
    reply.chunk({}, "stop")
    while True:
        reply.raw(": keep-alive\n\n")
        await reply.pause(0.1)


@FRAMES
async def empty_reason(reply: Reply, asked: Asked) -> None:
    """finish_reason "" in each chunk; the connection breaks in the middle of a word."""
    reply.start()
    await reply.say(HALF, "")
    reply.writer.transport.abort()


@FRAMES
async def stop_in_each(reply: Reply, asked: Asked) -> None:
    """finish_reason "stop" in each chunk; the body ends in the middle of a word."""
    reply.start()
    await reply.say(HALF, "stop")


@FRAMES
async def clean_half(reply: Reply, asked: Asked) -> None:
    """A clean end of the body in the middle of a word, with a reason that nobody knows."""
    reply.start()
    await reply.say(HALF)
    reply.chunk({}, "paused")


@FRAMES
async def error_null(reply: Reply, asked: Asked) -> None:
    reply.start()
    await reply.say(HINT, error=None)
    reply.stop()


@FRAMES
async def delta_null(reply: Reply, asked: Asked) -> None:
    reply.start()
    await reply.say(HINT)
    reply.chunk(None, "stop")
    reply.event("[DONE]")


@FRAMES
async def split_surrogates(reply: Reply, asked: Asked) -> None:
    """One emoji as two halves in two frames."""
    reply.start()
    reply.chunk({"content": "Good start "})
    for half in (r"\ud83d", r"\ude42"):
        reply.event(f'{{"choices":[{{"index":0,"delta":{{"content":"{half}"}}}}]}}')
    await reply.say(f". {HINT}")
    reply.stop()


@FRAMES
async def nul_text(reply: Reply, asked: Asked) -> None:
    reply.start()
    reply.chunk({"content": "\0"})
    await reply.say(HINT.replace(" ", "\0 ", 1))
    reply.stop()


@FRAMES
async def bytewise(reply: Reply, asked: Asked) -> None:
    """Each byte in a packet of its own, Korean and an emoji, CRLF line ends."""
    reply.start()
    text = KOREAN if "ko" in asked.path else HINT
    for byte in stream_of(f"{text} 🙂", "\r\n"):
        reply.raw(bytes([byte]))
        await reply.pause(0)


@FRAMES
async def lone_cr(reply: Reply, asked: Asked) -> None:
    """Lines ended by CR alone, and no blank line after the last one."""
    reply.start()
    reply.raw(stream_of(HINT, "\r").rstrip(b"\r"))


@FRAMES
async def no_reason_done(reply: Reply, asked: Asked) -> None:
    """[DONE] comes, but no chunk ever has a finish_reason."""
    reply.start()
    await reply.say(HINT)
    reply.event("[DONE]")


@FRAMES
async def ignores_stream(reply: Reply, asked: Asked) -> None:
    await reply.pause(0.3)
    reply.json(200, completion(HINT))


@FRAMES
async def gzipped(reply: Reply, asked: Asked) -> None:
    reply.whole(200, gzip.compress(stream_of(HINT)), SSE, ("Content-Encoding", "gzip"))


@FRAMES
async def deflated(reply: Reply, asked: Asked) -> None:
    reply.whole(200, zlib.compress(stream_of(HINT)), SSE, ("Content-Encoding", "deflate"))


@FRAMES
async def brotli_packed(reply: Reply, asked: Asked) -> None:
    reply.whole(200, brotli.compress(stream_of(HINT)), SSE, ("Content-Encoding", "br"))


@FRAMES
async def azure(reply: Reply, asked: Asked) -> None:
    """Filter results in frames without a choice and without a delta; usage in the last one."""
    reply.start()
    filters = [{"prompt_index": 0, "content_filter_results": {}}]
    reply.event({"choices": [], "id": "", "object": "", "prompt_filter_results": filters})
    reply.chunk({"role": "assistant", "content": "", "refusal": None})
    await reply.say(HINT)
    choice = {"content_filter_offsets": {"check_offset": 1}, "finish_reason": None, "index": 0}
    reply.event({"choices": [choice]})
    reply.chunk({}, "stop", usage=None)
    reply.event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    reply.event("[DONE]")


@FRAMES
async def filtered(reply: Reply, asked: Asked) -> None:
    reply.start()
    await reply.say("Look at what your function gives back. Where does")
    reply.stop("content_filter")


@FRAMES
async def tool_calls(reply: Reply, asked: Asked) -> None:
    reply.start()
    called = {"name": "hint", "arguments": "{}"}
    call = {"index": 0, "id": "a", "type": "function", "function": called}
    reply.chunk({"role": "assistant", "content": None, "tool_calls": [call]})
    reply.stop("tool_calls")


@FRAMES
async def refusal_field(reply: Reply, asked: Asked) -> None:
    """The model declines, in a field of its own."""
    reply.start()
    for word in words(HINT):
        reply.chunk({"refusal": word})
        await reply.pause()
    reply.stop()


@FRAMES
async def named_events(reply: Reply, asked: Asked) -> None:
    """Lines for event, id and comments between; data without a blank after its colon."""
    reply.start()
    reply.raw(": PROCESSING\n\n")
    for number, word in enumerate(words(HINT)):
        data = json.dumps({"choices": [{"index": 0, "delta": {"content": word}}]})
        reply.raw(f"id: {number}\nevent: message\ndata:{data}\n\n: keep\n\n")
        await reply.pause()
    reply.stop()


@FRAMES
async def error_event(reply: Reply, asked: Asked) -> None:
    """The stream breaks with an event of this name."""
    reply.start()
    await reply.say(HALF)
    reply.raw('event: error\ndata: {"message": "the engine is gone"}\n\n')
    reply.event("[DONE]")


@FRAMES
async def strange_usage(reply: Reply, asked: Asked) -> None:
    """Usage as strings, huge, negative; it is ignored."""
    reply.start()
    for usage in ({"prompt_tokens": "12"}, {"completion_tokens": 10**30}, [1], "7", {"x": -1}):
        reply.chunk({"content": ""}, usage=usage)
    await reply.say(HINT, usage={"prompt_tokens": -3, "completion_tokens": True})
    reply.stop()


@FRAMES
async def two_choices(reply: Reply, asked: Asked) -> None:
    """Another choice between the words of the first."""
    reply.start()
    for word in words(HINT):
        reply.chunk({"content": word})
        reply.event({"choices": [{"index": 1, "delta": {"content": "return cups // per_day "}}]})
        await reply.pause()
    reply.stop()


@FRAMES
async def whole_text_field(reply: Reply, asked: Asked) -> None:
    """As an older completions server: the text stands in the choice itself."""
    reply.start()
    for word in words(HINT):
        reply.event({"choices": [{"index": 0, "text": word, "finish_reason": None}]})
        await reply.pause()
    reply.event({"choices": [{"index": 0, "text": "", "finish_reason": "eos_token"}]})


@FRAMES
async def endless_line(reply: Reply, asked: Asked) -> None:
    """One line of a frame that never ends."""
    reply.start()
    reply.raw('data: {"choices":[{"index":0,"delta":{"content":"')
    while True:
        reply.raw("x" * 65536)
        await reply.pause(0)


@FRAMES
async def flood(reply: Reply, asked: Asked) -> None:
    """Words without an end, as fast as they are read."""
    reply.start()
    while True:
        for _ in range(1000):
            reply.chunk({"content": "on and on "})
        await reply.pause(0)


@cache
def packed_comments() -> bytes:
    return gzip.compress(b": on and on\n\n" * 10_000_000, 1)


@FRAMES
async def packed_flood(reply: Reply, asked: Asked) -> None:
    """Half a megabyte of gzip with ten million comments in it."""
    reply.whole(200, packed_comments(), SSE, ("Content-Encoding", "gzip"))


@FRAMES
async def java_answer(reply: Reply, asked: Asked) -> None:
    """A solution in Java, without a fence."""
    reply.start()
    text = (
        "Read your method again.\nint days = 0;\nwhile (cups >= perDay) {\ncups = cups - perDay;\n"
        "days++;\n}\nreturn days;\nWhich line counts the days?"
    )
    for line in text.splitlines(keepends=True):
        reply.chunk({"content": line})
        await reply.pause()
    reply.stop()


async def exclaim(reply: Reply, asked: Asked, times: int) -> None:
    """To a request with BANG in it exclamation marks; to others a hint."""
    if "BANG" not in json.dumps(asked.body):
        await good(reply, asked)
        return
    reply.start()
    for _ in range(times):
        reply.chunk({"content": "!!!!!!!!"})
        await reply.pause()
    reply.stop("length")


@FRAMES
async def bangs_some(reply: Reply, asked: Asked) -> None:
    await exclaim(reply, asked, 2000)


@FRAMES
async def bangs_200(reply: Reply, asked: Asked) -> None:
    await exclaim(reply, asked, asked.body.get("max_tokens", 200))


@FRAMES
async def echo(reply: Reply, asked: Asked) -> None:
    """Writes what the request's `echo` says: a text for one test."""
    reply.start()
    await reply.say(asked.body.get("echo", HINT))
    reply.stop()
