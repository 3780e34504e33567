"""The adaptive limit: what shrinks it, what lets it grow, and what holds it still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.limit import START, Limit, Signs, step

MOST = 64
CONGESTED = {
    "busy": {"busy": 1},
    "preempted": {"preempted": 1},
    "kv": {"kv_usage": 0.93},
    "slow": {"slow": True},
}


def full(limit: Limit, **signs: object) -> Signs:
    """All of the limit is in use."""
    return Signs(in_flight=int(limit.now), **signs)  # type: ignore[arg-type]


def run(limit: Limit, ticks: int, most: int = MOST, **signs: object) -> Limit:
    for _ in range(ticks):
        limit = step(limit, full(limit, **signs), most)
    return limit


def learned(now: float) -> Limit:
    """At its last good limit, so beyond slow start."""
    return Limit(now, good=now)


def test_it_starts_at_four() -> None:
    assert Limit() == Limit(now=4, good=None) == Limit(START)


@pytest.mark.parametrize("signs", CONGESTED.values(), ids=CONGESTED)
def test_congestion_takes_a_fifth(signs: dict[str, object]) -> None:
    assert step(learned(20), full(learned(20), **signs), MOST) == Limit(16, good=16)


def test_what_is_just_allowed_is_no_congestion() -> None:
    calm = step(learned(20), full(learned(20), kv_usage=0.92, waiting=2), MOST)

    assert calm == Limit(20, good=20, calm=1)


@pytest.mark.parametrize(("now", "too_many"), [(4, 2), (40, 5)])
def test_waiting_shrinks_it_when_two_readings_in_a_row_say_so(now: float, too_many: int) -> None:
    limit = learned(now)

    once = step(limit, full(limit, waiting=too_many), MOST)
    assert once == Limit(now, good=now, calm=0, crowded=1)
    allowed = full(once, waiting=too_many - 1)
    assert step(once, allowed, MOST) == Limit(now, good=now, calm=1)

    assert step(once, full(once, waiting=too_many), MOST) == Limit(0.8 * now, good=0.8 * now)


def test_a_crowded_tick_is_not_calm() -> None:
    assert step(Limit(), full(Limit(), waiting=2), MOST).now == START


def test_one_old_reading_is_not_two() -> None:
    once = step(learned(20), full(learned(20), waiting=9), MOST)

    assert step(once, full(once, waiting=9, age_s=1), MOST).now == 20


def test_it_is_not_cut_again_before_the_cut_has_shown() -> None:
    cut = step(learned(20), full(learned(20), slow=True), MOST)

    assert step(cut, Signs(in_flight=20, slow=True), MOST) == cut
    assert step(cut, Signs(in_flight=17, slow=True), MOST) == cut
    assert step(cut, Signs(in_flight=16, slow=True), MOST).now == pytest.approx(12.8)


def test_it_never_falls_below_one() -> None:
    assert run(Limit(), 20, busy=1).now == 1


def test_two_calm_ticks_at_full_use_add_one() -> None:
    once = run(learned(20), 1)
    assert once.now == 20

    assert run(once, 1) == Limit(21, good=21)
    assert run(learned(20), 10).now == 25


def test_nine_tenths_are_full_use() -> None:
    assert step(learned(20), Signs(in_flight=18), MOST).calm == 1
    assert step(learned(20), Signs(in_flight=17), MOST).calm == 0


def test_a_limit_of_less_than_two_can_grow() -> None:
    """1.9 lets one through, and one is all of it."""
    assert run(learned(1.9), 2).now == pytest.approx(2.9)


@pytest.mark.parametrize("between", [{"in_flight": 1}, {"in_flight": 20, "age_s": 1}])
def test_calm_ticks_must_follow_each_other(between: dict[str, float]) -> None:
    once = run(learned(20), 1)
    broken = step(once, Signs(**between), MOST)  # type: ignore[arg-type]

    assert run(broken, 1).now == 20


def test_at_the_first_start_it_doubles_until_congestion() -> None:
    assert [run(Limit(), ticks).now for ticks in range(6)] == [4, 8, 16, 32, 64, 64]

    cut = step(Limit(32), full(Limit(32), slow=True), MOST)

    assert cut == Limit(pytest.approx(25.6), good=pytest.approx(25.6))
    assert run(cut, 2).now == pytest.approx(26.6)


def test_after_a_restart_it_doubles_up_to_the_last_good_limit() -> None:
    back = Limit(START, good=20)

    assert [run(back, ticks).now for ticks in range(7)] == [4, 8, 16, 20, 20, 21, 21]


def test_only_use_makes_it_grow_in_slow_start() -> None:
    assert step(Limit(), Signs(in_flight=3), MOST).now == START


@pytest.mark.parametrize("limit", [Limit(), Limit(START, good=8), learned(6)])
def test_it_never_exceeds_the_engines_slots(limit: Limit) -> None:
    assert max(run(limit, ticks, most=7).now for ticks in range(20)) == 7
    assert run(limit, 1, most=3).now == 3


def test_metrics_older_than_five_seconds_freeze_it() -> None:
    limit = Limit(20, good=30, calm=1, crowded=1)

    assert step(limit, full(limit, busy=9, age_s=5.1), 10) == limit


def test_without_a_new_reading_it_shrinks_but_does_not_grow() -> None:
    assert run(learned(20), 4, age_s=2).now == 20
    assert run(learned(20), 1, age_s=2, busy=1).now == 16


@given(
    st.lists(
        st.builds(
            Signs,
            in_flight=st.integers(0, 80),
            busy=st.integers(0, 2),
            preempted=st.integers(0, 2),
            waiting=st.integers(0, 20),
            kv_usage=st.floats(0, 1),
            slow=st.booleans(),
            age_s=st.sampled_from([0.0, 1.0, 6.0]),
        )
    ),
    st.integers(1, 64),
)
def test_it_stays_between_one_and_the_slots(history: list[Signs], most: int) -> None:
    limit = step(Limit(), Signs(in_flight=0), most)
    for signs in history:
        before, limit = limit, step(limit, signs, most)

        assert 1 <= limit.now <= most
        assert 0.8 * before.now <= limit.now + 1e-9 <= max(2 * before.now, before.now + 1) + 1e-9
        assert limit.good is None or limit.good >= limit.now
