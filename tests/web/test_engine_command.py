"""`python -m web engine`: how a compose file tells of its servers."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from web.engines.models import AIModelConfig, Engine, Mode, ModeChange

pytestmark = pytest.mark.django_db
GPU0 = ("gpu0", "--url", "http://gpu0:8000/v1", "--model", "Qwen/Q", "--slots", "48")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("engine", *arguments, stdout=out)
    return out.getvalue()


def test_it_adds_an_engine() -> None:
    assert "gpu0: http://gpu0:8000/v1" in run(*GPU0)

    engine = Engine.objects.get()
    assert (engine.name, engine.kind, engine.slots) == ("gpu0", Mode.VLLM, 48)
    assert (engine.url, engine.model_name, engine.workers) == ("http://gpu0:8000/v1", "Qwen/Q", 1)


def test_it_changes_what_a_compose_file_knows_and_nothing_else() -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, workers=3, enabled=False, api_key="kept")

    run(*GPU0)

    engine = Engine.objects.get()
    assert (engine.url, engine.slots) == ("http://gpu0:8000/v1", 48)
    assert (engine.workers, engine.enabled, engine.api_key) == (3, False, "kept")


def test_the_key_comes_from_the_environment(monkeypatch: Any) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "secret-7")

    out = run(*GPU0, "--key-from", "VLLM_API_KEY")

    assert Engine.objects.get().api_key == "secret-7"
    assert "secret-7" not in out


def test_the_mode_follows_once() -> None:
    run(*GPU0)
    assert AIModelConfig.current().mode == Mode.VLLM
    assert ModeChange.objects.get().after == Mode.VLLM

    AIModelConfig.objects.update(mode=Mode.API)
    run(*GPU0)
    assert AIModelConfig.current().mode == Mode.API


@pytest.mark.parametrize(
    ("name", "url", "slots", "field"),
    [("GPU 0", "http://g/v1", "8", "name"), ("gpu0", "gpu0:8000", "8", "url"),
     ("gpu0", "http://g/v1", "-1", "slots"), ("gpu0", "http://g/v1", "0", "slots")],
)  # fmt: skip
def test_a_bad_value_is_named_and_changes_nothing(
    name: str, url: str, slots: str, field: str
) -> None:
    with pytest.raises(CommandError, match=f"{name}: {field}: "):
        run(name, "--url", url, "--model", "m", f"--slots={slots}")

    assert not Engine.objects.exists()
    assert AIModelConfig.current().mode == Mode.LOCAL
