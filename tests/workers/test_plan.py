"""How wanted workers are shared out over nodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.nodes import NodeState
from web.engines.roster import Wanted
from workers.node.plan import plan, share

NAMES = st.sets(st.text("abcdefgh0123.-", min_size=1, max_size=6), min_size=1, max_size=6)
ALL = NodeState(None)


def only(*engines: str) -> NodeState:
    return NodeState(frozenset(engines))


@given(st.integers(0, 64), st.sampled_from(["gpu0", "gpu1", "api"]), NAMES)
def test_the_parts_sum_to_what_is_wanted_and_are_even(
    wanted: int, engine: str, nodes: set[str]
) -> None:
    parts = [share(wanted, engine, node, nodes) for node in nodes]

    assert sum(parts) == wanted
    assert max(parts) - min(parts) <= 1


@given(st.integers(0, 64), NAMES)
def test_the_order_in_which_nodes_are_seen_is_nothing(wanted: int, nodes: set[str]) -> None:
    for node in nodes:
        one = share(wanted, "gpu0", node, sorted(nodes))
        assert one == share(wanted, "gpu0", node, sorted(nodes, reverse=True))


@given(st.integers(1, 64), NAMES)
def test_a_node_that_leaves_takes_no_worker_from_another(wanted: int, nodes: set[str]) -> None:
    gone = min(nodes)
    for node in nodes - {gone}:
        left = share(wanted, "gpu0", node, nodes - {gone})
        assert left >= share(wanted, "gpu0", node, nodes)


def test_single_workers_are_spread_over_the_nodes() -> None:
    engines = [f"gpu{number}" for number in range(40)]

    at_a = sum(share(1, engine, "a", ["a", "b"]) for engine in engines)

    assert 10 < at_a < 30


def test_a_node_runs_only_what_it_serves() -> None:
    wanted = {"gpu0": Wanted(2, 8), "gpu1": Wanted(3, 16, draining=True)}

    mine = plan("a", {"a": only("gpu1")}, wanted)

    assert mine == {"gpu1": Wanted(3, 16, draining=True)}


def test_only_nodes_that_serve_an_engine_share_it() -> None:
    nodes = {"a": only("gpu0"), "b": only("gpu1"), "c": ALL}
    wanted = {"gpu0": Wanted(4, 8), "gpu1": Wanted(4, 8)}

    plans = {name: plan(name, nodes, wanted) for name in nodes}

    assert [plans["a"]["gpu0"].workers, plans["c"]["gpu0"].workers] == [2, 2]
    assert [plans["b"]["gpu1"].workers, plans["c"]["gpu1"].workers] == [2, 2]


def test_a_node_that_stops_leaves_its_work_to_the_others() -> None:
    nodes = {"a": only(), "b": ALL}

    assert plan("b", nodes, {"gpu0": Wanted(3, 8)}) == {"gpu0": Wanted(3, 8)}
