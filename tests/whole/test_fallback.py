"""A mode that stands in for another: it writes while the first one is away, and no longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker import fleet, health
from broker.health import EngineState
from tests.fakes.launch import FakeEngine, FakeVllm
from tests.whole.stand import Stand, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
STANDS_IN = """
from web.engines.models import AIModelConfig, Engine
Engine.objects.filter(name="cloud").update(kind="api")
AIModelConfig.objects.update(mode="vllm", fallback="api")
"""
WROTE = """
from web.hints.models import ModelCall
print(*ModelCall.objects.filter(attempt__hint_id=sys.argv[1]).order_by("pk")
    .values_list("attempt__engine", flat=True))
"""


@pytest.fixture
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A vLLM, and a hosted API that stands in for it."""
    engines = {"cloud": FakeEngine(chunks=5), "gpu0": FakeVllm(step_s=0.01)}
    with standing(tmp_path_factory.mktemp("two"), engines) as stand:
        stand.shell(STANDS_IN)
        until(lambda: stand.broker.run(fleet.snapshot())["cloud"].stands_by)
        yield stand


def asked_of(stand: Stand) -> list[str]:
    """The engines that a new hint was asked of, which is answered in the end."""
    final = stand.final(stand.ask(stand.student())["id"])
    assert (final["state"], final["source"]) == ("answered", "model")
    return stand.shell(WROTE, final["id"]).split()


def test_hints_come_from_whoever_stands_in_and_then_from_the_first_again(two: Stand) -> None:
    assert [asked_of(two) for _ in range(2)] == [["gpu0"], ["gpu0"]]

    two.engines["gpu0"].stop()
    # Found out by this hint, or by a look at the server's health just before.
    assert asked_of(two) in (["gpu0", "cloud"], ["cloud"])
    until(lambda: two.broker.run(health.state())["gpu0"].state is EngineState.DOWN)
    assert asked_of(two) == ["cloud"]

    two.engines["gpu0"] = two.engines["gpu0"].again()
    until(lambda: two.broker.run(health.state())["gpu0"].state is EngineState.PROBING)
    assert asked_of(two) == ["gpu0"]
    until(lambda: two.broker.run(fleet.snapshot())["cloud"].stands_by)
    assert asked_of(two) == ["gpu0"]
    until(two.clean)
