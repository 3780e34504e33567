"""Modes of the bad server: requests that it refuses, bodies without an end, other hosts."""

from __future__ import annotations

import asyncio
import json
import zlib
from functools import cache
from typing import Any

import brotli

from tests.fakes.badreply import JSON, Asked, Modes, Reply, good
from tests.fakes.badthoughts import THOUGHTS

REFUSALS = Modes({"no-models-list": good})
RATE_LIMIT = {
    "error": {
        "message": "Rate limit reached for requests",
        "type": "requests",
        "code": "rate_limit_exceeded",
    }
}
BOMB_MEGABYTES = 500
HTML = ("Content-Type", "text/html")


def unsupported(reply: Reply, param: str, text: str) -> None:
    """In OpenAI's words."""
    error = {
        "message": text,
        "type": "invalid_request_error",
        "param": param,
        "code": "unsupported",
    }
    reply.json(400, {"error": error})


def extra(reply: Reply, *names: str, sent: object = None) -> None:
    """In FastAPI's words, which repeat what was sent."""
    text = "Extra inputs are not permitted"
    found = [
        {"type": "extra_forbidden", "loc": ["body", name], "msg": text, "input": sent}
        for name in names
    ]
    reply.json(422, {"detail": found})


@REFUSALS
async def gpt5(reply: Reply, asked: Asked) -> None:
    """As OpenAI's newer models: max_tokens, and a temperature other than 1, are refused."""
    if "max_tokens" in asked.body:
        text = "Unsupported parameter: 'max_tokens' is not supported with this model. "
        unsupported(reply, "max_tokens", f"{text}Use 'max_completion_tokens' instead.")
    elif asked.body.get("temperature", 1) != 1:
        text = "Unsupported value: 'temperature' does not support 0.7 with this model. "
        unsupported(reply, "temperature", f"{text}Only the default (1) value is supported.")
    else:
        await good(reply, asked)


@REFUSALS
async def no_stream_options(reply: Reply, asked: Asked) -> None:
    """A strict server that refuses what it does not know, one thing at a time."""
    for name in ("stream_options", "priority"):
        if name in asked.body:
            extra(reply, name, sent=asked.body)
            return
    await good(reply, asked)


@REFUSALS
async def strict(reply: Reply, asked: Asked) -> None:
    """A strict server that names all it does not know at once."""
    known = {"model", "messages", "stream", "max_tokens"}
    if unknown := [name for name in asked.body if name not in known]:
        extra(reply, *unknown, sent=asked.body)
    else:
        await good(reply, asked)


@REFUSALS
async def mistral_422(reply: Reply, asked: Asked) -> None:
    """As Mistral: FastAPI's words within a message."""
    if "stream_options" in asked.body:
        found = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "no"}
        message = {"detail": [{**found, "input": asked.body}]}
        reply.json(422, {"object": "error", "message": message, "type": "invalid_request_error"})
    else:
        await good(reply, asked)


@REFUSALS
async def no_both_sampling(reply: Reply, asked: Asked) -> None:
    if "temperature" in asked.body and "top_p" in asked.body:
        text = "`temperature` and `top_p` cannot both be specified for this model."
        reply.json(400, {"type": "error", "error": {"type": "invalid_request", "message": text}})
    else:
        await good(reply, asked)


@REFUSALS
async def only_old_tokens(reply: Reply, asked: Asked) -> None:
    """Refuses the newer name of max_tokens."""
    if "max_completion_tokens" in asked.body:
        reply.json(400, {"error": "Unrecognized request argument supplied: max_completion_tokens"})
    else:
        await good(reply, asked)


@REFUSALS
async def no_limit_at_all(reply: Reply, asked: Asked) -> None:
    """Takes a number of tokens under no name."""
    for name in ("max_tokens", "max_completion_tokens"):
        if name in asked.body:
            reply.json(422, {"detail": f"unexpected keyword argument '{name}'"})
            return
    await good(reply, asked)


@REFUSALS
async def no_stream(reply: Reply, asked: Asked) -> None:
    """As OpenAI's for organizations that are not verified."""
    if asked.body.get("stream"):
        unsupported(reply, "stream", "Your organization must be verified to stream this model.")
    elif "stream_options" in asked.body:
        unsupported(reply, "stream_options", "'stream_options' is only allowed with 'stream'.")
    else:
        await good(reply, asked)


@REFUSALS
async def no_system(reply: Reply, asked: Asked) -> None:
    """A chat template without a system role."""
    if any(message["role"] == "system" for message in asked.body["messages"]):
        error = {"message": "System role not supported", "type": "BadRequestError", "code": 400}
        reply.json(400, {"error": error})
    else:
        await good(reply, asked)


@REFUSALS
async def no_extra(reply: Reply, asked: Asked) -> None:
    """Does not know chat_template_kwargs, and thinks without them."""
    if "chat_template_kwargs" in asked.body:
        text = "Unknown parameter: 'chat_template_kwargs'."
        unsupported(reply, "chat_template_kwargs", text)
        return
    await THOUGHTS["think-no-open"](reply, asked)


