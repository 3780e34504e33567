"""A node's name, and when the workers of a draining engine may go."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from broker import dispatch, fleet, nodes
from broker.base.errors import BadSetting, HintlineError
from broker.dispatch import Ticket
from broker.embedded import Embedded
from broker.keys import NODE
from broker.nodes import NodeState
from web.link import broker
from workers.guard.rescue import Rescue
from workers.node import node as module
from workers.node.crew import Crew
from workers.node.node import NameTaken, Node, name_of_node

FIRST = nodes.beat("box", "first", NodeState(None))


@pytest_asyncio.fixture
async def node(
    home_valkey: Embedded, line: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Node]:
    monkeypatch.setenv("HINTLINE_NODE", "box")
    monkeypatch.setattr(module, "NODE_BEAT_S", 0.1)
    node = Node({"gpu0": "0"})
    yield node
    await node.broker.aclose()
    node.database.close()


async def test_a_free_name_is_taken(node: Node) -> None:
    await node.take_name()

    assert broker().run(nodes.live()) == {"box": NodeState(frozenset({"gpu0"}))}


async def test_the_name_of_a_live_node_is_refused(node: Node) -> None:
    broker().run(FIRST)

    async def live_on() -> None:
        while True:
            await node.broker.run(FIRST)
            await asyncio.sleep(0.05)

    other = asyncio.create_task(live_on())
    with pytest.raises(NameTaken, match=r"another live node is called 'box'.*HINTLINE_NODE"):
        await node.take_name()

    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    assert broker().run(nodes.live()) == {"box": NodeState(None)}


async def test_a_node_knows_the_others_before_it_starts_workers(node: Node) -> None:
    broker().run(nodes.beat("other", "token", NodeState(frozenset({"gpu1"}))))

    await node.take_name()

    assert node.others["other"].engines == {"gpu1"}


async def test_the_name_of_a_node_that_was_killed_is_waited_for(node: Node) -> None:
    broker().run(FIRST)

    taking = asyncio.create_task(node.take_name())
    await asyncio.sleep(0.3)
    assert not taking.done()
    broker().client.delete(NODE("box"))  # as if its time had passed

    await asyncio.wait_for(taking, 30)


async def test_a_node_waits_for_redis(node: Node, home_valkey: Embedded) -> None:
    home_valkey.stop()
    try:
        taking = asyncio.create_task(node.take_name())
        await asyncio.sleep(0.3)
        assert not taking.done()
    finally:
        home_valkey.start()

    await asyncio.wait_for(taking, 30)


async def test_a_node_that_lost_its_name_stops(node: Node) -> None:
    await node.take_name()
    broker().client.delete(NODE("box"))
    broker().run(FIRST)

    await node.keep_name()

    assert isinstance(node.failure, NameTaken)
    assert node.stopping.is_set()


async def test_a_node_watches_rescues_and_deletes_what_is_over(
    node: Node, begun: Callable[[str], set[str]]
) -> None:
    names = begun("workers.node.node")
    node.stopping.set()
    await node.work()

    assert {"Rescue.tick", "Monitor.lead", "Upkeep.once", "Node.keep_name", "Node.watch"} <= names


async def test_a_node_that_stops_serves_nothing_but_keeps_its_name(node: Node) -> None:
    await node.take_name()
    node.stopping.set()

    assert await node.beat() is None

    assert broker().run(nodes.live()) == {"box": NodeState(frozenset())}


@pytest.mark.parametrize("name", ["a b", "", "x" * 65, "a/b"])
def test_a_name_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)

    with pytest.raises(BadSetting, match="HINTLINE_NODE"):
        name_of_node()


def admit(hint: str) -> None:
    ticket = Ticket(
        hint=hint, attempt=0, prefix="p", lane="interactive", student="s", course="c", since_ms=0
    )
    assert broker().run(dispatch.admit(ticket)).grant


async def killed(node: Node) -> int:
    """A worker of gpu0 with a hint, killed before the node has looked; its pid."""
    crew = node.crews["gpu0"] = Sleepers("gpu0")
    crew.fit(1, 2)
    process = crew.workers[0].process
    assert process is not None
    admit("h")
    name = fleet.worker_name("gpu0", process.pid)
    assert broker().run(dispatch.claim("h", "gpu0", name))
    process.kill()
    process.wait(30)
    crew.look()
    return process.pid


class Sleepers(Crew):
    """A crew of processes that do nothing."""

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def gpu0(line: None) -> None:
    broker().run(fleet.set_engines({"gpu0": 2}))
    broker().run(fleet.beat("gpu0", "gpu0@box", 2, 60))


async def test_a_killed_workers_hints_need_not_wait_for_their_leases(
    node: Node, gpu0: None
) -> None:
    await killed(node)
    assert broker().run(dispatch.expired()) == []

    await node.tell_of_the_dead()

    assert [late.hint for late in broker().run(dispatch.expired())] == ["h"]
    assert node.crews["gpu0"].dead == []


async def test_who_died_while_redis_was_down_is_told_of_later(
    node: Node, gpu0: None, home_valkey: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    pid = await killed(node)
    home_valkey.stop()
    try:
        await node.tell_of_the_dead()
    finally:
        home_valkey.start()
    assert f"not told that pid {pid} ended" in caplog.text

    await node.tell_of_the_dead()

    assert [late.hint for late in broker().run(dispatch.expired())] == ["h"]


async def test_workers_of_a_draining_engine_stay_while_hints_are_in_flight(node: Node) -> None:
    broker().run(fleet.set_engines({"gpu0": 2}))
    broker().run(fleet.beat("gpu0", "gpu0@box", 2, 60))
    assert await node.emptied({"gpu0"}) == set()  # it still gets hints

    admit("h")
    broker().run(fleet.set_engines({}))
    assert await node.emptied({"gpu0"}) == set()

    broker().run(dispatch.claim("h", "gpu0", "w"))
    broker().run(dispatch.settle("h", "gpu0", 1, None))
    assert await node.emptied({"gpu0"}) == {"gpu0"}


async def test_a_drain_ends_after_its_time_even_without_redis(
    node: Node, home_valkey: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now_s)
    home_valkey.stop()
    try:
        assert await node.emptied({"gpu0"}) == set()
        now_s += module.DRAIN_S
        assert await node.emptied({"gpu0"}) == {"gpu0"}
    finally:
        home_valkey.start()

    assert await node.emptied(set()) == set()
    assert node.drains == {}


@pytest.mark.django_db(transaction=True)
async def test_a_node_whose_rescue_dies_of_a_bug_ends_with_an_error(
    home_valkey: Embedded, line: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Rescue) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(Rescue, "tick", broken)

    with pytest.raises(HintlineError, match="a background loop died"):
        await asyncio.wait_for(Node({"gpu0": "0"}).run(), 60)
