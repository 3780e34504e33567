"""A Redis or a database that refuses for a while ends nothing: what runs goes on afterwards."""

from __future__ import annotations

from time import sleep

import pytest
import redis

from tests.broker.refusing import full_disk
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
REFUSED_S = 10
"""Longer than the health checks of every link to Redis, and than a worker's heartbeat lasts."""


def test_redis_with_a_full_disk_is_outlived(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    running = stand.ask(stand.student())
    until(lambda: engine.stats()["active"])
    workers, student = stand.worker_pids(), stand.student()

    with (
        redis.Redis.from_url(stand.valkey.url, decode_responses=True) as admin,
        full_disk(admin, stand.valkey.folder),
    ):
        while_down = stand.ask(student)
        assert while_down["position"] is None
        sleep(REFUSED_S)
        assert student.get(f"/v1/hints/{while_down['id']}").status_code == 200
        assert student.get("/v1/events", params={"hint": while_down["id"]}).status_code < 504
        assert student.post(f"/v1/hints/{running['id']}/cancel").status_code == 404

    for hint in (running, while_down, stand.ask(stand.student())):
        assert stand.final(hint["id"])["state"] == "answered"
    assert stand.hint(running["id"])["attempt"] == 1
    assert stand.processes["node"].poll() is None
    assert stand.worker_pids() == workers
