"""/metrics of the web: who may read it, what it shows, and what several processes add up to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from broker import dispatch, health
from broker.base.metrics import allowed
from broker.connect import Broker
from broker.health import Why
from tests.broker.helpers import ticket
from tests.web.kit import Caller, live
from tests.whole.stand import ROOT
from web import link
from web.courses.models import Exercise
from web.hints import jobs
from web.hints.models import Hint
from web.link import broker
from web.people.models import User

pytestmark = pytest.mark.django_db
SECRET = "a long random word"


def scrape(**headers: str) -> dict[str, float]:
    """Samples as `name{label=value,…}`."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return samples(answer.content.decode())


def samples(page: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_it_shows_the_fleet(line: None, api: Caller) -> None:
    live(slots=3)
    api.ask()
    broker().run(health.down("gpu0", Why.REFUSED))

    seen = scrape()

    assert seen["hint_broker_up"] == 1
    assert seen["hint_engine_inflight{engine=gpu0}"] == 1
    assert seen["hint_engine_limit{engine=gpu0}"] == 0
    assert seen["hint_engine_state{engine=gpu0}"] == 0


def test_it_shows_who_waits(line: None, api: Caller) -> None:
    api.ask()

    seen = scrape()

    assert seen["hint_backlog{lane=interactive}"] == 1
    assert 0 <= seen["hint_backlog_oldest_seconds{lane=interactive}"] < 60
    assert seen["hint_backlog{lane=batch}"] == seen["hint_backlog_oldest_seconds{lane=retry}"] == 0


def test_diagnoses_that_run_ahead_are_counted_apart(line: None, api: Caller) -> None:
    live(slots=2)
    for number in (1, 2):
        broker().run(dispatch.admit(ticket(f"diagnosis-{number}", lane="batch")))
    api.ask()

    seen = scrape()

    assert seen["hint_engine_inflight{engine=gpu0}"] == 1
    assert seen["diagnosis_engine_inflight{engine=gpu0}"] == 1
    assert seen["hint_backlog{lane=batch}"] == 0
    assert seen["diagnosis_backlog"] == 1


def test_it_says_how_long_the_oldest_has_waited(line: None, api: Caller) -> None:
    hint = Hint.objects.get(pk=api.ask().json()["id"])
    broker().run(dispatch.forget(str(hint.pk)))
    asked_ms = int(time() * 1000) - 90_000
    broker().run(dispatch.admit(replace(jobs.ticket(hint), since_ms=asked_ms)))

    assert 90 <= scrape()["hint_backlog_oldest_seconds{lane=interactive}"] < 150


def test_without_redis_it_says_so(line: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Broker("redis://127.0.0.1:1/0")
    monkeypatch.setattr(link, "broker", lambda: nowhere)

    seen = scrape()

    assert seen["hint_broker_up"] == 0
    assert not [name for name in seen if name.startswith("hint_engine")]
    nowhere.close()


@pytest.mark.parametrize("stage", ["waiting", "granted", "claimed"])
def test_a_cancel_counts_once_where_the_hint_was(line: None, api: Caller, stage: str) -> None:
    live(slots=0 if stage == "waiting" else 1)
    before = cancels()
    hint = api.ask().json()
    if stage == "claimed":
        broker().run(dispatch.claim(hint["id"], "gpu0", "w"))

    api.post(hint["links"]["cancel"])
    api.post(hint["links"]["cancel"])

    grown = {name: count - before.get(name, 0) for name, count in cancels().items()}
    assert {name: count for name, count in grown.items() if count} == {
        f"hint_cancelled_total{{stage={stage}}}": 1
    }


def cancels() -> dict[str, float]:
    return {n: count for n, count in scrape().items() if n.startswith("hint_cancelled_total")}


def test_no_word_of_a_student_is_a_label(line: None, api: Caller, student: User) -> None:
    hint = api.ask(question="why is this_word wrong?").json()
    api.post(hint["links"]["cancel"])

    page = Client().get("/metrics").content.decode()

    for private in (hint["id"], student.username, "this_word", "basics"):
        assert private not in page


def test_a_name_that_is_no_host_of_the_site_will_do(line: None) -> None:
    assert "hint_broker_up" in scrape(host="web:8000")


def test_a_stranger_finds_nothing(line: None) -> None:
    assert Client(REMOTE_ADDR="8.8.4.4").get("/metrics").status_code == 404
    proxied = Client().get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"})
    assert proxied.status_code == 404


def test_a_token_lets_in_from_anywhere_and_nobody_else(line: None, settings: Any) -> None:
    settings.METRICS_TOKEN = SECRET
    far = Client(REMOTE_ADDR="8.8.4.4")

    assert far.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 200
    assert far.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
    assert Client().get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("peer", "may"),
    [("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("192.168.0.9", True),
     ("8.8.8.8", False), ("2001:4860::1", False), ("", False), ("unix", False)],
)  # fmt: skip
def test_without_a_token_only_private_peers_may(peer: str, may: bool) -> None:
    assert allowed(peer, "", {}.get) is may


def test_other_pages_pass(line: None, exercise: Exercise) -> None:
    assert Client().get("/accounts/login/").status_code == 200
    assert Client().get("/metrics/").status_code == 404


COUNT = """
import os, sys
from pathlib import Path
from broker.base import metrics
metrics.share(Path(sys.argv[1]))
from prometheus_client import Counter, Histogram
counter = Counter("done", "d", ["kind"], registry=metrics.REGISTRY)
timed = Histogram("took", "t", registry=metrics.REGISTRY, buckets=[1, 2])
counter.labels("a").inc(int(sys.argv[2]))
timed.observe(1.5)
print(metrics.page([]).decode(), flush=True)
print("ready", flush=True)
sys.stdin.readline()
"""


class Counting:
    """A process that counts into a folder, until it is told to end, or killed."""

    def __init__(self, folder: Path, amount: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNT, str(folder), str(amount)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "ready\n")
        self.page = samples("".join(lines))

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.communicate()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Any]:
    made: list[Counting] = []

    def start(amount: int) -> Counting:
        made.append(Counting(tmp_path / "metrics", amount))
        return made[-1]

    yield start
    for one in made:
        one.end(signal.SIGKILL)


def test_processes_of_one_folder_are_one(counting: Any, tmp_path: Path) -> None:
    counting(1)
    second = counting(10)

    assert second.page["done_total{kind=a}"] == 11
    assert second.page["took_bucket{le=2.0}"] == 2
    assert second.page["took_bucket{le=1.0}"] == 0


def test_the_counts_of_the_dead_stay_and_their_files_are_used_again(
    counting: Any, tmp_path: Path
) -> None:
    counting(1).end(signal.SIGKILL)
    counting(10).end()
    files = set(os.listdir(tmp_path / "metrics"))

    third = counting(100)

    assert third.page["done_total{kind=a}"] == 111
    assert set(os.listdir(tmp_path / "metrics")) == files
    assert len([name for name in files if name.endswith(".db")]) == 2


FORK = """
import os, sys
from pathlib import Path
from broker.base import metrics
metrics.share(Path(sys.argv[1]))
from prometheus_client import Counter
counter = Counter("done", "d", registry=metrics.REGISTRY)
counter.inc(1)
if (child := os.fork()) == 0:
    counter.inc(10)
    os._exit(0)
os.waitpid(child, 0)
counter.inc(100)
print(metrics.page([]).decode())
"""


def test_a_fork_counts_for_itself(tmp_path: Path) -> None:
    """As under gunicorn with a preloaded app."""
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path / "metrics")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert samples(done.stdout)["done_total"] == 111
