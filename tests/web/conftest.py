"""A course with one exercise, the people around it, and an empty line of hints."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from broker.embedded import Embedded
from tests.fakes.hub import OFFER, Hub
from tests.web.kit import TESTS, Caller, forget
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.engines import fetching, offers
from web.engines.models import AIModelConfig, Engine, Mode
from web.hints import jobs
from web.hints.lately import lately
from web.link import broker
from web.people.models import User

if os.environ.get("TEST_DATABASE") == "postgresql":
    # These ask no database, or nothing that one could answer otherwise than SQLite does.
    collect_ignore = [
        f"test_{each}.py"
        for each in (
            "access_matrix", "aside", "connection", "connection_modes", "findings", "gate_command",
            "handler", "health", "importing_refusals", "judge", "kinds", "levels", "link", "logs",
            "openapi", "peer", "presets", "schemathesis", "sentences", "start_lock",
        )
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """A request leaves its language behind in the thread; no test starts with another one's."""
    translation.activate("en")
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    """What is set about engines is kept for a second, in which another test may begin."""
    forget()
    yield
    # A look of /readyz that goes on would keep what it reads for the next test.
    for thread in threading.enumerate():
        if thread.name.startswith("ready "):
            thread.join(10)


@pytest.fixture
def line(home_valkey: Embedded) -> None:
    """Nobody waits, no engine lives, no message is queued."""
    broker().client.flushall()


@pytest.fixture
def course(db: None) -> Course:
    return Course.objects.create(slug="basics", title_ko="기초", title_en="Basics")


@pytest.fixture
def exercise(course: Course) -> Exercise:
    # Each test's database numbers its rows from 1 again.
    jobs.exercise_at.cache_clear()
    lately._shown.clear()
    exercise = Exercise.objects.create(
        course=course,
        slug="add",
        title_ko="더하기",
        title_en="Add",
        statement_ko="두 수를 더하세요.",
        statement_en="Add two numbers.",
        tests=TESTS,
        reference="def add(a, b):\n    return a + b\n",
    )
    AuthoredHint.objects.create(
        exercise=exercise, level=1, text_ko="부호를 보세요.", text_en="Look at the sign."
    )
    return exercise


@pytest.fixture
def student(course: Course) -> User:
    user = User.objects.create_user("minji")
    Membership.objects.create(user=user, course=course)
    return user


@pytest.fixture
def admin(line: None) -> Client:
    """The browser of a superuser."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def engine(db: None) -> Engine:
    """The one engine of the AI mode."""
    config = AIModelConfig.current()
    config.mode = Mode.VLLM
    config.save()
    return Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=2)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub that downloads come from, with its file on offer."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setitem(offers.NAMED, OFFER.name, OFFER)  # type: ignore[misc]
        monkeypatch.setattr(fetching, "FIRST_PAUSE_S", 0)
        monkeypatch.setattr(fetching, "SPARE_BYTES", 0)
        yield hub


@pytest.fixture
def api(line: None, student: User, exercise: Exercise, engine: Engine) -> Caller:
    """The student's browser."""
    return Caller(student)


@pytest.fixture
def stranger(line: None, exercise: Exercise, engine: Engine) -> Caller:
    """Somebody signed in who is in no course."""
    return Caller(User.objects.create_user("stranger"))


@pytest.fixture
def teacher(line: None, course: Course, exercise: Exercise, engine: Engine) -> Caller:
    user = User.objects.create_user("teacher")
    Membership.objects.create(user=user, course=course, role=Membership.Role.TEACHER)
    return Caller(user)
