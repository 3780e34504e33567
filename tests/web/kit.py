"""Who calls the API in these tests, what they send, and what may be left in Redis afterwards."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, TypeVar

from django.db import connections
from django.test import Client

from broker import dispatch, fleet
from broker.contract.attempt import ModelCall, Purpose
from broker.contract.hint import Usage
from broker.contract.job import Endpoint, Sampling
from broker.keys import CELERY, LEASES
from broker.queue import queue_name
from web.courses.models import Exercise
from web.engines import abilities, connection, licences, roster
from web.engines.models import Licence
from web.hints import submissions
from web.hints.creation import Created, NewHint
from web.hints.models import Hint
from web.hints.store import create
from web.link import broker
from web.people.models import User
from web.tutor.evidence.report import Report, Verdict
from web.tutor.gate.judge import HIGHEST
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

EXERCISE = "basics/add"
TESTS = "assert add(1, 2) == 3\nassert add(0, 0) == 0\n"
WRONG = "def add(a, b):\n    return a - b\n"
RIGHT = "def add(a, b):\n    return a + b\n"
TTL_S = 60
T = TypeVar("T")


class Caller:
    """One person's requests. user None: nobody is signed in; token: instead of a session."""

    def __init__(self, user: User | None = None, token: str = "", language: str = "en") -> None:
        self.client = Client()
        self.headers = {"Accept-Language": language}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if user:
            self.client.force_login(user)

    def ask(self, key: str = "", **changes: Any) -> Any:
        """POST /v1/hints with a good body, but for the changes."""
        body = {"exercise": EXERCISE, "level": 1, "code": WRONG} | changes
        return self.post("/v1/hints", body, {"Idempotency-Key": key} if key else {})

    def run(self, code: str) -> None:
        """Has a program run."""
        answer = self.post("/v1/checks", {"exercise": EXERCISE, "code": code})
        assert answer.status_code == 200, answer.content

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        return self.client.post(
            path, body, "application/json", headers=self.headers | (headers or {})
        )

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(path, body, "application/json", headers=self.headers)

    def get(self, path: str, tag: str = "") -> Any:
        headers = {"If-None-Match": tag} if tag else {}
        return self.client.get(path, headers=self.headers | headers)


def problem(response: Any, status: int, name: str) -> dict[str, Any]:
    """The body of a problem, checked to be this one."""
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = response.json()
    assert (body["type"], body["status"]) == (f"urn:hintline:problem:{name}", status)
    assert body["title"]
    assert body["request_id"] == response["X-Request-Id"]
    return body


def new_hint(student: User, exercise: Exercise, key: str = "", code: str = WRONG) -> NewHint:
    report = Report(verdict=Verdict.CRASHED)
    return NewHint(
        submission=submissions.keep(submissions.ran(student, exercise, code, report)),
        level=1,
        locale="ko",
        question="",
        prefix="p",
        idempotency_key=key,
    )


def queued(student: User, exercise: Exercise, code: str = WRONG, **changes: Any) -> Hint:
    """A hint as the API leaves it when nobody serves it. changes: of the NewHint."""
    created = create(replace(new_hint(student, exercise, code=code), **changes))
    assert isinstance(created, Created)
    return created.hint


def at_once(*works: Callable[[], T]) -> list[T]:
    """The results of works that start together, each in a thread with its own connection."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            barrier.wait(20)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def call(text: str, verdict: str = "passed", **changes: Any) -> ModelCall:
    """A request to a model for a text, as an attempt leaves it."""
    return replace(
        ModelCall(
            purpose=Purpose.WRITE,
            model="fake",
            template_version="1",
            parameters={"max_tokens": 200},
            usage=Usage(prompt_tokens=70, completion_tokens=30, cached_tokens=20),
            verdict=verdict,
            text=text,
        ),
        **changes,
    )


def forget() -> None:
    """What is set about engines counts at once, and not only in the next second."""
    for known in (
        roster.serving_in, roster.model_in,
        abilities.written_in, abilities.ready_in, abilities.ahead_in,
    ):  # fmt: skip
        known.cache_clear()


def licensed(model: str = "fake", **changes: Any) -> Licence:
    """The scripted model may write every level in every language, judge, and find out.

    changes: as licences.grant takes them.
    """
    levels = {locale: [*LEVELS] for locale in LANGUAGES}
    licence = licences.grant(
        model, **({"levels": levels, "judges_to": HIGHEST, "diagnoses": True} | changes)
    )
    forget()
    return licence


def live(slots: int = 1, engine: str = "gpu0") -> None:
    """One worker of this engine is there and takes hints."""
    broker().run(fleet.set_engines({engine: slots}))
    broker().run(fleet.beat(engine, f"{engine}@here", slots, TTL_S))


def messages(engine: str = "gpu0") -> int:
    """Messages in the engine's Celery queue."""
    return broker().client.llen(CELERY(queue_name(engine)))


def slots_taken(engine: str = "gpu0") -> int:
    return broker().client.zcard(LEASES(engine))


def waiting() -> int:
    return broker().run(dispatch.backlog_size())


def nothing_left() -> bool:
    """No row, slot, place or message."""
    return (Hint.objects.count(), slots_taken(), waiting(), messages()) == (0, 0, 0, 0)


def checked(
    endpoint: Endpoint, sampling: Sampling | None = None, locale: Locale = "en"
) -> connection.Check:
    """What a connection test finds at one engine."""
    (found,) = connection.check_all([endpoint], sampling or Sampling(), locale)
    return found
