"""A GPU's server killed while many hints are on it: each ends with what one attempt wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.launch import FakeVllm
from tests.whole.stand import Stand, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
HINTS = 16


@pytest.fixture
def gpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Two of them, which write slowly enough to be killed in the middle of a text."""
    engines = {name: FakeVllm(step_s=0.1) for name in ("gpu0", "gpu1")}
    with standing(tmp_path_factory.mktemp("gpus"), engines) as stand:
        yield stand


def test_an_engine_killed_under_load_loses_and_doubles_nothing(gpus: Stand) -> None:
    first, *others = [gpus.student() for _ in range(1 + HINTS)]
    for student in (first, *others):
        # What the program did is known then, so that all are asked by the same prompt.
        gpus.run(student)
    whole = gpus.final(gpus.ask(first)["id"])
    hints = [gpus.ask(student) for student in others]
    until(lambda: all(writes(engine) for engine in gpus.engines.values()))

    gpus.engines["gpu0"].stop()
    finals = [gpus.final(hint["id"], within_s=120) for hint in hints]

    assert whole["state"] == "answered"
    assert {(final["state"], final["text"]) for final in finals} == {("answered", whole["text"])}
    moved = [final for final in finals if final["attempt"] > 1]
    assert moved
    went_on = [each["id"] for each in gpus.engines["gpu1"].state()["requests"] if each["continued"]]
    assert any(f"{final['id']}-{final['attempt']}" in went_on for final in moved)
    until(gpus.clean)


def writes(engine: FakeVllm) -> bool:
    """Whether it is in the middle of an answer."""
    return any(each["first_s"] and not each["end"] for each in engine.state()["requests"])