@REFUSALS
async def refuses_all(reply: Reply, asked: Asked) -> None:
    """Always finds something else to refuse, what is left last."""
    names = [name for name in asked.body if name not in ("model", "messages", "stream")]
    unsupported(reply, (names or ["messages"])[0], "not with us")


@REFUSALS
async def rate_limited(reply: Reply, asked: Asked) -> None:
    """The first two requests: 429, Retry-After 3. Then good."""
    asked.counts["limited"] = asked.counts.get("limited", 0) + 1
    if asked.counts["limited"] <= 2:
        reply.json(429, RATE_LIMIT, ("Retry-After", "3"))
    else:
        await good(reply, asked)


@REFUSALS
async def rpm(reply: Reply, asked: Asked) -> None:
    """A hosted account with 5 requests in 10 s."""
    now = asyncio.get_running_loop().time()
    times = [time for time in asked.counts.get("rpm", []) if now - time < 10]
    if len(times) >= 5:
        reply.json(429, RATE_LIMIT, ("Retry-After", "4"))
    else:
        times.append(now)
        await good(reply, asked)
    asked.counts["rpm"] = times


@REFUSALS
async def no_quota(reply: Reply, asked: Asked) -> None:
    text = "You exceeded your current quota, please check your plan and billing details."
    code = {"type": "insufficient_quota", "code": "insufficient_quota"}
    reply.json(429, {"error": {"message": text, **code}})


@REFUSALS
async def context_full(reply: Reply, asked: Asked) -> None:
    text = "This model's maximum context length is 2048 tokens. However, you requested 2300 tokens."
    error = {"object": "error", "message": text, "type": "BadRequestError", "param": "max_tokens"}
    reply.json(400, error)


@REFUSALS
async def error_in_200(reply: Reply, asked: Asked) -> None:
    """A gateway that hides the status of the server behind it."""
    reply.json(200, {"error": {"message": "No auth credentials found", "code": 401}})


@REFUSALS
async def echoes(reply: Reply, asked: Asked) -> None:
    """Repeats the whole prompt in its refusal."""
    said = json.dumps(asked.body["messages"], ensure_ascii=False)
    reply.json(400, {"error": {"message": f"cannot parse this request: {said}"}})


@REFUSALS
async def html_error(reply: Reply, asked: Asked) -> None:
    reply.whole(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", HTML)


@REFUSALS
async def html_200(reply: Reply, asked: Asked) -> None:
    """A sign-in page or captive portal."""
    reply.whole(200, b"<!doctype html><html><body>Please sign in</body></html>", HTML)


BEFORE, MEGABYTE = b'{"error": {"message": "', b"x" * 2**20


@cache
def bomb() -> bytes:
    """Half a megabyte of gzip, a thousand times as long when it is unpacked.

    Packed after a full flush, the same block may follow itself: nothing long has to be packed.
    """
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS + 16)
    before = packer.compress(BEFORE) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return before + block * BOMB_MEGABYTES


@REFUSALS
async def error_bomb(reply: Reply, asked: Asked) -> None:
    reply.whole(500, bomb(), JSON, ("Content-Encoding", "gzip"))


@cache
def brotli_bomb() -> bytes:
    """Some thousand bytes, a hundred thousand times as long when they are unpacked."""
    packer = brotli.Compressor(quality=3)
    before = packer.process(BEFORE + MEGABYTE) + packer.flush()
    # It says only that what stood before goes on, so it may follow itself.
    block = packer.process(MEGABYTE) + packer.flush()
    return before + block * (BOMB_MEGABYTES - 1)


@REFUSALS
async def brotli_error_bomb(reply: Reply, asked: Asked) -> None:
    reply.whole(500, brotli_bomb(), JSON, ("Content-Encoding", "br"))


@REFUSALS
async def bomb_200(reply: Reply, asked: Asked) -> None:
    reply.whole(200, bomb(), JSON, ("Content-Encoding", "gzip"))


@REFUSALS
async def endless_error(reply: Reply, asked: Asked) -> None:
    reply.head(400, JSON)
    reply.raw('{"error": {"message": "on and on')
    while True:
        reply.raw(" and on" * 10_000)
        await reply.pause(0)


@REFUSALS
async def dripping_error(reply: Reply, asked: Asked) -> None:
    """An error of which a byte comes each second."""
    reply.head(400, JSON)
    reply.raw('{"error": {"message": "slow')
    while True:
        reply.raw("!")
        await reply.pause(1)


@REFUSALS
async def deep_error(reply: Reply, asked: Asked) -> None:
    reply.whole(400, b'{"error": ' * 200_000, JSON)


def redirect(status: int) -> Any:
    async def mode(reply: Reply, asked: Asked) -> None:
        port = reply.writer.get_extra_info("sockname")[1]
        elsewhere = asked.path.replace(f"/redirect-{status}/", "/good/")
        reply.head(status, ("Location", f"http://localhost:{port}{elsewhere}"), length=0)

    return mode


REFUSALS |= {f"redirect-{status}": redirect(status) for status in (301, 302, 303, 307, 308)}
