"""One live process to a node's name; who reads the nodes sees what each told last."""

from __future__ import annotations

from time import time

import pytest

from broker import nodes
from broker.connect import Broker
from broker.keys import NODE, NODES
from broker.nodes import CrewReport, NodeState

CREW = CrewReport(
    engine="gpu0", wanted=3, slots=8, live=2, leaving=1, crashes=4, last_exit="SIGKILL", retry_s=2.5
)


def test_a_node_is_read_as_it_was_told(broker: Broker) -> None:
    told = {
        "a": NodeState(frozenset({"gpu0"}), (CREW,)),
        "b": NodeState(None),
        "c": NodeState(frozenset()),
    }

    for name, state in told.items():
        assert broker.run(nodes.beat(name, f"token of {name}", state)) is None

    assert broker.run(nodes.live()) == told
    assert [state.serves("gpu0") for state in told.values()] == [True, True, False]
    assert [state.serves("gpu1") for state in told.values()] == [False, True, False]


@pytest.mark.parametrize("fast_s", [-90.0, 0.0, 7.5])
def test_how_far_a_nodes_clock_is_before_that_of_redis_is_told(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, fast_s: float
) -> None:
    monkeypatch.setattr(nodes, "time", lambda: time() + fast_s)

    broker.run(nodes.beat("a", "token", NodeState(None)))

    assert broker.run(nodes.live())["a"].fast_s == pytest.approx(fast_s, abs=1)


def test_a_node_that_tells_nothing_of_its_clock_is_read_all_the_same(broker: Broker) -> None:
    broker.run(nodes.beat("a", "token", NodeState(None)))
    broker.client.hdel(NODE("a"), "fast_ms")  # as a node of an older version

    assert broker.run(nodes.live())["a"].fast_s == 0


def test_a_name_belongs_to_the_first_and_its_beats_rise(broker: Broker) -> None:
    first = nodes.beat("a", "first", NodeState(None))
    second = nodes.beat("a", "second", NodeState(frozenset({"gpu1"})))

    assert broker.run(first) is None
    assert broker.run(second) == 1
    assert broker.run(second) == 1
    assert broker.run(first) is None
    assert broker.run(second) == 2
    assert broker.run(nodes.live()) == {"a": NodeState(None)}


def test_the_name_of_a_silent_node_is_free_again(broker: Broker) -> None:
    broker.run(nodes.beat("a", "first", NodeState(None)))
    assert 0 < broker.client.pttl(NODE("a")) <= 10_000
    broker.client.delete(NODE("a"))  # as if its time had passed

    assert broker.run(nodes.live()) == {}
    assert broker.client.smembers(NODES()) == set()
    assert broker.run(nodes.beat("a", "second", NodeState(None))) is None


def test_only_its_holder_gives_a_name_free(broker: Broker) -> None:
    broker.run(nodes.beat("a", "first", NodeState(None)))

    broker.run(nodes.leave("a", "second"))
    assert broker.run(nodes.live()) == {"a": NodeState(None)}

    broker.run(nodes.leave("a", "first"))
    assert broker.run(nodes.live()) == {}
    assert not broker.client.exists(NODE("a"), NODES())
