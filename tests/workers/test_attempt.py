"""One attempt against the real dispatcher and database: what holds whoever comes late."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from broker import dispatch, fleet, streams
from broker.contract import events
from broker.contract.events import Kind
from broker.contract.hint import Reason, State
from broker.contract.text import storable
from broker.keys import LEASES, TICKET
from tests.fakes.launch import BadServer
from tests.web.kit import new_hint
from tests.workers.conftest import ScriptedModel
from web.courses.models import Exercise
from web.engines import roster
from web.engines.client.errors import (
    ModelCut,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    Refusal,
)
from web.engines.models import AIModelConfig, Engine
from web.hints import store
from web.hints.models import Hint, RawOutput
from workers import attempt
from workers.relay import Relay
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
FIX = ("Write `return a + b` there.",)


@pytest.fixture
async def hint(runtime: Runtime, student: User, exercise: Exercise) -> str:
    """In English, granted to gpu0, not claimed yet."""
    return await runtime.database.run(make, student, exercise)


def make(student: User, exercise: Exercise) -> str:
    from dataclasses import replace

    from web.link import broker

    created = store.create(replace(new_hint(student, exercise), locale="en"))
    assert isinstance(created, store.Created)
    placement = broker().run(dispatch.admit(store.ticket(created.hint)))
    assert placement.grant is not None
    return str(created.hint.pk)


async def row(runtime: Runtime, hint: str) -> Hint:
    return await runtime.database.run(Hint.objects.get, pk=hint)


async def told(runtime: Runtime, hint: str) -> list[tuple[Kind, dict[str, Any]]]:
    """What watchers of the hint have seen."""
    log = await runtime.broker.run(streams.after(hint))
    return [(event.kind, json.loads(event.data)) for event in log]


async def settled(runtime: Runtime, hint: str) -> bool:
    return not await runtime.broker.client.exists(LEASES("gpu0"), TICKET(hint))


async def test_an_answer_reaches_row_stream_and_result(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(good)

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.text) == ("answered", "".join(good))
    seen = await told(runtime, hint)
    assert [seen[0][0], seen[-1][0]] == [Kind.STARTED, Kind.DONE]
    assert "".join(data["text"] for kind, data in seen if kind is Kind.PIECE) == final.text
    assert result is not None
    assert (result["state"], result["attempt"]) == ("answered", 1)
    assert "text" not in result
    assert await settled(runtime, hint)


@pytest.mark.parametrize("bad", ["\0", "\ud83d", "\udfff\0\ud800"])
async def test_a_character_that_cannot_be_stored_costs_no_hint(
    runtime: Runtime, hint: str, bad: str
) -> None:
    runtime.model = ScriptedModel(("Look at ", f"the{bad} sign. ", "What does ", "it do?"))

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    seen = await told(runtime, hint)
    raw = await runtime.database.run(RawOutput.objects.get)
    assert raw.text == f"Look at the{storable(bad)} sign. What does it do?"
    assert (final.state, final.text) == ("answered", "Look at the sign. What does it do?")
    assert "".join(data["text"] for kind, data in seen if kind is Kind.PIECE) == final.text
    assert result is not None
    assert await settled(runtime, hint)


async def test_the_row_is_final_before_the_final_event(
    runtime: Runtime, hint: str, good: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.model = ScriptedModel(good)
    states = []
    flush = Relay.flush

    async def watched(relay: Relay, feeds: list[Any]) -> None:
        if any(kind is Kind.DONE for feed in feeds for kind, _ in feed._pending):
            states.append((await row(runtime, hint)).state)
        await flush(relay, feeds)

    monkeypatch.setattr(Relay, "flush", watched)
    await attempt.generate(runtime, hint)

    assert states == ["answered"]


async def test_of_two_deliveries_one_generates(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(good, good)

    results = await asyncio.gather(attempt.generate(runtime, hint), attempt.generate(runtime, hint))

    assert sorted(result is None for result in results) == [False, True]
    assert len(runtime.model.requests) == 1
    assert await attempt.generate(runtime, hint) is None


async def test_a_zombie_changes_neither_row_nor_stream(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    """Its lease went to attempt 2 while it generated; what it writes afterwards is refused."""

    async def lose_the_lease(piece: str) -> None:
        if piece == good[1]:
            assert await runtime.database.run(store.requeue, hint, 1)
            assert await runtime.broker.run(dispatch.requeue(hint, 1))

    runtime.model = ScriptedModel(good, gate=lose_the_lease)

    assert await attempt.generate(runtime, hint) is None

    waiting = await row(runtime, hint)
    assert (waiting.state, waiting.attempt, waiting.text) == ("queued", 1, "")
    kinds = [kind for kind, _ in await told(runtime, hint)]
    assert kinds[-1] is Kind.QUEUED
    assert Kind.DONE not in kinds
    runtime.model = ScriptedModel(good)
    # The slot that the zombie freed went to the hint again.
    assert await attempt.generate(runtime, hint) is not None
    assert (await row(runtime, hint)).attempt == 2


async def test_a_cancel_closes_the_model_stream_and_frees_the_slot(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    started = asyncio.Event()

    async def wait_for_ever(piece: str) -> None:
        started.set()
        await asyncio.Event().wait()

    runtime.model = ScriptedModel(good, gate=wait_for_ever)
    relay = asyncio.create_task(runtime.relay.run())
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await started.wait()
    await runtime.relay.flush([*runtime.relay._feeds.values()])

    # From here on the worker writes nothing: only asking tells it of the cancel.
    assert await runtime.database.run(store.cancel, hint)
    data = events.done(State.CANCELLED, Reason.CANCELLED)
    await runtime.broker.run(streams.close(hint, 1, data))

    assert await asyncio.wait_for(work, 10) is None
    assert runtime.model.open == 0
    assert await settled(runtime, hint)
    assert (await row(runtime, hint)).state == "cancelled"
    relay.cancel()


@pytest.mark.parametrize("late", ["cancel", "finish"])
async def test_a_final_hint_stays_as_it_is(
    runtime: Runtime, hint: str, good: tuple[str, ...], late: str
) -> None:
    """A cancel that comes between the last word and the final row wins; one after it loses."""

    async def cancel_at_the_end(piece: str) -> None:
        if late == "finish" and piece == good[-1]:
            await runtime.database.run(store.cancel, hint)

    runtime.model = ScriptedModel(good, gate=cancel_at_the_end)
    result = await attempt.generate(runtime, hint)

    if late == "finish":
        assert result is None
        assert (await row(runtime, hint)).state == "cancelled"
    else:
        assert not await runtime.database.run(store.cancel, hint)
        assert (await row(runtime, hint)).state == "answered"
    assert await settled(runtime, hint)


async def test_nothing_ungated_is_where_a_student_can_read_it(
    runtime: Runtime, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    runtime.model = ScriptedModel(FIX, FIX)

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("withheld", "leak", "authored")
    assert final.text == "Look at the sign."
    shown = json.dumps([await told(runtime, hint), result], default=str) + caplog.text
    assert "return a + b" not in shown
    raw = await runtime.database.run(lambda: list(RawOutput.objects.values_list("text", "rule")))
    assert [text for text, _ in raw] == [FIX[0], FIX[0]]
    assert all(rule for _, rule in raw)


async def test_raw_output_is_not_kept_where_it_may_not_be(
    runtime: Runtime, hint: str, settings: Any
) -> None:
    settings.RAW_DAYS = 0
    runtime.model = ScriptedModel(FIX, FIX)

    await attempt.generate(runtime, hint)

    assert await runtime.database.run(RawOutput.objects.count) == 0


async def test_a_refused_first_answer_is_taken_back_and_asked_again(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(("Look at the end. ", *FIX), good)

    await attempt.generate(runtime, hint)

    seen = await told(runtime, hint)
    after = seen[[kind for kind, _ in seen].index(Kind.RESET) :]
    assert after[0][1] == {"reason": "leak"}
    text = "".join(data["text"] for kind, data in after if kind is Kind.PIECE)
    assert (await row(runtime, hint)).text == text == "".join(good)
    assert [request_id for request_id, _ in runtime.model.requests] == [f"{hint}-1"] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelUnavailable("no connection"), "model_unavailable"),
        (ModelTimeout("silent"), "model_timeout"),
        (ModelCut("no finish reason"), "truncated"),
        (ModelRefused(Refusal.KEY, "no"), "model_refused"),
    ],
)
async def test_without_another_engine_the_hint_ends_with_its_authors(
    runtime: Runtime, hint: str, error: Exception, reason: str
) -> None:
    runtime.model = ScriptedModel(("Look at ", error))

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", reason, "authored")
    assert await settled(runtime, hint)


async def test_another_engine_gets_a_hint_that_failed_here(runtime: Runtime, hint: str) -> None:
    await runtime.broker.run(fleet.set_engines({"gpu0": 2, "gpu1": 2}))
    await runtime.broker.run(fleet.beat("gpu1", "gpu1@test", 2, 60))
    runtime.model = ScriptedModel((ModelUnavailable("no connection"),))

    result = await attempt.generate(runtime, hint)

    assert result is not None
    assert result["state"] == "queued"
    place = (await runtime.broker.run(dispatch.standing([hint])))[hint]
    assert (place.place, place.engine) == (dispatch.Place.GRANTED, "gpu1")
    assert (await row(runtime, hint)).state == "queued"


async def test_an_engine_that_does_not_write_the_language_is_not_asked(
    runtime: Runtime, hint: str
) -> None:
    await runtime.database.run(Engine.objects.update, languages="ko")
    runtime.model = ScriptedModel()

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.reason, final.text) == ("other_language", "Look at the sign.")


async def test_both_turns_share_one_deadline(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await runtime.database.run(AIModelConfig.objects.update, deadline_s=0.5)

    async def dawdle(piece: str) -> None:
        if len(runtime.model.requests) == 2:
            await asyncio.Event().wait()

    runtime.model = ScriptedModel(FIX, good, gate=dawdle)

    await asyncio.wait_for(attempt.generate(runtime, hint), 30)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("withheld", "leak", "authored")


async def test_a_defect_frees_the_slot_and_leaves_the_row_to_rescue(
    runtime: Runtime, hint: str
) -> None:
    runtime.model = ScriptedModel(("Look at ", ZeroDivisionError("a defect")))

    with pytest.raises(ZeroDivisionError):
        await attempt.generate(runtime, hint)

    assert await settled(runtime, hint)
    assert (await row(runtime, hint)).state == "running"


async def test_what_a_server_refuses_is_kept_for_its_engine(runtime: Runtime, hint: str) -> None:
    """The next request starts as this one ended, also in another worker."""

    def use(url: str) -> None:
        Engine.objects.update(url=url, kind="api")
        AIModelConfig.objects.update(mode="api")
        roster.serving_in.cache_clear()

    with BadServer() as server:
        await runtime.database.run(use, server.at("gpt5"))

        await attempt.generate(runtime, hint)

        bodies = [request["body"] for request in server.log()]
    found = await runtime.database.run(Engine.objects.get, name="gpu0")
    assert found.dialect["left_out"] == ["temperature"]
    assert found.dialect["renamed"] == {"max_tokens": "max_completion_tokens"}
    assert [("max_tokens" in body, "temperature" in body) for body in bodies] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert (await row(runtime, hint)).state == "answered"
