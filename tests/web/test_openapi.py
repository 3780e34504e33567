"""The API describes itself, under our own content security policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

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
    }


def test_the_schema_names_the_idempotency_key_and_the_limits(schema: dict[str, Any]) -> None:
    ask = schema["paths"]["/v1/hints"]["post"]
    body = schema["components"]["schemas"]["HintIn"]["properties"]

    assert {"Idempotency-Key"} == {parameter["name"] for parameter in ask["parameters"]}
    assert "202" in ask["responses"]
    assert (body["level"]["minimum"], body["level"]["maximum"]) == (1, 3)


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
