"""Hints end also where no node is left that would end them, once each, and only then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from django.conf import settings

from broker import dispatch, nodes, streams
from broker.base.times import OUTAGE_S
from broker.connect import AsyncBroker
from broker.contract.events import EventKind
from broker.contract.hint import Outcome, Reason, Source, State
from broker.embedded import Embedded
from broker.nodes import NodeState
from tests.web.conftest import course, exercise, line, student
from tests.web.kit import queued
from web.courses.models import Exercise
from web.events.admission import in_thread
from web.events.deserted import Deserted
from web.events.hub import Hub
from web.hints import jobs, store
from web.hints.models import Attempt, Hint
from web.people.models import User

__all__ = ["course", "exercise", "line", "student"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def home_hub(line: None, home_valkey: Embedded) -> AsyncIterator[Hub]:
    broker = AsyncBroker(home_valkey.url)
    hub = Hub(broker, home_valkey.url)
    yield hub
    await hub.aclose()
    await broker.aclose()


@pytest.fixture
def hint(student: User, exercise: Exercise) -> str:
    """Queued for a minute."""
    pk = str(queued(student, exercise).pk)
    change(pk, created_at=minute_ago())
    return pk


def minute_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def after_outage() -> Deserted:
    deserted = Deserted()
    deserted.lived_at -= OUTAGE_S
    return deserted


async def row(hint: str) -> Hint:
    return await in_thread(lambda: Hint.objects.get(pk=hint))


def change(hint: str, **columns: Any) -> None:
    Hint.objects.filter(pk=hint).update(**columns)


async def test_what_waits_ends_with_a_text_and_a_reason(home_hub: Hub, hint: str) -> None:
    ticket = await in_thread(lambda: jobs.ticket(Hint.objects.select_related("exercise").get()))
    await home_hub.broker.run(dispatch.admit(ticket))

    await after_outage().end(home_hub)

    ended = await row(hint)
    assert (ended.state, ended.reason) == (State.FAILED, Reason.MODEL_UNAVAILABLE)
    assert ended.text
    assert ended.source != Source.NONE
    [done] = await home_hub.broker.run(streams.after(hint))
    assert done.kind is EventKind.DONE
    assert await home_hub.broker.run(dispatch.known([hint])) == set()


async def test_what_ran_ends_and_its_worker_can_write_no_more(home_hub: Hub, hint: str) -> None:
    def begin() -> None:
        change(hint, state=State.RUNNING, attempt=1, engine="gpu0")
        Attempt.objects.create(hint_id=hint, number=1, engine="gpu0")

    await in_thread(begin)

    await after_outage().end(home_hub)

    assert (await row(hint)).state == State.FAILED
    attempt = await in_thread(Attempt.objects.get)
    assert attempt.finished_at
    assert attempt.error
    late = Outcome(state=State.ANSWERED, text="late", source=Source.MODEL)
    assert not await in_thread(lambda: store.finish(hint, 1, late, store.LOST))


@pytest.mark.parametrize("alive", ["node", "not for long"])
async def test_nothing_ends_while_a_node_may_come(home_hub: Hub, hint: str, alive: str) -> None:
    deserted = Deserted() if alive == "not for long" else after_outage()
    if alive == "node":
        await home_hub.broker.run(nodes.beat("n", "t", NodeState(None)))

    await deserted.end(home_hub)

    assert (await row(hint)).state == State.QUEUED
    assert monotonic() - deserted.lived_at < OUTAGE_S


async def test_what_has_just_come_is_left_to_its_request(home_hub: Hub, hint: str) -> None:
    await in_thread(lambda: change(hint, created_at=datetime.now(UTC)))

    await after_outage().end(home_hub)

    assert (await row(hint)).state == State.QUEUED


async def test_processes_that_end_it_at_once_end_it_once(home_hub: Hub, hint: str) -> None:
    await asyncio.gather(*(after_outage().end(home_hub) for _ in range(4)))

    assert (await row(hint)).state == State.FAILED
    assert len(await home_hub.broker.run(streams.after(hint))) == 1


@pytest.mark.parametrize("late", [False, True])
async def test_without_redis_it_waits_for_its_time_to_live(
    home_hub: Hub, hint: str, late: bool
) -> None:
    if late:
        past = datetime.now(UTC) - timedelta(seconds=settings.HINT_TTL_S + 5)
        await in_thread(lambda: change(hint, created_at=past))
    nowhere = AsyncBroker(f"unix:///{os.devnull}.nowhere")
    hub = Hub(nowhere, "unix:///nowhere")

    await after_outage().end(hub)

    ended = await row(hint)
    await hub.aclose()
    await nowhere.aclose()
    assert (ended.state, ended.reason) == (
        (State.FAILED, Reason.EXPIRED) if late else (State.QUEUED, "")
    )
