"""What the modes of the bad server write with: one answer, in the shapes that servers send."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

HINT = (
    "Look at what your function gives back for 7 cups and 3 a day. "
    "Does that number tell how many days the rice lasts?"
)
SSE = ("Content-Type", "text/event-stream")
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. counts: kept by modes from one request to the next."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    counts: dict[str, Any]


def words(text: str) -> list[str]:
    """Each with the blanks after it."""
    return re.findall(r"\S+\s*|\s+", text)


def completion(text: str | None, reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A whole answer, as a request without `stream` gets it."""
    said = {"role": "assistant", "content": text, **message}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    choices = [{"index": 0, "finish_reason": reason, "message": said}]
    return {"id": "x", "object": "chat.completion", "choices": choices, "usage": usage}


class Reply:
    """gap_s: between the words of an answer."""

    def __init__(self, writer: asyncio.StreamWriter, gap_s: float) -> None:
        self.writer, self.gap_s = writer, gap_s

    def head(self, status: int, *headers: tuple[str, str], length: int | None = None) -> None:
        """Without a length the body ends with the connection."""
        more = [] if length is None else [("Content-Length", str(length))]
        named = [f"{name}: {value}" for name, value in [*headers, ("Connection", "close"), *more]]
        self.writer.write("\r\n".join([f"HTTP/1.1 {status} X", *named, "", ""]).encode())

    def whole(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.head(status, *headers, length=len(body))
        self.writer.write(body)

    def json(self, status: int, data: object, *headers: tuple[str, str]) -> None:
        self.whole(status, json.dumps(data).encode(), JSON, *headers)

    def start(self, *headers: tuple[str, str]) -> None:
        self.head(200, SSE, *headers)

    def raw(self, data: bytes | str) -> None:
        """Raises: ConnectionResetError once the client has left."""
        if self.writer.transport.is_closing():
            raise ConnectionResetError
        self.writer.write(data if isinstance(data, bytes) else data.encode())

    def event(self, data: object) -> None:
        self.raw(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")

    def chunk(self, delta: object, reason: str | None = None, **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        named = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self.event({**named, "choices": [choice], **more})

    async def pause(self, seconds: float | None = None) -> None:
        await self.writer.drain()
        await asyncio.sleep(self.gap_s if seconds is None else seconds)

    async def say(self, text: str, reason: str | None = None, **more: Any) -> None:
        for word in words(text):
            self.chunk({"content": word}, reason, **more)
            await self.pause()

    def stop(self, reason: str | None = "stop") -> None:
        self.chunk({}, reason)
        self.event("[DONE]")


Mode = Callable[[Reply, Asked], Awaitable[None]]


async def good(reply: Reply, asked: Asked) -> None:
    """A hint, as the request wants it: streamed or whole."""
    if not asked.body.get("stream"):
        reply.json(200, completion(HINT))
        return
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    await reply.say(HINT)
    reply.stop()


class Modes(dict[str, Mode]):
    """Modes by name; a decorator that puts them there, `_` written `-`."""

    def __call__(self, mode: Mode) -> Mode:
        self[mode.__name__.replace("_", "-")] = mode
        return mode
