"""The breaker: what takes an engine down, what that does, and how it comes back."""

from __future__ import annotations

import pytest

from broker import dispatch, fleet, health
from broker.base import times
from broker.connect import Broker
from broker.contract.limit import START
from broker.dispatch import Expired, Grant, Phase
from broker.health import EngineFailure, EngineState, Health, Reading, Why
from broker.keys import HEALTH, LEASES, READING, WARM
from tests.broker.helpers import admit, claimed, serve

UP, DOWN, PROBING = EngineState.UP, EngineState.DOWN, EngineState.PROBING


@pytest.fixture
def pair(broker: Broker) -> Broker:
    """Two engines, one alone would be the last that is up."""
    serve(broker, gpu0=2, gpu1=2)
    return broker


def of(broker: Broker, engine: str = "gpu0") -> Health:
    return broker.run(health.state())[engine]


def fail(broker: Broker, *kinds: EngineFailure, ran_s: float = 0.0) -> list[bool]:
    return [broker.run(health.failed("gpu0", kind, ran_s)) for kind in kinds]


def age(broker: Broker, field: str, by_ms: int) -> None:
    """As if that had been noted so much earlier: Redis's own clock cannot be moved."""
    noted = broker.client.hget(HEALTH("gpu0"), field)
    assert noted
    first, colon, rest = noted.partition(":")
    broker.client.hset(HEALTH("gpu0"), field, f"{int(first) - by_ms}{colon}{rest}")


def test_an_engine_nobody_spoke_of_is_up_without_a_limit(pair: Broker) -> None:
    assert of(pair) == Health()


def test_three_failures_at_once_take_an_engine_down(pair: Broker) -> None:
    assert fail(pair, EngineFailure.TIMEOUT, EngineFailure.CUT) == [False, False]
    assert of(pair).state is UP

    assert fail(pair, EngineFailure.UNREACHABLE) == [True]

    found = of(pair)
    assert (found.state, found.why, found.ejections) == (DOWN, Why.FAILURES, 1)
    assert of(pair, "gpu1").state is UP


def test_a_failure_older_than_ten_seconds_does_not_count(pair: Broker) -> None:
    fail(pair, EngineFailure.CUT)
    age(pair, "failures", 10_001)

    assert fail(pair, EngineFailure.CUT, EngineFailure.CUT) == [False, False]
    assert fail(pair, EngineFailure.CUT) == [True]


def test_the_same_report_sent_again_counts_once(pair: Broker) -> None:
    call = health.failed("gpu0", EngineFailure.CUT)

    assert [pair.run(call) for _ in range(4)] == [False] * 4


def test_failures_of_an_engine_that_is_down_change_nothing(pair: Broker) -> None:
    pair.run(health.down("gpu0", Why.REFUSED))

    assert fail(pair, *[EngineFailure.UNREACHABLE] * 4) == [False] * 4
    assert (of(pair).ejections, of(pair).why) == (1, Why.REFUSED)


def test_an_attempt_from_before_the_change_of_state_does_not_count(pair: Broker) -> None:
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.probe("gpu0"))

    assert fail(pair, EngineFailure.TIMEOUT, ran_s=30) == [False]
    assert of(pair).state is PROBING

    pair.run(health.worked("gpu0"))
    assert fail(pair, *[EngineFailure.TIMEOUT] * 3, ran_s=30) == [False] * 3


@pytest.mark.parametrize("kind", [EngineFailure.TIMEOUT, EngineFailure.CUT, EngineFailure.BUSY])
def test_the_last_engine_stays_up_on_a_soft_sign(pair: Broker, kind: EngineFailure) -> None:
    pair.run(health.down("gpu1", Why.REFUSED))

    assert fail(pair, *[kind] * 4) == [False] * 4
    assert of(pair).state is UP


def test_the_last_engine_goes_down_when_it_cannot_be_reached(pair: Broker) -> None:
    pair.run(health.down("gpu1", Why.REFUSED))

    assert fail(pair, *[EngineFailure.UNREACHABLE] * 3) == [False, False, True]


def test_the_other_engine_must_be_up_enabled_and_have_workers(pair: Broker) -> None:
    pair.run(health.down("gpu1", Why.REFUSED))
    pair.run(health.probe("gpu1"))
    assert not pair.run(health.down("gpu0", Why.FROZEN))

    pair.run(health.worked("gpu1"))
    pair.run(fleet.leave("gpu1", "gpu1@host"))
    assert not pair.run(health.down("gpu0", Why.FROZEN))

    pair.run(fleet.beat("gpu1", "gpu1@host", 2, 60))
    pair.run(fleet.set_engines({"gpu0": 2}))
    assert not pair.run(health.down("gpu0", Why.FROZEN))

    pair.run(fleet.set_engines({"gpu0": 2, "gpu1": 2}))
    assert pair.run(health.down("gpu0", Why.FROZEN))


