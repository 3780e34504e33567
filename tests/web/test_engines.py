"""The AI mode and its engines: how each is reached, that keys stay secret, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from broker import fleet
from web.engines import roster
from web.engines.models import AIModelConfig, Engine, Mode, ModeChange
from web.link import broker

pytestmark = pytest.mark.django_db
ENGINES = "/admin/engines/engine/"
CONFIG = "/admin/engines/aimodelconfig/1/change/"
KEY = "sk-very-secret"


@pytest.fixture
def config(db: None) -> AIModelConfig:
    config = AIModelConfig.current()
    config.mode, config.model_name = Mode.VLLM, "big"
    config.vllm_url, config.api_url = "http://gpu:8001/v1", "https://api.example/v1"
    config.api_key = KEY
    config.save()
    return config


def form(**changes: Any) -> dict[str, Any]:
    """The AI mode's form as a browser sends it; it never holds the stored key."""
    fields = {
        "mode": "vllm", "model_name": "big", "api_url": "https://api.example/v1", "api_key": "",
        "vllm_url": "http://gpu:8001/v1", "max_tokens": 200, "temperature": 0.7, "top_p": 0.9,
        "connect_s": 5, "first_chunk_s": 30, "idle_s": 10, "deadline_s": 120,
        "judged_by": "same", "judge_engine": "", "judge_threshold": 0.5,
    }  # fmt: skip
    return fields | changes


def endpoint(config: AIModelConfig, **fields: Any) -> tuple[str, str, str]:
    found = roster.endpoint_of(Engine(name="e", **fields), config)
    return found.base_url, found.model, found.api_key


def stored_keys() -> list[str | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT api_key FROM engines_aimodelconfig UNION ALL SELECT api_key FROM engines_engine"
        )
        return [key for (key,) in cursor.fetchall()]


def test_an_engine_takes_what_it_lacks_from_the_mode(config: AIModelConfig) -> None:
    assert endpoint(config, kind=Mode.VLLM) == ("http://gpu:8001/v1", "big", KEY)
    assert endpoint(config, kind=Mode.API) == ("https://api.example/v1", "big", KEY)


def test_an_engines_own_settings_come_first(config: AIModelConfig) -> None:
    own = {"url": "http://own/v1", "model_name": "own", "api_key": "sk-own"}

    assert endpoint(config, kind=Mode.VLLM, **own) == ("http://own/v1", "own", "sk-own")


def test_the_local_engine_gets_neither_the_shared_key_nor_model(config: AIModelConfig) -> None:
    url, bundled = "http://127.0.0.1:8071/v1", "SmolLM2-135M-Instruct"

    assert endpoint(config, kind=Mode.LOCAL) == (url, bundled, "")


def test_a_local_engine_is_given_more_time(config: AIModelConfig) -> None:
    slow = roster.endpoint_of(Engine(kind=Mode.LOCAL), config)
    fast = roster.endpoint_of(Engine(kind=Mode.API), config)

    assert (slow.first_chunk_s, slow.idle_s) == (3 * fast.first_chunk_s, 3 * fast.idle_s)
    assert slow.deadline_s == fast.deadline_s == config.deadline_s


@pytest.mark.parametrize(("stored", "written"), [("ko,en", ("ko", "en")), ("en", ("en",))])
def test_an_endpoint_says_which_languages_it_writes(
    config: AIModelConfig, stored: str, written: tuple[str, ...]
) -> None:
    found = roster.endpoint_of(Engine(kind=Mode.LOCAL, languages=stored), config)

    assert found.languages == written


def test_an_endpoint_does_not_show_its_key(config: AIModelConfig) -> None:
    assert KEY not in repr(roster.endpoint_of(Engine(kind=Mode.API), config))


def test_only_enabled_engines_of_the_mode_are_active(config: AIModelConfig) -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=8)
    Engine.objects.create(name="gpu1", kind=Mode.VLLM, enabled=False)
    Engine.objects.create(name="api", kind=Mode.API)

    assert roster.active() == {"gpu0": 8}


def test_an_unknown_engine_has_no_endpoint(config: AIModelConfig) -> None:
    assert roster.serving("gone") is None


def test_keys_are_encrypted_at_rest(config: AIModelConfig) -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, api_key="sk-own")

    assert len(stored_keys()) == 2
    assert all(key and "sk-" not in key for key in stored_keys())
    assert AIModelConfig.current().api_key == KEY
    assert Engine.objects.get().api_key == "sk-own"


@pytest.mark.parametrize(
    "path", [CONFIG, "/admin/engines/engine/", "/admin/engines/engine/1/change/"]
)
def test_no_page_shows_a_key(admin: Client, config: AIModelConfig, path: str) -> None:
    Engine.objects.create(pk=1, name="gpu0", kind=Mode.VLLM, api_key="sk-own")

    html = admin.get(path).content.decode()

    assert "gpu0" in html or "big" in html
    assert "sk-" not in html
    assert not any(key and key in html for key in stored_keys())


def test_an_empty_key_field_keeps_the_key(admin: Client, config: AIModelConfig) -> None:
    assert admin.post(CONFIG, form(max_tokens=300)).status_code == 302

    found = AIModelConfig.current()
    assert (found.max_tokens, found.api_key) == (300, KEY)


def test_a_new_key_replaces_the_key(admin: Client, config: AIModelConfig) -> None:
    admin.post(CONFIG, form(api_key="sk-new"))

    assert AIModelConfig.current().api_key == "sk-new"


def test_the_box_forgets_the_key(admin: Client, config: AIModelConfig) -> None:
    admin.post(CONFIG, form(api_key="sk-new", forget_key="on"))

    assert not AIModelConfig.current().api_key
    assert stored_keys() == [None]


