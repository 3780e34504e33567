"""A stored API key when the secret key changes: named, never sent, never lost."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from broker.contract.hint import State
from tests.web.kit import forget, queued
from tests.web.test_engines import CONFIG
from tests.web.test_engines import form as mode_form
from web.courses.models import Exercise
from web.engines import roster
from web.engines.keys import KeyField, Unreadable, UnreadableKey
from web.engines.models import AIModelConfig, Engine, Mode
from web.fleet.overview import overview
from web.hints import store
from web.hints.models import Hint
from web.ops import checks
from web.people.models import User

pytestmark = pytest.mark.django_db
KEY = "sk-very-secret"
OLD, NEW = "the-old-secret", "the-new-secret"
LOST = "Engine “gpu0”: its API key cannot be read"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget()
    roster.tell.cache_clear()
    yield
    forget()


@pytest.fixture
def engine(settings: Any) -> Engine:
    """Its key was stored under OLD; now the secret is NEW."""
    settings.SECRET_KEY = OLD
    config = AIModelConfig.current()
    config.mode = Mode.VLLM
    config.save()
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=2, api_key=KEY)
    settings.SECRET_KEY = NEW
    return Engine.objects.get()


@pytest.fixture
def shared(engine: Engine, settings: Any) -> AIModelConfig:
    """The AI mode's key too; the engine has none of its own."""
    settings.SECRET_KEY = OLD
    Engine.objects.update(api_key=None)
    AIModelConfig.objects.update(api_key=KEY)
    settings.SECRET_KEY = NEW
    return AIModelConfig.current()


