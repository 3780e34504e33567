"""A run that fails starts its diagnosis, if an admin wants that, and nobody notices."""

from __future__ import annotations

import pytest

from broker import dispatch
from broker.contract.hint import Lane
from tests.web.kit import RIGHT, WRONG, Caller, licensed, live, messages
from web.engines.models import AIModelConfig
from web.hints import ahead
from web.hints.models import Diagnosis
from web.link import broker

pytestmark = pytest.mark.django_db


@pytest.fixture
def on(api: Caller) -> Caller:
    AIModelConfig.objects.update(diagnoses=True, runs_ahead=True, model_name="m")
    licensed("m")
    return api


def test_a_run_that_fails_has_its_diagnosis_run(on: Caller) -> None:
    live(slots=2)

    on.run(WRONG)

    row = Diagnosis.objects.get()
    assert (row.waits, row.done, row.model) == (True, False, "m")
    standing = broker().run(dispatch.standing([ahead.name(row.pk)]))[ahead.name(row.pk)]
    assert standing.engine == "gpu0"
    assert messages() == 1


def test_it_waits_in_the_batch_lane(on: Caller) -> None:
    on.run(WRONG)

    assert broker().run(dispatch.backlog())[Lane.BATCH].size == 1


def test_the_same_run_again_or_a_right_program_starts_none(on: Caller) -> None:
    on.run(WRONG)
    on.run(WRONG)
    assert Diagnosis.objects.count() == 1

    on.run(RIGHT)

    assert not Diagnosis.objects.exists(), "the wrong program is nobody's last one any more"
    assert broker().run(dispatch.backlog_size()) == 0


def test_a_student_notices_nothing_of_a_redis_that_is_down(
    on: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "ask_broker", lambda call: None)

    on.run(WRONG)

    assert Diagnosis.objects.count() == 1


def test_it_is_off_by_default(api: Caller) -> None:
    api.run(WRONG)

    assert not Diagnosis.objects.exists()
