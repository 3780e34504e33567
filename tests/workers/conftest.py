"""A worker's runtime in this process: the real Valkey, a database file, a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from broker import fleet
from broker.contract.hint import Lane, Usage
from broker.contract.job import Endpoint, Sampling
from broker.embedded import Embedded
from tests.fakes.launch import BadServer
from tests.web.conftest import course, exercise, line, student
from tests.web.kit import forget, licensed
from web.engines.client.chunk import Chunk
from web.engines.client.model import Model
from web.engines.models import AIModelConfig, Engine, JudgedBy, Mode
from workers.runtime import Runtime

__all__ = ["course", "exercise", "line", "student"]


@pytest.fixture(scope="module")
def server() -> Iterator[BadServer]:
    """A server that goes wrong in every mode that there is."""
    with BadServer() as server:
        yield server


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """The client of engines itself."""
    model = Model()
    yield model
    await model.aclose()


class Stopper:
    """A gate of a ScriptedModel: at the piece "stop here" it waits for ever; reached: it does."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self, piece: str) -> None:
        if piece == "stop here":
            self.reached.set()
            await asyncio.Event().wait()


class ScriptedModel:
    """Plays one script a request: pieces of text or chunks, or an exception to raise instead."""

    def __init__(self, *scripts: Sequence[str | Chunk | Exception], gate: Any = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[tuple[str, list[Any]]] = []
        self.lanes: list[Lane] = []
        self.chunks = 0
        self.open = 0
        self.gate = gate
        """Awaited before each piece, if given."""

    async def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Any],
        request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:
        self.requests.append((request_id, list(messages)))
        self.lanes.append(lane)
        self.open += 1
        try:
            for piece in self.scripts.pop(0):
                if self.gate:
                    await self.gate(piece)
                if isinstance(piece, Exception):
                    raise piece
                self.chunks += 1
                yield piece if isinstance(piece, Chunk) else Chunk(piece)
            yield Chunk("", "stop", Usage(prompt_tokens=10, completion_tokens=5))
        finally:
            self.open -= 1

    async def aclose(self) -> None:
        pass


@pytest_asyncio.fixture
async def runtime(
    line: None, home_valkey: Embedded, transactional_db: None
) -> AsyncIterator[Runtime]:
    """The only worker of gpu0; nothing runs in its background, tests call what they need."""
    forget()
    runtime = Runtime("gpu0", "gpu0@test", 2)
    await runtime.database.run(one_engine)
    await runtime.broker.run(fleet.set_engines({"gpu0": 2}))
    await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 2, 60))
    yield runtime
    await runtime.stop()


def one_engine() -> None:
    """Its hints are judged by the rules alone, and nothing is diagnosed: other tests do both.

    Its model is licensed to write everything.
    """
    AIModelConfig.current()
    settings = {"judged_by": JudgedBy.NOBODY, "diagnoses": False}
    AIModelConfig.objects.update(mode=Mode.VLLM, **settings)
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=2, model_name="fake", thinking="never")
    licensed("fake")


@pytest.fixture
def good() -> tuple[str, ...]:
    return ("Look at ", "the sign. ", "What does ", "it do?")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], set[str]]:
    """Has a module only note the names of the loops that it begins, or of the steps they repeat."""

    def noted(module: str) -> set[str]:
        names: set[str] = set()

        def begin(loops: Any, died: Any) -> list[Any]:
            for loop in loops:
                step = loop.cr_frame.f_locals.get("step", loop)
                names.add(step.__qualname__)
                loop.close()
            return []

        monkeypatch.setattr(f"{module}.begin", begin)
        return names

    return noted
