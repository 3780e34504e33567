"""A GPU server that went away and came back: nothing goes there, then one hint, then its share."""

from __future__ import annotations

import pytest

from broker import health
from broker.health import EngineState, Health
from tests.whole.stand import Stand, until
from tests.whole.test_crash import gpus

__all__ = ["gpus"]
pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]


def of(stand: Stand, engine: str = "gpu0") -> Health:
    return stand.broker.run(health.state())[engine]


def is_in(stand: Stand, state: EngineState) -> bool:
    return of(stand).state is state


def test_an_engine_that_comes_back_is_trusted_after_its_canary(gpus: Stand) -> None:
    gpus.engines["gpu0"].stop()
    until(lambda: is_in(gpus, EngineState.DOWN))
    meanwhile = [gpus.final(gpus.ask(gpus.student())["id"]) for _ in range(2)]
    assert [(hint["state"], hint["attempt"]) for hint in meanwhile] == [("answered", 1)] * 2

    gpus.engines["gpu0"] = gpus.engines["gpu0"].again()
    until(lambda: is_in(gpus, EngineState.PROBING))
    hints = [gpus.ask(gpus.student()) for _ in range(6)]
    until(lambda: is_in(gpus, EngineState.UP))

    finals = [gpus.final(hint["id"], within_s=120) for hint in hints]
    assert {(hint["state"], hint["attempt"]) for hint in finals} == {("answered", 1)}
    assert of(gpus).ejections == 1
    # Its limit is that of a fresh start, here all of its two slots.
    until(lambda: of(gpus).limit == 2)
    assert gpus.engines["gpu0"].state()["requests"]
    until(gpus.clean)
