"""Which nodes are alive: one process to a name, what it serves, and how its workers do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from time import time

from broker.base.times import NODE_LIVES_S
from broker.scripts import Call, nothing

ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewReport:
    """The worker processes of one engine on one node.

    wanted: how many the node should run; slots: of each; leaving: those that finish what they have;
    crashes: since the node started; last_exit, last_lines: of the last crash, as
    broker.base.children has it, and what the process had printed before; retry_s: until a crashed
    one is started again, None if none waits.
    """

    engine: str
    wanted: int
    slots: int
    live: int
    leaving: int = 0
    crashes: int = 0
    last_exit: str = ""
    last_lines: str = ""
    retry_s: float | None = None


@dataclass(frozen=True, slots=True)
class NodeState:
    """One live node. engines: those it serves; None: every engine.

    fast_s: how far its clock is before that of Redis, as of its last beat.
    """

    engines: frozenset[str] | None
    crews: tuple[CrewReport, ...] = ()
    fast_s: float = field(default=0.0, compare=False)

    def serves(self, engine: str) -> bool:
        return self.engines is None or engine in self.engines


def beat(name: str, token: str, state: NodeState) -> Call[int | None]:
    """Takes or keeps the name for the process with this token, for NODE_LIVES_S; None if it has it.

    Else another process has the name, and the answer is how often that one has beaten: it is alive
    if the number goes on rising.
    """
    engines = ALL if state.engines is None else json.dumps(sorted(state.engines))
    # As one text: a report is replaced as a whole, so no crew that is gone stays behind.
    crews = json.dumps([asdict(crew) for crew in state.crews])
    now_ms = round(1000 * time())
    args = (name, token, 1000 * NODE_LIVES_S, engines, crews, now_ms)
    return Call("node_beat", args, lambda reply: reply)


def leave(name: str, token: str) -> Call[None]:
    """The name is free again."""
    return Call("node_leave", (name, token), nothing)


def live() -> Call[dict[str, NodeState]]:
    """Every node that has beaten in the last NODE_LIVES_S, by name."""
    return Call("node_live", (), parse)


def redis_ms() -> Call[int]:
    """The time of Redis, by which nodes and leases live."""
    return Call("time", (), int)


def parse(reply: Sequence[tuple[str, str, str, int]]) -> dict[str, NodeState]:
    return {
        name: NodeState(
            None if engines == ALL else frozenset(json.loads(engines)),
            tuple(CrewReport(**crew) for crew in json.loads(crews)),
            fast_ms / 1000,
        )
        for name, engines, crews, fast_ms in sorted(reply)
    }
