"""A Redis or a database that refuses for a while ends nothing: what runs goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import sleep

import pytest
import redis

from tests.broker.refusing import full_disk, replica
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
REFUSED_S = 12
"""Longer than the pauses between health checks of all links, and than a worker's beat lasts."""
WAYS: dict[str, Callable[[redis.Redis, Path], AbstractContextManager[None]]] = {
    "a full disk": full_disk,
    "a replica": lambda admin, _: replica(admin, "yes"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_redis_that_refuses_is_outlived(stand: Stand, engine: FakeEngine, way: str) -> None:
    engine.script(SLOW)
    running = stand.ask(stand.student())
    until(lambda: engine.stats()["active"])
    workers, student = stand.worker_pids(), stand.student()

    with (
        redis.Redis.from_url(stand.valkey.url, decode_responses=True) as admin,
        WAYS[way](admin, stand.valkey.folder),
    ):
        while_down = stand.ask(student)
        assert while_down["position"] is None
        sleep(REFUSED_S)
        assert student.get(f"/v1/hints/{while_down['id']}").status_code == 200
        with student.stream("GET", while_down["links"]["events"]) as events:
            # Live where Redis may still be read, else refused; never broken.
            assert events.status_code in (200, 503)
        assert student.post(f"/v1/hints/{running['id']}/cancel").status_code == 404

    for hint in (running, while_down, stand.ask(stand.student())):
        assert stand.final(hint["id"])["state"] == "answered"
    assert stand.hint(running["id"])["attempt"] == 1
    assert stand.processes["node"].poll() is None
    assert stand.worker_pids() == workers
