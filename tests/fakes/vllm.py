"""A vLLM without a model: python -m tests.fakes.vllm --port 0, prints its port.

What vLLM 0.32 answers to /v1/chat/completions, /v1/models, /version, /health and /metrics, at the
pace of a GPU that batches. Also GET /state, and POST /fault: a Fault.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections import deque
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import uvloop

from tests.fakes import vllm_text, wire
from tests.fakes.http import HttpConnection
from tests.fakes.vllm_cache import BLOCK_TOKENS, Blocks, chain, count_tokens
from tests.fakes.vllm_faults import Armed, Fault, Wrong
from tests.fakes.vllm_metrics import Metrics
from tests.fakes.vllm_reply import Stream, Whole, reply_head
from tests.fakes.vllm_scheduler import Pace, Scheduler, Sequence

KEPT_REQUESTS = 5000
DEAD_S = 0.3
"""After its engine died, vLLM's server lives for so long."""
BUSY = (
    "The engine is currently busy and cannot accept new requests. "
    "Please try again later or on a different instance."
)
CRASHED = 1


class Server:
    """What all connections share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.model: str = options.model
        metrics = Metrics(self.model, options.kv_blocks, BLOCK_TOKENS)
        pace = Pace(options.step_s, options.per_seq_s, options.prefill_tps)
        blocks = Blocks(options.kv_blocks)
        self.scheduler = Scheduler(pace, options.max_num_seqs, blocks, metrics)
        self.metrics = metrics
        self.armed = Armed()
        self.connections: set[Connection] = set()
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.aborted = 0
        self.health_s = 0.0
        self.dead = False
        self.draining = False

    def full(self) -> bool:
        most = self.options.max_num_queued_reqs
        unfinished = len(self.scheduler.running) + len(self.scheduler.waiting)
        return most is not None and unfinished >= most

    def state(self) -> dict[str, Any]:
        """running, waiting: now; aborted: left by their client; requests: the last ones."""
        return {
            "running": len(self.scheduler.running),
            "waiting": len(self.scheduler.waiting),
            "max_running": self.scheduler.max_running,
            "aborted": self.aborted,
            "requests": list(self.requests),
        }

    def strike(self, fault: Fault) -> None:
        loop = asyncio.get_running_loop()
        match fault.wrong:
            case Wrong.CRASH:
                os._exit(CRASHED)
            case Wrong.DEAD:
                self.die()
            case Wrong.FREEZE:
                self.scheduler.going.clear()
                if fault.seconds:
                    loop.call_later(fault.seconds, self.scheduler.going.set)
            case Wrong.SLOW_HEALTH:
                self.health_s = fault.seconds
            case Wrong.HIDE:
                self.metrics.hidden |= {fault.series}
            case Wrong.HEAL:
                self.armed.clear()
                self.scheduler.going.set()
                self.health_s, self.metrics.hidden = 0.0, frozenset()
            case _:
                self.armed.add(fault)

    def die(self) -> None:
        self.dead = True
        self.scheduler.going.clear()
        for connection in self.connections:
            connection.break_off()
        asyncio.get_running_loop().call_later(DEAD_S, os._exit, CRASHED)

    async def stop(self, listener: asyncio.Server) -> None:
        """As vLLM after SIGTERM: what is not finished in time hangs until its client leaves."""
        timeout_s = self.options.shutdown_timeout
        self.draining = True
        try:
            async with asyncio.timeout(timeout_s):
                await until(lambda: not (self.scheduler.running or self.scheduler.waiting))
        except TimeoutError:
            self.scheduler.going.clear()
        listener.close()
        await until(lambda: not any(connection.sequence for connection in self.connections))


class Connection(HttpConnection):
    """One client; one request at a time."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.sequence: Sequence | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        if self.sequence:
            self.server.aborted += 1
            self.leave()

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        key = self.server.options.api_key
        if path.startswith("/v1/") and key and headers.get("authorization") != f"Bearer {key}":
            self.transport.write(wire.reply(401, {"error": "Unauthorized"}))
            return
        match method, path:
            case "POST", "/v1/chat/completions":
                self._chat(headers, body)
            case "GET", "/v1/models":
                limit = {"max_model_len": self.server.options.max_model_len}
                models = [{"id": self.server.model, "object": "model", "owned_by": "vllm", **limit}]
                self.transport.write(wire.reply(200, {"object": "list", "data": models}))
            case "GET", "/version":
                self.transport.write(wire.reply(200, {"version": "0.32.0"}))
            case "GET", "/health":
                later = asyncio.get_running_loop().call_later
                later(self.server.health_s, self._health)
            case "GET", "/metrics":
                text = self.server.metrics.text(self.server.scheduler.gauges())
                self.transport.write(wire.text(200, text))
            case "GET", "/state":
                self.transport.write(wire.reply(200, self.server.state()))
            case "POST", "/fault":
                self.server.strike(Fault.parse(json.loads(body)))
                self.transport.write(wire.reply(200, {}))
            case _:
                self.transport.write(wire.reply(404, {"detail": "Not Found"}))

    def _health(self) -> None:
        self.transport.write(wire.text(503 if self.server.dead else 200, ""))

    def _chat(self, headers: dict[str, str], body: bytes) -> None:
        request = json.loads(body)
        fault = self.server.armed.next(json.dumps(request, ensure_ascii=False))
        refused = self._refusal(request, fault)
        if refused:
            self.transport.write(wire.error(*refused))
            return
        self.sequence = self._sequence(request, headers, fault)
        if request.get("stream"):
            self.transport.write(reply_head(headers.get("x-request-id")))
        self.server.scheduler.add(self.sequence)

    def _refusal(self, request: dict[str, Any], fault: Fault | None) -> tuple[int, str, str] | None:
        """(status, message, type) of a request that gets no answer."""
        server = self.server
        if server.dead:
            return 500, "EngineCore encountered an issue.", "InternalServerError"
        if server.draining:
            text = "cannot schedule new futures after shutdown"
            return 500, text, "InternalServerError"
        if fault and fault.wrong is Wrong.STATUS:
            return fault.status, "told to refuse", "Fault"
        if request["model"] != server.model:
            return 404, f"The model `{request['model']}` does not exist.", "NotFoundError"
        most = server.options.max_model_len
        if count_tokens(rendered(request)) + (request.get("max_tokens") or 1) > most:
            text = f"This model's maximum context length is {most} tokens."
            return 400, text, "BadRequestError"
        if server.full():
            server.metrics.rejections += 1
            return 503, BUSY, "Service Unavailable"
        return None

    def _sequence(
        self, request: dict[str, Any], headers: dict[str, str], fault: Fault | None
    ) -> Sequence:
        prompt = rendered(request)
        pieces = vllm_text.tokens(vllm_text.rest(request["messages"], self.server.options.voice))
        most = request.get("max_tokens") or self.server.options.max_model_len
        if request.get("ignore_eos"):
            pieces = list(islice(cycle(pieces), most))
        name = headers.get("x-request-id", f"{id(self):x}")
        reply = (Stream if request.get("stream") else Whole)(self, request, name)
        sequence = Sequence(
            name=name,
            priority=request.get("priority") or 0,
            names=chain(prompt, request.get("cache_salt") or ""),
            prompt_tokens=count_tokens(prompt),
            pieces=pieces[:most],
            reason="length" if len(pieces) >= most else "stop",
            reply=reply,
        )
        if fault:
            sequence.halt_after = min(fault.after_tokens, len(sequence.pieces))
            sequence.halted = reply.faults[fault.wrong]
        self.server.requests.append(reply.record)
        return sequence

    def leave(self) -> None:
        """The request is over, whichever way."""
        if self.sequence:
            self.server.scheduler.drop(self.sequence)
            self.sequence = None

    def break_off(self) -> None:
        if self.sequence:
            self.sequence.reply.error()


