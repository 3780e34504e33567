"""The API describes itself, under our own content security policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from broker.contract.events import EventKind
from web.api import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    answer = client.get("/v1/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    operations = {
        f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item
    }

    assert schema["openapi"].startswith("3.1")
    assert operations == {
        "POST /v1/checks",
        "POST /v1/hints",
        "GET /v1/hints",
        "GET /v1/hints/{hint_id}",
        "POST /v1/hints/{hint_id}/cancel",
        "PUT /v1/hints/{hint_id}/feedback",
        "PUT /v1/hints/{hint_id}/reflection",
        "GET /v1/ladder",
        "GET /v1/explanations",
        "PUT /v1/explanations",
        "PUT /v1/exercises/{course_slug}/{slug}",
        "GET /v1/events",
    }


ALL = {"401", "404", "429", "500", "503"}
WRITES = {"403", "422"}
BODY = {"413", "415"}
STATUSES = {
    "POST /v1/checks": ALL | WRITES | BODY | {"200", "409"},
    "POST /v1/hints": ALL | WRITES | BODY | {"202", "409"},
    "GET /v1/hints": ALL | WRITES | {"200", "409"},
    "GET /v1/hints/{hint_id}": ALL | WRITES | {"200", "304"},
    "POST /v1/hints/{hint_id}/cancel": ALL | WRITES | {"202"},
    "PUT /v1/hints/{hint_id}/feedback": ALL | WRITES | BODY | {"200", "409"},
    "PUT /v1/hints/{hint_id}/reflection": ALL | WRITES | BODY | {"200"},
    "GET /v1/ladder": ALL | WRITES | {"200", "409"},
    "GET /v1/explanations": ALL | WRITES | {"200", "409"},
    "PUT /v1/explanations": ALL | WRITES | BODY | {"200", "409"},
    "PUT /v1/exercises/{course_slug}/{slug}": ALL | WRITES | BODY | {"200", "201"},
    "GET /v1/events": ALL | {"200", "204", "400"},
}


@pytest.mark.parametrize("name", STATUSES)
def test_every_operation_lists_its_answers(schema: dict[str, Any], name: str) -> None:
    method, path = name.split()
    responses = schema["paths"][path][method.lower()]["responses"]

    assert set(responses) == STATUSES[name]
    for status, response in responses.items():
        assert response["description"]
        if status >= "400":
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert "`urn:hintline:problem:" in response["description"]
        if status in ("429", "503"):
            assert "Retry-After" in response["headers"]


def test_the_headers_of_good_answers_are_listed(schema: dict[str, Any]) -> None:
    paths = schema["paths"]

    asked = paths["/v1/hints"]["post"]["responses"]["202"]
    read = paths["/v1/hints/{hint_id}"]["get"]["responses"]
    assert set(asked["headers"]) == {"Location", "Retry-After"}
    assert set(read["200"]["headers"]) == set(read["304"]["headers"]) == {"ETag", "Retry-After"}


def test_every_field_and_parameter_says_what_it_is(schema: dict[str, Any]) -> None:
    fields = {
        f"{name}.{field}": about
        for name, each in schema["components"]["schemas"].items()
        for field, about in each.get("properties", {}).items()
    }
    parameters = {
        f"{path} {parameter['name']}": parameter
        for path, item in schema["paths"].items()
        for operation in item.values()
        for parameter in operation["parameters"]
    }

    assert len(fields) > 40
    assert len(parameters) >= 8
    silent = {name for name, each in (fields | parameters).items() if not each.get("description")}
    assert not silent


def test_every_problem_that_the_site_knows_is_described(schema: dict[str, Any]) -> None:
    told = str(schema["paths"])
    kinds = [each for each in vars(problem).values() if isinstance(each, problem.ProblemKind)]

    # A wrong method has no operation that it could stand with.
    missing = {kind.name for kind in kinds if f":{kind.name}`" not in told}
    assert missing == {problem.METHOD.name}


def test_the_event_stream_tells_every_event(schema: dict[str, Any]) -> None:
    events = schema["paths"]["/v1/events"]["get"]

    stream = events["responses"]["200"]
    assert "text/event-stream" in stream["content"]
    assert all(f"`{kind}`" in stream["description"] for kind in (*EventKind, "position", "lost"))
    names = {parameter["name"] for parameter in events["parameters"]}
    assert names == {"hint", "last", "Last-Event-ID"}


def test_the_description_is_the_same_in_every_language(client: Client) -> None:
    answers = [
        client.get("/v1/openapi.json", headers={"Accept-Language": language})
        for language in ("ko", "en")
    ]

    assert answers[0].content == answers[1].content


def test_the_schema_names_the_idempotency_key_and_the_limits(schema: dict[str, Any]) -> None:
    ask = schema["paths"]["/v1/hints"]["post"]
    body = schema["components"]["schemas"]["HintIn"]["properties"]

    assert {"Idempotency-Key"} == {parameter["name"] for parameter in ask["parameters"]}
    assert "202" in ask["responses"]
    assert (body["level"]["minimum"], body["level"]["maximum"]) == (1, 5)


def test_the_docs_page_runs_no_inline_script(client: Client) -> None:
    answer = client.get("/v1/docs")
    html = answer.content.decode()

    assert answer.status_code == 200
    scripts = re.findall(r"<script([^>]*)>", html)
    assert scripts
    assert all('src="/static/' in each or "application/json" in each for each in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=|https?://", html)
    assert "script-src 'self'" in answer["Content-Security-Policy"].split("; ")


def test_what_the_docs_page_loads_is_served_here(client: Client) -> None:
    html = client.get("/v1/docs").content.decode()

    for path in re.findall(r'(?:src|href)="/static/([^"]+)"', html):
        assert finders.find(path), path
