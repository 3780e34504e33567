"""One stand with one engine for most tests, one with two where a hint must move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, standing, until


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        yield stand


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    engines = {"gpu0": FakeEngine(), "gpu1": FakeEngine()}
    with standing(tmp_path_factory.mktemp("stand"), engines) as stand:
        yield stand


@pytest.fixture
def stand(single: Stand) -> Iterator[Stand]:
    """The shared stand, left as it was found: nothing in flight, no script."""
    yield from left_clean(single)


@pytest.fixture
def pair(double: Stand) -> Iterator[Stand]:
    yield from left_clean(double)


def left_clean(stand: Stand) -> Iterator[Stand]:
    for engine in stand.engines.values():
        engine.script()
    until(lambda: stand.live() == set(stand.engines))
    yield stand
    until(stand.clean)


@pytest.fixture
def engine(stand: Stand) -> FakeEngine:
    return stand.engines["gpu0"]


SLOW = Behaviour(
    pieces=("Look at your loop. ", *["It goes on. "] * 8, "Where ", "does ", "it ", "end?"),
    gap_s=0.4,
)
"""Five seconds of text that the gate lets through sentence by sentence."""
