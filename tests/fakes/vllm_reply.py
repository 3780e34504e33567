"""A sequence's words as vLLM's frames, or as one completion, and what breaks them off."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any

from tests.fakes import wire
from tests.fakes.vllm_faults import Wrong
from tests.fakes.vllm_scheduler import Sequence

if TYPE_CHECKING:
    from tests.fakes.vllm import Connection

DEAD = {
    "error": {
        "message": "EngineCore encountered an issue. See stack trace (above) for the root cause.",
        "type": "InternalServerError",
        "param": None,
        "code": 500,
    }
}


def reply_head(request_id: str | None) -> bytes:
    extra = f"x-request-id: {request_id}\r\n" if request_id else ""
    return wire.STREAM_HEAD[:-2] + extra.encode() + b"\r\n"


class Reply:
    """record: what /state tells of the request."""

    def __init__(self, connection: Connection, request: dict[str, Any], name: str) -> None:
        self.connection = connection
        self.record: dict[str, Any] = {
            "id": name,
            "at_s": connection.asked_s,
            "priority": request.get("priority") or 0,
            "continued": bool(request.get("continue_final_message")),
            "cached_tokens": 0,
            "prompt_tokens": 0,
            "first_s": None,
            "end": None,
        }
        self.common = {"id": f"chatcmpl-{name}", "created": int(time()), "model": request["model"]}
        self.faults: dict[Wrong, Callable[[], None] | None] = {
            Wrong.HANG: None,
            Wrong.CUT: self.cut,
            Wrong.EOF: self.eof,
            Wrong.ERROR_FRAME: self.error,
        }

    def began(self, sequence: Sequence) -> None:
        if self.record["first_s"] is None:
            self.record["first_s"] = time()
            self.record["cached_tokens"] = sequence.cached_tokens
            self.record["prompt_tokens"] = sequence.prompt_tokens

    def close(self, end: str, data: bytes) -> None:
        self.record["end"] = end
        self.connection.transport.write(data)
        self.connection.leave()

    def cut(self) -> None:
        self.record["end"] = "cut"
        self.connection.leave()
        self.connection.transport.close()

    def eof(self) -> None:
        raise NotImplementedError

    def error(self) -> None:
        raise NotImplementedError


class Stream(Reply):
    def __init__(self, connection: Connection, request: dict[str, Any], name: str) -> None:
        super().__init__(connection, request, name)
        options = request.get("stream_options") or {}
        self.usage = bool(options.get("include_usage"))
        self.each = self.usage and bool(options.get("continuous_usage_stats"))
        common = json.dumps({**self.common, "object": "chat.completion.chunk"})[:-1]
        self.before = f'data: {common}, "choices": [{{"index": 0, "delta": '

    def words(self, pieces: list[str], sequence: Sequence) -> None:
        first = self.record["first_s"] is None
        self.began(sequence)
        parts = [self._frame('{"role": "assistant", "content": ""}', sequence, 0)] if first else []
        done = sequence.done - len(pieces)
        for number, piece in enumerate(pieces, start=done + 1):
            parts.append(self._frame(f'{{"content": {json.dumps(piece)}}}', sequence, number))
        self.connection.transport.write(b"".join(parts))

    def end(self, sequence: Sequence) -> None:
        parts = [self._frame('{"content": ""}', sequence, sequence.done, f'"{sequence.reason}"')]
        if self.usage:
            usage = used(sequence) | details(sequence)
            last = {**self.common, "object": "chat.completion.chunk", "choices": [], "usage": usage}
            parts.append(wire.event(json.dumps(last)))
        self.close(sequence.reason, b"".join([*parts, wire.event("[DONE]"), wire.BODY_END]))

    def eof(self) -> None:
        self.close("eof", wire.BODY_END)

    def error(self) -> None:
        frames = wire.event(json.dumps(DEAD)) + wire.event("[DONE]")
        self.close("error_frame", frames + wire.BODY_END)

    def _frame(self, delta: str, sequence: Sequence, number: int, reason: str = "null") -> bytes:
        after = f', "logprobs": null, "finish_reason": {reason}}}]'
        if self.each:
            after += f', "usage": {json.dumps(used(sequence, number))}'
        return wire.body_part(f"{self.before}{delta}{after}}}\n\n".encode())


class Whole(Reply):
    def __init__(self, connection: Connection, request: dict[str, Any], name: str) -> None:
        super().__init__(connection, request, name)
        self.said: list[str] = []

    def words(self, pieces: list[str], sequence: Sequence) -> None:
        self.began(sequence)
        self.said += pieces

    def end(self, sequence: Sequence) -> None:
        message = {"role": "assistant", "content": "".join(self.said)}
        choice = {"index": 0, "message": message, "finish_reason": sequence.reason}
        usage = used(sequence) | details(sequence)
        whole = {**self.common, "object": "chat.completion", "choices": [choice], "usage": usage}
        self.close(sequence.reason, wire.reply(200, whole))

    def eof(self) -> None:
        self.cut()

    def error(self) -> None:
        self.close("error", wire.reply(500, DEAD))


def used(sequence: Sequence, number: int | None = None) -> dict[str, Any]:
    """The usage after so many tokens, as each frame may carry it: without what was cached."""
    done = sequence.done if number is None else number
    return {
        "prompt_tokens": sequence.prompt_tokens,
        "total_tokens": sequence.prompt_tokens + done,
        "completion_tokens": done,
    }


def details(sequence: Sequence) -> dict[str, Any]:
    return {"prompt_tokens_details": {"cached_tokens": sequence.cached_tokens}}
