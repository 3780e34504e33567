"""The kinds of servers: a table of what each has; nobody else asks which kind it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from broker.contract.hint import Lane
from broker.contract.job import Capabilities, Endpoint, HintJob, Partial, Sampling
from broker.health import EngineFailure
from web.engines.client.complaint import Complaint
from web.engines.client.errors import EngineFailed, ErrorFrame
from web.engines.client.negotiation import BATCH_PRIORITY, Negotiation
from web.engines.client.redaction import Redaction
from web.engines.client.translation import Translation
from web.engines.kinds import KINDS
from web.engines.models import Mode

ROOT = Path(__file__).parents[2]
PLAIN = Endpoint(base_url="http://e/v1", model="m")
ASKED: list[Any] = [{"role": "user", "content": "?"}]
BEGUN: list[Any] = [*ASKED, {"role": "assistant", "content": "Look"}]


def having(**flags: bool) -> Endpoint:
    return replace(PLAIN, has=Capabilities(**flags))


def test_every_mode_has_its_kind() -> None:
    assert set(KINDS) == set(Mode.values)


def test_only_vllm_has_more_than_openai() -> None:
    assert KINDS["api"].has == KINDS["local"].has == Capabilities()
    assert KINDS["vllm"].has == Capabilities(
        metrics=True, continuation=True, priority=True, running_usage=True, rate_limit=False
    )


@pytest.mark.parametrize(
    ("flag", "more"),
    [
        ({"metrics": True}, {}),
        ({"rate_limit": False}, {}),
        ({"priority": True}, {"priority": BATCH_PRIORITY}),
        (
            {"running_usage": True},
            {"stream_options": {"include_usage": True, "continuous_usage_stats": True}},
        ),
        (
            {"continuation": True},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
    ],
)
def test_each_capability_adds_its_own_parameters(
    flag: dict[str, bool], more: dict[str, object]
) -> None:
    plain = Negotiation(PLAIN, Sampling(), BEGUN, Lane.BATCH).parameters

    assert Negotiation(having(**flag), Sampling(), BEGUN, Lane.BATCH).parameters == plain | more


def test_what_is_not_begun_is_not_continued() -> None:
    asked = Negotiation(having(continuation=True), Sampling(), ASKED, Lane.INTERACTIVE).parameters

    assert asked == Negotiation(PLAIN, Sampling(), ASKED, Lane.INTERACTIVE).parameters


@pytest.mark.parametrize(
    ("rate_limit", "failure"), [(True, EngineFailure.RATE_LIMITED), (False, EngineFailure.BUSY)]
)
def test_a_429_is_read_as_the_server_means_it(rate_limit: bool, failure: EngineFailure) -> None:
    frame = ErrorFrame(Complaint.read(b'{"error": {"message": "no", "code": 429}}'))

    told = Translation(having(rate_limit=rate_limit), Redaction("", ())).in_stream(frame, False)

    assert isinstance(told, EngineFailed)
    assert told.failure is failure


@pytest.mark.parametrize(
    ("has", "model", "beginning"),
    [
        (Capabilities(continuation=True), "m", "Look at"),
        (Capabilities(continuation=True), "other", ""),
        (Capabilities(metrics=True, priority=True, running_usage=True), "m", ""),
    ],
)
def test_a_cut_text_is_gone_on_from_where_the_server_can(
    has: Capabilities, model: str, beginning: str
) -> None:
    job = HintJob(
        hint="h", student="1", attempt=2, engine="e", level=1, locale="en", licensed=True,
        statement="",
        reference="", mistakes="", authored="", l0="", code="", question="",
        endpoint=replace(PLAIN, has=has), sampling=Sampling(),
        partial=Partial(model=model, text="Look at "),
    )  # fmt: skip

    assert job.beginning == beginning


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["", "other", "VLLM", "x" * 5000])
def test_the_form_may_ask_with_any_kind(admin: Client, kind: str) -> None:
    typed = {"kind": kind, "url": "", "model_name": "Qwen/Qwen3.5-4B"}

    answer = admin.get("/admin/engines/engine/preset/", typed)

    assert (answer.status_code, answer.json()["fields"]["thinking"]) == (200, "unknown")


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("en", "nothing"), ("ko", "없음")])
def test_the_form_of_a_new_engine_has_no_kind_yet(admin: Client, language: str, words: str) -> None:
    answer = admin.get("/admin/engines/engine/add/", headers={"Accept-Language": language})

    assert answer.status_code == 200
    learned = answer.content.decode().split("field-learned")[1]
    assert words in learned[: learned.index("form-row")]


COMPARED = re.compile(r"""\bkind (?:==|!=|in) ?["'(]|(?:==|!=|\bis|\bis not) Mode\.""")


def test_nobody_asks_for_a_kind_by_its_name() -> None:
    modules = [path for room in ("web", "workers") for path in (ROOT / room).rglob("*.py")]
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in modules
        for line in path.read_text().splitlines()
        if "/tutor/" not in str(path) and "/runner/" not in str(path)
        if COMPARED.search(line)
    }

    assert found == set()
