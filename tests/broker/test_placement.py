"""Which hint goes to which engine: affinity, lanes, fair shares, and what bounds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from broker import dispatch, fleet
from broker.connect import Broker
from broker.contract.hint import Lane
from broker.dispatch import Placement, Ticket
from broker.keys import HEALTH, PULLS, TICKET, WARM
from tests.broker.helpers import ticket
from tests.broker.virtual import VirtualBroker
from tests.oracles.placement import home

START_MS = 1_700_000_000_000
FOREVER_S = 10_000_000


@pytest.fixture
def virtual(broker: Broker) -> VirtualBroker:
    found = VirtualBroker(broker.client)
    found.set_now(START_MS)
    return found


def fleet_of(broker: Any, **slots: int) -> None:
    broker.run(fleet.set_engines(slots))
    for engine, count in slots.items():
        broker.run(fleet.beat(engine, "worker", count, FOREVER_S))


def ask(broker: Any, hint: str, prefix: str = "p", **fields: Any) -> Placement:
    """A hint with affinity."""
    new = ticket(hint, prefix=prefix, **{"prefix_tokens": 500, "since_ms": START_MS, **fields})
    placement: Placement = broker.run(dispatch.admit(new))
    return placement


def engine_of(placement: Placement) -> str | None:
    return placement.grant.engine if placement.grant else None


def prefixes_of(engine: str, slots: dict[str, int], count: int) -> list[str]:
    """Prefixes whose home this engine is."""
    return [p for p in (f"p{n}" for n in range(1000)) if home(p, slots) == engine][:count]


def pulled(broker: Any, engine: str) -> list[str]:
    return [grant.hint for grant in broker.run(dispatch.pull(engine))]


def settled(broker: Any, hint: str, engine: str) -> list[str]:
    return [grant.hint for grant in broker.run(dispatch.settle(hint, engine, 1, None))]


def fill(broker: Any, engine: str, count: int) -> None:
    """Takes this many slots of the engine, which must be the only one with free slots."""
    for n in range(count):
        new = ticket(f"fill {engine} {n}", since_ms=0)
        assert engine_of(broker.run(dispatch.admit(new))) == engine


def filled(broker: Any, **slots: int) -> None:
    """Engines all of whose slots are taken, by hints that have no affinity."""
    fleet_of(broker, **slots)
    for n in range(sum(slots.values())):
        assert broker.run(dispatch.admit(ticket(f"fill {n}", since_ms=0))).grant


def free(broker: Any, engine: str, count: int) -> None:
    """Frees slots without a pull."""
    held = broker.client.zrange(f"hl:engine:{engine}:leases", 0, -1)
    for hint in held[:count]:
        broker.run(dispatch.forget(hint))


SLOTS = {"gpu0": 4, "gpu1": 4}


def test_a_hint_goes_home(virtual: VirtualBroker) -> None:
    fleet_of(virtual, **SLOTS)

    for engine in SLOTS:
        for prefix in prefixes_of(engine, SLOTS, 2):
            assert engine_of(ask(virtual, f"at {prefix}", prefix)) == engine
            assert virtual.client.hget(TICKET(f"at {prefix}"), "affinity") == "home"


def test_beyond_its_fair_share_an_engine_is_left_for_the_emptiest(virtual: VirtualBroker) -> None:
    slots = {"gpu0": 8, "gpu1": 8}
    fleet_of(virtual, **slots)
    (prefix,) = prefixes_of("gpu1", slots, 1)

    engines = [engine_of(ask(virtual, f"h{n}", prefix)) for n in range(6)]

    # bound: max(2, ceil(1.25 · (in flight + 1) / 2))
    assert engines == ["gpu1", "gpu1", "gpu0", "gpu1", "gpu1", "gpu0"]
    assert virtual.client.hget(TICKET("h2"), "affinity") == "cold"
    assert virtual.client.hget(TICKET("h5"), "affinity") == "warm"


def test_a_warm_engine_comes_before_an_emptier_one(virtual: VirtualBroker) -> None:
    slots = {"gpu0": 4, "gpu1": 4, "gpu2": 4}
    fleet_of(virtual, **slots)
    (prefix,) = prefixes_of("gpu0", slots, 1)
    virtual.client.zadd(WARM("gpu2"), {f"500:{prefix}": 1})
    ask(virtual, "h0", prefix)
    ask(virtual, "h1", prefix)
    ask(virtual, "busy", prefixes_of("gpu2", slots, 1)[0])

    assert engine_of(ask(virtual, "h2", prefix)) == "gpu2", "gpu1 is empty, but cold"


def test_without_affinity_the_least_loaded_engine_is_taken(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=2, gpu1=4)

    engines = [engine_of(ask(virtual, f"h{n}", prefix_tokens=0)) for n in range(6)]

    assert engines == ["gpu0", "gpu1", "gpu1", "gpu0", "gpu1", "gpu1"]


def test_half_full_engines_wait_for_their_own_hints(virtual: VirtualBroker) -> None:
    filled(virtual, **SLOTS)
    theirs = prefixes_of("gpu0", SLOTS, 2)
    ask(virtual, "other", prefixes_of("gpu1", SLOTS, 1)[0], since_ms=START_MS)
    ask(virtual, "own", theirs[0], since_ms=START_MS + 1)
    free(virtual, "gpu0", 2)

    assert pulled(virtual, "gpu0") == ["own"], "3 of 4 slots: the other one waits for gpu1"
    free(virtual, "gpu0", 2)
    assert pulled(virtual, "gpu0") == ["other"], "under half of its slots"


def test_a_pull_takes_the_oldest_that_is_warm_or_at_home(virtual: VirtualBroker) -> None:
    filled(virtual, **SLOTS)
    (other,), (own,) = prefixes_of("gpu1", SLOTS, 1), prefixes_of("gpu0", SLOTS, 1)
    ask(virtual, "own", own, since_ms=START_MS + 2)
    ask(virtual, "warm", other, since_ms=START_MS + 1)
    virtual.client.zadd(WARM("gpu0"), {f"500:{other}": 1})
    free(virtual, "gpu0", 2)

    assert pulled(virtual, "gpu0") == ["warm", "own"]


def test_every_eighth_pull_takes_one_that_waited_long(virtual: VirtualBroker) -> None:
    filled(virtual, **SLOTS)
    (other,), (own,) = prefixes_of("gpu1", SLOTS, 1), prefixes_of("gpu0", SLOTS, 1)
    ask(virtual, "old", other)
    virtual.set_now(START_MS + 15_001)
    for n in range(10):
        ask(virtual, f"own {n}", own, since_ms=START_MS + 15_000 + n)
    last = virtual.client.zrange("hl:engine:gpu0:leases", 0, 0)[0]
    order = []
    for _ in range(9):
        (last,) = settled(virtual, last, "gpu0")
        order.append(last)

    assert order.index("old") == 7
    assert virtual.client.get(PULLS()) == "9"


def test_nobody_is_passed_by_a_newcomer_that_wants_the_same_slot(virtual: VirtualBroker) -> None:
    filled(virtual, gpu0=2)
    ask(virtual, "first", since_ms=START_MS)
    free(virtual, "gpu0", 1)

    assert engine_of(ask(virtual, "second", since_ms=START_MS + 1)) is None
    assert pulled(virtual, "gpu0") == ["first"]


def test_a_limit_and_a_state_cut_the_slots(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=8)
    health = HEALTH("gpu0")

    def granted(hints: Iterable[str]) -> int:
        return sum(ask(virtual, hint).grant is not None for hint in hints)

    virtual.client.hset(health, mapping={"state": "up", "limit": 2.9})
    assert granted("abc") == 2
    load = virtual.run(fleet.snapshot())["gpu0"]
    assert (load.slots, load.limit) == (8, 2)
    virtual.client.hset(health, "state", "down")
    free(virtual, "gpu0", 1)
    assert pulled(virtual, "gpu0") == []
    assert virtual.run(fleet.snapshot())["gpu0"].limit == 0
    virtual.client.hset(health, "state", "probing")
    assert pulled(virtual, "gpu0") == [], "one is still in flight"
    free(virtual, "gpu0", 1)
    assert pulled(virtual, "gpu0") == ["c"], "the canary"


def test_prefixes_of_an_engine_that_is_down_move(virtual: VirtualBroker) -> None:
    fleet_of(virtual, **SLOTS)
    (prefix,) = prefixes_of("gpu1", SLOTS, 1)
    virtual.client.hset(HEALTH("gpu1"), "state", "down")

    assert engine_of(ask(virtual, "h", prefix)) == "gpu0"
    assert virtual.client.hget(TICKET("h"), "affinity") == "home"


def test_a_full_cache_forgets_what_was_used_least_lately(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=8)
    virtual.client.hset(HEALTH("gpu0"), "kv_tokens", 4 * 700 + 1500)
    for n, prefix in enumerate("abca"):
        virtual.set_now(START_MS + n)
        ask(virtual, f"h{n}", prefix)
        free(virtual, "gpu0", 1)
    assert virtual.client.zrange(WARM("gpu0"), 0, -1) == ["500:b", "500:c", "500:a"]

    virtual.client.hset(HEALTH("gpu0"), "kv_tokens", 700 + 1400)
    ask(virtual, "new", "d")

    assert virtual.client.zrange(WARM("gpu0"), 0, -1) == ["500:a", "500:d"], "700 are its own"


def test_a_cache_of_unknown_size_is_thought_to_hold_256_prefixes(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=8)
    for n in range(260):
        virtual.set_now(START_MS + n)
        ask(virtual, f"h{n}", f"p{n}")
        virtual.run(dispatch.forget(f"h{n}"))

    warm = virtual.client.zrange(WARM("gpu0"), 0, -1)
    assert (len(warm), warm[0]) == (256, "500:p4")


def test_a_hint_that_had_a_slot_takes_the_first_that_is_free(virtual: VirtualBroker) -> None:
    slots = {"gpu0": 2, "gpu1": 2}
    filled(virtual, **slots)
    free(virtual, "gpu0", 1)
    (prefix,) = prefixes_of("gpu0", slots, 1)
    assert engine_of(ask(virtual, "again", prefix, since_ms=START_MS + 9)) == "gpu0"
    ask(virtual, "first", prefixes_of("gpu1", slots, 1)[0], since_ms=START_MS)
    assert virtual.run(dispatch.requeue("again", "gpu0", 1, exclude=True)) == []
    held = virtual.client.zrange("hl:engine:gpu1:leases", 0, 0)[0]

    assert settled(virtual, held, "gpu1") == ["again"]


def test_a_student_has_at_most_two_in_flight(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=8)

    granted = [ask(virtual, f"h{n}", student="s").grant is not None for n in range(4)]

    assert granted == [True, True, False, False]
    assert pulled(virtual, "gpu0") == []
    assert ask(virtual, "other", student="t").grant, "nobody waits for the slots of another"
    assert settled(virtual, "h0", "gpu0") == ["h2"]
    virtual.run(dispatch.forget("h1"))
    assert pulled(virtual, "gpu0") == ["h3"]


def positions(broker: Any, hints: Iterable[str]) -> list[str]:
    """The waiting ones of these hints in the order of their positions."""
    found = broker.run(dispatch.standing(hints))
    return sorted(found, key=lambda hint: found[hint].queue_position)


def test_students_of_a_course_take_turns(virtual: VirtualBroker) -> None:
    asked = [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"), ("c1", "c")]
    for n, (hint, student) in enumerate(asked):
        ask(virtual, hint, student=student, since_ms=START_MS + n)

    order = ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert positions(virtual, order) == order
    fleet_of(virtual, gpu0=1)
    taken = pulled(virtual, "gpu0")
    while len(taken) < len(asked):
        taken += settled(virtual, taken[-1], "gpu0")
    assert taken == order


def test_courses_take_turns(virtual: VirtualBroker) -> None:
    for n, hint in enumerate(["x1", "x2", "x3", "x4", "y1", "y2", "z1"]):
        ask(virtual, hint, course=hint[0], since_ms=START_MS + n)

    order = ["x1", "y1", "z1", "x2", "y2", "x3", "x4"]
    assert positions(virtual, order) == order
    fleet_of(virtual, gpu0=1)
    taken = pulled(virtual, "gpu0")
    while len(taken) < len(order):
        taken += settled(virtual, taken[-1], "gpu0")
    assert taken == order


def test_newcomers_do_not_keep_a_second_hint_waiting_for_ever(virtual: VirtualBroker) -> None:
    filled(virtual, gpu0=1)
    for n in range(5):
        ask(virtual, f"h{n}", since_ms=START_MS + n)
    ask(virtual, "first", student="s", since_ms=START_MS + 5)
    ask(virtual, "second", student="s", since_ms=START_MS + 6)
    last, taken = "fill 0", []

    for n in range(40):
        ask(virtual, f"new {n}", since_ms=START_MS + 10 + n)
        (last,) = settled(virtual, last, "gpu0")
        taken.append(last)

    assert taken[:6] == ["h0", "h1", "h2", "h3", "h4", "first"]
    assert 7 <= taken.index("second") < 20


def test_who_takes_a_hint_back_loses_no_turn(virtual: VirtualBroker) -> None:
    ask(virtual, "other", student="t")
    ask(virtual, "mistake", student="s", since_ms=START_MS + 1)
    virtual.run(dispatch.cancel("mistake", 0, "s"))
    ask(virtual, "second", student="t", since_ms=START_MS + 2)

    ask(virtual, "meant", student="s", since_ms=START_MS + 3)

    assert positions(virtual, ["other", "meant", "second"]) == ["other", "meant", "second"]


def test_retries_go_before_students_and_students_before_batches(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=10)
    ask(virtual, "retry", since_ms=START_MS + 5)
    virtual.run(fleet.leave("gpu0", "worker"))
    ask(virtual, "batch", lane="batch", since_ms=START_MS)
    ask(virtual, "student", since_ms=START_MS + 1)
    virtual.run(dispatch.requeue("retry", "gpu0", 1, exclude=False))
    assert {lane: one.size for lane, one in virtual.run(dispatch.backlog()).items()} == {
        Lane.RETRY: 1,
        Lane.INTERACTIVE: 1,
        Lane.BATCH: 1,
    }
    standing = virtual.run(dispatch.standing(["retry", "student", "batch"]))
    assert {one.queue_position for one in standing.values()} == {1}, "each is the first of its lane"

    virtual.run(fleet.beat("gpu0", "worker", 10, FOREVER_S))

    assert pulled(virtual, "gpu0") == ["retry", "student", "batch"]


def test_batch_hints_wait_while_the_fleet_is_loaded(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=10)
    fill(virtual, "gpu0", 6)
    assert ask(virtual, "b0", lane="batch", student="s").grant

    assert not ask(virtual, "b1", lane="batch", student="s").grant, "7 of 10 in flight"
    assert pulled(virtual, "gpu0") == []
    assert ask(virtual, "student").grant
    free(virtual, "gpu0", 3)
    assert pulled(virtual, "gpu0") == ["b1"]


def test_no_load_keeps_batch_hints_waiting_for_ever(virtual: VirtualBroker) -> None:
    filled(virtual, gpu0=10)
    ask(virtual, "batch", lane="batch")
    virtual.set_now(START_MS + 15_001)
    last, taken = "fill 0", []

    for n in range(64):
        ask(virtual, f"h{n}", since_ms=START_MS + 15_000 + n)
        (last,) = settled(virtual, last, "gpu0")
        taken.append(last)

    assert taken.index("batch") == 63


def test_a_batch_of_one_teacher_may_use_all_the_room_there_is(virtual: VirtualBroker) -> None:
    fleet_of(virtual, gpu0=10)

    granted = [ask(virtual, f"b{n}", lane="batch", student="s").grant for n in range(9)]

    assert [grant is not None for grant in granted] == [True] * 7 + [False] * 2


def test_the_backlog_tells_sizes_and_ages(virtual: VirtualBroker) -> None:
    ask(virtual, "h1", since_ms=START_MS + 2000)
    ask(virtual, "h0", student="late", since_ms=START_MS)
    virtual.set_now(START_MS + 5000)

    backlog = virtual.run(dispatch.backlog())

    assert backlog[Lane.INTERACTIVE] == (2, 5.0)
    assert backlog[Lane.RETRY] == backlog[Lane.BATCH] == (0, 0.0)
    assert virtual.run(dispatch.wait_s()) is None, "nobody was timed yet"


def test_a_newcomers_wait_counts_retries_and_the_live_limits(virtual: VirtualBroker) -> None:
    filled(virtual, gpu0=4)
    virtual.run(dispatch.claim("fill 0", "gpu0", "w"))
    virtual.run(dispatch.settle("fill 0", "gpu0", 1, 8.0))
    virtual.run(fleet.leave("gpu0", "worker"))
    virtual.run(dispatch.requeue("fill 1", "gpu0", 1, exclude=False))
    virtual.run(fleet.beat("gpu0", "worker", 4, FOREVER_S))
    ask(virtual, "h")

    assert virtual.run(dispatch.wait_s()) == 6, "the retry, h and the newcomer, one each 2 s"
    virtual.client.hset(HEALTH("gpu0"), mapping={"state": "up", "limit": 1})
    assert virtual.run(dispatch.wait_s()) == 24


def test_a_pull_looks_no_further_than_its_window(virtual: VirtualBroker) -> None:
    filled(virtual, **SLOTS)
    (other,), (own,) = prefixes_of("gpu1", SLOTS, 1), prefixes_of("gpu0", SLOTS, 1)
    for n in range(128):
        ask(virtual, f"h{n}", other, since_ms=START_MS + n)
    ask(virtual, "own", own, since_ms=START_MS + 128)
    free(virtual, "gpu0", 1)

    assert pulled(virtual, "gpu0") == []
    virtual.run(dispatch.cancel("h77", 0, "s"))
    assert pulled(virtual, "gpu0") == ["own"], "now it is the 128th"


def test_a_course_that_was_served_early_pays_it_back(virtual: VirtualBroker) -> None:
    slots = {"gpu0": 40, "gpu1": 40}
    filled(virtual, **slots)
    (other,), (own,) = prefixes_of("gpu1", slots, 1), prefixes_of("gpu0", slots, 1)
    for n in range(30):
        ask(virtual, f"x{n}", own if n < 12 else other, course="x", since_ms=START_MS + n)
        ask(virtual, f"y{n}", other, course="y", since_ms=START_MS + n)
    free(virtual, "gpu0", 12)

    assert pulled(virtual, "gpu0") == [f"x{n}" for n in range(12)]

    order = positions(virtual, [f"{course}{n}" for n in range(30) for course in "xy"])
    order = [hint for hint in order if hint not in {f"x{n}" for n in range(12)}]
    assert order[:10] == [f"y{n}" for n in range(8)] + ["x12", "y8"], "8 turns, not all 12"


def test_coming_back_gains_a_course_no_turn(virtual: VirtualBroker) -> None:
    filled(virtual, gpu0=1)
    for hint in ("x1", "y1", "z1", "z2"):
        ask(virtual, hint, course=hint[0])
    (last,) = settled(virtual, "fill 0", "gpu0")
    assert last == "x1"

    ask(virtual, "x2", course="x", since_ms=START_MS + 1)

    assert positions(virtual, ["x2", "y1", "z1", "z2"]) == ["y1", "z1", "x2", "z2"]


def test_one_slot_is_worth_as_much_as_another(virtual: VirtualBroker) -> None:
    slots = {"gpu0": 2, "gpu1": 14}
    fleet_of(virtual, **slots)
    moved = [p for p in (f"p{n}" for n in range(100)) if home(p, slots) != home(p, SLOTS)]

    for prefix in moved:
        assert engine_of(ask(virtual, prefix, prefix)) == "gpu1"
        virtual.run(dispatch.forget(prefix))


@pytest.mark.parametrize("prefix_tokens", [0, 500])
def test_a_hint_about_one_engine_goes_to_no_other(
    virtual: VirtualBroker, prefix_tokens: int
) -> None:
    fleet_of(virtual, gpu0=4, gpu1=1)
    asked = [
        ask(virtual, f"h{n}", f"p{n}", prefix_tokens=prefix_tokens, only="gpu1", lane="batch")
        for n in range(3)
    ]

    assert [engine_of(one) for one in asked] == ["gpu1", None, None]
    assert not virtual.run(dispatch.pull("gpu0"))
    assert settled(virtual, "h0", "gpu1") == ["h1"]


@pytest.mark.parametrize("prefix_tokens", [0, 500])
def test_a_hint_goes_to_who_can_do_it_and_to_another_only_while_none_of_them_is_there(
    virtual: VirtualBroker, prefix_tokens: int
) -> None:
    fleet_of(virtual, gpu0=4, gpu1=1, gpu2=1)
    asked = [
        ask(virtual, f"h{n}", f"p{n}", prefix_tokens=prefix_tokens, able=("gpu1", "gpu2"))
        for n in range(4)
    ]

    assert sorted(engine_of(one) or "" for one in asked) == ["", "", "gpu1", "gpu2"]
    assert not virtual.run(dispatch.pull("gpu0"))
    virtual.run(fleet.set_engines({"gpu0": 4, "gpu2": 1}))
    assert not virtual.run(dispatch.pull("gpu0"))
    virtual.run(fleet.set_engines({"gpu0": 4}))
    assert len(virtual.run(dispatch.pull("gpu0"))) == 2


def tickets(count: int) -> Iterator[Ticket]:
    for n in range(count):
        yield ticket(
            f"h{n}", prefix=f"p{n % 300}", prefix_tokens=500, since_ms=START_MS + n,
            course=str(n % 40), student=str(n % 5000),
        )  # fmt: skip


def test_a_call_looks_at_a_window_however_long_the_line_is(virtual: VirtualBroker) -> None:
    """Counted in commands: five choices, each of at most 128 hints with a ticket and a student,
    and the turns of 40 courses.
    """
    for one in tickets(20_000):
        virtual.run(dispatch.admit(one))
    fleet_of(virtual, gpu0=4, gpu1=4)

    assert commands_of(virtual) < 2000

    assert virtual.run(dispatch.backlog_size()) == 19_996


def commands_of(broker: VirtualBroker) -> int:
    """Commands that a pull, a settle, an admission and a look at positions take together."""

    def processed() -> int:
        return sum(one["calls"] for one in broker.client.info("commandstats").values())

    before = processed()
    grants = pulled(broker, "gpu0")
    grants += settled(broker, grants[0], "gpu0")
    ask(broker, "late", since_ms=START_MS + 10**6)
    broker.run(dispatch.standing(["late", "h77"]))
    return processed() - before
