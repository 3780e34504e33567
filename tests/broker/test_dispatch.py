"""The way of a hint through grants, claims and the backlog."""

from __future__ import annotations

import json

import pytest

from broker import dispatch, fleet, streams
from broker.connect import Broker
from broker.contract.events import EventId, EventKind
from broker.dispatch import Cancelled, Claim, Expired, Grant, Phase, Placement, Standing
from broker.keys import DOORBELLS, EPOCH, LEASES, SERVICE
from broker.streams import Append, Tip
from tests.broker.helpers import admit, claimed, let_expire, rung, serve


def test_admit_takes_the_least_loaded_engine(broker: Broker) -> None:
    serve(broker, gpu0=2, gpu1=4)

    engines = [admit(broker, f"h{n}").grant for n in range(6)]

    assert [grant.engine for grant in engines if grant] == [
        "gpu0",  # both idle: by name
        "gpu1",
        "gpu1",  # 1/4 against 1/2
        "gpu0",  # 2/4 against 1/2: by name
        "gpu1",
        "gpu1",
    ]


def test_admit_waits_where_there_is_no_slot(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "first")

    assert admit(broker, "second", since_ms=2) == Placement(None, 1, None)
    assert admit(broker, "third", since_ms=3) == Placement(None, 2, None)
    assert broker.run(dispatch.backlog_size()) == 2


def test_admit_without_any_worker_waits(broker: Broker) -> None:
    broker.run(fleet.set_engines({"gpu0": 4}))

    assert admit(broker, "h") == Placement(None, 1, None)


def test_admit_tells_whether_there_is_any_engine(broker: Broker) -> None:
    assert not admit(broker, "nobody").served

    serve(broker, gpu0=1)
    assert admit(broker, "nobody").served
    assert admit(broker, "granted").served
    broker.run(fleet.set_engines({}))
    assert not admit(broker, "granted").served


def test_admit_of_a_known_hint_returns_its_place(broker: Broker) -> None:
    serve(broker, gpu0=1)
    granted = admit(broker, "h")
    waiting = admit(broker, "w")

    assert admit(broker, "h") == granted == Placement(Grant("h", "gpu0", 1), 0, None)
    assert admit(broker, "w") == waiting
    assert broker.run(dispatch.claim("h", "gpu0", "w")) == Claim(1, "cold", 0)
    assert admit(broker, "h") == Placement(None, 0, None)
    assert broker.client.zcard(LEASES("gpu0")) == 1
    assert broker.run(dispatch.backlog_size()) == 1


def test_admit_carries_the_attempt_of_the_row(broker: Broker) -> None:
    serve(broker, gpu0=1)

    assert admit(broker, "h", attempt=4).grant == Grant("h", "gpu0", 5)


def test_admit_of_a_waiting_hint_takes_over_the_rows_higher_attempt(broker: Broker) -> None:
    admit(broker, "h", attempt=1)
    admit(broker, "h", attempt=3)
    admit(broker, "h", attempt=2)
    serve(broker, gpu0=1)

    assert broker.run(dispatch.pull("gpu0")) == [Grant("h", "gpu0", 4)]


def test_a_newcomer_does_not_jump_the_line(broker: Broker) -> None:
    admit(broker, "old", since_ms=1)
    serve(broker, gpu0=1)

    assert admit(broker, "new", since_ms=2).grant is None
    assert broker.run(dispatch.pull("gpu0")) == [Grant("old", "gpu0", 1)]


def test_a_newcomer_passes_those_who_cannot_have_the_slot(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "old")
    assert broker.run(dispatch.requeue("old", "gpu0", attempt, exclude=True)) == []

    assert admit(broker, "new").grant == Grant("new", "gpu0", 1)


def test_pull_grants_the_free_slots_to_the_oldest(broker: Broker) -> None:
    for name, since in (("c", 3), ("a", 1), ("b", 2)):
        admit(broker, name, since_ms=since)
    serve(broker, gpu0=2)

    assert broker.run(dispatch.pull("gpu0")) == [Grant("a", "gpu0", 1), Grant("b", "gpu0", 1)]
    assert broker.run(dispatch.pull("gpu0")) == []


def test_pull_finds_a_hint_behind_many_that_exclude_the_engine(broker: Broker) -> None:
    serve(broker, gpu0=100)
    for n in range(100):
        claimed(broker, f"h{n}")
    for n in range(100):
        broker.run(dispatch.requeue(f"h{n}", "gpu0", 1, exclude=True))
    serve(broker)
    admit(broker, "last", since_ms=1)
    serve(broker, gpu0=1)

    assert broker.run(dispatch.pull("gpu0")) == [Grant("last", "gpu0", 1)]


