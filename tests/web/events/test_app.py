"""GET /v1/events over a real socket: who may follow what, from where on, and how many at once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from broker import dispatch
from broker.connect import AsyncBroker
from broker.contract.events import EventKind
from broker.dispatch import Ticket
from broker.embedded import Embedded
from tests.web.events.kit import Worker, eventually, new_hint
from tests.web.events.site import Site, plant

STARTED, PIECE, DONE = EventKind.STARTED, EventKind.PIECE, EventKind.DONE
OK = b": ok\n\n"
MOST = 10
TRIES = 5
HINT = "0b4fd3a6-8b61-4f7e-9d55-3a6b0f9f1c11"


@pytest.fixture(scope="module")
def garden() -> Iterator[Path]:
    """A planted folder, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    plant(folder, "tests.web.events.plant")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def copy(garden: Path, folder: Path) -> Path:
    return Path(shutil.copytree(garden, folder, dirs_exist_ok=True))


@pytest.fixture(scope="module")
def site(valkey: Embedded, garden: Path) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    shutil.copytree(garden, folder, dirs_exist_ok=True)
    with Site(folder, valkey.url, HINTLINE_MAX_STREAMS=str(MOST)).started() as site:
        yield site
    assert "ERROR" not in site.log()
    shutil.rmtree(folder)


def ticket(hint: str, since_ms: int) -> Ticket:
    return Ticket(
        hint=hint, attempt=0, prefix="p", lane="interactive", student="1", course="1",
        since_ms=since_ms,
    )  # fmt: skip


async def test_the_owner_follows_a_hint_to_its_end(site: Site, broker: AsyncBroker) -> None:
    worker = Worker(broker, site.hint())
    async with site.get(f"hint={worker.hint}") as response:
        await response.has(OK)
        await worker.write(STARTED, PIECE)
        await worker.write(DONE)
        seen = await response.end()

    assert seen == ["started 1-1", "piece 1-2", "done 1-3"]
    assert response.status == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "private, no-store, no-transform"
    assert response.headers["x-accel-buffering"] == "no"


async def test_a_token_follows_its_owners_hint(site: Site, broker: AsyncBroker) -> None:
    worker = Worker(broker, site.hint())
    await worker.write(STARTED, DONE)

    bearer = {"Authorization": f"Bearer {site.planted['tokens']['amy']}"}
    async with site.get(f"hint={worker.hint}", bearer) as response:
        assert await response.end() == ["started 1-1", "done 1-2"]


async def test_a_teacher_follows_the_hints_of_the_course(site: Site, broker: AsyncBroker) -> None:
    worker = Worker(broker, site.hint())
    await worker.write(DONE)

    async with site.get(f"hint={worker.hint}", site.cookie("eve")) as response:
        assert await response.end() == ["done 1-1"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Cookie": "sessionid=nonsense"}, {"Authorization": "Bearer hl_nonsense"},
     {"Authorization": "Bearer"}],
)  # fmt: skip
async def test_nobody_known_gets_401(
    site: Site, broker: AsyncBroker, headers: dict[str, str]
) -> None:
    async with site.get(f"hint={new_hint()}", headers) as response:
        assert response.status == 401
        assert (await response.problem())["type"] == "urn:hintline:problem:not-signed-in"


async def test_a_stranger_gets_the_same_404_as_for_no_hint(site: Site, broker: AsyncBroker) -> None:
    hint = site.hint()
    problems = []
    for query in (f"hint={hint}", f"hint={new_hint()}"):
        async with site.get(query, site.cookie("bob")) as response:
            assert response.status == 404
            problems.append(await response.problem())

    for problem in problems:
        assert problem["type"] == "urn:hintline:problem:not-found"
        assert problem.pop("request_id")
    assert problems[0] == problems[1]


