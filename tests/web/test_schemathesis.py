"""Whatever follows the API's description, or breaks it, is answered as the description says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode

from broker.keys import RUNS
from tests.web.kit import EXERCISE, live, new_hint
from web.courses.models import Exercise
from web.engines.models import Engine
from web.hints import creation, store
from web.link import broker
from web.people.models import ApiToken, User
from web.people.tokens import fresh
from web.urls import api
from web.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
CASES = int(os.environ.get("SCHEMATHESIS_CASES", "20"))
"""Of each operation; make test has a bounded time."""


@pytest.fixture
def token(student: User) -> str:
    row = ApiToken(user=student, name="schemathesis")
    text = fresh(row)
    row.save()
    return text


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The test's own: no request closes it, as none of Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(
    line: None, engine: Engine, student: User, exercise: Exercise, token: str
) -> BaseSchema:
    """The description, with an exercise and a hint that are there."""
    live()
    created = store.create(new_hint(student, exercise))
    assert isinstance(created, creation.Created)
    store.cancel(str(created.hint.pk))
    raw = json.loads(json.dumps(api.get_openapi_schema()))
    for name in ("HintIn", "CheckIn"):
        raw["components"]["schemas"][name]["properties"]["exercise"]["enum"] = [EXERCISE]
    for item in raw["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "hint_id":
                    parameter["schema"]["enum"] = [str(created.hint.pk)]
    # Another server answers there.
    del raw["paths"]["/v1/events"]
    schema = schemathesis.openapi.from_dict(raw)
    schema.app = application
    return schema


OPERATIONS = (
    "POST /v1/checks",
    "POST /v1/hints",
    "GET /v1/hints",
    "GET /v1/hints/{hint_id}",
    "POST /v1/hints/{hint_id}/cancel",
    "PUT /v1/hints/{hint_id}/feedback",
)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_answers_as_it_says(
    described: BaseSchema, student: User, token: str, name: str, mode: GenerationMode
) -> None:
    method, path = name.split()

    @given(case=described[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=CASES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: Case) -> None:
        # Its thirty programs a minute would be over soon.
        broker().client.delete(RUNS(str(student.pk)))
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    holds()
