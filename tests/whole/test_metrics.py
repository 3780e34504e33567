"""Metrics and logs of real processes: a node that adds its workers up, lines that all parse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from broker import fleet
from tests.fakes.launch import FakeEngine
from tests.web.test_metrics import samples
from tests.whole.stand import Stand, free_port, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Stand]:
    environ = {"HINTLINE_METRICS_PORT": str(port), "HINTLINE_LOG_FORMAT": "json"}
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}, environ) as stand:
        yield stand


def scrape(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return samples(answer.read().decode())


def answered(stand: Stand) -> str:
    pk = str(stand.ask(stand.student())["id"])
    assert stand.final(pk)["finished_at"]
    return pk


def test_a_node_shows_what_its_workers_count_also_the_dead_ones(watched: Stand, port: int) -> None:
    first = answered(watched)
    before = until(lambda: scrape(port) if attempts(port) == 1 else None)
    assert before is not None
    ttft = [name for name in before if name.startswith("hint_ttft_seconds_count{")]
    timed = [before[name] for name in ttft if "engine=gpu0" in name]
    assert timed == [1]
    assert before["hint_dispatch_seconds_count"] == 1
    assert before["hint_queue_wait_seconds_count{lane=interactive}"] == 1
    assert before["hint_engine_inflight{engine=gpu0}"] == 0

    killed = workers(watched)
    watched.kill_worker()
    until(lambda: workers(watched) - killed)
    second = answered(watched)

    until(lambda: attempts(port) == 2)
    lines = [
        json.loads(line)
        for log in ("web", "node")
        for line in (watched.data / f"{log}.log").read_text().splitlines()
    ]
    told = {line.get("hint") for line in lines}
    assert {first, second} <= told
    assert {"workers.pool.job", "workers.node.exposition"} <= {line["logger"] for line in lines}


def workers(stand: Stand) -> set[str]:
    return set(stand.broker.run(fleet.snapshot())["gpu0"].workers)


def attempts(port: int) -> float:
    return sum(v for name, v in scrape(port).items() if name.startswith("hint_attempts_total"))


def test_the_web_shows_the_same_fleet(watched: Stand, port: int) -> None:
    page = watched.staff.get("/metrics", headers={"Host": "web:8000"})

    assert page.status_code == 200
    assert (
        samples(page.text)["hint_engine_limit{engine=gpu0}"]
        == scrape(port)["hint_engine_limit{engine=gpu0}"]
    )