@pytest.mark.parametrize("why", [Why.REFUSED, Why.UNHEALTHY])
def test_the_last_engine_goes_down_on_a_hard_sign(pair: Broker, why: Why) -> None:
    pair.run(health.down("gpu1", Why.REFUSED))

    assert pair.run(health.down("gpu0", why))


def test_busy_shrinks_the_limit_of_an_engine_that_has_one_and_is_no_failure(pair: Broker) -> None:
    pair.run(health.set_limit("gpu0", 0, 8.0, None))

    assert fail(pair, *[EngineFailure.BUSY] * 4) == [False] * 4
    assert (of(pair).busy, of(pair).state) == (4, UP)


def test_busy_is_a_failure_of_an_engine_without_a_limit(pair: Broker) -> None:
    assert fail(pair, *[EngineFailure.BUSY] * 3) == [False, False, True]


def test_going_down_calls_in_the_leases_and_clears_the_warm_set(broker: Broker) -> None:
    serve(broker, gpu0=2)
    claimed(broker, "claimed")
    admit(broker, "granted")
    broker.client.zadd(WARM("gpu0"), {"p": 1})

    assert broker.run(health.down("gpu0", Why.REFUSED))

    assert sorted(broker.run(dispatch.expired())) == [
        Expired("claimed", "gpu0", 1, Phase.CLAIMED),
        Expired("granted", "gpu0", 1, Phase.GRANTED),
    ]
    assert not broker.client.exists(WARM("gpu0"))


def test_a_lease_that_was_called_in_is_neither_renewed_nor_claimed(broker: Broker) -> None:
    serve(broker, gpu0=2)
    claimed(broker, "claimed")
    admit(broker, "granted")
    broker.run(health.down("gpu0", Why.REFUSED))

    # Not lost before rescue has it: its worker would settle it.
    assert broker.run(dispatch.renew("gpu0", [("claimed", 1)])) == []
    assert broker.run(dispatch.claim("granted", "gpu0", "w")) is None
    assert len(broker.run(dispatch.expired())) == 2

    assert broker.run(dispatch.requeue_lost("claimed", 1))
    assert broker.run(dispatch.renew("gpu0", [("claimed", 1)])) == ["claimed"]


def test_down_once_is_down(pair: Broker) -> None:
    assert pair.run(health.down("gpu0", Why.UNHEALTHY))
    assert not pair.run(health.down("gpu0", Why.REFUSED))

    assert (of(pair).why, of(pair).ejections) == (Why.UNHEALTHY, 1)


def test_only_an_engine_that_is_down_is_probed(pair: Broker) -> None:
    assert not pair.run(health.probe("gpu0"))
    pair.run(health.down("gpu0", Why.REFUSED))

    assert pair.run(health.probe("gpu0"))
    assert of(pair).state is PROBING
    assert not pair.run(health.probe("gpu0"))


def test_a_canary_that_comes_back_takes_the_engine_up(pair: Broker) -> None:
    assert not pair.run(health.worked("gpu0"))
    pair.run(health.down("gpu0", Why.REFUSED))
    assert not pair.run(health.worked("gpu0")), "an answer from before it went down"
    pair.run(health.probe("gpu0"))

    assert pair.run(health.worked("gpu0"))

    assert (of(pair).state, of(pair).why, of(pair).limit) == (UP, None, None)


@pytest.mark.parametrize("kind", EngineFailure)
def test_a_canary_that_fails_takes_the_engine_down_again(pair: Broker, kind: EngineFailure) -> None:
    pair.run(health.set_limit("gpu0", 0, 8.0, None))
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.probe("gpu0"))

    assert fail(pair, kind) == [True]

    assert (of(pair).state, of(pair).why, of(pair).ejections) == (DOWN, Why.CANARY, 2)


def test_a_probed_engine_goes_down_on_a_soft_sign_also_as_the_last(pair: Broker) -> None:
    pair.run(health.down("gpu1", Why.REFUSED))
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.probe("gpu0"))

    assert pair.run(health.down("gpu0", Why.FROZEN))


def test_failures_before_it_went_down_are_forgotten(pair: Broker) -> None:
    fail(pair, EngineFailure.CUT, EngineFailure.CUT)
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.probe("gpu0"))
    pair.run(health.worked("gpu0"))

    assert fail(pair, EngineFailure.CUT, EngineFailure.CUT) == [False, False]


@pytest.mark.parametrize(("good", "start"), [(None, START), (40.0, START), (2.5, 2.5)])
def test_an_engine_comes_back_with_a_small_limit(
    pair: Broker, good: float | None, start: float
) -> None:
    pair.run(health.set_limit("gpu0", 0, 40.0, good))
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.probe("gpu0"))
    pair.run(health.worked("gpu0"))

    assert (of(pair).limit, of(pair).good) == (start, good)


