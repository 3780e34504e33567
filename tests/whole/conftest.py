"""One stand with one engine for most tests, one with two where a hint must move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, free_port, standing, until


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        yield stand


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    engines = {"gpu0": FakeEngine(), "gpu1": FakeEngine()}
    with standing(tmp_path_factory.mktemp("stand"), engines) as stand:
        yield stand


@pytest.fixture(scope="session")
def gunicorn(single: Stand) -> Iterator[int]:
    """The port of the stand's pages and API under gunicorn, started as compose does."""
    port = free_port()
    with single.serving(
        "gunicorn", port, "-m", "gunicorn", "web.wsgi", "--config", "python:web.ops.gunicorn",
        "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "16", "--no-control-socket",
    ):  # fmt: skip
        yield port


@pytest.fixture
def stand(single: Stand) -> Iterator[Stand]:
    """The shared stand, left as it was found: nothing in flight, no script."""
    yield from left_clean(single)


@pytest.fixture
def pair(double: Stand) -> Iterator[Stand]:
    yield from left_clean(double)


JUDGED = """
from web.engines.models import AIModelConfig, Engine
from web.courses.models import Course
small = Engine.objects.create(
    name="small", kind="api", url=sys.argv[1], model_name="small", thinking="never", enabled=False
)
AIModelConfig.objects.update(judged_by="other", judge_engine=small)
Course.objects.update(streams=True)
"""


@pytest.fixture(scope="module")
def judging() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def with_judge(tmp_path_factory: pytest.TempPathFactory, judging: FakeEngine) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        stand.shell(JUDGED, judging.url)
        yield stand


@pytest.fixture
def judge(judging: FakeEngine) -> FakeEngine:
    """Of `judged`; it finds no leak until it is told one."""
    judging.judge()
    return judging


@pytest.fixture
def judged(with_judge: Stand, judge: FakeEngine) -> Iterator[Stand]:
    """A stand of its own for the module, whose hints another engine judges."""
    yield from left_clean(with_judge)


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
