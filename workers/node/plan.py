"""How many workers of each engine a node runs: pure, and the same on every node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b

from broker.nodes import NodeState
from web.engines.roster import Wanted


def share(wanted: int, engine: str, node: str, nodes: Collection[str]) -> int:
    """The part of `wanted` that falls to this node, one of `nodes`; the parts sum to `wanted`.

    Who gets one more differs from engine to engine, so that no node gets all of them.
    """
    # By a hash of our own, as Python's differs from process to process.
    order = sorted(nodes, key=lambda name: blake2b(f"{engine} {name}".encode()).digest())
    each, rest = divmod(wanted, len(order))
    return each + (order.index(node) < rest)


def plan(
    node: str, nodes: Mapping[str, NodeState], wanted: Mapping[str, Wanted]
) -> dict[str, Wanted]:
    """What this node should run of all that is wanted; engines it does not serve are absent.

    nodes: the live ones, this node included.
    """
    mine = {}
    for engine, want in wanted.items():
        serving = [name for name, state in nodes.items() if state.serves(engine)]
        if node in serving:
            count = share(want.workers, engine, node, serving)
            mine[engine] = Wanted(count, want.slots, want.draining)
    return mine
