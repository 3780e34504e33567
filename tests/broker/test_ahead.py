"""Diagnoses that run ahead use what hints leave free, and give way to them."""

from __future__ import annotations

import pytest

from broker import dispatch, fleet, streams
from broker.connect import Broker
from broker.contract.hint import Lane
from broker.contract.job import DIAGNOSIS, JobKind, kind_of
from broker.dispatch import Expired, Phase, Placement
from broker.keys import AHEAD, TICKET, WAITING_AHEAD
from broker.scripts import common
from tests.broker.helpers import admit, let_expire, rung, serve


def ahead(broker: Broker, number: int, **fields: str) -> Placement:
    """Admits a diagnosis."""
    return admit(broker, f"{DIAGNOSIS}{number}", lane="batch", **fields)


def in_flight(broker: Broker, engine: str = "gpu0") -> tuple[int, int]:
    """Jobs in flight, and how many of them are diagnoses."""
    load = broker.run(fleet.snapshot())[engine]
    assert load.in_flight <= load.slots
    return load.in_flight, load.ahead


@pytest.fixture
def full(broker: Broker) -> Broker:
    """As many diagnoses as may run, of four slots, and one that waits."""
    serve(broker, gpu0=4)
    assert [bool(ahead(broker, number).grant) for number in (1, 2, 3)] == [True, True, False]
    return broker


def test_a_job_says_by_its_name_what_it_is() -> None:
    assert f"'{DIAGNOSIS}'" in common("ahead")
    assert kind_of(f"{DIAGNOSIS}17") is JobKind.DIAGNOSIS
    assert kind_of("3f2a") is JobKind.HINT


@pytest.mark.parametrize(("slots", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (9, 4)])
def test_they_leave_half_of_the_slots_free(broker: Broker, slots: int, most: int) -> None:
    serve(broker, gpu0=slots)

    granted = [bool(ahead(broker, number).grant) for number in range(slots)]

    assert sum(granted) == most
    assert in_flight(broker) == (most, most)
    assert broker.run(dispatch.waiting_ahead()) == slots - most
    assert broker.run(dispatch.backlog())[Lane.BATCH].size == slots - most


@pytest.mark.parametrize("hints", [2, 3])
def test_they_wait_while_hints_have_half_of_the_slots(broker: Broker, hints: int) -> None:
    serve(broker, gpu0=4)
    for number in range(hints):
        admit(broker, f"h{number}")

    assert ahead(broker, 1).grant is None

    assert broker.run(dispatch.pull("gpu0")) == []
    for number in range(hints - 1):
        broker.run(dispatch.claim(f"h{number}", "gpu0", "w"))
        grants = broker.run(dispatch.settle(f"h{number}", "gpu0", 1, 1.0))
        if in_flight(broker)[1]:
            break
    assert [grant.hint for grant in grants] == [f"{DIAGNOSIS}1"]


def test_every_hint_has_a_slot_as_if_none_ran(full: Broker) -> None:
    engines = [bool(admit(full, f"h{number}").grant) for number in range(5)]

    assert engines == [True, True, True, True, False]
    assert in_flight(full) == (4, 0)
    assert full.run(dispatch.waiting_ahead()) == 3


def test_hints_that_waited_come_before_them(full: Broker) -> None:
    for number in range(6):
        admit(full, f"h{number}")
    full.run(dispatch.claim("h0", "gpu0", "w"))

    grants = full.run(dispatch.settle("h0", "gpu0", 1, 1.0))

    assert [grant.hint for grant in grants] == ["h4"]
    assert in_flight(full) == (4, 0)


def test_a_hint_of_the_batch_lane_comes_before_them_too(full: Broker) -> None:
    for number in range(2):
        assert admit(full, f"h{number}", lane="batch").grant
    assert in_flight(full) == (4, 2)

    assert admit(full, "h2", lane="batch").grant

    assert in_flight(full) == (4, 1)