def test_a_key_that_is_too_long_harms_nothing(admin: Client, config: AIModelConfig) -> None:
    answer = admin.post(CONFIG, form(api_key="k" * 501))

    assert "at most 500 characters" in answer.content.decode()
    assert AIModelConfig.current().api_key == KEY
    admin.post(CONFIG, form(max_tokens=300))
    assert AIModelConfig.current().api_key == KEY


@pytest.mark.parametrize(
    "wrong",
    [{"max_tokens": 15}, {"temperature": 2.1}, {"top_p": 0}, {"idle_s": 0.4}, {"mode": "x"}],
)
def test_a_value_out_of_range_is_refused(
    admin: Client, config: AIModelConfig, wrong: dict[str, Any]
) -> None:
    assert admin.post(CONFIG, form(**wrong)).status_code == 200
    assert AIModelConfig.current().mode == Mode.VLLM


@pytest.mark.parametrize(("name", "good"), [("gpu0", True), ("GPU 0", False), ("0", False)])
def test_an_engines_name_can_name_a_queue(admin: Client, name: str, good: bool) -> None:
    fields = {"name": name, "kind": "vllm", "url": "", "model_name": "", "api_key": "", "slots": 4}
    fields |= {"languages": "ko,en", "workers": 1, "worker_slots": 64}
    fields |= {"thinking": "unknown", "reasoning_tokens": 0}

    admin.post("/admin/engines/engine/add/", fields)

    assert Engine.objects.filter(name=name).exists() == good


def test_a_change_of_mode_is_recorded(admin: Client, config: AIModelConfig) -> None:
    admin.post(CONFIG, form(mode="api"))

    change = ModeChange.objects.get()
    assert (change.by and change.by.username, change.before, change.after) == (
        "root",
        "vllm",
        "api",
    )


def test_a_mode_without_engines_is_warned_about(admin: Client, config: AIModelConfig) -> None:
    answer = admin.post(CONFIG, form(mode="api"), follow=True)

    assert "No engine of this mode is enabled" in answer.content.decode()


CHANGES: list[tuple[Callable[[Client], object], dict[str, int]]] = [
    (lambda admin: admin.post(CONFIG, form(mode="api")), {"api": 4}),
    (lambda admin: admin.post(ENGINES + "add/", engine("gpu1")), {"gpu0": 8, "gpu1": 16}),
    (lambda admin: admin.post(page("gpu0"), engine("gpu0")), {"gpu0": 16}),
    (lambda admin: admin.post(page("gpu0"), engine("gpu0", draining="on")), {}),
    (lambda admin: admin.post(page("gpu0", "delete"), {"post": "yes"}), {}),
    (lambda admin: admin.post(ENGINES, deletion("gpu0")), {}),
    (lambda admin: admin.post("/ops/fleet/", {"drain": "gpu0"}), {}),
    (lambda _: call_command("engine", "gpu0", url="http://a/v1", model="m", slots=3), {"gpu0": 3}),
    (
        lambda _: call_command("engine", "new", url="http://a/v1", model="m", slots=3, kind="api"),
        {"api": 4, "new": 3},
    ),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_the_dispatcher_is_told_of_a_change_at_once(
    admin: Client,
    config: AIModelConfig,
    change: Callable[[Client], object],
    told: dict[str, int],
) -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=8)
    Engine.objects.create(name="api", kind=Mode.API, slots=4)
    broker().run(fleet.set_engines(roster.active()))
    assert pushed() == {"gpu0": 8}

    change(admin)

    assert pushed() == told


def engine(name: str, **fields: str) -> dict[str, str]:
    """An engine's form as a browser sends it."""
    return {
        "name": name, "kind": "vllm", "enabled": "on", "languages": "ko,en", "thinking": "auto",
        "reasoning_tokens": "0", "extra_body": "{}", "slots": "16", "workers": "1",
        "worker_slots": "8", **fields,
    }  # fmt: skip


def page(name: str, verb: str = "change") -> str:
    return f"{ENGINES}{Engine.objects.get(name=name).pk}/{verb}/"


def deletion(name: str) -> dict[str, str]:
    """The list's form that deletes this engine."""
    chosen = str(Engine.objects.get(name=name).pk)
    return {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}


def pushed() -> dict[str, int]:
    loads = broker().run(fleet.snapshot())
    return {name: load.max_slots for name, load in loads.items() if load.max_slots}


def test_the_connection_test_says_what_is_wrong(admin: Client, config: AIModelConfig) -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, url="http://127.0.0.1:1/v1")

    assert 'action="/admin/engines/aimodelconfig/test/"' in admin.get(CONFIG).content.decode()
    html = admin.post("/admin/engines/aimodelconfig/test/", follow=True).content.decode()

    assert all(text in html for text in ("Nothing answers at this URL.", ">gpu0<", ":1/v1"))


def test_the_action_tests_the_chosen_engines(admin: Client, config: AIModelConfig) -> None:
    chosen = Engine.objects.create(name="gpu0", kind=Mode.VLLM, url="http://127.0.0.1:1/v1")
    Engine.objects.create(name="gpu1", kind=Mode.VLLM, url="http://127.0.0.1:1/v1")

    fields = {"action": "test_connection", "_selected_action": chosen.pk}
    html = admin.post("/admin/engines/engine/", fields, follow=True).content.decode()

    assert ">gpu0<" in html
    assert ">gpu1<" not in html


def test_there_is_one_ai_mode(admin: Client, config: AIModelConfig) -> None:
    assert admin.get("/admin/engines/aimodelconfig/")["Location"] == CONFIG
    assert admin.get("/admin/engines/aimodelconfig/add/").status_code == 403
    assert admin.get("/admin/engines/aimodelconfig/1/delete/").status_code == 403
