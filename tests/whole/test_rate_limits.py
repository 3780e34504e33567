"""A hosted API that answers only so often: everybody waits, and everybody gets its hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker import health
from broker.health import EngineState
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
STUDENTS = 20
HOSTED = """
from web.engines.models import AIModelConfig, Engine
Engine.objects.update(kind="api", slots=8, worker_slots=8)
AIModelConfig.objects.update(mode="api", judged_by="none", diagnoses=False)
"""


@pytest.mark.parametrize("retry_after", ["4", ""])
def test_twenty_students_at_five_requests_in_ten_seconds_get_the_models_hint(
    tmp_path: Path, retry_after: str
) -> None:
    engine = FakeEngine(rate=5, window_s=10, retry_after=retry_after)
    with standing(tmp_path, {"gpu0": engine}) as stand:
        hosted(stand)
        hints = [stand.ask(stand.student()) for _ in range(STUDENTS)]
        until(lambda: "paused" in stand.python("-m", "workers", "status", "--once"))

        finals = [stand.final(hint["id"], within_s=180) for hint in hints]

        assert {(final["state"], final["source"]) for final in finals} == {("answered", "model")}
        assert stand.broker.run(health.state())["gpu0"].state is EngineState.UP
        assert engine.stats()["limited"] >= 3
        until(stand.clean)


def hosted(stand: Stand) -> None:
    stand.shell(HOSTED)
    until(lambda: stand.broker.run(health.state()) and live_slots(stand) == 8)


def live_slots(stand: Stand) -> int:
    from broker import fleet

    return stand.broker.run(fleet.snapshot())["gpu0"].limit
