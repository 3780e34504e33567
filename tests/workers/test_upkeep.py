"""Old rows end by themselves: every hour, one node at a time, while nothing else waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.utils import timezone

from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker
from broker.embedded import Embedded
from broker.keys import UPKEEP
from web.link import broker
from web.ops import forgetting, retention
from web.ops.forgetting import StillBusy
from web.people.models import User
from workers.background import every
from workers.guard.upkeep import Upkeep
from workers.node.node import AWAY, UPKEEP_S

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 7


@pytest_asyncio.fixture
async def upkeep(
    line: None, home_valkey: Embedded, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Upkeep]:
    monkeypatch.setattr(retention, "BATCH", 3)
    link = AsyncBroker()
    upkeep = Upkeep(link)
    await make()
    yield upkeep
    upkeep.close()
    await link.aclose()


@sync_to_async
def make() -> None:
    over = timezone.now() - timedelta(seconds=1)
    Session.objects.bulk_create(
        Session(session_key=f"old{number}", expire_date=over) for number in range(ROWS)
    )


async def left() -> int:
    return await Session.objects.acount()


async def test_all_that_is_over_goes(upkeep: Upkeep) -> None:
    await upkeep.once()

    assert await left() == 0


async def test_one_node_at_a_time_is_at_it(upkeep: Upkeep) -> None:
    broker().client.set(UPKEEP(), "another node")

    await upkeep.once()
    assert await left() == ROWS

    broker().client.delete(UPKEEP())
    await upkeep.once()
    assert await left() == 0


async def test_who_loses_the_lock_stops(upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = retention.sweep

    def lost(kind: retention.Records) -> int:
        gone = sweep(kind)
        if gone:
            broker().client.set(UPKEEP(), "another node")
        return gone

    monkeypatch.setattr(retention, "sweep", lost)

    with pytest.raises(BrokerDown, match="no longer owned"):
        await upkeep.once()

    assert await left() == ROWS - 3
    assert broker().client.get(UPKEEP()) == "another node"


async def test_the_loop_begins_at_once(upkeep: Upkeep) -> None:
    loop = asyncio.create_task(every(UPKEEP_S, upkeep.once, *AWAY))

    async with asyncio.timeout(30):
        while await left():  # noqa: ASYNC110  # a thread deletes them
            await asyncio.sleep(0.02)

    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def test_who_wanted_to_leave_is_forgotten_when_their_days_are_over(upkeep: Upkeep) -> None:
    now = timezone.now()
    await User.objects.acreate(username="gone", leaves_at=now - timedelta(seconds=1))
    await User.objects.acreate(username="waits", leaves_at=now + timedelta(hours=1))
    await User.objects.acreate(username="stays")

    await upkeep.once()

    names = {user.username async for user in User.objects.all()}
    assert names == {"waits", "stays"}


async def test_who_may_enter_the_admin_by_then_stays(upkeep: Upkeep) -> None:
    over = timezone.now() - timedelta(seconds=1)
    await User.objects.acreate(username="staff", leaves_at=over, is_staff=True)

    await upkeep.once()

    assert await User.objects.acount() == 1


async def test_where_a_worker_is_still_at_it_it_waits_for_the_next_round(
    upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise StillBusy

    over = timezone.now() - timedelta(seconds=1)
    for name in ("one", "other"):
        await User.objects.acreate(username=name, leaves_at=over)
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "settle", busy)
        await upkeep.once()
    assert await User.objects.acount() == 2

    await upkeep.once()

    assert await User.objects.acount() == 0