def test_claim_needs_a_grant_to_this_engine(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    admit(broker, "waits")

    assert broker.run(dispatch.claim("h", "gpu1", "w")) is None
    assert broker.run(dispatch.claim("waits", "gpu0", "w")) is None
    assert broker.run(dispatch.claim("unknown", "gpu0", "w")) is None
    assert broker.run(dispatch.claim("h", "gpu0", "w")) == Claim(1, "cold", 0)


def test_one_message_delivered_twice_is_claimed_once(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    call = dispatch.claim("h", "gpu0", "w")

    assert broker.run(call) == Claim(1, "cold", 0)
    assert broker.run(dispatch.claim("h", "gpu0", "w")) is None
    assert broker.run(call) == Claim(1, "cold", 0), "the same call again is a network retry"


def test_claim_extends_the_grant_to_a_lease(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    granted_until = broker.client.zscore(LEASES("gpu0"), "h")

    broker.run(dispatch.claim("h", "gpu0", "w"))

    leased_until = broker.client.zscore(LEASES("gpu0"), "h")
    assert granted_until is not None
    assert leased_until is not None
    assert leased_until - granted_until >= dispatch.LEASE_MS - dispatch.GRANT_MS


def test_settle_frees_the_slot_and_pulls_the_next(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    admit(broker, "next")
    call = dispatch.settle("h", "gpu0", attempt, 2.0)

    assert broker.run(call) == [Grant("next", "gpu0", 1)]
    assert broker.run(call) == []
    assert broker.run(dispatch.known(["h", "next"])) == {"next"}


@pytest.mark.parametrize(("engine", "attempt"), [("gpu0", 0), ("gpu0", 2), ("gpu1", 1)])
def test_settle_of_another_attempt_changes_nothing(
    broker: Broker, engine: str, attempt: int
) -> None:
    serve(broker, gpu0=1, gpu1=1)
    claimed(broker, "h")

    broker.run(dispatch.settle("h", engine, attempt, 9.0))

    assert broker.run(dispatch.standing(["h"]))["h"].phase is Phase.CLAIMED
    assert not broker.client.exists(SERVICE("gpu0"))


def test_requeue_returns_to_the_head_and_excludes_the_engine(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    admit(broker, "next", since_ms=5)
    admit(broker, "last", since_ms=6)
    call = dispatch.requeue("h", "gpu0", attempt, exclude=True)

    assert broker.run(call) == [Grant("next", "gpu0", 1)]
    assert broker.run(dispatch.standing(["h"]))["h"] == Standing(Phase.WAITING, 1, None, None)
    assert broker.run(call) == []

    serve(broker, gpu0=1, gpu1=1)
    assert broker.run(dispatch.pull("gpu1")) == [Grant("h", "gpu1", 2)]


def test_requeue_without_exclusion_may_return_to_the_same_engine(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")

    grants = broker.run(dispatch.requeue("h", "gpu0", attempt, exclude=False))

    assert grants == [Grant("h", "gpu0", 2)]


def test_requeue_tells_the_watchers_and_shuts_the_attempt_out(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.run(streams.append("h", attempt, 1, [(EventKind.STARTED, "{}")]))

    broker.run(dispatch.requeue("h", "gpu0", attempt, exclude=True))

    events = broker.run(streams.after("h"))
    assert [(str(event.id), event.kind) for event in events] == [
        ("1-1", EventKind.STARTED),
        ("1-2", EventKind.QUEUED),
    ]
    late = streams.append("h", attempt, 3, [(EventKind.PIECE, "{}")])
    assert broker.run(late) is Append.CLOSED


def test_an_unclaimed_grant_expires_and_is_requeued(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    assert broker.run(dispatch.expired()) == []
    let_expire(broker, "h")

    assert broker.run(dispatch.expired()) == [Expired("h", "gpu0", 1, Phase.GRANTED)]
    assert broker.run(dispatch.requeue_lost("h", 1))
    assert broker.run(dispatch.requeue_lost("h", 1)), "again, as after a lost reply"
    assert broker.run(dispatch.expired()) == []
    assert broker.run(dispatch.claim("h", "gpu0", "w")) is None
    assert broker.run(dispatch.pull("gpu0")) == [Grant("h", "gpu0", 2)]
    assert not broker.run(dispatch.requeue_lost("h", 1))


def test_a_claim_that_nobody_renews_expires_on_an_engine_out_of_service_too(broker: Broker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "h")
    let_expire(broker, "h")
    broker.run(fleet.leave("gpu0", "gpu0@host"))
    broker.run(fleet.set_engines({}))

    assert broker.run(dispatch.expired()) == [Expired("h", "gpu0", 1, Phase.CLAIMED, 1)]


def test_requeue_lost_stops_the_worker_from_writing_and_settling(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.run(dispatch.requeue_lost("h", attempt))

    assert broker.run(streams.append("h", attempt, 1, [(EventKind.PIECE, "{}")])) is Append.CLOSED
    assert broker.run(streams.closed([("h", attempt)])) == {"h"}
    assert broker.run(dispatch.renew("gpu0", [("h", attempt)])) == ["h"]
    assert broker.run(dispatch.settle("h", "gpu0", attempt, None)) == [Grant("h", "gpu0", 2)]


def test_requeue_lost_of_an_unknown_hint_still_shuts_the_attempt_out(broker: Broker) -> None:
    assert not broker.run(dispatch.requeue_lost("h", 3))

    assert broker.run(streams.closed([("h", 3), ("h", 4)])) == {"h"}
    assert broker.run(streams.append("h", 3, 9, [(EventKind.PIECE, "{}")])) is Append.CLOSED
    assert broker.run(streams.append("h", 4, 1, [(EventKind.PIECE, "{}")])) is Append.OK


def test_renew_extends_the_lease(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    let_expire(broker, "h")

    assert broker.run(dispatch.renew("gpu0", [("h", attempt)])) == []
    assert broker.run(dispatch.expired()) == []


def test_renew_names_the_hints_of_other_attempts_and_engines(broker: Broker) -> None:
    serve(broker, gpu0=2)
    attempt = claimed(broker, "h")

    assert broker.run(dispatch.renew("gpu0", [("h", attempt + 1)])) == ["h"]
    assert broker.run(dispatch.renew("gpu1", [("h", attempt)])) == ["h"]


def test_renew_takes_in_what_a_wiped_redis_forgot(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.client.flushall()

    assert broker.run(dispatch.renew("gpu0", [("h", attempt)])) == []

    serve(broker, gpu0=1)
    assert admit(broker, "h", attempt=attempt).grant is None
    assert admit(broker, "other").grant is None, "the slot is taken"
    assert broker.run(dispatch.settle("h", "gpu0", attempt, 1.0)) == [Grant("other", "gpu0", 1)]


def test_what_renew_takes_in_is_shut_to_earlier_attempts(broker: Broker) -> None:
    broker.run(dispatch.renew("gpu0", [("h", 2)]))

    assert broker.run(streams.append("h", 1, 9, [(EventKind.PIECE, "{}")])) is Append.CLOSED
    assert broker.run(streams.append("h", 2, 7, [(EventKind.PIECE, "{}")])) is Append.OK


def test_renew_does_not_take_in_a_hint_that_is_over(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.run(streams.close("h", attempt, '{"state": "cancelled", "reason": null}'))
    broker.run(dispatch.forget("h"))

    assert broker.run(dispatch.renew("gpu0", [("h", attempt)])) == ["h"]
    assert broker.run(dispatch.known(["h"])) == set()


@pytest.mark.parametrize("attempt", [0, 3])
def test_cancel_tells_those_who_watch(broker: Broker, attempt: int) -> None:
    admit(broker, "h", attempt=attempt)

    broker.run(dispatch.cancel("h", attempt, "7"))

    (event,) = broker.run(streams.after("h"))
    assert (event.id, event.kind) == (EventId(attempt, 1), EventKind.DONE)
    assert json.loads(event.data) == {"state": "cancelled", "reason": "cancelled"}
    assert broker.run(streams.tip("h")) == Tip("cancelled", event.id, True, "7")


def test_cancel_of_an_unknown_hint_closes_its_stream(broker: Broker) -> None:
    assert broker.run(dispatch.cancel("h", 1, "7")) == Cancelled(True, None, [])
    assert broker.run(streams.append("h", 1, 1, [(EventKind.PIECE, "{}")])) is Append.CLOSED


def test_cancel_in_the_backlog_forgets_the_hint(broker: Broker) -> None:
    admit(broker, "h")

    assert broker.run(dispatch.cancel("h", 0, "7")) == Cancelled(True, Phase.WAITING, [])
    assert broker.run(dispatch.cancel("h", 0, "7")) == Cancelled(False, None, [])
    assert broker.run(dispatch.backlog_size()) == 0


def test_cancel_of_a_grant_gives_its_slot_to_the_next(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")
    admit(broker, "next")
    next = Grant("next", "gpu0", 1)

    assert broker.run(dispatch.cancel("h", 0, "7")) == Cancelled(True, Phase.GRANTED, [next])
    assert broker.run(dispatch.claim("h", "gpu0", "w")) is None
    assert rung(broker)[-1] == next
    assert broker.run(dispatch.cancel("h", 0, "7")) == Cancelled(False, None, [])
    assert broker.run(dispatch.pull("gpu0")) == []


def test_cancel_leaves_a_claimed_hint_to_its_worker(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    admit(broker, "next")

    assert broker.run(dispatch.cancel("h", attempt, "7")) == Cancelled(True, Phase.CLAIMED, [])
    assert broker.run(dispatch.pull("gpu0")) == []
    assert broker.run(streams.closed([("h", attempt)])) == {"h"}
    assert broker.run(dispatch.settle("h", "gpu0", attempt, None)) == [Grant("next", "gpu0", 1)]


def test_forget_frees_the_slot_of_a_claimed_hint(broker: Broker) -> None:
    serve(broker, gpu0=1)
    claimed(broker, "h")

    assert broker.run(dispatch.forget("h")) == "gpu0"
    assert broker.run(dispatch.forget("h")) is None
    assert broker.client.zcard(LEASES("gpu0")) == 0


def test_standing_tells_positions_of_many_and_leaves_out_the_unknown(broker: Broker) -> None:
    serve(broker, gpu0=2)
    claimed(broker, "claimed")
    admit(broker, "granted")
    admit(broker, "w2", since_ms=2)
    admit(broker, "w1", since_ms=1)

    hints = ["claimed", "granted", "w2", "w1", "unknown"]
    assert broker.run(dispatch.standing(hints)) == {
        "claimed": Standing(Phase.CLAIMED, 0, None, "gpu0"),
        "granted": Standing(Phase.GRANTED, 0, None, "gpu0"),
        "w1": Standing(Phase.WAITING, 1, None, None),
        "w2": Standing(Phase.WAITING, 2, None, None),
    }


def test_eta_is_position_times_mean_service_time_over_live_slots(broker: Broker) -> None:
    for engine, service_s in (("gpu0", 4.0), ("gpu1", 8.0)):
        serve(broker, **{engine: 1})
        attempt = claimed(broker, engine, engine)
        broker.run(dispatch.settle(engine, engine, attempt, service_s))
    serve(broker, gpu0=1, gpu1=2)
    for n in range(3):
        assert admit(broker, f"granted {n}").grant

    placements = [admit(broker, f"w{n}", since_ms=n) for n in range(3)]

    # (1·4 + 2·8) / 3 s a hint, 3 at a time
    assert [placement.eta_s for placement in placements] == [3, 5, 7]
    assert broker.run(dispatch.standing(["w2"]))["w2"].eta_s == 7


def test_eta_is_unknown_without_live_slots(broker: Broker) -> None:
    serve(broker, gpu0=1)
    attempt = claimed(broker, "h")
    broker.run(dispatch.settle("h", "gpu0", attempt, 3.0))
    broker.run(fleet.leave("gpu0", "gpu0@host"))

    assert admit(broker, "w") == Placement(None, 1, None)


def test_epoch_stays_until_redis_is_wiped(broker: Broker) -> None:
    first = broker.run(dispatch.epoch())
    broker.client.set(EPOCH(), 1)
    assert broker.run(dispatch.epoch()).since_ms == 1

    broker.client.flushall()

    assert broker.run(dispatch.epoch()).since_ms >= first.since_ms


def test_nothing_is_left_of_a_settled_hint_but_its_stream(broker: Broker) -> None:
    serve(broker, gpu0=1)
    before = set(broker.client.keys())
    attempt = claimed(broker, "h")
    broker.run(dispatch.settle("h", "gpu0", attempt, None))
    broker.client.delete(DOORBELLS("gpu0"))  # a worker took its message out

    assert set(broker.client.keys()) == before


def test_hints_on_their_last_attempt_are_apart(broker: Broker) -> None:
    """A crash takes all hints of a worker along; which one causes it is found out alone."""
    hints = ["h0", "h1", "h2"]
    serve(broker, gpu0=8)
    for hint in hints:
        admit(broker, hint)
    for attempt in (1, 2):
        for hint in hints:
            assert broker.run(dispatch.claim(hint, "gpu0", "w"))
        assert set(broker.run(fleet.worker_died("gpu0", "w"))) == set(hints)
        for hint in hints:
            assert broker.run(dispatch.requeue_lost(hint, attempt))
        if attempt == 1:
            assert len(broker.run(dispatch.pull("gpu0"))) == 3
    admit(broker, "new")

    found = broker.run(dispatch.pull("gpu0"))

    assert found == [Grant("h0", "gpu0", 3), Grant("new", "gpu0", 1)]
    assert broker.run(dispatch.pull("gpu0")) == []
    assert broker.run(dispatch.settle("h0", "gpu0", 3, None)) == [Grant("h1", "gpu0", 3)]
