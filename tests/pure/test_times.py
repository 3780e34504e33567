"""The times that parts share: each stands once, and those that depend on each other fit."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from django.core.validators import MaxValueValidator
from django.utils import translation

from broker import keys
from broker.base import times
from broker.base.times import FAILURE_THRESHOLD, FAILURES_WITHIN_S
from broker.contract.job import Endpoint
from broker.health import Why
from broker.queue import CELERY
from broker.scripts import FOLDER
from web.api import openapi
from web.engines.models import AIModelConfig
from web.fleet.overview import WHY
from workers.guard import monitor
from workers.pool import consumer

ROOT = Path(__file__).parents[2]
MODULES = [path for room in ("broker", "web", "workers") for path in (ROOT / room).rglob("*.py")]
NAMES = {name for name in vars(times) if name.isupper()}


def test_no_other_module_spells_one_of_these_times() -> None:
    spelled = [
        f"{path.relative_to(ROOT)}: {target.id}"
        for path in MODULES
        if path != Path(times.__file__)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in NAMES
    ]

    assert spelled == []


def test_every_time_is_used_somewhere() -> None:
    text = "\n".join(path.read_text() for path in MODULES)

    assert {name for name in NAMES if len(re.findall(rf"\b{name}\b", text)) < 2} == set()


def test_no_script_knows_a_time_of_its_own() -> None:
    """A name with a unit that is given a number, or a number added to the time of now."""
    own = re.compile(r"\b\w+_(?:m?s|MS|S)\b[^\n=]*=\s*[1-9]|\bnow\s*[-+]\s*\d|EXPIRE[^\n]*,\s*\d")
    found = {path.name: own.findall(path.read_text()) for path in FOLDER.rglob("*.lua")}

    assert {name: times for name, times in found.items() if times} == {}


@pytest.mark.parametrize(
    ("sooner_s", "later_s"),
    [
        (2 * times.RENEW_S, times.LEASE_S),
        (consumer.MOST_RETRY_S, times.GRANT_S / 2),
        (times.RENEW_S, times.ADOPT_S - 1),
        (times.GRANT_S, times.LEASE_S),
        (2 * times.WORKER_BEAT_S, times.WORKER_LIVES_S - 1),
        (2 * times.NODE_BEAT_S, times.NODE_LIVES_S - 1),
        (times.TICK_S + 2 * monitor.ASK_S, times.MONITOR_LOCK_S - 1),
        (times.TICK_S, times.RESCUE_LOCK_S - 1),
        (times.PULSE_S, times.HANG_S / 2),
        (times.HANG_S, times.CHILD_START_S),
        (times.STALE_S, times.READING_S),
        (times.DEADLINE_S, times.MOST_DEADLINE_S),
        (times.MOST_DEADLINE_S, times.TASK_S - 1),
        (times.TASK_S, times.WORKER_LEAVES_S - 1),
        (times.WORKER_STOP_S, times.NODE_STOP_S - 1),
        (times.NODE_STOP_S, times.SITE_STOP_S - 1),
        (times.FIRST_GROWN_PAUSE_S, times.MOST_GROWN_PAUSE_S),
        (times.MOST_GROWN_PAUSE_S, times.MOST_PAUSE_S),
        (times.WORKER_LEAVES_S, times.STREAM_S),
    ],
)
def test_what_waits_for_another_waits_longer(sooner_s: float, later_s: float) -> None:
    assert sooner_s <= later_s


def test_celery_ends_no_task_before_its_own_deadlines() -> None:
    assert CELERY["task_time_limit"] == times.TASK_S
    assert CELERY["worker_soft_shutdown_timeout"] == times.WORKER_STOP_S


@pytest.mark.parametrize("name", ["connect_s", "first_chunk_s", "idle_s", "deadline_s"])
def test_an_admin_starts_with_the_defaults_and_keeps_below_the_most(name: str) -> None:
    field = AIModelConfig._meta.get_field(name)
    most = [each.limit_value for each in field.validators if isinstance(each, MaxValueValidator)]

    assert field.default == getattr(times, name.upper())
    assert field.default == getattr(Endpoint(base_url="", model=""), name)
    assert most == [getattr(times, f"MOST_{name.upper()}")]


def test_keys_live_as_long_as_the_table_of_times_says() -> None:
    lives = {name: key.ttl_s for name, key in keys.TABLE.items() if key.ttl_s is not None}

    assert lives == {
        "reading": times.READING_S,
        "run": times.RUN_S,
        "runs": times.RUNS_WITHIN_S,
        "node": times.NODE_LIVES_S,
        "monitor": times.MONITOR_LOCK_S,
        "rescue": times.RESCUE_LOCK_S,
        "upkeep": times.UPKEEP_LOCK_S,
        "evaluation": times.EVALUATION_LOCK_S,
        "stream": times.STREAM_S,
        "tip": times.STREAM_S,
    }


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "it failed 3 times in 10 s"), ("ko", "10초에 3번 실패함")]
)
def test_words_take_their_numbers_from_there(locale: str, words: str) -> None:
    with translation.override(locale):
        assert str(WHY[Why.FAILURES]) == words
    assert (FAILURE_THRESHOLD, FAILURES_WITHIN_S) == (3, 10)
    assert "comes\nevery 15 s." in openapi.FRAMES


def test_the_readme_tells_the_same() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())

    assert f"fails three times in {FAILURES_WITHIN_S} s is out" in readme
    assert f"stands still for {times.HANG_S} s is killed" in readme
    assert f"A lease of {times.LEASE_S} s" in readme


@pytest.mark.parametrize("file", ["compose.yml", "swarm.yml"])
def test_a_container_is_given_the_time_that_its_node_takes_to_stop(file: str) -> None:
    node = yaml.safe_load((ROOT / "compose" / file).read_text())["services"]["node"]

    assert int(node["stop_grace_period"].removesuffix("s")) > times.NODE_STOP_S