async def test_one_hint_of_somebody_else_spoils_the_request(
    site: Site, broker: AsyncBroker
) -> None:
    async with site.get(f"hint={site.hint()}&hint={site.planted['hints']['bob'][0]}") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("query", "last"),
    [("", ""), ("hint=", ""), ("hint=1", ""), ("hint=%00", ""), ("x=1", ""),
     ("&".join(f"hint={HINT[:-2]}{n}" for n in range(10, 31)), ""), ("&".join(["x=1"] * 2000), ""),
     (f"hint={HINT}", "nonsense"), (f"hint={HINT}&last=1-2", "")],
    ids=["none", "empty", "number", "nul", "other", "too-many", "flood", "header", "query"],
)  # fmt: skip
async def test_nonsense_gets_400(site: Site, broker: AsyncBroker, query: str, last: str) -> None:
    async with site.get(query, {**site.cookie("amy"), "Last-Event-ID": last}) as response:
        assert response.status == 400
        assert (await response.problem())["type"] == "urn:hintline:problem:invalid"


async def test_another_method_gets_405(site: Site, broker: AsyncBroker) -> None:
    async with site.get(f"hint={new_hint()}", site.cookie("amy"), "POST") as response:
        assert response.status == 405
        assert response.headers["allow"] == "get"
        assert (await response.problem())["type"] == "urn:hintline:problem:method-not-allowed"


async def test_a_problem_speaks_the_callers_language(site: Site, broker: AsyncBroker) -> None:
    titles = []
    for headers in ({"Accept-Language": "en"}, {"Cookie": "django_language=en"}, {}):
        async with site.get(f"hint={new_hint()}", headers) as response:
            titles.append((await response.problem())["title"])

    assert titles[:2] == ["Sign in first."] * 2
    assert titles[2] == "먼저 로그인해 주세요."


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_stream_resumes_where_it_broke_off(
    site: Site, broker: AsyncBroker, by: str
) -> None:
    worker = Worker(broker, site.hint())
    await worker.write(STARTED, PIECE)
    async with site.get(f"hint={worker.hint}") as response:
        await response.has(b"piece")

    await worker.write(PIECE, DONE)
    last = response.last
    query = f"hint={worker.hint}" + (f"&last={last}" if by == "query" else "")
    headers = site.cookie("amy") | ({"Last-Event-ID": last} if by == "header" else {})
    async with site.get(query, headers) as response:
        assert await response.end() == ["piece 1-3", "done 1-4"]


async def test_who_has_everything_gets_204(site: Site, broker: AsyncBroker) -> None:
    worker = Worker(broker, site.hint())
    await worker.write(STARTED, DONE)
    site.set_row(worker.hint, state="answered", attempt=1)

    for last, status in (("1-1", 200), ("1-2", 204)):
        headers = {**site.cookie("amy"), "Last-Event-ID": f"{worker.hint}:{last}"}
        async with site.get(f"hint={worker.hint}", headers) as response:
            assert response.status == status


async def test_a_hint_that_ended_long_ago_is_a_snapshot(site: Site, broker: AsyncBroker) -> None:
    hint = site.hint()
    site.set_row(hint, state="answered", attempt=2, text="**글**")

    async with site.get(f"hint={hint}") as response:
        assert await response.end() == ["snapshot", "done 3-0"]
    assert response.frames[0].data == {"hint": hint, "state": "answered", "text": "**글**"}

    headers = {**site.cookie("amy"), "Last-Event-ID": response.last}
    async with site.get(f"hint={hint}", headers) as response:
        assert response.status == 204


async def test_a_row_that_ends_without_an_event_ends_the_stream(
    site: Site, broker: AsyncBroker
) -> None:
    worker = Worker(broker, site.hint())
    await worker.write(STARTED)
    async with site.get(f"hint={worker.hint}") as response:
        await response.has(b"started")
        await broker.client.flushall()
        site.set_row(worker.hint, state="failed", reason="worker_lost", attempt=1)

        assert await response.end() == ["started 1-1", "snapshot", "done 2-0"]
    assert response.frames[-1].data["reason"] == "worker_lost"


async def test_the_place_in_the_line_is_told_when_it_changes(
    site: Site, broker: AsyncBroker
) -> None:
    first, second = site.hint(), site.hint()
    now_ms = int(time.time() * 1000)
    await broker.run(dispatch.admit(ticket(first, now_ms - 1)))
    await broker.run(dispatch.admit(ticket(second, now_ms)))

    async with site.get(f"hint={second}") as response:
        await response.has(b'"position":2')
        await broker.run(dispatch.cancel(first, 0, ""))
        await response.has(b'"position":1')
        await Worker(broker, second).write(STARTED, DONE)
        seen = await response.end()

    assert seen == ["position", "position", "started 1-1", "done 1-2"]


