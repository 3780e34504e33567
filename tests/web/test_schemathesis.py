"""Whatever follows the API's description, or breaks it, is answered as the description says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode

from broker.keys import RUNS
from tests.web.kit import EXERCISE, live, queued
from web.courses.models import Course, Exercise
from web.engines.models import Engine
from web.hints import store
from web.link import broker
from web.people.models import ApiToken, Platform, User
from web.people.tokens import fresh
from web.urls import api
from web.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
CASES = int(os.environ.get("SCHEMATHESIS_CASES", "20"))
"""Of each operation; make test has a bounded time."""
SHORT_CHARS = 200


@pytest.fixture
def token(student: User) -> str:
    row = ApiToken(user=student, name="schemathesis")
    text = fresh(row)
    row.save()
    return text


@pytest.fixture
def service(course: Course) -> str:
    """The token of a platform, which alone of all callers here writes exercises."""
    platform = Platform.objects.create(slug="judge")
    platform.courses.add(course)
    row = ApiToken(user=User.objects.create_user("owner"), platform=platform, name="service")
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
    line: None,
    engine: Engine,
    student: User,
    exercise: Exercise,
    mode: GenerationMode,
    request: pytest.FixtureRequest,
) -> BaseSchema:
    """The description, with an exercise and a hint that are there."""
    live()
    hint = str(queued(student, exercise).pk)
    store.cancel(hint)
    raw = json.loads(json.dumps(api.get_openapi_schema()))
    for name in ("HintIn", "CheckIn", "ExplanationIn"):
        raw["components"]["schemas"][name]["properties"]["exercise"]["enum"] = [EXERCISE]
    there = {"hint_id": hint, "course_slug": exercise.course.slug, "slug": "more"}
    for item in raw["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in there:
                    parameter["schema"]["enum"] = [there[parameter["name"]]]
    schemas = raw["components"]["schemas"]
    shorten(schemas, mode)
    # Of what breaks the description itself, nothing is taken.
    if mode == GenerationMode.POSITIVE:
        fill(schemas, "7f3c" if "service" in request.fixturenames else "")
    # Another server answers there.
    del raw["paths"]["/v1/events"]
    schema = schemathesis.openapi.from_dict(raw)
    schema.app = application
    # A text that is longer than described may be more than a request may have.
    schema.config.checks.negative_data_rejection.expected_statuses.append("413")
    return schema


def shorten(schemas: dict[str, Any], mode: GenerationMode) -> None:
    """Long texts without their pattern, or no longer long: schemathesis makes one expression of
    length and pattern, whose compiling takes seconds and gigabytes."""
    fields = [
        field for schema in schemas.values() for field in schema.get("properties", {}).values()
    ]
    for field in fields:
        if "pattern" in field and field.get("maxLength", 0) > SHORT_CHARS:
            if mode == GenerationMode.POSITIVE:
                field["maxLength"] = SHORT_CHARS
            else:
                del field["pattern"]


def fill(schemas: dict[str, Any], asker: str) -> None:
    """What no description says: which fields belong together.

    asker: a platform's user; empty for a person's token, which asks for nobody else.
    """
    # There is a title in some language, and tests are Python.
    fixed = {"title_ko": "합", "statement_ko": "더하세요.", "tests": "", "language": "python"}
    schemas["ExerciseIn"]["required"] = [*fixed]
    for name, value in fixed.items():
        schemas["ExerciseIn"]["properties"][name]["enum"] = [value]
    schemas["ExerciseIn"]["properties"]["cases"]["maxItems"] = 1
    schemas["CaseIn"]["properties"]["expected"]["enum"] = ["3"]
    schemas["CaseIn"]["properties"]["name"]["enum"] = ["", "first"]
    schemas["ProgramIn"]["properties"]["code"]["enum"] = ["pass"]
    schemas["WordsIn"]["required"] = ["ko"]
    schemas["WordsIn"]["properties"]["ko"]["enum"] = ["부호"]
    # Two of one level are as many as there may be.
    schemas["ExerciseIn"]["properties"]["examples"]["maxItems"] = 2
    schemas["ExampleIn"]["required"] = ["level", "ko"]
    schemas["ExampleIn"]["properties"]["ko"]["enum"] = ["어느 값인가요?"]
    for name in ("HintIn", "CheckIn", "ExplanationIn"):
        schemas[name]["properties"]["on_behalf_of"]["enum"] = [asker]
        schemas[name].setdefault("required", []).append("on_behalf_of")


OPERATIONS = (
    "POST /v1/checks",
    "POST /v1/hints",
    "GET /v1/hints",
    "GET /v1/hints/{hint_id}",
    "POST /v1/hints/{hint_id}/cancel",
    "PUT /v1/hints/{hint_id}/feedback",
    "GET /v1/explanations",
    "PUT /v1/explanations",
)
BY_PLATFORM = (
    "POST /v1/checks",
    "POST /v1/hints",
    "PUT /v1/exercises/{course_slug}/{slug}",
)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_api_answers_as_it_says(
    described: BaseSchema, student: User, token: str, name: str, mode: GenerationMode
) -> None:
    holds(described, name, mode, token)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", BY_PLATFORM)
def test_the_api_answers_a_platform_as_it_says(
    described: BaseSchema, service: str, name: str, mode: GenerationMode
) -> None:
    holds(described, name, mode, service)


def holds(described: BaseSchema, name: str, mode: GenerationMode, token: str) -> None:
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
    def answers(case: Case) -> None:
        # Thirty programs a minute would be over soon.
        for user in User.objects.values_list("pk", flat=True):
            broker().client.delete(RUNS(str(user)))
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    answers()
