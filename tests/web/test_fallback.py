"""Modes that stand in: how they are chosen, said, kept, and what that makes of their engines."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from broker import fleet
from tests.web.kit import TTL_S, forget, licensed
from tests.web.test_ai_mode_page import PAGE, config, confirm, form, text, vllms
from web.engines import abilities, roster
from web.engines.models import AIModelConfig, Engine, Mode, ModeChange
from web.fleet import effects
from web.fleet.overview import Condition, overview
from web.link import broker

__all__ = ["config", "vllms"]
pytestmark = pytest.mark.django_db
TWICE = "Choose another one: nobody stands in for itself."


@pytest.fixture
def cloud(vllms: list[Engine]) -> Engine:
    """The mode is vLLM; an engine of a hosted API is there too."""
    AIModelConfig.objects.update(mode=Mode.VLLM)
    return Engine.objects.create(name="cloud", kind=Mode.API, slots=4)


def chosen(*fallbacks: Mode) -> None:
    first, last = (*fallbacks, "", "")[:2]
    AIModelConfig.objects.update(fallback=first, last_fallback=last)
    forget()


def live(*names: str) -> None:
    broker().run(fleet.set_engines(roster.active(), roster.tiers()))
    for name in names:
        broker().run(fleet.beat(name, f"{name}@here", 8, TTL_S))


def test_without_fallbacks_other_modes_are_not_in_use(cloud: Engine) -> None:
    assert roster.active() == {"gpu0": 8, "gpu1": 8}
    assert roster.tiers() == {"gpu0": 0, "gpu1": 0}


def test_engines_of_a_fallback_have_workers_and_a_later_tier(cloud: Engine) -> None:
    Engine.objects.create(name="local", kind=Mode.LOCAL, slots=2)

    chosen(Mode.API, Mode.LOCAL)

    assert roster.active() == {"gpu0": 8, "gpu1": 8, "cloud": 4, "local": 2}
    assert roster.tiers() == {"gpu0": 0, "gpu1": 0, "cloud": 1, "local": 2}
    assert {*roster.wanted()} == {"gpu0", "gpu1", "cloud", "local"}


def test_the_last_alone_comes_next(cloud: Engine) -> None:
    AIModelConfig.objects.update(last_fallback=Mode.API)

    assert roster.tiers() == {"gpu0": 0, "gpu1": 0, "cloud": 1}


def test_students_are_offered_what_the_first_can_write(cloud: Engine) -> None:
    licensed("fake", levels={"en": [1, 2]})
    licensed("big")
    Engine.objects.filter(name="cloud").update(model_name="big")
    chosen(Mode.API)

    assert abilities.written("en") == {1, 2}

    Engine.objects.filter(kind=Mode.VLLM).update(enabled=False)
    forget()
    assert {3, 4} <= abilities.written("en")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"fallback": "vllm"}, "fallback"),
        ({"last_fallback": "vllm"}, "last_fallback"),
        ({"fallback": "api", "last_fallback": "api"}, "last_fallback"),
    ],
)
def test_nobody_stands_in_for_itself(
    admin: Client, cloud: Engine, fields: dict[str, str], named: str
) -> None:
    answer = admin.post(PAGE, form(**fields))

    after = text(answer).partition(f'id="id_{named}"')[2]
    assert TWICE in after.partition('<div class="field">')[0]
    assert not ModeChange.objects.exists()


def test_what_would_stand_in_is_said_before_it_is_saved(admin: Client, cloud: Engine) -> None:
    AIModelConfig.objects.update(mode=Mode.LOCAL, model_name="")
    html = text(admin.post(PAGE, form(mode="vllm", fallback="api", last_fallback="local")))

    assert "stay on your own machines" not in html
    assert "hosted API: while none of those before it is up, hints come from cloud" in html
    assert "Programs and questions go to https://api.example/v1 then" in html
    assert "cloud has no model name." in html
    assert "hosted API: no model of it may write hints" in html
    assert "local model: no engine of it is enabled, so that nobody stands in." in html
    assert AIModelConfig.current().fallback == ""


def test_it_is_kept_shown_and_goes_back(
    admin: Client, cloud: Engine, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        html = text(confirm(admin, fallback="api"))

    # The dispatcher knows it at once.
    broker().run(fleet.beat("gpu0", "gpu0@here", 8, TTL_S))
    broker().run(fleet.beat("cloud", "cloud@here", 8, TTL_S))
    assert broker().run(fleet.snapshot())["cloud"].stands_by
    assert "If it fails: nobody → hosted API" in re.sub(r"<[^>]+>", "", html)
    [change] = ModeChange.objects.all()
    assert change.changed == {"fallback": ["", "api"]}
    back = text(admin.get(f"{PAGE}?back={change.pk}"))
    select = back.partition('id="id_fallback"')[2].partition("</select>")[0]
    assert '<option value="" selected>nobody</option>' in select


def test_the_cards_and_the_fleet_tell_who_stands_by(admin: Client, cloud: Engine) -> None:
    chosen(Mode.API)
    live("gpu0", "cloud")

    html = text(admin.get(PAGE))

    assert "stands by: cloud" in html
    assert html.count(">stands in<") == 1
    states = {row.engine.name: row.state for row in overview().rows}
    assert states == {"gpu0": Condition.UP, "gpu1": Condition.EMPTY, "cloud": Condition.STANDBY}

    broker().run(fleet.leave("gpu0", "gpu0@here"))
    states = {row.engine.name: row.state for row in overview().rows}
    assert states["cloud"] is Condition.UP


def test_a_drain_says_who_comes_next(cloud: Engine) -> None:
    chosen(Mode.API)

    assert "New hints go to gpu1." in effects.of_drain("gpu0")
    Engine.objects.filter(name="gpu1").update(draining=True)
    assert "New hints go to cloud." in effects.of_drain("gpu0")


def test_a_stored_key_that_would_reach_another_host_by_a_fallback_is_told(
    admin: Client, cloud: Engine
) -> None:
    html = text(admin.post(PAGE, form(fallback="api", api_url="https://other.example/v1")))

    assert "The stored API key will be sent to the new address." in html
