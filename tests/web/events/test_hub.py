"""Streams over a real Valkey: whatever breaks, each browser gets each event once and in order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from broker import streams
from broker.connect import AsyncBroker
from broker.contract.events import EventId, EventKind
from broker.embedded import Embedded
from tests.web.events.kit import Browser, Worker, eventually, new_hint
from web.events import stream
from web.events.feed import LIMIT, Final
from web.events.hub import Hub

STARTED, PIECE, DONE = EventKind.STARTED, EventKind.PIECE, EventKind.DONE


async def follow_with_drops(hub: Hub, hint: str, rng: random.Random) -> list[str]:
    """All that a browser sees whose connection drops again and again."""
    seen: list[str] = []
    last = ""
    while not seen or not seen[-1].startswith("done"):
        browser = Browser(hub, [hint], last)
        wanted = rng.randint(1, 40)
        await browser.until(lambda b=browser, n=wanted: b.ended or len(b.frames) >= n)
        await browser.leave()
        seen += browser.seen()
        last = browser.last or last
    return seen


async def kill_links(broker: AsyncBroker, rng: random.Random, killed: list[int]) -> None:
    while True:
        await asyncio.sleep(rng.uniform(0.05, 0.2))
        killed.append(await broker.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub"))


async def test_drops_and_killed_links_leave_no_gap_and_no_repetition(
    hub: Hub, broker: AsyncBroker
) -> None:
    rng = random.Random(7)
    hints = [new_hint() for _ in range(6)]

    async def produce(hint: str) -> None:
        worker = Worker(broker, hint)
        await worker.write(STARTED)
        for _ in range(250):
            await worker.write(*[PIECE] * rng.randint(1, 2))
            await asyncio.sleep(rng.random() * 0.006)
        await worker.write(DONE)
        lengths[hint] = worker.seq

    lengths: dict[str, int] = {}
    killed: list[int] = []
    killer = asyncio.create_task(kill_links(broker, rng, killed))
    async with asyncio.timeout(60):
        results = await asyncio.gather(
            *[produce(hint) for hint in hints],
            *[follow_with_drops(hub, hint, rng) for hint in hints for _ in range(3)],
        )
    killer.cancel()

    assert sum(killed) >= 3
    for hint, seen in zip([h for h in hints for _ in range(3)], results[len(hints) :], strict=True):
        n = lengths[hint]
        assert seen == ["started 1-1", *[f"piece 1-{s}" for s in range(2, n)], f"done 1-{n}"]


async def test_a_stream_starts_with_the_log_and_goes_on_live(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, PIECE)
    browser = Browser(hub, [worker.hint])
    await browser.has(2)

    await worker.write(PIECE)
    await worker.write(DONE)

    assert await browser.end() == ["started 1-1", "piece 1-2", "piece 1-3", "done 1-4"]
    assert browser.content.startswith(b"retry: ")
    assert b"\n: ok\n\n" in browser.content
    assert browser.frames[1].data == {"hint": worker.hint, "text": "말 2 "}
    assert browser.ended


async def test_a_resumed_stream_sends_only_what_is_missing(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, PIECE, PIECE, DONE)

    browser = Browser(hub, [worker.hint], f"{worker.hint}:1-2")

    assert await browser.end() == ["piece 1-3", "done 1-4"]


async def test_a_second_attempt_follows_the_first(hub: Hub, broker: AsyncBroker) -> None:
    first = Worker(broker, new_hint())
    second = Worker(broker, first.hint, attempt=2)
    await first.write(STARTED, PIECE)
    browser = Browser(hub, [first.hint], f"{first.hint}:1-1")
    await browser.has(1)

    await second.write(EventKind.RESET, STARTED, DONE)

    assert await browser.end() == ["piece 1-2", "reset 2-1", "started 2-2", "done 2-3"]


async def test_a_client_older_than_the_log_gets_a_reset(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, *[PIECE] * 8, DONE)
    await broker.client.xtrim(streams.channel(worker.hint), maxlen=2, approximate=False)

    browser = Browser(hub, [worker.hint], f"{worker.hint}:1-3")

    assert await browser.end() == ["reset 1-8", "piece 1-9", "done 1-10"]


async def test_an_id_from_the_future_starts_anew(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, DONE)

    browser = Browser(hub, [worker.hint], f"{worker.hint}:9-9")

    assert await browser.end() == ["reset 0-0", "started 1-1", "done 1-2"]


async def test_an_event_whose_message_was_lost_is_read_from_the_log(
    hub: Hub, broker: AsyncBroker
) -> None:
    worker = Worker(broker, new_hint())
    browser = Browser(hub, [worker.hint])
    await worker.write(STARTED)
    await browser.has(1)

    lost = {"kind": "piece", "data": worker.data(PIECE, 2)}
    await broker.client.xadd(streams.channel(worker.hint), lost, "1-2")
    worker.seq = 2
    await worker.write(DONE)

    assert await browser.end() == ["started 1-1", "piece 1-2", "done 1-3"]


async def test_several_readers_of_a_hint_all_get_everything(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED)
    early = [Browser(hub, [worker.hint]) for _ in range(3)]
    await asyncio.gather(*[browser.has(1) for browser in early])

    late = Browser(hub, [worker.hint], f"{worker.hint}:1-1")
    await worker.write(PIECE, PIECE)
    await early[0].leave()
    await worker.write(DONE)

    everything = ["started 1-1", "piece 1-2", "piece 1-3", "done 1-4"]
    assert [await browser.end() for browser in early[1:]] == [everything, everything]
    assert await late.end() == everything[1:]


async def test_one_stream_follows_several_hints(hub: Hub, broker: AsyncBroker) -> None:
    one, two = Worker(broker, new_hint()), Worker(broker, new_hint())
    browser = Browser(hub, [one.hint, two.hint])
    await one.write(STARTED, DONE)
    await browser.has(2)

    assert browser.last == f"{one.hint}:1-2,{two.hint}:0-0"
    assert not browser.ended

    await two.write(DONE)
    await browser.end()

    assert [frame.data["hint"] for frame in browser.frames] == [one.hint, one.hint, two.hint]
    assert browser.last == f"{one.hint}:1-2,{two.hint}:1-1"


async def test_resuming_two_hints_does_not_repeat_the_one_that_ended(
    hub: Hub, broker: AsyncBroker
) -> None:
    one, two = Worker(broker, new_hint()), Worker(broker, new_hint())
    await one.write(STARTED, DONE)
    browser = Browser(hub, [one.hint, two.hint])
    await browser.has(2)
    await browser.leave()

    again = Browser(hub, [one.hint, two.hint], browser.last)
    await two.write(DONE)

    assert await again.end() == ["done 1-1"]


async def test_a_slow_reader_is_ended_and_resumes_and_nobody_else_notices(
    hub: Hub, broker: AsyncBroker
) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED)
    slow, quick = Browser(hub, [worker.hint]), Browser(hub, [worker.hint])
    await asyncio.gather(slow.has(1), quick.has(1))

    slow.reading.clear()
    for _ in range(2 * LIMIT // 16):
        await worker.write(*[PIECE] * 16)
    await quick.has(1 + 2 * LIMIT)
    assert slow.feed.ended
    slow.reading.set()
    await slow.end()
    await worker.write(DONE)

    again = Browser(hub, [worker.hint], slow.last)
    assert slow.seen() + await again.end() == await quick.end()
    assert "done" not in slow.seen()[-1]


async def test_a_wiped_redis_does_not_end_the_stream(hub: Hub, broker: AsyncBroker) -> None:
    first = Worker(broker, new_hint())
    await first.write(STARTED, PIECE, PIECE)
    browser = Browser(hub, [first.hint])
    await browser.has(3)

    await broker.client.flushall()
    await Worker(broker, first.hint, attempt=2).write(STARTED, DONE)

    assert (await browser.end())[3:] == ["started 2-1", "done 2-2"]


async def test_a_log_that_was_wiped_and_goes_on_in_the_middle_is_a_reset(
    hub: Hub, broker: AsyncBroker
) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, *[PIECE] * 5)
    await broker.client.flushall()
    await worker.write(PIECE, DONE)

    browser = Browser(hub, [worker.hint], f"{worker.hint}:1-2")

    assert await browser.end() == ["reset 1-6", "piece 1-7", "done 1-8"]


async def test_without_a_log_a_final_row_is_a_snapshot_and_done(hub: Hub) -> None:
    hint = new_hint()

    browser = Browser(hub, [hint], f"{hint}:1-3", {hint: Final("answered", "", "글", 1)})

    assert await browser.end() == ["snapshot", "done 2-0"]
    assert browser.frames[0].data == {"hint": hint, "state": "answered", "text": "글"}
    assert browser.frames[1].data == {"hint": hint, "state": "answered", "reason": None}


async def test_with_a_log_a_final_row_changes_nothing(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, DONE)

    browser = Browser(hub, [worker.hint], "", {worker.hint: Final("answered", "", "글", 1)})

    assert await browser.end() == ["started 1-1", "done 1-2"]


async def test_a_done_the_client_has_is_not_sent_again(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, DONE)

    browser = Browser(hub, [worker.hint], f"{worker.hint}:1-2")

    assert await browser.end() == []


async def test_a_row_found_final_later_ends_the_hint_once(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    browser = Browser(hub, [worker.hint])
    await worker.write(STARTED)
    await browser.has(1)

    for watch in hub.watches():
        watch.conclude(Final("failed", "expired", "", 1))
    await worker.write(DONE)

    assert await browser.end() == ["started 1-1", "snapshot", "done 2-0"]


async def test_silence_is_filled_with_heartbeats(
    hub: Hub, broker: AsyncBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "COMMENT_S", 0.01)
    browser = Browser(hub, [new_hint()])

    await browser.until(lambda: browser.content.count(b": hb\n\n") >= 3)

    await browser.leave()


async def test_nothing_is_left_after_the_streams(hub: Hub, broker: AsyncBroker) -> None:
    before = asyncio.all_tasks()
    workers = [Worker(broker, new_hint()) for _ in range(4)]
    browsers = [Browser(hub, [worker.hint]) for worker in workers]
    for worker in workers:
        await worker.write(STARTED)
    await asyncio.gather(*[browser.has(1) for browser in browsers])

    for browser in browsers[:2]:
        await browser.leave()
    for worker in workers[2:]:
        await worker.write(DONE)
    await asyncio.gather(*[browser.end() for browser in browsers])

    async def unsubscribed() -> bool:
        return await broker.client.pubsub_channels() == []

    async def tasks_ended() -> bool:
        return asyncio.all_tasks() == before

    await eventually(unsubscribed)
    await eventually(tasks_ended)
    assert list(hub.watches()) == []


async def test_a_cancelled_stream_leaves_nothing(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED)
    browser = Browser(hub, [worker.hint])
    await browser.has(1)

    browser.serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await browser.serving

    assert list(hub.watches()) == []


async def test_a_closed_hub_ends_the_streams_that_are_and_those_that_come(
    hub: Hub, broker: AsyncBroker
) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED)
    browser = Browser(hub, [worker.hint])
    await browser.has(1)

    hub.close()

    assert await browser.end() == ["started 1-1"]
    assert browser.ended
    assert await Browser(hub, [worker.hint]).end() == []


async def test_without_redis_streams_end_and_with_it_they_come_back(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    broker = AsyncBroker(server.url)
    hub = Hub(broker, server.url)
    running = asyncio.create_task(hub.run())
    worker = Worker(broker, new_hint())
    await worker.write(STARTED)
    browser = Browser(hub, [worker.hint])
    await browser.has(1)

    server.stop()
    await browser.end()
    assert hub.down
    assert not (await Browser(hub, [worker.hint]).end())

    server.start()

    async def up() -> bool:
        return not hub.down

    await eventually(up)
    again = Browser(hub, [worker.hint], browser.last)
    await worker.write(PIECE, DONE)
    assert await again.end() == ["piece 1-2", "done 1-3"]

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await hub.aclose()
    await broker.aclose()
    server.stop()


async def test_the_log_tells_whether_an_id_is_its_end(hub: Hub, broker: AsyncBroker) -> None:
    worker = Worker(broker, new_hint())
    await worker.write(STARTED, DONE)

    log = await hub.read(worker.hint, EventId(1, 2))

    assert log.ends_at(EventId(1, 2))
    assert not log.ends_at(EventId(1, 1))
    assert (await hub.read(new_hint(), EventId(0, 0))).gone
