"""What rescue makes good, one loss at a time, against the real dispatcher and database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from django.db import DataError

from broker import dispatch, fleet, health, keys, streams
from broker.contract.attempt import Ended
from broker.contract.events import EventKind
from broker.contract.hint import Outcome, Source, State
from broker.dispatch import LOST_THRESHOLD, Grant
from broker.health import Why
from broker.keys import DOORBELLS, EPOCH, HEALTH, LEASES
from tests.broker.helpers import told
from tests.web.kit import queued
from tests.workers.test_attempt import hint, row
from web.courses.models import Exercise
from web.database import ago
from web.hints import store
from web.hints.models import Hint
from web.people.models import User
from workers.guard.rescue import Rescue
from workers.runtime import Runtime

__all__ = ["hint"]
pytestmark = pytest.mark.django_db(transaction=True)
MINUTE_AGO = datetime.now(UTC) - timedelta(minutes=1)
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def rescue(runtime: Runtime) -> Rescue:
    return Rescue(runtime.broker, runtime.database)


async def rung(runtime: Runtime, engine: str = "gpu0") -> list[Grant]:
    """The grants that the engine's workers are told of."""
    return told(await runtime.broker.client.lrange(DOORBELLS(engine), 0, -1))


async def age(runtime: Runtime, hint: str, **columns: Any) -> None:
    await runtime.database.run(Hint.objects.filter(pk=hint).update, **columns)


async def run_out(runtime: Runtime, hint: str) -> None:
    """Its lease is over."""
    await runtime.broker.client.zadd(LEASES("gpu0"), {hint: 1})


async def claimed(runtime: Runtime, hint: str) -> int:
    claim = await runtime.broker.run(dispatch.claim(hint, "gpu0", "w"))
    assert claim is not None
    assert await runtime.database.run(store.claim, hint, claim.attempt, "gpu0")
    return claim.attempt


