"""How a worker waits for a Redis that is away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from celery import Celery, _state
from kombu.exceptions import OperationalError

from broker.queue import CELERY
from workers.pool.consumer import ReconnectingConsumer


def test_its_pauses_stay_short(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A WorkController forbids its whole process to wait for results; later tests may again.
    monkeypatch.setattr(_state, "_task_join_will_block", False)
    with Celery("test", broker=f"redis+socket://{tmp_path}/nobody", set_as_current=False) as app:
        app.conf.update(CELERY | {"broker_connection_max_retries": 4})
        worker = app.WorkController(pool_cls="solo", hostname="test", queues=["q"])
        consumer = ReconnectingConsumer(
            worker.process_task, app=app, controller=worker, hostname="test"
        )

        with pytest.raises(OperationalError):
            consumer.ensure_connected(app.connection_for_read())

    pauses = re.findall(r"Trying again in (\S+) second", capfd.readouterr().err)
    assert pauses == ["1.00", "2.00", "2.00", "2.00"]
