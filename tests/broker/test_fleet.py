"""Slots of engines: who offers them, and who may use them."""

from __future__ import annotations

from broker import dispatch, fleet
from broker.connect import Broker
from broker.dispatch import Expired, Phase
from broker.fleet import Load
from broker.keys import SERVICE, WORKERS
from tests.broker.helpers import TTL_S, admit, claimed, serve


def test_slots_are_those_of_live_workers_up_to_the_engines_most(broker: Broker) -> None:
    broker.run(fleet.set_engines({"gpu0": 5}))
    broker.run(fleet.beat("gpu0", "a", 2, TTL_S))
    assert broker.run(fleet.snapshot())["gpu0"].slots == 2

    broker.run(fleet.beat("gpu0", "b", 4, TTL_S))

    assert broker.run(fleet.snapshot())["gpu0"] == Load(5, 5, 0, {"a": 2, "b": 4}, 5)


def test_a_silent_worker_has_no_slots_and_is_dropped(broker: Broker) -> None:
    serve(broker, gpu0=1)
    broker.run(fleet.beat("gpu0", "silent", 3, 0))

    assert broker.run(fleet.snapshot())["gpu0"].slots == 1
    assert set(broker.client.hgetall(WORKERS("gpu0"))) == {"gpu0@host"}


def test_a_beat_drops_the_workers_whose_time_is_over(broker: Broker) -> None:
    serve(broker, gpu0=1)
    broker.client.hset(WORKERS("gpu0"), "old", "3 1")

    broker.run(fleet.beat("gpu0", "gpu0@host", 1, TTL_S))

    assert set(broker.client.hgetall(WORKERS("gpu0"))) == {"gpu0@host"}


def test_a_worker_that_leaves_takes_its_slots_along(broker: Broker) -> None:
    serve(broker, gpu0=2)
    broker.run(fleet.leave("gpu0", "gpu0@host"))

    assert broker.run(fleet.snapshot())["gpu0"].slots == 0
    assert admit(broker, "h").grant is None


def test_what_a_dead_worker_had_claimed_is_over_at_once(broker: Broker) -> None:
    serve(broker, gpu0=4)
    for hint, worker in (("its", "gpu0@host"), ("another's", "gpu0@host2")):
        admit(broker, hint)
        assert broker.run(dispatch.claim(hint, "gpu0", worker))
    admit(broker, "nobody's")

    assert broker.run(fleet.worker_died("gpu0", "gpu0@host")) == ["its"]

    assert broker.run(dispatch.expired()) == [Expired("its", "gpu0", 1, Phase.CLAIMED, 1)]
    assert broker.run(fleet.snapshot())["gpu0"].workers == {}
    assert broker.run(dispatch.claim("nobody's", "gpu0", "gpu0@host2")), "its bell still rings"


def test_an_engine_out_of_service_gets_no_hints_but_finishes_its_own(broker: Broker) -> None:
    serve(broker, gpu0=2)
    attempt = claimed(broker, "h")
    broker.run(fleet.set_engines({"gpu1": 2}))

    assert admit(broker, "w").grant is None
    assert broker.run(dispatch.pull("gpu0")) == []
    assert broker.run(fleet.snapshot())["gpu0"] == Load(0, 0, 1, {"gpu0@host": 2}, 0)
    assert broker.run(dispatch.settle("h", "gpu0", attempt, 1.0)) == []


def test_an_engine_of_which_nothing_is_left_is_forgotten(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.run(fleet.leave("gpu0", "gpu0@host"))
    broker.run(fleet.set_engines({}))
    assert set(broker.run(fleet.snapshot())) == {"gpu0"}

    broker.run(dispatch.settle("h", "gpu0", attempt, 1.0))
    broker.run(fleet.set_engines({}))

    assert broker.run(fleet.snapshot()) == {}


def test_a_shrunk_engine_grants_nothing_until_it_fits_again(broker: Broker) -> None:
    serve(broker, gpu0=3)
    for name in ("a", "b", "c"):
        claimed(broker, name)
    admit(broker, "w")
    serve(broker, gpu0=2)

    assert broker.run(dispatch.settle("a", "gpu0", 1, None)) == []
    assert [grant.hint for grant in broker.run(dispatch.settle("b", "gpu0", 1, None))] == ["w"]


def test_service_time_is_a_moving_mean(broker: Broker) -> None:
    serve(broker, gpu0=1)
    for hint, service_s in (("a", 2.0), ("b", 4.0), ("c", None)):
        attempt = claimed(broker, hint)
        broker.run(dispatch.settle(hint, "gpu0", attempt, service_s))

    assert broker.client.get(SERVICE("gpu0")) == "2200"