async def test_a_grant_nobody_claimed_is_given_again(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await run_out(runtime, hint)

    await rescue.tick()

    assert await rung(runtime) == [Grant(hint, "gpu0", 1), Grant(hint, "gpu0", 2)]
    # The burned number can be claimed by nobody.
    assert await runtime.database.run(store.claim, hint, 1, "gpu0") is None


async def test_a_lease_that_ran_out_sends_the_hint_to_the_head(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await claimed(runtime, hint)
    await run_out(runtime, hint)

    await rescue.tick()

    assert (await row(runtime, hint)).state == "queued"
    assert await rung(runtime) == [Grant(hint, "gpu0", 1), Grant(hint, "gpu0", 2)]


async def test_a_hint_that_kills_its_workers_ends(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    for _ in range(LOST_THRESHOLD):
        await claimed(runtime, hint)
        await run_out(runtime, hint)
        await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "worker_lost", "evidence")
    assert (await runtime.broker.run(streams.after(hint)))[-1].kind is EventKind.DONE
    assert not await runtime.broker.run(dispatch.standing([hint]))


class Skewed(datetime):
    """The clock of a machine that is wrong by `by`."""

    by = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + cls.by


@pytest.mark.parametrize("minutes", [6, -6])
async def test_a_node_with_a_wrong_clock_harms_no_hint(
    runtime: Runtime, rescue: Rescue, hint: str, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Neither expired nor, after a wipe, taken from its worker, nor older than the others."""
    monkeypatch.setattr(Skewed, "by", timedelta(minutes=minutes))
    monkeypatch.setattr("django.utils.timezone.datetime", Skewed)
    monkeypatch.setattr("time.time", lambda: datetime.now(UTC).timestamp() + 60 * minutes)
    await rescue.tick()
    assert (await row(runtime, hint)).state == "queued"
    attempt = await claimed(runtime, hint)
    await runtime.broker.client.flushall()
    await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 2, 60))
    await age(runtime, hint, created_at=ago(5))

    await rescue.tick()
    assert (await row(runtime, hint)).state == "running"
    assert await runtime.database.run(store.requeue, hint, attempt)
    await rescue.tick()

    claim = await runtime.broker.run(dispatch.claim(hint, "gpu0", "w"))
    assert claim is not None
    assert 4_000 < claim.at_ms - claim.since_ms < 30_000


async def test_a_grant_that_nobody_claims_is_no_fault_of_the_hint(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    """Nor is an engine that goes down under it."""
    for _ in range(LOST_THRESHOLD + 2):
        await run_out(runtime, hint)
        await rescue.tick()
    for _ in range(LOST_THRESHOLD + 2):
        await claimed(runtime, hint)
        await runtime.broker.run(health.down("gpu0", Why.REFUSED))
        await rescue.tick()
        await runtime.broker.client.delete(HEALTH("gpu0"))
        await rescue.tick()

    assert (await row(runtime, hint)).state == "queued"


async def test_a_hint_whose_worker_processes_die_ends_after_three(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    for _ in range(LOST_THRESHOLD):
        await claimed(runtime, hint)
        await runtime.broker.run(fleet.worker_died("gpu0", "w"))
        await runtime.broker.run(fleet.worker_died("gpu0", "w"))
        await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason) == ("failed", "worker_lost")


async def test_a_hint_that_cannot_be_rescued_holds_up_no_other(
    runtime: Runtime,
    rescue: Rescue,
    hint: str,
    exercise: Exercise,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise DataError("value too long")

    def waiting() -> str:
        return str(queued(User.objects.create(username="other"), exercise).pk)

    other = await runtime.database.run(waiting)
    await age(runtime, other, created_at=LONG_AGO)
    monkeypatch.setattr(store, "requeue", fail)
    await claimed(runtime, hint)
    await run_out(runtime, hint)

    await rescue.tick()

    assert (await row(runtime, hint)).state == "running"
    assert (await row(runtime, other)).state == "failed"


async def test_a_lost_admission_is_made_good(runtime: Runtime, rescue: Rescue, hint: str) -> None:
    await runtime.broker.client.flushall()
    await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 2, 60))
    await age(runtime, hint, created_at=datetime.now(UTC) - timedelta(seconds=5))

    await rescue.tick()

    assert await rung(runtime) == [Grant(hint, "gpu0", 1)]


async def test_a_wiped_redis_gets_its_hints_back_and_running_ones_are_left_alone(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await claimed(runtime, hint)
    await age(runtime, hint, created_at=LONG_AGO, claimed_at=LONG_AGO)

    await runtime.broker.client.flushall()
    await rescue.tick()
    assert (await row(runtime, hint)).state == "running"
    # Its worker is alive: it tells the dispatcher what it holds.
    assert not await runtime.broker.run(dispatch.renew("gpu0", [(hint, 1)]))
    assert await runtime.broker.client.zcard(LEASES("gpu0")) == 1


async def test_after_a_wipe_a_hint_whose_worker_is_gone_starts_again(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await claimed(runtime, hint)
    await age(
        runtime, hint, claimed_at=LONG_AGO, created_at=datetime.now(UTC) - timedelta(minutes=1)
    )
    await runtime.broker.client.flushall()
    await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 2, 60))
    await runtime.broker.client.set(EPOCH(), 1)

    await rescue.tick()

    assert await rung(runtime) == [Grant(hint, "gpu0", 2)]


async def test_a_final_row_takes_its_lease_with_it(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await claimed(runtime, hint)
    assert await runtime.database.run(store.cancel, hint)
    await run_out(runtime, hint)

    await rescue.tick()

    assert (await row(runtime, hint)).state == "cancelled"
    assert not await runtime.broker.client.exists(LEASES("gpu0"))


async def test_waiting_too_long_ends_with_a_hint_of_evidence(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await age(runtime, hint, created_at=LONG_AGO)

    await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "expired", "evidence")


async def test_only_one_of_two_rescues_works_at_a_time(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    await claimed(runtime, hint)
    await run_out(runtime, hint)
    lock = runtime.broker.client.lock(keys.RESCUE(), timeout=20, blocking=False)
    async with lock:
        await rescue.tick()
    assert (await row(runtime, hint)).state == "running"

    await rescue.tick()

    assert (await row(runtime, hint)).state == "queued"


async def test_with_nothing_in_flight_a_round_needs_no_lock_and_one_command_for_each_question(
    runtime: Runtime, rescue: Rescue
) -> None:
    await rescue.tick()
    before = await commands(runtime)
    await rescue.tick()

    made = await commands(runtime) - before
    assert made["evalsha"] == len(["set_engines", "expired", "snapshot", "pull"])
    assert not made["set"]
    assert (await runtime.broker.run(fleet.snapshot()))["gpu0"].max_slots == 2


async def commands(runtime: Runtime) -> Counter[str]:
    """How often each command was run so far, those of scripts too."""
    stats = await runtime.broker.client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()})


async def test_an_engine_that_goes_after_a_quiet_night_may_be_back_in_a_moment(
    runtime: Runtime,
    rescue: Rescue,
    student: User,
    exercise: Exercise,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await rescue.tick()
    morning = monotonic() + 8 * 3600
    monkeypatch.setattr("workers.guard.rescue.monotonic", lambda: morning)
    await rescue.tick()

    def waiting() -> str:
        return str(queued(student, exercise).pk)

    await runtime.broker.run(fleet.leave("gpu0", runtime.worker))
    asked = await runtime.database.run(waiting)
    await age(runtime, asked, created_at=ago(5))
    await rescue.tick()

    assert (await row(runtime, asked)).state == "queued"


async def test_a_worker_leaves_rescue_to_its_node(
    runtime: Runtime, begun: Callable[[str], set[str]]
) -> None:
    names = begun("workers.runtime")
    runtime.start(died=lambda: None)

    steps = {f"Runtime.{name}" for name in ("_beat", "_renew", "_progress", "_write_results")}
    assert names == {"Relay.run", *steps}


async def test_hints_do_not_wait_for_engines_that_stay_away(
    runtime: Runtime, rescue: Rescue, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await age(runtime, hint, created_at=datetime.now(UTC) - timedelta(seconds=5))
    await runtime.broker.run(dispatch.requeue_lost(hint, 1))
    await runtime.broker.run(fleet.leave("gpu0", runtime.worker))

    await rescue.tick()
    assert (await row(runtime, hint)).state == "queued", "it may be back in a moment"
    monkeypatch.setattr("workers.guard.rescue.OUTAGE_S", 0)
    await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "model_unavailable", "evidence")


async def test_a_final_event_that_was_not_sent_is_sent_later(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    """Redis was away when the student cancelled, and when the worker would have settled."""
    await claimed(runtime, hint)
    assert await runtime.database.run(store.cancel, hint)
    await run_out(runtime, hint)

    await rescue.tick()

    last = (await runtime.broker.run(streams.after(hint)))[-1]
    assert (last.kind, json.loads(last.data)["state"]) == (EventKind.DONE, "cancelled")


async def test_a_worker_that_lives_sends_its_last_words_itself(
    runtime: Runtime, rescue: Rescue, hint: str
) -> None:
    """An engine that goes down makes the leases of a hint due that its worker has just finished."""
    attempt = await claimed(runtime, hint)
    outcome = Outcome(state=State.ANSWERED, text="Look.", source=Source.MODEL)
    assert await runtime.database.run(store.finish, hint, attempt, outcome, Ended())
    await run_out(runtime, hint)

    await rescue.tick()
    early = await runtime.broker.run(streams.after(hint))
    await age(runtime, hint, finished_at=MINUTE_AGO)
    await rescue.tick()

    assert early == []
    assert [event.kind for event in await runtime.broker.run(streams.after(hint))] == [
        EventKind.DONE
    ]
