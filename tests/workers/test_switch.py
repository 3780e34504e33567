"""The local engine changes its model while it writes: no request fails, or is cut, or mixed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from aiohttp import web

from broker.base import gguf
from broker.base.gguf import Served
from tests.whole.stand import free_port, until
from workers.engine import switch as switch_module
from workers.engine.front import application
from workers.engine.switch import Switch

ROOT = Path(__file__).parents[2]
WITHIN_S = 30.0


def fake(model: str, file: str, socket: str) -> list[str]:
    return [sys.executable, "-m", "tests.fakes.llama", model, file, socket]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the default model `plain.gguf`, and two to choose from."""
    monkeypatch.setenv("HINTLINE_DATA", str(tmp_path))
    monkeypatch.setenv("HINTLINE_LOCAL_MODEL", str(tmp_path / "plain.gguf"))
    monkeypatch.setattr(switch_module, "GRACE_S", 2.0)
    (tmp_path / "plain.gguf").write_text("good")
    gguf.make_folder()
    for name in ("one.gguf", "two.gguf"):
        (gguf.folder() / name).write_text("good")
    return gguf.folder()


class Engine:
    """The engine in this process, without its own children's real server."""

    def __init__(self) -> None:
        self.switch = Switch(fake)
        self.runner = web.AppRunner(application(self.switch.find), handler_cancellation=True)
        self.stopped = False

    async def start(self) -> None:
        await self.runner.setup()
        port = free_port()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}"
        self.http = aiohttp.ClientSession()
        self.ticking = asyncio.create_task(self.tick())

    async def tick(self) -> None:
        while not self.stopped:
            await self.switch.tick()
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        self.stopped = True
        await self.ticking
        await self.http.close()
        await self.switch.close()
        await self.runner.cleanup()

    async def until(self, question: Callable[[], Any]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not question():
                assert not self.ticking.done(), self.ticking
                await asyncio.sleep(0.02)

    async def serves(self, model: str) -> None:
        await self.until(lambda: (now := self.switch.current) and now.model == model)

    async def ask(self, model: str = "", **more: Any) -> tuple[int, str]:
        body = {"model": model} if model else {}
        async with self.http.post(f"{self.url}/v1/chat/completions", json=body | more) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    await engine.start()
    yield engine
    await engine.close()


async def test_the_default_model_is_served_and_told(engine: Engine) -> None:
    status, text = await engine.ask()
    assert status == 503
    assert "No model is loaded" in text

    await engine.serves("plain.gguf")

    assert await engine.ask() == (200, "plain.gguf plain.gguf plain.gguf ")
    assert gguf.served() == Served("plain.gguf")


async def test_a_chosen_model_takes_over_and_nothing_is_cut(engine: Engine) -> None:
    await engine.serves("plain.gguf")
    begun = [asyncio.create_task(engine.ask("plain.gguf", n=40, pause_s=0.2)) for _each in range(3)]
    await engine.until(lambda: engine.switch.current and engine.switch.current.busy == 3)

    gguf.choose("one.gguf")
    await engine.serves("one.gguf")
    old = engine.switch.leaving[0]

    assert gguf.served() == Served("one.gguf")
    assert await engine.ask() == (200, "one.gguf " * 3)
    assert not any(task.done() for task in begun)
    assert {await task for task in begun} == {(200, "plain.gguf " * 40)}
    await engine.until(lambda: not engine.switch.leaving)
    assert old.child.process is None
    assert not old.socket.exists()


async def test_who_asks_again_for_the_old_model_finds_it_until_they_are_done(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an attempt does, which diagnoses, writes and has its hint judged."""
    # A busy machine takes seconds to start the other model.
    monkeypatch.setattr(switch_module, "GRACE_S", 5.0)
    await engine.serves("plain.gguf")
    await engine.ask("plain.gguf")
    gguf.choose("one.gguf")
    await engine.serves("one.gguf")

    for _call in range(12):
        assert (await engine.ask("plain.gguf"))[0] == 200
        await asyncio.sleep(0.5)

    await engine.until(lambda: not engine.switch.leaving)
    assert (await engine.ask("plain.gguf"))[0] == 404


async def test_no_request_fails_while_models_change(engine: Engine) -> None:
    """Each names the model that was told when it began, as hints do."""
    await engine.serves("plain.gguf")
    answers: list[tuple[str, int, str]] = []
    done = False

    async def go_on_asking() -> None:
        while not done:
            model = gguf.served().model
            answers.append((model, *await engine.ask(model, n=5, pause_s=0.01)))

    asking = [asyncio.create_task(go_on_asking()) for _each in range(4)]
    for name in ("one.gguf", "two.gguf", "", "one.gguf"):
        gguf.choose(name)
        await engine.serves(name or "plain.gguf")
    done = True
    await asyncio.gather(*asking)

    assert {model for model, *_ in answers} == {"plain.gguf", "one.gguf", "two.gguf"}
    assert [each for each in answers if each[1:] != (200, f"{each[0]} " * 5)] == []


async def test_a_model_that_cannot_be_loaded_takes_nobodys_place(
    engine: Engine, folder: Path
) -> None:
    await engine.serves("plain.gguf")
    (folder / "one.gguf").write_text("dies")

    gguf.choose("one.gguf")
    await engine.until(lambda: gguf.served().refused)

    assert gguf.served() == Served("plain.gguf", refused="one.gguf", why="exit 3")
    assert (await engine.ask())[0] == 200
    gguf.choose("two.gguf")
    await engine.serves("two.gguf")
    assert gguf.served() == Served("two.gguf")


async def test_with_a_bad_choice_from_the_start_the_default_is_served(folder: Path) -> None:
    (folder / "one.gguf").write_text("dies")
    gguf.choose("one.gguf")
    engine = Engine()
    await engine.start()
    try:
        await engine.serves("plain.gguf")
        assert gguf.served() == Served("plain.gguf", refused="one.gguf", why="exit 3")
    finally:
        await engine.close()


async def test_who_chooses_again_while_one_is_loaded_gets_the_last_one(
    engine: Engine, folder: Path
) -> None:
    await engine.serves("plain.gguf")
    (folder / "one.gguf").write_text("waits")
    gguf.choose("one.gguf")
    await engine.until(lambda: engine.switch.coming)

    gguf.choose("two.gguf")
    await engine.serves("two.gguf")

    await engine.until(lambda: not engine.switch.leaving)


async def test_a_file_that_is_gone_is_no_choice(engine: Engine, folder: Path) -> None:
    gguf.choose("one.gguf")
    await engine.serves("one.gguf")

    (folder / "one.gguf").unlink()

    await engine.serves("plain.gguf")


@pytest.mark.parametrize("name", ["../plain.gguf", "/etc/passwd", "..", ".", "x" * 5000, "a\0b"])
def test_what_stands_in_the_choice_is_no_path(name: str) -> None:
    gguf.choose(name)

    assert gguf.chosen() == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 1, "more": 2}', "\udcff"])
def test_what_the_engine_told_may_be_broken(folder: Path, text: str) -> None:
    (folder / "serving.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert gguf.served() == Served("plain.gguf")


async def test_a_server_that_dies_is_started_again_and_its_answers_break_off(
    engine: Engine,
) -> None:
    await engine.serves("plain.gguf")
    server = engine.switch.current
    assert server is not None
    assert server.child.process is not None
    first = server.child.process.pid
    begun = asyncio.create_task(engine.ask(n=200, pause_s=0.05))
    await engine.until(lambda: server.busy)

    assert (await engine.ask(die=True))[0] == 502
    with pytest.raises(aiohttp.ClientError):
        await begun

    await engine.until(lambda: server.child.process and server.child.process.pid != first)
    await engine.until(lambda: server.socket.exists())
    assert (await engine.ask())[0] == 200


async def test_who_goes_away_stops_what_is_written_for_them(engine: Engine) -> None:
    await engine.serves("plain.gguf")
    begun = asyncio.create_task(engine.ask(n=2000, pause_s=0.05))
    await engine.until(lambda: engine.switch.current and engine.switch.current.busy)

    begun.cancel()

    await engine.until(lambda: engine.switch.current and not engine.switch.current.busy)


@pytest.mark.parametrize("name", ["gpt-5", "one.gguf", "x" * 5000, "plain"])
async def test_a_model_that_is_not_served_is_refused_as_openai_does(
    engine: Engine, name: str
) -> None:
    await engine.serves("plain.gguf")

    status, text = await engine.ask(name)

    assert status == 404
    assert "model_not_found" in text
    assert len(text) < 500


@pytest.mark.parametrize(
    ("body", "status"), [(b"[" * 100_000, 500), (b"{", 500), (b"x" * (3 << 20), 413)]
)
async def test_a_body_that_is_none_breaks_nothing(engine: Engine, body: bytes, status: int) -> None:
    await engine.serves("plain.gguf")

    async with engine.http.post(f"{engine.url}/v1/chat/completions", data=BytesIO(body)) as answer:
        assert answer.status == status

    assert (await engine.ask())[0] == 200


@pytest.fixture
def real(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of the engine's own process, with the bundled model and another name for it."""
    monkeypatch.delenv("HINTLINE_LOCAL_MODEL")
    (folder / "other.gguf").symlink_to(gguf.default_file())
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "workers", "engine"], cwd=ROOT,
        env=os.environ | {"HINTLINE_LOCAL_PORT": str(port)},
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_the_real_engine_changes_its_real_model(real: str) -> None:
    def serves(model: str) -> bool:
        try:
            return model in httpx2.get(f"{real}/v1/models").text
        except httpx2.TransportError:
            return False

    def asked(count: int, **more: Any) -> Any:
        body = {
            "messages": [{"role": "user", "content": "Tell a long story."}], "stream": True,
            "max_tokens": count, "ignore_eos": True, **more,
        }  # fmt: skip
        return httpx2.stream("POST", f"{real}/v1/chat/completions", json=body, timeout=120)

    until(lambda: serves(gguf.BUNDLED))
    with asked(80) as begun:
        lines = begun.iter_lines()
        next(lines)
        gguf.choose("other.gguf")
        until(lambda: serves("other.gguf"))
        with asked(3, model="other.gguf") as answer:
            assert "[DONE]" in answer.read().decode()
        assert "data: [DONE]" in lines
    assert gguf.served() == Served("other.gguf")
