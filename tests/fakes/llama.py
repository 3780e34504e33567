"""A model's server as llama.cpp's: python -m tests.fakes.llama MODEL FILE SOCKET.

What stands in the file is how it behaves: `dies` while it loads, `waits` until the file says
otherwise, and else it serves. A chat streams `n` words, each the name of the model, as slowly as
`pause_s` says; `die` in the body ends the process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from broker.base.heartbeat import beater


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def chat(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    if asked.get("die"):
        os._exit(7)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for _word in range(asked.get("n", 3)):
        await response.write(f"{sys.argv[1]} ".encode())
        await asyncio.sleep(asked.get("pause_s", 0))
    await response.write_eof()
    return response


async def serve(behaviour: Callable[[], str], socket: str) -> None:
    if behaviour() == "dies":
        sys.exit(3)
    beat = beater()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    while not stopped.is_set() and behaviour() == "waits":
        beat()
        await asyncio.sleep(0.02)
    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    while not stopped.is_set():
        beat()
        await asyncio.sleep(0.05)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[2]).read_text, sys.argv[3]))
