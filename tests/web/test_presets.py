"""What is known of models by name, how an engine uses it, and the parameters an admin writes."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from broker.contract.job import Dialect, Endpoint, Thinking
from tests.web.test_engines import form as mode_form
from web.engines import parameters, presets, roster
from web.engines.models import AIModelConfig, Engine, Mode, Thinks

pytestmark = pytest.mark.django_db
OFF = {"chat_template_kwargs": {"enable_thinking": False}}
NEVER, UNKNOWN = Thinking.NEVER, Thinking.UNKNOWN


def form(**changes: Any) -> dict[str, Any]:
    """The form of an engine as a browser sends it."""
    fields = {
        "name": "gpu0", "kind": "vllm", "url": "http://gpu0:8000/v1", "model_name": "m",
        "api_key": "", "slots": 4, "languages": "ko,en", "workers": 1, "worker_slots": 64,
        "thinking": "auto", "reasoning_tokens": 0, "extra_body": "", "enabled": "on",
    }  # fmt: skip
    return fields | changes


def endpoint(**fields: Any) -> Endpoint:
    return roster.endpoint_of(Engine(**{"kind": Mode.VLLM} | fields), AIModelConfig.current())


@pytest.mark.parametrize(
    ("name", "thinking", "extra_body"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", NEVER, {}),
        ("Qwen2.5-Coder-32B-Instruct-AWQ", NEVER, {}),
        ("Qwen/Qwen3.5-4B", UNKNOWN, OFF),
        ("Qwen/Qwen3.8-27B-FP8", UNKNOWN, OFF),
        ("qwen3:4b", UNKNOWN, OFF),
        ("/models/Qwen3.5-9B/", UNKNOWN, OFF),
        ("Qwen/Qwen3-4B-Instruct-2507", NEVER, {}),
        ("LGAI-EXAONE/EXAONE-4.5-33B", UNKNOWN, OFF),
        ("google/gemma-4-12b-it-qat-int4", NEVER, {}),
        ("openai/gpt-oss-20b", UNKNOWN, {"reasoning_effort": "low"}),
        ("gpt_oss_20b", UNKNOWN, {"reasoning_effort": "low"}),
        ("mistralai/Ministral-3-14B-Instruct-2512", NEVER, {}),
        ("mistralai/Ministral-3-14B-Reasoning-2512", UNKNOWN, {}),
        ("kakaocorp/kanana-2-30b-a3b-instruct", NEVER, {}),
        ("kakaocorp/kanana-2-30b-a3b-thinking", UNKNOWN, {}),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", NEVER, {}),
        ("manifestai/Brumby-14B-Base", UNKNOWN, {}),
        ("our-own-qwen2.5", UNKNOWN, {}),
        ("Qwen2.5-7B-R1-Distill", UNKNOWN, {}),
        ("qwen2.5-7b-reasoner", UNKNOWN, {}),
        ("fake", UNKNOWN, {}),
        ("", UNKNOWN, {}),
    ],
)
def test_an_engine_is_used_as_its_model_is_known(
    name: str, thinking: Thinking, extra_body: dict[str, Any]
) -> None:
    found = endpoint(model_name=name)

    assert (found.thinking, found.extra_body) == (thinking, extra_body)


@pytest.mark.parametrize("name", ["gpt-oss-20b", "QwQ-32B", "Ministral-3-14B-Reasoning"])
def test_a_model_that_always_thinks_gets_room(name: str) -> None:
    assert endpoint(model_name=name).reasoning_tokens >= 1000


def test_the_model_of_the_ai_mode_counts_where_an_engine_names_none() -> None:
    AIModelConfig.current()
    AIModelConfig.objects.update(model_name="Qwen/Qwen3.5-4B")

    assert endpoint().extra_body == OFF


def test_what_an_admin_writes_comes_first() -> None:
    own = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": True}}
    found = endpoint(model_name="Qwen/Qwen3.5-4B", extra_body=own, reasoning_tokens=700)

    assert (found.extra_body, found.reasoning_tokens) == (own, 700)


@pytest.mark.parametrize("chosen", [Thinks.NEVER, Thinks.UNKNOWN])
def test_who_chooses_gets_nothing_that_is_only_known(chosen: Thinks) -> None:
    found = endpoint(model_name="gpt-oss-20b", thinking=chosen)

    assert found.thinking.value == chosen
    assert (found.extra_body, found.reasoning_tokens) == ({}, 0)


@pytest.mark.parametrize(
    ("file", "thinking"), [("", NEVER), ("/m/Qwen3.5-4B-Q4_K_M.gguf", UNKNOWN)]
)
def test_the_local_model_is_known_by_its_file(
    monkeypatch: pytest.MonkeyPatch, file: str, thinking: Thinking
) -> None:
    monkeypatch.setenv("HINTLINE_LOCAL_MODEL", file)

    assert endpoint(kind=Mode.LOCAL).thinking is thinking
    assert endpoint(kind=Mode.LOCAL, url="http://other:1/v1").thinking is UNKNOWN


def test_every_preset_can_be_written_into_the_form() -> None:
    for preset in presets.PRESETS:
        parameters.check(preset.extra_body)
        assert preset.title in presets.words(preset)


DEEP = {"a": {"b": {"c": {"d": {"e": [1]}}}}}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"model": "other"}', "model"),
        ('{"top_k": 3, "messages": []}', "messages"),
        ('{"stream": false}', "stream"),
        ('{"stream_options": null}', "stream_options"),
        ('{"n": 4}', "n cannot"),
        ('{"tools": []}', "tools"),
        ('{"max_tokens": 9}', "max_tokens"),
        ('{"continue_final_message": true}', "continue_final_message"),
        ("[1]", "JSON object"),
        ('"text"', "JSON object"),
        ("7", "JSON object"),
        ("null", "JSON object"),
        ("{", "JSON object"),
        ("{'a': 1}", "JSON object"),
        ("[" * 4000, "deeper than 5"),
        ('{"a":' * 600 + "1" + "}" * 600, "deeper than 5"),
        (json.dumps(DEEP), "deeper than 5"),
        (json.dumps({"a": "x" * 5000}), "4096 bytes"),
        (json.dumps({"a": "가" * 1400}, ensure_ascii=False), "4096 bytes"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "NaN"),
        ('{"a": "\\u0000"}', "cannot be stored"),
        ('{"a": "\\ud800"}', "cannot be stored"),
    ],
)
def test_bad_parameters_are_named_and_not_stored(admin: Client, text: str, names: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parameters.parse(text)
    assert names in " ".join(refused.value.messages)

    answer = admin.post("/admin/engines/engine/add/", form(extra_body=text))

    assert answer.status_code == 200
    assert names in answer.content.decode()
    assert not Engine.objects.exists()


def test_good_parameters_are_stored_and_shown_again(admin: Client) -> None:
    assert (
        admin.post("/admin/engines/engine/add/", form(extra_body='{"a": "가"}')).status_code == 302
    )

    engine = Engine.objects.get()
    assert engine.extra_body == {"a": "가"}
    html = admin.get(f"/admin/engines/engine/{engine.pk}/change/").content.decode()
    assert "{&quot;a&quot;: &quot;가&quot;}" in html


def test_parameters_can_be_emptied(admin: Client) -> None:
    engine = Engine.objects.create(name="gpu0", kind=Mode.VLLM, extra_body={"a": 1})

    admin.post(f"/admin/engines/engine/{engine.pk}/change/", form(extra_body=" "))

    engine.refresh_from_db()
    assert engine.extra_body == {}


@pytest.mark.parametrize("name", ["max_tokens", "temperature", "top_p"])
def test_each_parameter_of_the_mode_can_be_left_empty(admin: Client, name: str) -> None:
    config = AIModelConfig.current()

    answer = admin.post("/admin/engines/aimodelconfig/1/change/", mode_form(**{name: ""}))

    assert answer.status_code == 302
    config.refresh_from_db()
    assert getattr(roster.sampling_of(config), name) is None


def test_the_form_offers_what_is_known_of_a_model(admin: Client) -> None:
    def asked(**typed: str) -> Any:
        return admin.get("/admin/engines/engine/preset/", typed).json()

    found = asked(kind="vllm", url="", model_name="Qwen/Qwen3.5-4B")
    assert "Qwen 3, 3.5" in found["words"]
    assert found["fields"] == {
        "thinking": "unknown",
        "reasoning_tokens": "0",
        "extra_body": json.dumps(OFF),
    }
    assert asked(model_name="x" * 5000)["fields"] is None
    assert asked()["fields"] is None


def test_the_pages_show_what_is_known(admin: Client) -> None:
    engine = Engine.objects.create(name="gpu0", kind=Mode.VLLM, model_name="gemma-4-12b")

    assert "only when it is asked to" in (
        admin.get(f"/admin/engines/engine/{engine.pk}/change/").content.decode()
    )
    assert "Nothing is known of this model" in (
        admin.get("/admin/engines/aimodelconfig/1/change/").content.decode()
    )


def learned(engine: Engine, dialect: Dialect) -> None:
    roster.learn(engine.name, roster.endpoint_of(engine, AIModelConfig.current()), dialect)
    engine.refresh_from_db()


REFUSED = Dialect(
    left_out=frozenset({"temperature", "system"}), renamed={"max_tokens": "max_completion_tokens"}
)


@pytest.fixture
def engine(db: None) -> Engine:
    engine = Engine.objects.create(name="gpu0", kind=Mode.VLLM, url="http://a/v1", model_name="m")
    learned(engine, REFUSED)
    return engine


def dialect(engine: Engine) -> Dialect:
    return roster.endpoint_of(engine, AIModelConfig.current()).dialect


def test_what_was_learned_is_used_and_shown(admin: Client, engine: Engine) -> None:
    assert dialect(engine) == REFUSED

    html = admin.get(f"/admin/engines/engine/{engine.pk}/change/").content.decode()

    assert "max_completion_tokens instead of max_tokens; left out: system, temperature" in html


def test_the_box_forgets_what_was_learned(admin: Client, engine: Engine) -> None:
    page = f"/admin/engines/engine/{engine.pk}/change/"

    admin.post(page, form(url="http://a/v1", slots=5))
    engine.refresh_from_db()
    assert dialect(engine) == REFUSED

    admin.post(page, form(url="http://a/v1", forget_dialect="on"))
    engine.refresh_from_db()
    assert dialect(engine) == Dialect()


@pytest.mark.parametrize(
    "change", [{"url": "http://b/v1"}, {"model_name": "n"}, {"extra_body": {"top_k": 1}}]
)
def test_another_server_or_model_is_asked_anew(engine: Engine, change: dict[str, Any]) -> None:
    before = roster.endpoint_of(engine, AIModelConfig.current())
    Engine.objects.update(**change)
    engine.refresh_from_db()
    assert dialect(engine) == Dialect()

    learned(engine, Dialect(left_out=frozenset({"top_p"})))
    roster.learn("gpu0", before, REFUSED)

    engine.refresh_from_db()
    assert dialect(engine) == Dialect(left_out=frozenset({"top_p"}))


def test_another_server_of_the_mode_is_asked_anew() -> None:
    AIModelConfig.current()
    engine = Engine.objects.create(name="gpu0", kind=Mode.VLLM)
    learned(engine, REFUSED)

    AIModelConfig.objects.update(vllm_url="http://other/v1")

    assert dialect(engine) == Dialect()


def test_an_engine_that_is_gone_learns_nothing() -> None:
    roster.learn("gone", Endpoint(base_url="http://a/v1", model="m"), REFUSED)

    assert not Engine.objects.exists()


def command(*more: str, model: str = "Qwen/Qwen3.5-4B") -> str:
    out = StringIO()
    base = ("gpu0", "--url", "http://gpu0:8000/v1", "--model", model, "--slots", "8")
    call_command("engine", *base, *more, stdout=out)
    return out.getvalue()


def test_the_command_says_what_is_known_of_the_model() -> None:
    assert "Qwen 3, 3.5" in command()
    assert Engine.objects.get().thinking == Thinks.AUTO


def test_the_command_sets_what_is_written_and_leaves_the_rest() -> None:
    command("--thinking", "never", "--reasoning-tokens", "900", "--extra-body", '{"top_k": 20}')
    command()

    engine = Engine.objects.get()
    assert (engine.thinking, engine.reasoning_tokens) == (Thinks.NEVER, 900)
    assert engine.extra_body == {"top_k": 20}


@pytest.mark.parametrize("text", ['{"model": "x"}', "{", "[" * 3000])
def test_the_command_refuses_bad_parameters(text: str) -> None:
    with pytest.raises(CommandError, match="extra_body: "):
        command("--extra-body", text)

    assert not Engine.objects.exists()
