"""A user runs one program at a time and so many a minute, whoever asks for it."""

from __future__ import annotations

import pytest

from broker import quota
from broker.connect import Broker
from broker.keys import RUN, RUNS
from broker.quota import RUNS_A_MINUTE, Wait

BEGUN, RUNNING = None, Wait(running=True, wait_s=0)


def test_a_user_runs_one_program_at_a_time(broker: Broker) -> None:
    assert broker.run(quota.begin("1", "a")) == BEGUN
    assert broker.run(quota.begin("1", "b")) == RUNNING
    assert broker.run(quota.begin("2", "c")) == BEGUN

    broker.run(quota.end("1", "a"))

    assert broker.run(quota.begin("1", "b")) == BEGUN


def test_asking_twice_for_the_same_run_is_as_good_as_once(broker: Broker) -> None:
    assert broker.run(quota.begin("1", "a")) == broker.run(quota.begin("1", "a")) == BEGUN
    assert broker.client.zcard(RUNS("1")) == 1


def test_only_its_holder_ends_a_run(broker: Broker) -> None:
    broker.run(quota.begin("1", "a"))

    broker.run(quota.end("1", "b"))
    assert broker.run(quota.begin("1", "b")) == RUNNING

    broker.run(quota.end("1", "a"))
    broker.run(quota.end("1", "a"))
    assert not broker.client.exists(RUN("1"))


def test_a_run_that_nobody_ends_frees_its_user(broker: Broker) -> None:
    broker.run(quota.begin("1", "a"))

    assert 0 < broker.client.pttl(RUN("1")) <= 30_000


def test_a_minute_holds_so_many_runs(broker: Broker) -> None:
    for number in range(RUNS_A_MINUTE):
        assert broker.run(quota.begin("1", f"{number}")) == BEGUN
        broker.run(quota.end("1", f"{number}"))

    wait = broker.run(quota.begin("1", "one more"))
    assert wait
    assert not wait.running
    assert 55 <= wait.wait_s <= 60
    assert broker.run(quota.begin("2", "another user's")) == BEGUN
    assert broker.run(quota.begin("1", "a teacher's", most=0)) == BEGUN


@pytest.mark.parametrize(("age_s", "allowed"), [(61, True), (59, False)])
def test_the_minute_moves_on(broker: Broker, age_s: int, allowed: bool) -> None:
    broker.run(quota.begin("1", "first", most=1))
    broker.run(quota.end("1", "first"))
    # Redis's own clock cannot be moved.
    broker.client.zincrby(RUNS("1"), -age_s * 1000, "first")

    wait = broker.run(quota.begin("1", "second", most=1))

    assert wait == (BEGUN if allowed else Wait(running=False, wait_s=1))


def test_a_refused_run_does_not_count(broker: Broker) -> None:
    broker.run(quota.begin("1", "a", most=2))
    for number in range(5):
        broker.run(quota.begin("1", f"refused {number}", most=2))
    broker.run(quota.end("1", "a"))

    assert broker.run(quota.begin("1", "b", most=2)) == BEGUN