def test_a_limit_reckoned_before_the_engine_went_down_is_not_set(pair: Broker) -> None:
    pair.run(health.set_limit("gpu0", 0, 8.0, 8.0))
    pair.run(health.down("gpu0", Why.REFUSED))
    pair.run(health.set_limit("gpu0", 1, 16.0, 16.0))
    assert of(pair).limit == 8.0, "it is down"

    pair.run(health.probe("gpu0"))
    pair.run(health.worked("gpu0"))
    pair.run(health.set_limit("gpu0", 0, 16.0, 16.0))
    assert of(pair).limit == START, "the engine went down since"

    pair.run(health.set_limit("gpu0", 1, 8.0, None))
    assert (of(pair).limit, of(pair).good) == (8.0, None)


def test_a_reading_is_kept_for_a_while_and_the_size_of_the_cache_for_good(pair: Broker) -> None:
    reading = Reading(
        running=3, waiting=1, kv_usage=0.5, kv_tokens=6400, tokens_s=41.5, cached_ratio=0.9,
        ttft_p95_s=0.25, missing=("a", "b"),
    )  # fmt: skip
    pair.run(health.read("gpu0", reading))

    assert of(pair).reading == reading
    assert 0 < pair.client.ttl(READING("gpu0")) <= 30
    assert pair.client.hget(HEALTH("gpu0"), "kv_tokens") == "6400"


def test_a_reading_may_say_little(pair: Broker) -> None:
    pair.run(health.read("gpu0", Reading()))

    assert of(pair).reading == Reading()
    assert not pair.client.hexists(HEALTH("gpu0"), "kv_tokens")


def test_progress_is_told_by_its_age(pair: Broker) -> None:
    pair.run(health.progress("gpu0"))
    age(pair, "progress_ms", 5000)

    silent_s = of(pair).silent_s
    assert silent_s is not None
    assert silent_s >= 5
    assert of(pair).state is UP


def test_an_engine_that_is_forgotten_takes_its_health_along(broker: Broker) -> None:
    serve(broker, gpu0=1)
    broker.run(health.down("gpu0", Why.REFUSED))
    broker.run(health.read("gpu0", Reading()))
    broker.run(fleet.leave("gpu0", "gpu0@host"))

    broker.run(fleet.set_engines({}))

    assert not broker.client.exists(HEALTH("gpu0"), READING("gpu0"), LEASES("gpu0"))


def pause(broker: Broker, seconds: float | None = None, ran_s: float = 0.0) -> float:
    return broker.run(health.pause("gpu0", seconds, ran_s))


def over(broker: Broker) -> None:
    """As if the pause were over."""
    broker.client.hset(HEALTH("gpu0"), mapping={"paused_ms": 1, "paused_at_ms": 1})


def test_a_paused_engine_gets_no_hint_and_is_alive(broker: Broker) -> None:
    serve(broker, gpu0=4)

    assert pause(broker, 4) == 4

    load = broker.run(fleet.snapshot())["gpu0"]
    assert (load.limit, load.alive) == (0, True)
    assert 3 < load.paused_s <= 4
    assert of(broker).state is UP
    assert admit(broker, "h").grant is None
    assert broker.run(dispatch.pull("gpu0")) == []
    over(broker)
    assert broker.run(dispatch.pull("gpu0")) == [Grant("h", "gpu0", 1)]


def test_a_pause_without_a_time_grows_until_it_answers(broker: Broker) -> None:
    serve(broker, gpu0=4)
    pauses = []
    for _ in range(8):
        pauses.append(pause(broker))
        over(broker)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]

    broker.run(health.worked("gpu0"))

    assert pause(broker) == 1


def test_of_requests_at_once_one_makes_the_pause_grow(broker: Broker) -> None:
    serve(broker, gpu0=8)
    for n in range(4):
        claimed(broker, f"h{n}")

    assert [pause(broker, ran_s=0.5) for _ in range(4)] == pytest.approx([1] * 4, abs=0.1)
    assert pause(broker, 9, ran_s=0.5) == 9
    assert pause(broker, 2, ran_s=0.5) == pytest.approx(9, abs=0.1)

    assert float(broker.client.hget(HEALTH("gpu0"), "allowance") or 0) == pytest.approx(3.2)


def test_a_pause_has_an_end_whatever_the_server_says(broker: Broker) -> None:
    serve(broker, gpu0=4)

    assert pause(broker, 1e12) == times.MOST_PAUSE_S
    over(broker)
    assert pause(broker, -5) == 0


def test_a_rate_limit_shrinks_what_is_asked_at_once_and_answers_let_it_grow(broker: Broker) -> None:
    serve(broker, gpu0=4)
    for n in range(4):
        claimed(broker, f"h{n}")
    limits = []
    for _ in range(6):
        pause(broker, 0)
        over(broker)
        limits.append(broker.run(fleet.snapshot())["gpu0"].limit)
    assert limits == [3, 2, 2, 1, 1, 1]

    for _ in range(20):
        broker.run(health.worked("gpu0"))

    assert broker.run(fleet.snapshot())["gpu0"].limit == 4
    assert not broker.client.hexists(HEALTH("gpu0"), "allowance")
