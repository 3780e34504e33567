"""`python -m web doctor`: each thing that a set-up lacks is named, with what to do about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from time import time
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone, translation

from broker import fleet, health, nodes
from broker.connect import Broker
from broker.health import EngineFailure
from broker.nodes import CrewReport, NodeState
from tests.fakes.launch import BadServer, FakeVllm
from tests.web.kit import forget, licensed
from web import link
from web.engines.models import AIModelConfig, Engine, Mode
from web.hints.models import ModelCall
from web.link import broker
from web.ops.doctor import examination
from web.ops.doctor.observation import Severity

pytestmark = pytest.mark.django_db
MIB = 1 << 20
EVERYTHING = examination.PARTS


class Usage(NamedTuple):
    """As of a disk."""

    total: int
    used: int
    free: int


@pytest.fixture
def server() -> Iterator[FakeVllm]:
    with FakeVllm() as server:
        yield server


@pytest.fixture
def gpu0(line: None, server: FakeVllm) -> Engine:
    """The one engine of the AI mode, served by a live worker."""
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM)
    row = Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=8, url=server.url)
    model = server.ask("GET", "/v1/models")["data"][0]["id"]
    Engine.objects.update(model_name=model)
    licensed(model)
    broker().run(fleet.set_engines({"gpu0": 8}))
    lives()
    broker().run(fleet.beat("gpu0", "gpu0@box", 8, 60))
    return row


def lives(**crew: Any) -> None:
    report = CrewReport(engine="gpu0", wanted=1, slots=8, live=1, **crew)
    broker().run(nodes.beat("box", "token", NodeState(None, (report,))))


def told(part: str) -> list[dict[str, str]]:
    """What is said of this part."""
    _, said = doctor("--json")
    return [each for each in json.loads(said)["findings"] if each["part"] == part]


def wrong(part: str) -> list[tuple[str, str, str]]:
    rows = [each for each in told(part) if each["severity"] != "ok"]
    return [(each["severity"], each["text"], each["advice"]) for each in rows]


def doctor(*options: str) -> tuple[int, str]:
    """Exit status, and what was printed."""
    forget()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", *options, stdout=out)
    status = ended.value.code
    assert isinstance(status, int)
    return status, out.getvalue()


def test_of_what_works_each_part_says_so(gpu0: Engine) -> None:
    for part in ("migrations", "disk", "clocks", "retention", "nodes", "engines", "servers"):
        assert told(part), part
        assert wrong(part) == [], part
    [served] = told("servers")
    assert served["text"].startswith("gpu0: vLLM 0.32.0, ")
    assert [each["text"] for each in told("engines")] == ["gpu0: up"]


def test_people_read_lines_and_the_exit_status_is_that_of_the_worst(
    gpu0: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = [each for each in examination.PARTS if each.name in ("migrations", "nodes")]
    monkeypatch.setattr(examination, "PARTS", fine)
    assert doctor()[0] == 0

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 500 * MIB))
    fine.append(next(each for each in EVERYTHING if each.name == "disk"))
    status, said = doctor()
    assert status == 1
    assert "disk           warning  500" in said
    assert "→ Make room" in said

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 50 * MIB))
    assert doctor()[0] == 2


def test_without_a_node_nobody_writes_and_it_is_said_how_one_is_started(
    line: None, engine: Engine
) -> None:
    [(severity, text, advice)] = wrong("nodes")

    assert (severity, advice) == ("error", "python -m workers node")
    assert "No node is alive" in text


@pytest.mark.parametrize(
    ("crew", "said", "advice"),
    [
        ({"crashes": 3, "last_exit": "SIGKILL", "retry_s": 8.0}, "SIGKILL", "log"),
        ({}, "no workers", "Start a node"),
    ],
)
def test_an_engine_without_workers_is_an_error(
    gpu0: Engine, crew: dict[str, Any], said: str, advice: str
) -> None:
    broker().run(fleet.leave("gpu0", "gpu0@box"))
    lives(**crew)

    [(severity, text, what_to_do)] = wrong("engines")

    assert severity == "error"
    assert said in text
    assert advice in what_to_do


def test_an_engine_that_failed_is_an_error(gpu0: Engine) -> None:
    for _ in range(3):
        broker().run(health.failed("gpu0", EngineFailure.UNREACHABLE))

    [(severity, text, _advice)] = wrong("engines")

    assert severity == "error"
    assert text.startswith("gpu0: down: it failed 3 times")


def test_one_that_is_drained_is_a_warning_with_the_way_back(gpu0: Engine) -> None:
    Engine.objects.update(draining=True)

    [(severity, _text, advice)] = wrong("engines")

    assert (severity, advice) == ("warning", "python -m workers resume gpu0")


def test_a_mode_without_an_engine_is_an_error(gpu0: Engine) -> None:
    Engine.objects.update(enabled=False)

    [(severity, text, _advice)] = wrong("engines")

    assert severity == "error"
    assert "vLLM" in text


def test_a_server_that_is_gone_is_an_error(gpu0: Engine, server: FakeVllm) -> None:
    server.stop()

    [(severity, text, _advice)] = wrong("servers")

    assert severity == "error"
    assert "does not answer" in text


def test_one_that_lists_no_models_or_has_another_one_is_a_warning(gpu0: Engine) -> None:
    with BadServer() as bad:
        Engine.objects.update(url=bad.at("no-models-list"))
        [listless] = wrong("servers")
        Engine.objects.update(url=bad.at("good"), model_name="another")
        [other] = wrong("servers")

    assert listless[0] == other[0] == "warning"
    assert "HTTP 404" in listless[1]
    assert "no model another; it has fake" in other[1]


def test_a_node_with_another_clock_is_named(gpu0: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "time", lambda: time() - 90)
    lives()

    [(severity, text, advice)] = wrong("clocks")

    assert severity == "warning"
    assert text == "The clock of box differs from this machine's by -90 s."
    assert "NTP" in advice


def test_what_should_be_gone_is_named(gpu0: Engine, settings: Any) -> None:
    call = ModelCall.objects.create(purpose="write", text="x")
    days = timedelta(days=settings.RAW_DAYS)
    for late, expected in ((timedelta(hours=1), 0), (timedelta(hours=4), 1)):
        ModelCall.objects.filter(pk=call.pk).update(created_at=timezone.now() - days - late)
        assert len(wrong("retention")) == expected


def test_models_that_may_write_nothing_are_named(line: None, engine: Engine) -> None:
    [(severity, text, advice)] = wrong("licences")

    assert (severity, advice) == ("warning", "python -m web evaluate")
    assert "No model in use may write hints" in text


def test_a_database_that_is_down_ends_in_findings(
    gpu0: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(connection, "ensure_connection", down)
    monkeypatch.setattr(connection, "cursor", down)

    status, said = doctor("--json")

    assert status == 2
    found = {each["part"]: each["severity"] for each in json.loads(said)["findings"]}
    assert set(found) == {part.name for part in EVERYTHING}
    assert found["database"] == found["migrations"] == found["engines"] == "error"


def test_without_redis_it_is_said_what_is_not_known(
    gpu0: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Broker("unix:///nowhere/valkey.sock")
    monkeypatch.setattr(link, "broker", lambda: dead)

    assert wrong("nodes") == [
        ("error", "Redis does not tell which nodes are alive.", "Mend Redis first.")
    ]
    assert [each["severity"] for each in told("engines")] == ["ok"]


def test_what_a_check_says_with_a_value_in_it_is_translated_up_to_the_value(
    gpu0: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    with translation.override("ko"):
        [found] = examination.checked("broker")

    assert str(found.text).startswith("Redis가 응답하지 않아요: ")


def test_the_page_may_show_it_in_korean(gpu0: Engine) -> None:
    with translation.override("ko"):
        found = [f"{part.title} {each.text}" for part, each in examination.examine()]
        severities = {each.severity for _, each in examination.examine()}

    assert any("노드" in each for each in found)
    assert Severity.OK in severities


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Set-up", "things to do", "set HINTLINE_HTTPS=1", "python -m workers node")),
        ("ko", ("설정 상태", "할 일이", "HINTLINE_HTTPS=1로 설정하세요", "살아 있는 노드가 없")),
    ],
)
def test_staff_read_it_on_a_page_in_their_language(
    admin: Client, engine: Engine, language: str, words: tuple[str, ...]
) -> None:
    page = admin.get("/ops/setup/", headers={"Accept-Language": language}).content.decode()

    assert [each for each in words if each not in page] == []
    assert page.index('id="part-nodes"') < page.index('id="part-migrations"'), "to do comes first"