async def test_a_user_has_eight_streams_and_gets_one_back_by_leaving(
    site: Site, broker: AsyncBroker
) -> None:
    hints = [site.hint() for _ in range(9)]
    async with AsyncExitStack() as leaving:
        for hint in hints[1:8]:
            response = await leaving.enter_async_context(site.get(f"hint={hint}"))
            await response.has(OK)
        async with site.get(f"hint={hints[0]}") as response:
            await response.has(OK)
            async with site.get(f"hint={hints[8]}") as refused:
                assert refused.status == 503
                assert int(refused.headers["retry-after"]) > 0
                problem = await refused.problem()
                assert problem["type"] == "urn:hintline:problem:too-many-streams"

        async def admitted() -> bool:
            async with site.get(f"hint={hints[8]}") as response:
                return response.status == 200

        await eventually(admitted)


async def test_the_process_has_a_limit_too(site: Site, broker: AsyncBroker) -> None:
    async with AsyncExitStack() as leaving:
        for name in ["amy"] * 8 + ["bob"] * (MOST - 8):
            hint = site.planted["hints"][name][0]
            response = await leaving.enter_async_context(
                site.get(f"hint={hint}", site.cookie(name))
            )
            await response.has(OK)

        async with site.get(f"hint={new_hint()}", site.cookie("eve")) as response:
            assert response.status == 503
            assert (await response.problem())["type"] == "urn:hintline:problem:too-many-streams"


async def test_open_streams_hold_no_thread_and_no_database(site: Site, broker: AsyncBroker) -> None:
    process = psutil.Process(site.process.pid)

    async def alone() -> bool:
        database = any("sqlite" in file.path for file in process.open_files())
        return process.num_threads() <= threads and not database

    async with site.get(f"hint={site.hint()}") as response:
        await response.has(OK)
        threads = process.num_threads()
        async with AsyncExitStack() as leaving:
            for _ in range(7):
                response = await leaving.enter_async_context(site.get(f"hint={site.hint()}"))
                await response.has(OK)
            await eventually(alone)


async def test_who_leaves_is_forgotten(site: Site, broker: AsyncBroker) -> None:
    async with site.get(f"hint={site.hint()}") as response:
        await response.has(OK)

    async def forgotten() -> bool:
        return await broker.client.pubsub_channels() == []

    await eventually(forgotten)


async def test_a_stop_ends_every_stream_properly_and_at_once(
    valkey: Embedded, broker: AsyncBroker, copy: Path
) -> None:
    with Site(copy, valkey.url).started() as site:
        async with AsyncExitStack() as leaving:
            responses = [
                await leaving.enter_async_context(site.get(f"hint={site.hint()}")) for _ in range(5)
            ]
            for response in responses:
                await response.has(OK)

            stopping = asyncio.create_task(asyncio.to_thread(site.stop))
            for response in responses:
                await response.end()
            await stopping

    assert "graceful shutdown exceeded" not in site.log()
    assert "ERROR" not in site.log()
    assert "Traceback" not in site.log()


async def test_without_redis_new_streams_get_503(copy: Path) -> None:
    with Embedded(copy) as server, Site(copy, server.url).started() as site:
        async with site.get(f"hint={site.hint()}") as response:
            await response.has(OK)
            server.stop()
            await response.end()

        # A stopping server may have taken one more connection: that stream ends at once.
        problem = None
        for _ in range(TRIES):
            async with site.get(f"hint={site.hint()}") as refused:
                if refused.status == 503:
                    problem = await refused.problem()
                    break
                await refused.end()
        assert problem is not None
        assert problem["type"] == "urn:hintline:problem:broker-down"
    assert "Traceback" not in site.log()


async def test_without_a_database_new_streams_get_a_problem(
    valkey: Embedded, broker: AsyncBroker, copy: Path
) -> None:
    with Site(copy, valkey.url).started() as site:
        async with site.get(f"hint={site.hint()}") as response:
            await response.has(OK)
        (copy / "hintline.sqlite3").unlink()
        async with site.get(f"hint={site.hint()}") as response:
            assert response.status == 503
            assert (await response.problem())["type"] == "urn:hintline:problem:database-down"
