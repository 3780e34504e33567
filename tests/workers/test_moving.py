"""An engine fails under a hint: which one gets it then, what that goes on from, how it may end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from broker import dispatch, fleet, health
from broker.contract.attempt import Ended
from broker.contract.events import EventKind
from broker.contract.hint import Lane, Outcome, Reason, State
from broker.contract.job import Partial
from broker.dispatch import Grant
from broker.health import EngineFailure, EngineState, Why
from broker.keys import STREAM
from tests.web.kit import licensed
from tests.workers.conftest import ScriptedModel, Stopper
from tests.workers.test_attempt import FIX, hint, row, settled, told
from tests.workers.test_rescue import age, rescue, rung
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.models import Engine, Mode
from web.hints import store
from web.hints.models import ModelCall
from workers.attempt import attempt
from workers.guard.rescue import Rescue
from workers.runtime import Runtime

__all__ = ["hint", "rescue"]
pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "Look at the sign. What does it do?"
CUT = ("Look at ", "the sign. ", "What d", EngineFailed(EngineFailure.CUT, "a test"))
REST = ("oes it", " do?")
"""What follows the text of CUT."""


def engine(name: str, **columns: Any) -> None:
    given = {"kind": Mode.VLLM, "slots": 2, "model_name": "fake"} | columns
    licensed(Engine.objects.create(name=name, **given).model_name)


async def join(runtime: Runtime, *names: str, **columns: Any) -> None:
    """More engines, each with a live worker."""
    for name in names:
        await runtime.database.run(engine, name, **columns)
    await runtime.broker.run(fleet.set_engines({name: 2 for name in ("gpu0", *names)}))
    for name in names:
        await runtime.broker.run(fleet.beat(name, f"{name}@test", 2, 60))


async def serve(runtime: Runtime, hint: str, *scripts: Any, at: str = "gpu0") -> Any:
    """An attempt of a worker of that engine; what its task returns."""
    runtime.engine = at
    runtime.model = ScriptedModel(*scripts)
    return await attempt.generate(runtime, hint)


async def phase(runtime: Runtime, hint: str) -> tuple[str, str | None]:
    standing = (await runtime.broker.run(dispatch.standing([hint])))[hint]
    return standing.phase, standing.engine


def text_of(events: list[tuple[EventKind, dict[str, Any]]]) -> str:
    """What a browser shows after these."""
    text = ""
    for kind, data in events:
        text = "" if kind is EventKind.RESET else text + data.get("text", "")
    return text


async def test_a_cut_hint_goes_on_elsewhere_and_nothing_is_told_twice(
    runtime: Runtime, hint: str
) -> None:
    await join(runtime, "gpu1")

    first = await serve(runtime, hint, CUT)
    waiting = await row(runtime, hint)
    assert (first.state, first.reason, first.error) == ("queued", "truncated", "a test")
    assert (waiting.state, waiting.text) == ("queued", "")
    second = await serve(runtime, hint, REST, at="gpu1")

    final = await row(runtime, hint)
    assert (second.state, final.text, final.attempt) == ("answered", TEXT, 2)
    request_id, messages = runtime.model.requests[0]
    assert request_id == f"{hint}-2"
    assert messages[-1] == {"role": "assistant", "content": "Look at the sign. What d"}
    seen = await told(runtime, hint)
    assert EventKind.RESET not in [kind for kind, _ in seen]
    assert text_of(seen) == TEXT
    assert [kind for kind, _ in seen if kind in (EventKind.STARTED, EventKind.QUEUED)] == [
        EventKind.STARTED, EventKind.QUEUED, EventKind.STARTED,
    ]  # fmt: skip


async def test_both_attempts_ask_the_same(runtime: Runtime, hint: str) -> None:
    """So that the second can go on from the first, and finds it in a cache."""
    await join(runtime, "gpu1")

    await serve(runtime, hint, CUT)
    [(_, asked)] = runtime.model.requests
    await serve(runtime, hint, REST, at="gpu1")
    [(_, again)] = runtime.model.requests

    assert again[:-1] == asked


async def test_words_that_waited_in_the_worker_are_told_before_it_moves(
    runtime: Runtime, hint: str
) -> None:
    await join(runtime, "gpu1")

    await serve(runtime, hint, CUT)

    seen = await told(runtime, hint)
    assert text_of(seen) == "Look at the sign."
    assert seen[-1][0] is EventKind.QUEUED


@pytest.mark.parametrize(
    "other", [{"model_name": "another"}, {"kind": Mode.API}], ids=["model", "kind"]
)
async def test_an_engine_that_cannot_go_on_starts_again(
    runtime: Runtime, hint: str, good: tuple[str, ...], other: dict[str, Any]
) -> None:
    await join(runtime, "gpu1", **other)

    await serve(runtime, hint, CUT)
    await serve(runtime, hint, good, at="gpu1")

    assert (await row(runtime, hint)).text == TEXT
    [(_, messages)] = runtime.model.requests
    assert messages[-1]["role"] == "user"
    seen = await told(runtime, hint)
    assert [kind for kind, _ in seen].count(EventKind.RESET) == 1
    assert text_of(seen) == TEXT


async def test_what_was_shown_is_lost_so_everything_is_told_again(
    runtime: Runtime, hint: str
) -> None:
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    await runtime.broker.client.delete(STREAM(hint))

    await serve(runtime, hint, REST, at="gpu1")

    seen = await told(runtime, hint)
    kinds = [kind for kind, _ in seen]
    assert kinds[:2] == [EventKind.STARTED, EventKind.RESET]
    assert text_of(seen) == TEXT


async def test_a_server_that_cannot_go_on_from_a_text_is_asked_from_the_start(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    refused = ModelRefused(Refusal.REQUEST, "status 400: cannot continue")

    result = await serve(runtime, hint, (refused,), good, at="gpu1")

    assert result.state == "answered"
    assert text_of(await told(runtime, hint)) == TEXT


async def test_the_gate_judges_what_was_written_before_the_cut(runtime: Runtime, hint: str) -> None:
    """Half of the fix came from one engine, half from the other."""
    await join(runtime, "gpu1")
    await serve(runtime, hint, ("Write `return a ", EngineFailed(EngineFailure.CUT, "a test")))

    await serve(runtime, hint, ("+ b` there.",), FIX, at="gpu1")

    final = await row(runtime, hint)
    assert (final.state, final.reason) == ("withheld", "leak")
    assert "return" not in json.dumps(await told(runtime, hint))


@pytest.mark.parametrize(
    "error",
    [EngineFailed(EngineFailure.TIMEOUT, "silent"), EngineFailed(EngineFailure.CUT, "a test")],
)
async def test_after_a_second_cut_the_hint_ends_with_its_authors(
    runtime: Runtime, hint: str, error: Exception
) -> None:
    await join(runtime, "gpu1", "gpu2")
    await serve(runtime, hint, ("Look at ", error))
    at = (await phase(runtime, hint))[1]
    assert at

    result = await serve(runtime, hint, ("it", error), at=at)

    final = await row(runtime, hint)
    assert (result.state, final.source, final.partial) == ("failed", "evidence", "")
    assert final.reason in ("truncated", "model_timeout")
    assert await settled(runtime, hint)


async def test_three_engines_without_an_answer_are_enough(runtime: Runtime, hint: str) -> None:
    await join(runtime, "gpu1", "gpu2", "gpu3")
    tried = []
    for _ in range(3):
        at = (await phase(runtime, hint))[1]
        assert at
        tried.append(at)
        result = await serve(
            runtime, hint, (EngineFailed(EngineFailure.UNREACHABLE, "refused"),), at=at
        )

    assert len(set(tried)) == 3
    assert result.state == "failed"
    assert (await row(runtime, hint)).reason == "model_unavailable"


@pytest.mark.parametrize("model", ["fake", "another"])
async def test_a_full_engine_between_two_others_does_not_lose_the_text(
    runtime: Runtime, hint: str, model: str
) -> None:
    await join(runtime, "gpu1", "gpu2")
    await serve(runtime, hint, CUT)
    at = (await phase(runtime, hint))[1]
    assert at
    full = Engine.objects.filter(name=at)
    await runtime.database.run(full.update, model_name=model)
    await runtime.database.run(licensed, model)
    await serve(runtime, hint, (EngineFailed(EngineFailure.BUSY, "status 503"),), at=at)
    last = (await phase(runtime, hint))[1]
    assert last
    assert len({"gpu0", at, last}) == 3

    await serve(runtime, hint, REST, at=last)

    assert runtime.model.requests[0][1][-1]["content"] == "Look at the sign. What d"
    assert (await row(runtime, hint)).text == TEXT
    assert text_of(await told(runtime, hint)) == TEXT


async def test_a_lost_attempt_does_not_count_as_an_engine_that_failed(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    """A grant that nobody claimed raised the attempt, no engine failed."""
    await join(runtime, "gpu1")
    for number in (1, 2):
        assert await runtime.database.run(store.requeue, hint, number)
        assert await runtime.broker.run(dispatch.requeue_lost(hint, number))
        await runtime.broker.run(dispatch.pull("gpu0"))

    result = await serve(runtime, hint, (EngineFailed(EngineFailure.UNREACHABLE, "refused"),))

    assert result.state == "queued"
    assert await phase(runtime, hint) == ("granted", "gpu1")


async def test_a_second_answer_that_is_cut_is_asked_for_again(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await join(runtime, "gpu1")

    moved = await serve(runtime, hint, FIX, CUT)
    kept = await runtime.database.run(
        lambda: list(ModelCall.objects.order_by("pk").values_list("verdict", flat=True))
    )
    final = await serve(runtime, hint, good, at="gpu1")

    assert (moved.state, kept, final.state) == ("queued", ["R2", ""], "answered")
    [(_, messages)] = runtime.model.requests
    assert messages[-1]["role"] == "user"
    assert text_of(await told(runtime, hint)) == TEXT


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (Refusal.KEY, "model_refused"),
        (Refusal.MODEL, "model_refused"),
        (Refusal.ADDRESS, "model_refused"),
        (Refusal.REQUEST, "request_refused"),
    ],
)
async def test_a_refusal_is_final_and_its_cause_is_told(
    runtime: Runtime, hint: str, cause: Refusal, reason: str
) -> None:
    await join(runtime, "gpu1")

    result = await serve(runtime, hint, (ModelRefused(cause, "status"),))

    assert (result.state, result.reason, result.refusal) == ("failed", reason, cause)
    assert (await row(runtime, hint)).source == "evidence"


async def test_failures_take_the_engine_down_and_a_canary_takes_it_up(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await join(runtime, "gpu1")
    await runtime.broker.run(health.down("gpu1", Why.REFUSED))
    await runtime.broker.run(health.probe("gpu1"))
    for _ in range(2):
        await runtime.broker.run(health.failed("gpu0", health.EngineFailure.UNREACHABLE))

    await serve(runtime, hint, (EngineFailed(EngineFailure.UNREACHABLE, "refused"),))
    states = await runtime.broker.run(health.state())
    assert states["gpu0"].state is EngineState.DOWN

    await serve(runtime, hint, good, at="gpu1")
    states = await runtime.broker.run(health.state())
    assert states["gpu1"].state is EngineState.UP


async def test_chunks_are_told_as_a_sign_of_life(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    async def silent_s() -> float | None:
        await runtime._progress()
        return (await runtime.broker.run(health.state()))["gpu0"].silent_s

    assert await silent_s() is None
    await serve(runtime, hint, good)
    assert await silent_s() is not None


async def test_a_hint_nobody_waits_for_comes_after_the_others(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await age(runtime, hint, lane=Lane.BATCH)

    await serve(runtime, hint, good)

    assert runtime.model.lanes == [Lane.BATCH]


@pytest.fixture
async def flushing(runtime: Runtime) -> AsyncIterator[None]:
    relay = asyncio.create_task(runtime.relay.run())
    yield
    relay.cancel()


async def test_an_engine_goes_down_and_its_hint_goes_elsewhere_once(
    runtime: Runtime,
    flushing: None,
    hint: str,
    good: tuple[str, ...],
    rescue: Rescue,
) -> None:
    """The engine is mute, so its worker notices nothing until the lease is taken from it."""
    await join(runtime, "gpu1")
    silent = asyncio.Event()

    async def fall_silent(piece: str) -> None:
        silent.set()
        await asyncio.Event().wait()

    runtime.model = ScriptedModel(good, gate=fall_silent)
    stuck = asyncio.create_task(attempt.generate(runtime, hint))
    await silent.wait()

    await runtime.broker.run(health.down("gpu0", Why.FROZEN))
    await rescue.tick()

    assert await asyncio.wait_for(stuck, 30) is None
    assert runtime.model.open == 0
    assert await rung(runtime, "gpu1") == [Grant(hint, "gpu1", 2)]
    result = await serve(runtime, hint, good, at="gpu1")
    assert (result.state, result.attempt) == ("answered", 2)
    assert text_of(await told(runtime, hint)) == TEXT


async def test_a_hint_no_engine_is_left_for_ends_with_its_authors(
    runtime: Runtime, rescue: Rescue, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    await runtime.broker.run(fleet.leave("gpu1", "gpu1@test"))
    await runtime.broker.run(dispatch.requeue_lost(hint, 2))

    await rescue.tick()
    assert (await row(runtime, hint)).state == "queued", "its engine may be back in a moment"
    monkeypatch.setattr("workers.guard.rescue.STRANDED_S", 0)
    await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "model_unavailable", "evidence")
    assert final.partial == ""
    assert (await told(runtime, hint))[-1][0] is EventKind.DONE
    assert not await runtime.broker.run(dispatch.standing([hint]))


async def test_a_hint_whose_other_engine_is_taken_away_ends_at_once(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    await runtime.database.run(Engine.objects.filter(name="gpu1").delete)
    await runtime.broker.run(dispatch.requeue_lost(hint, 2))

    await rescue.tick()

    assert (await row(runtime, hint)).reason == "model_unavailable"


async def test_with_no_engine_alive_a_hint_that_failed_waits_like_the_others(
    runtime: Runtime, rescue: Rescue, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.guard.rescue.STRANDED_S", 0)
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    for name in ("gpu0", "gpu1"):
        await runtime.broker.run(fleet.leave(name, f"{name}@test"))
    await runtime.broker.run(dispatch.requeue_lost(hint, 2))

    await rescue.tick()

    assert (await row(runtime, hint)).state == "queued"


async def test_a_worker_that_is_stopped_leaves_the_text_to_the_next(
    runtime: Runtime, hint: str
) -> None:
    stopper = Stopper()
    runtime.model = ScriptedModel((*CUT[:-1], "stop here"), gate=stopper)
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await stopper.reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    await serve(runtime, hint, REST)

    assert (await row(runtime, hint)).text == TEXT
    assert text_of(await told(runtime, hint)) == TEXT


@pytest.mark.parametrize("end", ["finish", "expire", "cancel"])
async def test_every_end_clears_what_a_cut_attempt_left(
    runtime: Runtime, hint: str, end: str
) -> None:
    await join(runtime, "gpu1")
    await serve(runtime, hint, CUT)
    assert (await row(runtime, hint)).partial

    if end == "finish":
        await serve(runtime, hint, REST, at="gpu1")
    elif end == "expire":
        await runtime.database.run(store.expire, hint, Reason.EXPIRED)
    else:
        await runtime.database.run(store.cancel, hint)

    assert (await row(runtime, hint)).partial == ""


async def test_a_cut_text_is_in_no_log_result_or_event(
    runtime: Runtime, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await join(runtime, "gpu1")

    result = await serve(
        runtime, hint, ("Write `return a + b", EngineFailed(EngineFailure.CUT, "a test"))
    )

    assert "return a" in (await row(runtime, hint)).partial
    shown = json.dumps([await told(runtime, hint), str(result)]) + caplog.text
    assert "return a" not in shown
    job = await runtime.database.run(store.claim, hint, 2, "gpu1")
    assert job is not None
    assert "return a" not in repr(job.partial)


async def test_a_zombie_leaves_no_text_to_the_attempt_that_has_the_hint(
    runtime: Runtime, hint: str
) -> None:
    await join(runtime, "gpu1")
    await runtime.broker.run(dispatch.claim(hint, "gpu0", "w"))
    job = await runtime.database.run(store.claim, hint, 1, "gpu0")
    assert job is not None
    await runtime.database.run(store.requeue, hint, 1)
    assert await runtime.database.run(store.claim, hint, 2, "gpu1")

    assert not await runtime.database.run(store.requeue, hint, 1, Partial(model="m", text="old"))

    late = replace(job, partial=Partial(model="m", text="old"))
    outcome = Outcome(state=State.ANSWERED, text="old")
    assert not await runtime.database.run(store.finish, hint, late.attempt, outcome, Ended())
    assert (await row(runtime, hint)).partial == ""