def rendered(request: dict[str, Any]) -> str:
    """The prompt as a chat template makes it."""
    parts = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in request["messages"]]
    if request.get("continue_final_message"):
        return "".join(parts).removesuffix("<|im_end|>\n")
    return "".join([*parts, "<|im_start|>assistant\n"])


async def until(question: Callable[[], bool]) -> None:
    while not question():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def serve(options: argparse.Namespace) -> None:
    server, loop = Server(options), asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: Connection(server), options.host, options.port, backlog=4096
    )
    print(listener.sockets[0].getsockname()[1], flush=True)
    engine = asyncio.create_task(server.scheduler.run())
    asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    await server.stop(listener)
    engine.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.vllm")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one; it is printed")
    parser.add_argument("--model", default="fake")
    parser.add_argument("--voice", type=int, default=0, help="which words: see vllm_text.py")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--max-num-seqs", type=int, default=64)
    parser.add_argument("--max-num-queued-reqs", type=int)
    parser.add_argument("--max-model-len", type=int, default=4096)
    parser.add_argument("--kv-blocks", type=int, default=3750)
    parser.add_argument("--shutdown-timeout", type=float, default=0.0)
    parser.add_argument("--step-s", type=float, default=Pace.step_s, help="0: all at once")
    parser.add_argument("--per-seq-s", type=float, default=Pace.per_seq_s)
    parser.add_argument("--prefill-tps", type=float, default=Pace.prefill_tps, help="0: at once")
    options = parser.parse_args()
    if options.kv_blocks * BLOCK_TOKENS < options.max_model_len:
        parser.error(f"--kv-blocks {options.kv_blocks}: too few for one request")
    uvloop.run(serve(options))


if __name__ == "__main__":
    main()
