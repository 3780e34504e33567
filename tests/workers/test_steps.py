"""A further step on the way of a hint: it may ask in hiding, show text, run a program, or fail."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker.contract.attempt import PASSED, Ended, ModelCall, Purpose
from broker.contract.events import EventKind
from broker.contract.hint import Usage
from broker.contract.job import Sampling
from broker.health import EngineFailure
from tests.fakes.launch import BadServer
from tests.workers.conftest import ScriptedModel, Stopper
from tests.workers.kit import written
from tests.workers.test_attempt import hint, row, settled, told
from tests.workers.test_bad_servers import JOB, job_of
from tests.workers.test_metrics import Counted, counted
from tests.workers.test_moving import CUT, REST, TEXT, join, serve
from web.engines.client.answer import Answer
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.client.model import Model
from web.hints import attempts, store
from workers.attempt.attempt import STEPS, Attempt, Step, generate
from workers.attempt.calls import ModelRequest, ask
from workers.attempt.screen import begin
from workers.attempt.write import write
from workers.runtime import Runtime

__all__ = ["counted", "hint"]
pytestmark = pytest.mark.django_db(transaction=True)
VERDICT = ('{"leak"', ": false, ", '"why": "SECRET"}')


@dataclass
class Hidden:
    """A step that asks the model for something that nobody else reads."""

    purpose: Purpose
    heard: str = ""
    attempt: Attempt | None = None
    kept: list[ModelCall] = field(default_factory=list)

    async def __call__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        parts: list[str] = []
        asking = ModelRequest(
            self.purpose,
            "hidden-7",
            [{"role": "user", "content": "Is it right?"}],
            Sampling(max_tokens=9, temperature=0.0, top_p=None),
        )
        await ask(attempt, asking, Answer(attempt.endpoint), parts.append)
        self.heard = "".join(parts)


@pytest.fixture(params=[Purpose.DIAGNOSE, Purpose.JUDGE])
def hidden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Hidden:
    """Knows the calls that are kept."""
    step = Hidden(request.param)
    keep = attempts.keep

    def kept(hint: str, attempt: int, calls: Any) -> None:
        step.kept += calls
        keep(hint, attempt, calls)

    monkeypatch.setattr(attempts, "keep", kept)
    return step


@pytest.mark.parametrize("place", [0, 1, len(STEPS)], ids=["first", "between", "last"])
async def test_a_hidden_step_is_kept_and_counted_apart_and_shown_to_nobody(
    runtime: Runtime, hint: str, good: tuple[str, ...], hidden: Hidden, counted: Counted, place: int
) -> None:
    scripts = [good]
    scripts.insert(place == len(STEPS), VERDICT)
    runtime.model = ScriptedModel(*scripts)

    result = await generate(runtime, hint, (*STEPS[:place], hidden, *STEPS[place:]))

    assert hidden.heard == "".join(VERDICT)
    final = await row(runtime, hint)
    assert (final.state, final.text) == ("answered", "".join(good))
    seen = await told(runtime, hint)
    assert "".join(data["text"] for kind, data in seen if kind is EventKind.PIECE) == final.text
    assert result is not None
    assert result.calls == 2
    assert "SECRET" not in json.dumps(seen) + str(result)
    calls = {call.purpose: call for call in hidden.kept}
    mine, text = calls[hidden.purpose], calls[Purpose.WRITE]
    assert (mine.template_version, mine.verdict, mine.text) == ("hidden-7", "", "".join(VERDICT))
    assert (mine.parameters["max_tokens"], mine.parameters["temperature"]) == (9, 0.0)
    assert "top_p" not in mine.parameters
    assert (text.verdict, text.text) == (PASSED, final.text)
    assert "messages" not in mine.parameters | text.parameters
    for purpose, affinity in ((hidden.purpose, "unknown"), (Purpose.WRITE, "cold")):
        assert counted["hint_ttft_seconds_count", affinity, "gpu0", purpose] == 1
        assert counted["hint_prompt_tokens_total", "gpu0", purpose] == 10
    assert await settled(runtime, hint)


async def test_tokens_of_all_calls_are_those_of_the_hint(
    runtime: Runtime, hint: str, good: tuple[str, ...], hidden: Hidden
) -> None:
    runtime.model = ScriptedModel(VERDICT, good)

    result = await generate(runtime, hint, (begin, hidden, write))

    final = await row(runtime, hint)
    assert result is not None
    assert (result.prompt_tokens, result.completion_tokens) == (20, 10)
    assert (final.prompt_tokens, final.completion_tokens) == (20, 10)


@pytest.mark.parametrize("place", [1, len(STEPS)], ids=["before", "after"])
async def test_an_engine_that_fails_under_a_hidden_step_is_left_for_another(
    runtime: Runtime, hint: str, good: tuple[str, ...], hidden: Hidden, place: int
) -> None:
    await join(runtime, "gpu1")
    cut = (*VERDICT[:2], EngineFailed(EngineFailure.CUT, "a test"))
    scripts: list[Any] = [good]
    scripts.insert(place == len(STEPS), cut)
    runtime.model = ScriptedModel(*scripts)

    result = await generate(runtime, hint, (*STEPS[:place], hidden, *STEPS[place:]))

    assert result is not None
    assert (result.state, result.reason, result.error) == ("queued", "truncated", "a test")
    assert [call.text for call in hidden.kept if call.purpose is hidden.purpose] == [
        "".join(VERDICT[:2])
    ]
    waits = await row(runtime, hint)
    assert "leak" not in waits.partial


async def test_a_hidden_step_that_is_cut_loses_no_text_of_an_earlier_attempt(
    runtime: Runtime, hint: str, hidden: Hidden
) -> None:
    await join(runtime, "gpu1")
    stopper = Stopper()
    runtime.model = ScriptedModel((*CUT[:-1], "stop here"), gate=stopper)
    work = asyncio.create_task(generate(runtime, hint))
    await stopper.reached.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    runtime.model = ScriptedModel((VERDICT[0], EngineFailed(EngineFailure.CUT, "a test")))
    moved = await generate(runtime, hint, (begin, hidden, write))
    last = await serve(runtime, hint, REST, at="gpu1")

    assert (moved.state, last.state) == ("queued", "answered")
    assert runtime.model.requests[0][1][-1]["content"] == "Look at the sign. What d"
    assert (await row(runtime, hint)).text == TEXT


async def test_a_hidden_step_that_is_refused_ends_the_hint_with_its_authors(
    runtime: Runtime, hint: str, hidden: Hidden
) -> None:
    runtime.model = ScriptedModel((ModelRefused(Refusal.KEY, "no"),))

    result = await generate(runtime, hint, (begin, hidden, write))

    assert result is not None
    assert (result.state, result.refusal) == ("failed", Refusal.KEY)
    assert (await row(runtime, hint)).source == "evidence"


async def test_a_hidden_step_shares_the_deadline(
    runtime: Runtime, hint: str, good: tuple[str, ...], hidden: Hidden
) -> None:
    async def for_ever(piece: str) -> None:
        await asyncio.Event().wait()

    runtime.model = ScriptedModel(VERDICT, good, gate=for_ever)

    async def late(attempt: Attempt) -> None:
        attempt.began_s -= attempt.job.endpoint.deadline_s - 0.2

    result = await asyncio.wait_for(generate(runtime, hint, (begin, late, hidden, write)), 30)

    assert result is not None
    assert (result.state, result.reason) == ("failed", "model_timeout")
    assert runtime.model.open == 0


async def test_a_step_can_run_a_program_and_show_text(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    async def evidence(attempt: Attempt) -> None:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('It prints 3. ')", stdout=asyncio.subprocess.PIPE
        )
        found, _ = await program.communicate()
        attempt.screen.show(found.decode())
        attempt.screen.clear("attempt")

    runtime.model = ScriptedModel(good)

    await generate(runtime, hint, (begin, evidence, write))

    seen = [data.get("text", kind) for kind, data in await told(runtime, hint)]
    assert seen[:3] == ["started", "It prints 3. \n", "reset"]
    assert (await row(runtime, hint)).text == "".join(good)


async def test_a_step_that_runs_can_be_stopped_by_the_student(runtime: Runtime, hint: str) -> None:
    reached = asyncio.Event()

    async def endless(attempt: Attempt) -> None:
        reached.set()
        attempt.outgoing.refused()
        await asyncio.Event().wait()

    steps: tuple[Step, ...] = (begin, endless, write)
    runtime.model = ScriptedModel()

    assert await asyncio.wait_for(generate(runtime, hint, steps), 30) is None
    assert reached.is_set()
    assert await settled(runtime, hint)


NEGOTIATED = (
    "good", "gpt5", "no-stream-options", "mistral-422", "strict", "no-both-sampling",
    "no-limit-at-all", "only-old-tokens", "no-system", "no-extra", "no-stream",
)  # fmt: skip


@pytest.mark.parametrize("mode", NEGOTIATED)
async def test_the_parameters_that_are_kept_were_really_sent(
    server: BadServer, model: Model, mode: str
) -> None:
    attempt = await written(job_of(server, mode), model)

    [call] = attempt.calls
    body = server.log()[-1]["body"]
    del body["messages"]
    assert call.parameters == body
    assert (call.model, call.purpose, call.verdict) == (JOB.endpoint.model, Purpose.WRITE, PASSED)


async def test_a_call_that_is_refused_is_kept_as_it_was_sent(
    server: BadServer, model: Model
) -> None:
    attempt = await written(job_of(server, "no-quota"), model)

    [call] = attempt.calls
    assert (call.text, call.verdict, call.usage) == ("", "", Usage())
    assert call.parameters["model"] == "fake"


async def test_how_an_attempt_ended_is_told_with_the_row(
    runtime: Runtime, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Ended] = []
    finish = store.finish

    def noted(hint: str, attempt: int, outcome: Any, ended: Ended) -> bool:
        found.append(ended)
        return finish(hint, attempt, outcome, ended)

    monkeypatch.setattr(store, "finish", noted)
    runtime.model = ScriptedModel(("Look at it. ", EngineFailed(EngineFailure.CUT, "a test")))

    await generate(runtime, hint)

    [ended] = found
    assert (ended.failure, ended.error) == ("cut", "a test")
    assert ended.seen_s is not None
    assert 0 <= ended.seen_s < 60
