"""Engines that stand in for others: they get hints only while those are not there."""

from __future__ import annotations

import pytest

from broker import dispatch, fleet, health
from broker.connect import Broker
from broker.health import Why
from tests.broker.helpers import admit, rung, ticket

TTL_S = 60
TIERS = {"api": 1, "spare": 2}
"""By name they come before gpu0, which would be enough for who looks at no tier."""


def served(broker: Broker, **slots: int) -> None:
    """These engines live; api stands in for gpu0, and spare for both."""
    broker.run(fleet.set_engines(slots, {name: TIERS[name] for name in slots if name in TIERS}))
    for name, count in slots.items():
        broker.run(fleet.beat(name, f"{name}@host", count, TTL_S))


@pytest.fixture
def three(broker: Broker) -> Broker:
    served(broker, api=2, gpu0=2, spare=2)
    return broker


def engines_of(broker: Broker, count: int, start: int = 0, **fields: object) -> list[str]:
    """Where as many new hints go, each with a prefix of its own; `-` for the backlog."""
    found = []
    for n in range(start, start + count):
        placement = admit(broker, f"h{n}", prefix=f"p{n}", **fields)
        found.append(placement.grant.engine if placement.grant else "-")
    return found


def pulled(broker: Broker, engine: str) -> list[str]:
    return [grant.hint for grant in broker.run(dispatch.pull(engine))]


def standing_by(broker: Broker) -> set[str]:
    return {name for name, load in broker.run(fleet.snapshot()).items() if load.stands_by}


@pytest.mark.parametrize("tokens", [0, 500])
def test_hints_wait_for_an_engine_that_is_full(three: Broker, tokens: int) -> None:
    assert engines_of(three, 4, prefix_tokens=tokens) == ["gpu0", "gpu0", "-", "-"]

    assert pulled(three, "api") == []
    assert pulled(three, "spare") == []
    assert standing_by(three) == {"api", "spare"}


@pytest.mark.parametrize("tokens", [0, 500])
def test_the_next_tier_takes_over_where_the_first_is_down(three: Broker, tokens: int) -> None:
    three.run(health.down("gpu0", Why.REFUSED))

    assert engines_of(three, 3, prefix_tokens=tokens) == ["api", "api", "-"]
    assert pulled(three, "spare") == []
    assert standing_by(three) == {"spare"}


@pytest.mark.parametrize("gone", ["no worker", "not set", "drained"])
def test_the_next_tier_takes_over_where_the_first_is_gone(three: Broker, gone: str) -> None:
    if gone == "no worker":
        three.run(fleet.leave("gpu0", "gpu0@host"))
    else:
        three.run(fleet.set_engines({"api": 2, "spare": 2}, TIERS))

    assert engines_of(three, 2) == ["api", "api"]


def test_the_backlog_goes_to_the_next_tier_once_the_first_is_down(three: Broker) -> None:
    engines_of(three, 4)

    three.run(health.down("gpu0", Why.REFUSED))

    assert pulled(three, "api") == ["h2", "h3"]


def test_the_last_tier_comes_after_all_others(three: Broker) -> None:
    for name in ("gpu0", "api"):
        three.run(health.down(name, Why.REFUSED))

    assert engines_of(three, 3) == ["spare", "spare", "-"]


@pytest.mark.parametrize("tokens", [0, 500])
def test_an_engine_that_was_down_is_tried_by_one_hint_and_then_has_all(
    three: Broker, tokens: int
) -> None:
    three.run(health.down("gpu0", Why.REFUSED))
    three.run(health.probe("gpu0"))

    assert engines_of(three, 3, prefix_tokens=tokens) == ["gpu0", "api", "api"]

    three.run(health.worked("gpu0"))
    assert engines_of(three, 2, start=3, prefix_tokens=tokens) == ["gpu0", "-"]


@pytest.mark.parametrize(("pause_s", "engine"), [(4.0, None), (60.0, "api")])
def test_a_short_pause_is_waited_for(three: Broker, pause_s: float, engine: str | None) -> None:
    three.run(health.pause("gpu0", pause_s, 0.0))

    assert engines_of(three, 1) == [engine or "-"]


def test_a_hint_that_failed_on_the_first_goes_to_the_next(three: Broker) -> None:
    admit(three, "hint")
    three.run(dispatch.claim("hint", "gpu0", "w"))

    three.run(dispatch.requeue("hint", "gpu0", 1, exclude=True))

    assert pulled(three, "spare") == []
    assert pulled(three, "api") == ["hint"]
    # The others stay where they are.
    assert engines_of(three, 1) == ["gpu0"]


def test_a_hint_that_comes_back_without_a_failure_waits_for_the_first(three: Broker) -> None:
    admit(three, "hint")
    three.run(dispatch.claim("hint", "gpu0", "w"))

    assert three.run(dispatch.requeue("hint", "gpu0", 1, exclude=False)) == [
        dispatch.Grant("hint", "gpu0", 2)
    ]
    assert pulled(three, "api") == []


def test_what_is_for_one_engine_goes_there_though_it_stands_by(three: Broker) -> None:
    for n in range(3):
        three.run(dispatch.admit(ticket(f"job{n}", only="api", lane="batch")))

    assert [grant.hint for grant in rung(three, "api")] == ["job0", "job1"]
    three.run(dispatch.settle("job0", "api", 1, None))
    assert rung(three, "api")[-1].hint == "job2"


def test_nobody_waits_for_an_able_engine_that_stands_by(three: Broker) -> None:
    assert engines_of(three, 1, able=("api",)) == ["gpu0"]


@pytest.mark.parametrize("down", [False, True])
def test_what_runs_ahead_of_hints_is_never_for_whoever_stands_in(three: Broker, down: bool) -> None:
    if down:
        three.run(health.down("gpu0", Why.REFUSED))
    for n in range(3):
        admit(three, f"diagnosis-{n}", lane="batch")

    assert rung(three, "api") == []
    assert pulled(three, "api") == []


def test_the_pace_is_that_of_those_who_serve(three: Broker) -> None:
    three.run(dispatch.admit(ticket("slow", only="api")))
    three.run(dispatch.claim("slow", "api", "w"))
    three.run(dispatch.settle("slow", "api", 1, 60_000))
    engines_of(three, 2)

    # Nobody knows yet how long a hint takes on gpu0.
    assert admit(three, "next").eta_s is None
