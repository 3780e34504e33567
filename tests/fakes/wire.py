"""The bytes of the fake engine: HTTP/1.1 heads, chunked bodies, chat frames."""

from __future__ import annotations

import json
from typing import Any

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
BODY_END = b"0\r\n\r\n"
COMPLETION = {"id": "chatcmpl-fake", "created": 1_790_000_000, "model": "fake"}


def body_part(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: str) -> bytes:
    return body_part(f"data: {data}\n\n".encode())


def frame(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return event(json.dumps({**COMPLETION, "object": "chat.completion.chunk", "choices": [choice]}))


def usage_frame(usage: dict[str, Any]) -> bytes:
    return event(
        json.dumps({**COMPLETION, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    )


def reply(status: int, body: object) -> bytes:
    return answer(status, "application/json", json.dumps(body))


def text(status: int, body: str) -> bytes:
    return answer(status, "text/plain; charset=utf-8", body)


def answer(status: int, kind: str, body: str, more: str = "") -> bytes:
    """more: further header lines, each with its end."""
    data = body.encode()
    head = f"HTTP/1.1 {status} -\r\n{more}content-type: {kind}\r\ncontent-length: {len(data)}"
    return f"{head}\r\n\r\n".encode() + data


def error(status: int, message: str, kind: str = "fake", more: str = "") -> bytes:
    body = json.dumps({"error": {"message": message, "type": kind, "code": status}})
    return answer(status, "application/json", body, more)


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
