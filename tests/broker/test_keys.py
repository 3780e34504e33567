"""The key table, and that the scripts keep to it."""

from __future__ import annotations

import re

from broker import dispatch, health, keys, nodes, quota, streams
from broker.connect import Broker
from broker.contract.events import EventKind
from broker.health import Reading
from broker.nodes import NodeState
from broker.scripts import FOLDER, scripts
from tests.broker.helpers import admit, claimed, serve


def test_every_key_has_our_prefix_and_a_name_of_its_own() -> None:
    patterns = [key.pattern for key in keys.TABLE.values()]
    assert all(pattern.startswith("hl:") for pattern in patterns)
    assert len(set(patterns)) == len(patterns) > 20


def test_keys_in_redis_are_those_of_the_table_in_type_and_time(broker: Broker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "gpu0")
    broker.run(streams.append("h", 1, 1, [(EventKind.STARTED, "{}")]))
    admit(broker, "waits")
    broker.run(dispatch.epoch())
    broker.run(dispatch.requeue_lost("unknown", 1))
    broker.run(nodes.beat("a", "token", NodeState(None)))
    broker.run(quota.begin("1", "a"))
    broker.run(health.read("gpu0", Reading(kv_tokens=6400)))

    found = set(broker.client.keys())
    for name in found:
        key = max(
            (
                key
                for key in keys.TABLE.values()
                if re.fullmatch(key.pattern.replace("*", ".+"), name)
            ),
            key=lambda key: len(key.pattern),
        )
        assert broker.client.type(name) == key.type, name
        assert (broker.client.ttl(name) == -1) == (key.ttl_s is None), name
    assert found >= {"hl:epoch", "hl:backlog:interactive", "hl:hint:waits", "hl:hint:h:tip"}


def test_no_script_spells_a_key_itself() -> None:
    spelled = [path.name for path in FOLDER.rglob("*.lua") if "hl:" in path.read_text()]

    assert spelled == []


def test_every_script_opens_with_keys_arguments_and_result() -> None:
    for name in scripts():
        head = (FOLDER / f"{name}.lua").read_text().split("\n\n")[0]
        assert all(f"-- {part}:" in head for part in ("keys", "args", "result")), name
