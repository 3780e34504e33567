"""The fleet minute by minute: what is kept of one, and what a chart makes of many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from broker.contract.attempt import PASSED, Purpose
from broker.contract.hint import State
from tests.web.kit import queued
from web.courses.models import Exercise
from web.fleet import charts, minutes
from web.fleet.minutes import EngineSample, FleetSample, length_s
from web.fleet.models import Minute
from web.hints.models import Attempt, Hint, ModelCall
from web.people.models import User

pytestmark = pytest.mark.django_db
BEGAN = datetime(2026, 11, 29, 12, 34, tzinfo=UTC)
NUMBER = round(BEGAN.timestamp()) // 60


@pytest.fixture(autouse=True)
def nothing_drawn() -> None:
    charts.drawn.cache_clear()


def sample(in_flight: int, backlog: int = 0, oldest_s: float = 0.0, **more: Any) -> FleetSample:
    return FleetSample(backlog, oldest_s, {"gpu0": EngineSample(in_flight, 8, **more)})


def ended(student: User, exercise: Exercise, after_s: float, source: str = "model") -> Hint:
    """A hint that ended in the minute. after_s: from the request to its first words."""
    hint = queued(student, exercise)
    asked = BEGAN + timedelta(seconds=30) - timedelta(seconds=after_s)
    times = {"created_at": asked, "first_piece_at": BEGAN + timedelta(seconds=30)}
    end = {"finished_at": BEGAN + timedelta(seconds=40)}
    Hint.objects.filter(pk=hint.pk).update(state=State.ANSWERED, source=source, **times, **end)
    return hint


def called(hint: Hint, at: datetime, verdict: str = PASSED, written: int = 60) -> None:
    attempt, _ = Attempt.objects.get_or_create(hint=hint, number=1, engine="gpu0")
    row = ModelCall.objects.create(
        attempt=attempt, purpose=Purpose.WRITE, verdict=verdict, completion_tokens=written,
        prompt_tokens=1000, cached_tokens=800,
    )  # fmt: skip
    ModelCall.objects.filter(pk=row.pk).update(created_at=at)


def kept(*samples: FleetSample) -> dict[str, Any]:
    minutes.keep(NUMBER, samples)
    return Minute.objects.get().figures


def test_what_was_seen_each_second_is_a_mean_or_the_worst() -> None:
    found = kept(sample(2, 4, 1.5, cached=0.5), sample(4, 0, 9.0, cached=0.7), sample(3))

    assert (found["backlog"], found["oldest_s"]) == (1.3, 9.0)
    assert found["engines"]["gpu0"] == {
        "in_flight": 3.0, "limit": 8.0, "cached": 0.6,
    }  # fmt: skip


def test_what_the_rows_tell_is_of_this_minute_alone(student: User, exercise: Exercise) -> None:
    hint = ended(student, exercise, 2.0)
    inside, minute = BEGAN + timedelta(seconds=1), timedelta(minutes=1)
    called(hint, inside)
    called(hint, inside, "R2")
    called(hint, BEGAN - timedelta(seconds=1), "R4")
    called(hint, BEGAN + minute, "judge")

    found = kept(sample(1))

    assert found["ended"] == {"model": 1}
    assert found["refused"] == {"R2": 1}
    assert (
        found["engines"]["gpu0"] | {"written": 120, "read": 2000, "read_cached": 1600}
        == (found["engines"]["gpu0"])
    )


def test_a_minute_that_nobody_saw_has_its_rows_all_the_same(
    student: User, exercise: Exercise
) -> None:
    ended(student, exercise, 2.0, "evidence")

    found = kept()

    assert (found["backlog"], found["oldest_s"], found["engines"]) == (None, None, {})
    assert found["ended"] == {"evidence": 1}


def test_minutes_in_which_nobody_led_are_made_up_for(student: User, exercise: Exercise) -> None:
    assert minutes.missed(NUMBER) == []
    minutes.keep(NUMBER - 3, [sample(1)])
    ended(student, exercise, 2.0)

    assert minutes.missed(NUMBER + 1) == [NUMBER - 2, NUMBER - 1, NUMBER]
    for number in minutes.missed(NUMBER + 1):
        minutes.keep(number)

    assert [row.figures["ended"] for row in Minute.objects.all()] == [{}, {}, {}, {"model": 1}]
    assert minutes.missed(NUMBER + 1) == []
    long = minutes.missed(NUMBER + 10_000)
    assert long == [*range(NUMBER + 1, NUMBER + 1 + minutes.MOST_MISSED)], "what nodes did last"


def test_of_two_nodes_that_write_a_minute_the_first_counts() -> None:
    minutes.keep(NUMBER, [sample(2)])
    minutes.keep(NUMBER, [sample(7)])

    assert Minute.objects.get().figures["engines"]["gpu0"]["in_flight"] == 2.0


@pytest.mark.parametrize("after_s", [0.05, 0.3, 2.0, 17.0, 119.0])
def test_a_length_is_found_again_to_a_fifth(
    student: User, exercise: Exercise, after_s: float
) -> None:
    ended(student, exercise, after_s)

    counts = {int(step): count for step, count in kept()["first"].items()}

    found = length_s(counts, 0.5)
    assert found == pytest.approx(after_s, rel=0.2, abs=0.06)
    assert length_s({}, 0.5) is None


def test_half_of_them_and_nearly_all() -> None:
    counts = {3: 90, 30: 10}

    half, most = length_s(counts, 0.5), length_s(counts, 0.95)
    assert (half or 99) < 0.2
    assert (most or 0) > 15


def write(minute: int, in_flight: float, **more: Any) -> None:
    figures = {
        "backlog": 1.0, "oldest_s": 2.0, "first": {"3": 1}, "ended": {"model": 2}, "refused": {},
        "engines": {"gpu0": {"in_flight": in_flight, "limit": 8.0, "written": 600}},
    }  # fmt: skip
    Minute.objects.create(began_at=BEGAN + timedelta(minutes=minute), figures=figures | more)


def test_an_hour_has_a_point_a_minute_and_gaps_where_nobody_wrote() -> None:
    write(-2, 4.0)
    write(0, 2.0, refused={"R2": 3})

    found = charts.charts("hour")

    assert len(found["t"]) == 60
    assert found["t"][-1] == BEGAN.timestamp()
    assert found["backlog"][-3:] == [1.0, None, 1.0]
    assert found["engines"]["gpu0"]["in_flight"][-3:] == [4.0, None, 2.0]
    assert found["engines"]["gpu0"]["tokens_s"][-3:] == [10.0, None, 10.0]
    assert found["ended"]["model"][-3:] == [2, None, 2]
    assert found["refused"]["R2"][-3:] == [0, None, 3]


def test_a_day_puts_five_minutes_together() -> None:
    for minute in (-2, -1, 0):  # 12:32, 12:33, 12:34: one point, from 12:30
        write(minute, 3.0 + minute)

    found = charts.charts("day")

    assert len(found["t"]) == 288
    assert found["t"][-1] == (BEGAN - timedelta(minutes=4)).timestamp()
    assert found["engines"]["gpu0"]["in_flight"][-1] == 2.0
    assert found["engines"]["gpu0"]["tokens_s"][-1] == 10.0
    assert found["ended"]["model"][-1] == 6


def test_an_engine_of_no_gpu_tells_its_cache_by_its_answers() -> None:
    write(0, 1.0, engines={"api": {"read": 200, "read_cached": 50}})

    assert charts.charts("hour")["engines"]["api"]["cached"][-1] == 25.0


def test_before_the_first_minute_there_is_nothing_to_draw(admin_client: Client) -> None:
    assert admin_client.get("/ops/fleet/charts/?span=day").json() == {"t": []}
    write(0, 1.0)
    assert len(admin_client.get("/ops/fleet/charts/?span=nonsense").json()["t"]) == 60