@pytest.fixture
def admin(line: None, engine: Engine) -> Client:
    """Signed in under NEW."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_superuser("root"))
    return client


def stored(table: str = "engines_engine") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT api_key FROM {table}")  # noqa: S608  # of our own names
        return str(cursor.fetchone()[0])


def form(**changes: Any) -> dict[str, Any]:
    fields = {"name": "gpu0", "kind": "vllm", "url": "", "model_name": "", "api_key": ""}
    fields |= {"slots": 4, "languages": "ko,en", "workers": 1, "worker_slots": 64, "enabled": "on"}
    fields |= {"thinking": "auto", "reasoning_tokens": 0}
    return fields | changes


def change_page() -> str:
    return f"/admin/engines/engine/{Engine.objects.get().pk}/change/"


def test_a_key_of_another_secret_is_no_text(engine: Engine) -> None:
    assert isinstance(engine.api_key, Unreadable)
    assert stored() not in repr(engine.api_key)
    assert stored() not in str(engine.api_key)


def test_saving_the_row_keeps_the_ciphertext(engine: Engine, settings: Any) -> None:
    before = stored()

    engine.slots = 7
    engine.full_clean()
    engine.save()

    assert stored() == before
    settings.SECRET_KEY = OLD
    assert (Engine.objects.get().slots, Engine.objects.get().api_key) == (7, KEY)


def test_the_form_keeps_the_ciphertext_and_names_the_row(admin: Client, engine: Engine) -> None:
    before = stored()
    page = admin.get(change_page()).content.decode()
    assert LOST in page
    assert before not in page

    answer = admin.post(change_page(), form())

    assert (answer.status_code, Engine.objects.get().slots) == (302, 4)
    assert stored() == before


def test_a_new_key_and_no_key_can_be_given(admin: Client, engine: Engine) -> None:
    admin.post(change_page(), form(api_key="sk-new"))
    assert Engine.objects.get().api_key == "sk-new"

    Engine.objects.update(api_key=Unreadable("gAAAA"))
    admin.post(change_page(), form(forget_key="on"))
    assert not Engine.objects.get().api_key


def test_the_mode_keeps_its_ciphertext_and_says_so(admin: Client, shared: AIModelConfig) -> None:
    before = stored("engines_aimodelconfig")
    page = admin.get(CONFIG).content.decode()
    assert "AI mode: its API key cannot be read" in page

    admin.post(CONFIG, mode_form())

    assert AIModelConfig.current().model_name == "big"
    assert stored("engines_aimodelconfig") == before


def test_the_list_of_engines_names_it(admin: Client, engine: Engine) -> None:
    assert LOST in admin.get("/admin/engines/engine/").content.decode()


def test_no_endpoint_is_made_of_it(engine: Engine) -> None:
    with pytest.raises(UnreadableKey, match="gpu0"):
        roster.endpoint_of(engine, AIModelConfig.current())
    assert roster.serving("gpu0") is None


def test_an_engines_own_key_is_not_replaced_by_the_shared_one(engine: Engine) -> None:
    config = AIModelConfig.current()
    config.api_key = "sk-shared"

    with pytest.raises(UnreadableKey, match="gpu0"):
        roster.endpoint_of(engine, config)


def test_a_shared_key_stops_those_that_would_use_it(shared: AIModelConfig) -> None:
    Engine.objects.create(name="own", kind=Mode.VLLM, slots=3, api_key="sk-own")

    assert roster.active() == {"own": 3}
    assert roster.endpoint_of(Engine(kind=Mode.LOCAL), shared).api_key == ""


def test_the_engine_gets_no_hints_and_the_log_says_why_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert roster.active() == {}
        assert roster.active() == {}

    (line,) = [each.getMessage() for each in caplog.records if each.name == roster.__name__]
    assert line.startswith(LOST)


def test_a_claim_for_it_leaves_the_hint_to_others(
    engine: Engine, student: User, exercise: Exercise
) -> None:
    hint = queued(student, exercise)

    assert store.claim(str(hint.pk), 1, "gpu0") is None
    assert Hint.objects.get().state == State.QUEUED


def test_the_connection_test_says_so(admin: Client, engine: Engine) -> None:
    action = {"action": "test_connection", "_selected_action": engine.pk}

    page = admin.post("/admin/engines/engine/", action, follow=True).content.decode()

    assert LOST in page


def test_the_fleet_page_says_so(line: None, engine: Engine) -> None:
    (row,) = overview().rows

    assert row.cells()["state"] == "down: its API key cannot be read"


def test_the_check_names_every_row(shared: AIModelConfig, settings: Any) -> None:
    settings.SECRET_KEY = OLD
    Engine.objects.create(name="gpu7", kind=Mode.VLLM, api_key="sk-own")
    settings.SECRET_KEY = NEW

    found = checks.stored_keys_can_be_read()

    assert [message.id for message in found] == ["hintline.E003"] * 2
    assert [message.msg.split(":")[0] for message in found] == ["AI mode", "Engine “gpu7”"]


def test_a_fallback_reads_and_saving_makes_it_the_new_secrets(
    engine: Engine, settings: Any
) -> None:
    settings.SECRET_KEY_FALLBACKS = ["older", OLD]
    found = Engine.objects.get()
    assert found.api_key == KEY
    assert roster.active() == {"gpu0": 2}

    found.save()

    settings.SECRET_KEY_FALLBACKS = []
    assert Engine.objects.get().api_key == KEY


def test_a_ciphertext_that_was_encrypted_again_is_no_key(engine: Engine, settings: Any) -> None:
    Engine.objects.update(api_key=stored())

    assert isinstance(Engine.objects.get().api_key, Unreadable)

    settings.SECRET_KEY_FALLBACKS = [OLD]
    assert Engine.objects.get().api_key == KEY


def test_the_command_writes_all_keys_with_the_new_secret(
    shared: AIModelConfig, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SECRET_KEY_FALLBACKS = [OLD]
    call_command("rekey")
    settings.SECRET_KEY_FALLBACKS = []

    assert AIModelConfig.current().api_key == KEY
    assert "AI mode" in capsys.readouterr().out


def test_the_command_fails_for_a_key_that_it_cannot_read(engine: Engine) -> None:
    before = stored()

    with pytest.raises(CommandError, match=LOST):
        call_command("rekey")

    assert stored() == before


@pytest.mark.parametrize("by_file", [False, True])
def test_the_keys_of_before_are_a_list_by_comma(tmp_path: Path, by_file: bool) -> None:
    name, value = "HINTLINE_SECRET_KEY_FALLBACKS", "one, two,"
    if by_file:
        (tmp_path / "before").write_text(value + "\n")
        name, value = f"{name}_FILE", str(tmp_path / "before")
    shown = "from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"

    done = subprocess.run(
        [sys.executable, "-c", shown],
        env=os.environ | {name: value, "HINTLINE_DATA": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "['one', 'two']"


def test_two_forms_with_keys_are_checked_at_once() -> None:
    both = Barrier(2)
    field = KeyField(validators=[lambda _key: both.wait(10)])

    with ThreadPoolExecutor(2) as admins:
        kept = list(admins.map(lambda key: field.clean(key, None), ["sk-1", "sk-2"]))

    assert kept == ["sk-1", "sk-2"]
