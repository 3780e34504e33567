"""An OpenAI-compatible server that misbehaves: python -m tests.fakes.badserver --port 0.

It prints its port. The path's first part is a mode: /think-tags/v1 is the base URL of an engine
that misbehaves in that way; at /asked/v1 each request names its own, as `mode=think-tags` in any of
its texts, and is good without one. GET /log: the last requests; POST /reset forgets them and all
counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import deque
from typing import Any

from tests.fakes.badframes import FRAMES
from tests.fakes.badrefusals import REFUSALS
from tests.fakes.badreply import Asked, Reply
from tests.fakes.badthoughts import THOUGHTS

MODES = {**FRAMES, **THOUGHTS, **REFUSALS}
ASKED = re.compile(r"mode=([a-z0-9-]+)")
KEPT_REQUESTS = 200


class BadServer:
    def __init__(self, gap_s: float) -> None:
        self.gap_s = gap_s
        self.log: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.counts: dict[str, Any] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            pairs = (line.partition(":") for line in lines if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            text = await reader.readexactly(int(headers.get("content-length", 0)))
            body = json.loads(text) if text else {}
            await self.answer(
                Reply(writer, self.gap_s), method, path.partition("?")[0], headers, body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(
        self, reply: Reply, method: str, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> None:
        name, _, rest = path.lstrip("/").partition("/")
        match name, rest:
            case "log", "":
                reply.json(200, list(self.log))
                return
            case "reset", "":
                self.log.clear()
                self.counts.clear()
                reply.json(200, {})
                return
        self.log.append(
            {"mode": name, "method": method, "path": path, "headers": headers, "body": body}
        )
        if name == "asked":
            found = ASKED.search(json.dumps(body))
            name = found[1] if found else "good"
        if name in MODES and rest == "v1/chat/completions":
            await MODES[name](reply, Asked(path, headers, body, self.counts))
        elif rest == "v1/models" and name != "no-models-list":
            reply.json(200, {"object": "list", "data": [{"id": "fake", "object": "model"}]})
        else:
            reply.json(404, {"detail": "Not Found"})


async def main(options: argparse.Namespace) -> None:
    server = await asyncio.start_server(
        BadServer(options.gap_s).serve, "127.0.0.1", options.port, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.badserver")
    parser.add_argument("--port", type=int, default=0, help="0: a free one; it is printed")
    parser.add_argument("--gap-s", type=float, default=0.002, help="between the words of an answer")
    asyncio.run(main(parser.parse_args()))
