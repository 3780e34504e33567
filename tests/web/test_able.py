"""Engines that serve several models: a hint goes to one whose model may write it."""

from __future__ import annotations

import pytest

from broker import dispatch, fleet
from tests.web.kit import TTL_S, WRONG, Caller, forget, licensed, messages
from web.courses.models import Course
from web.engines.models import AIModelConfig, Engine, Licence, Mode
from web.hints import store
from web.hints.models import Hint
from web.link import broker

pytestmark = pytest.mark.django_db
GPUS = ("gpu0", "gpu1", "gpu2")


@pytest.fixture(params=GPUS)
def big(request: pytest.FixtureRequest) -> str:
    """The one engine whose model may write Korean; each in turn, as by chance it may be any."""
    name: str = request.param
    return name


@pytest.fixture
def mixed(api: Caller, engine: Engine, big: str) -> Caller:
    """Three engines that live."""
    licensed("big")
    licensed("small", levels={"en": [1, 2, 3]})
    for name in GPUS[1:]:
        Engine.objects.create(name=name, kind=Mode.VLLM)
    Engine.objects.update(model_name="small")
    Engine.objects.filter(name=big).update(model_name="big")
    forget()
    lives(*GPUS)
    return api


def lives(*names: str, slots: int = 1) -> None:
    broker().run(fleet.set_engines(dict.fromkeys(names, slots)))
    for name in names:
        broker().run(fleet.beat(name, f"{name}@here", slots, TTL_S))


def asked(caller: Caller, language: str) -> list[str]:
    """The engine that has the hint in this language."""
    caller.headers["Accept-Language"] = language
    assert caller.ask().status_code == 202
    return rung()


def rung() -> list[str]:
    """The engines in whose queues something waits."""
    return [name for name in GPUS if messages(name)]


def test_a_hint_goes_where_it_may_be_written(mixed: Caller, big: str) -> None:
    assert asked(mixed, "ko") == [big]


def test_it_goes_there_also_after_redis_was_wiped(mixed: Caller, big: str) -> None:
    asked(mixed, "ko")
    broker().client.flushall()
    lives(*GPUS)

    ticket = store.requeue_unknown(str(Hint.objects.get().pk), None, 0)

    assert ticket
    broker().run(dispatch.admit(ticket))
    assert rung() == [big]


def test_what_is_wrong_is_found_out_ahead_where_a_model_may(mixed: Caller, big: str) -> None:
    AIModelConfig.objects.update(diagnoses=True, runs_ahead=True)
    Licence.objects.filter(model="small").update(diagnoses=False)
    forget()
    # It runs where half of the slots are free.
    lives(*GPUS, slots=2)

    mixed.run(WRONG)

    assert rung() == [big]


def test_where_none_that_may_is_there_another_sends_it_back_at_once(
    mixed: Caller, big: str
) -> None:
    other = next(name for name in GPUS if name != big)
    lives(other)

    assert asked(mixed, "ko") == [other]


@pytest.mark.parametrize("away", ["draining", "enabled"])
def test_one_that_is_taken_away_is_not_waited_for(mixed: Caller, big: str, away: str) -> None:
    Engine.objects.filter(name=big).update(**{away: away == "draining"})
    forget()

    asked(mixed, "ko")

    assert able() == ()


def test_where_the_course_trusts_all_models_any_engine_has_it(
    mixed: Caller, course: Course
) -> None:
    Engine.objects.update(model_name="unknown")
    forget()
    course.trusts_unlicensed = True
    course.save()

    asked(mixed, "ko")

    assert able() == ()


def able() -> tuple[str, ...]:
    """The engines that the hint would be placed at, were it placed anew."""
    ticket = store.requeue_unknown(str(Hint.objects.get().pk), None, 0)
    assert ticket
    return ticket.able