def test_what_gives_way_is_told_so_and_waits_again(full: Broker) -> None:
    jobs = [f"{DIAGNOSIS}{number}" for number in (1, 2)]
    for job in jobs:
        assert full.run(dispatch.claim(job, "gpu0", "w"))
    assert full.run(streams.closed([(job, 1) for job in jobs])) == set()

    for number in range(3):
        admit(full, f"h{number}")

    lost = full.run(streams.closed([(job, 1) for job in jobs]))
    assert len(lost) == 1
    [job] = lost
    assert full.run(dispatch.standing([job]))[job].phase is Phase.WAITING
    assert full.run(dispatch.renew("gpu0", [(each, 1) for each in jobs])) == [job]
    assert full.run(dispatch.settle(job, "gpu0", 1, 1.0)) == [], "it has no slot to give back"
    assert in_flight(full) == (4, 1)


def test_what_a_hint_waits_for_gives_way_to_no_other(full: Broker) -> None:
    for number in (1, 2):
        full.run(dispatch.want(f"{DIAGNOSIS}{number}"))
    full.run(dispatch.want(f"{DIAGNOSIS}3"))
    full.run(dispatch.want("unknown"))

    assert [bool(admit(full, f"h{number}").grant) for number in range(3)] == [True, True, False]

    assert in_flight(full) == (4, 0)
    full.run(dispatch.claim(f"{DIAGNOSIS}1", "gpu0", "w"))
    assert full.run(dispatch.settle(f"{DIAGNOSIS}1", "gpu0", 1, None))[0].hint == "h2"


def test_what_was_forgotten_is_told_so(full: Broker) -> None:
    job = f"{DIAGNOSIS}1"
    assert full.run(dispatch.claim(job, "gpu0", "w"))

    full.run(dispatch.forget(job))

    assert full.run(streams.closed([(job, 1)])) == {job}
    assert in_flight(full) == (1, 1)


def test_a_wiped_redis_takes_none_in_again_from_its_worker(broker: Broker) -> None:
    serve(broker, gpu0=4)
    job = f"{DIAGNOSIS}1"

    assert broker.run(dispatch.renew("gpu0", [(job, 1)])) == [job]
    assert broker.run(streams.closed([(job, 1)])) == {job}
    assert in_flight(broker) == (0, 0)


def test_a_lost_one_waits_again_and_counts(full: Broker) -> None:
    job = f"{DIAGNOSIS}1"
    for attempt in (1, 2):
        assert full.run(dispatch.claim(job, "gpu0", "w"))
        let_expire(full, job)
        late = Expired(job, "gpu0", attempt, Phase.CLAIMED, attempt)
        assert full.run(dispatch.expired()) == [late]
        assert full.run(dispatch.requeue_lost(job, attempt))
        assert full.run(dispatch.standing([job]))[job].phase is Phase.WAITING
        full.run(dispatch.forget(f"{DIAGNOSIS}2"))
        full.run(dispatch.forget(f"{DIAGNOSIS}3"))
        full.run(dispatch.pull("gpu0"))


@pytest.mark.parametrize("state", ["down", "probing"])
def test_an_engine_that_is_not_well_gets_none(broker: Broker, state: str) -> None:
    serve(broker, gpu0=4)
    broker.client.hset("hl:engine:gpu0:health", "state", state)

    assert ahead(broker, 1).grant is None
    assert broker.run(dispatch.pull("gpu0")) == []


def test_many_that_wait_keep_no_batch_hint_back(broker: Broker) -> None:
    serve(broker, gpu0=4)
    for number in range(300):
        ahead(broker, number)
    for number in range(2):
        assert admit(broker, f"h{number}").grant

    assert admit(broker, "late", lane="batch", course="of its own").grant


def test_nothing_is_left_of_one_that_is_over(broker: Broker) -> None:
    serve(broker, gpu0=4)
    for number in range(4):
        ahead(broker, number)
    for _ in range(4):
        for grant in rung(broker):
            broker.run(dispatch.claim(grant.hint, "gpu0", "w"))
            broker.run(dispatch.settle(grant.hint, "gpu0", grant.attempt, 1.0))

    assert broker.client.exists(AHEAD("gpu0"), WAITING_AHEAD()) == 0
    assert broker.client.keys(TICKET("*")) == []
