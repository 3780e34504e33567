"""Any order of store verbs, late and repeated ones too, keeps the state table and the attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from broker.contract.attempt import Ended
from broker.contract.hint import ARROWS, FINAL, Outcome, Reason, State
from broker.contract.job import Partial
from tests.web.kit import call, queued
from web.courses.models import Exercise
from web.engines.models import Engine
from web.hints import attempts, store
from web.hints.models import Attempt, Hint, ModelCall
from web.people.models import User

pytestmark = pytest.mark.django_db
ATTEMPTS = st.integers(1, 4)
VERBS = st.one_of(
    st.tuples(st.just("claim"), ATTEMPTS),
    st.tuples(st.just("finish"), ATTEMPTS),
    st.tuples(st.just("requeue"), ATTEMPTS),
    st.tuples(st.sampled_from(["requeue_unknown", "expire", "cancel"]), st.just(0)),
)


@dataclass
class Model:
    """What the row should be."""

    state: State = State.QUEUED
    attempt: int = 0
    claimed: list[int] = field(default_factory=list)

    def step(self, verb: str, attempt: int) -> bool:
        """Whether the verb changes the hint, which it then does."""
        queued, running = self.state is State.QUEUED, self.state is State.RUNNING
        match verb:
            case "claim" if queued and attempt > self.attempt:
                self.state, self.attempt = State.RUNNING, attempt
                self.claimed.append(attempt)
            case "finish" if running and attempt == self.attempt:
                self.state = State.ANSWERED
            case "requeue" if running and attempt >= self.attempt:
                self.state, self.attempt = State.QUEUED, attempt
            case "requeue" if queued and attempt > self.attempt:
                self.attempt = attempt
            case "requeue_unknown" if queued or running:
                self.state = State.QUEUED
            case "expire" if queued:
                self.state = State.FAILED
            case "cancel" if queued or running:
                self.state = State.CANCELLED
            case _:
                return False
        return True


def do(verb: str, hint: str, attempt: int) -> bool:
    outcome = Outcome(state=State.ANSWERED, text=f"of attempt {attempt}")
    calls: dict[str, Any] = {
        "claim": lambda: store.claim(hint, attempt, "gpu0"),
        "finish": lambda: store.finish(hint, attempt, outcome, Ended()),
        "requeue": lambda: store.requeue(hint, attempt, Partial(model="m", text="Loo")),
        "requeue_unknown": lambda: store.requeue_unknown(hint, -1, 0),
        "expire": lambda: store.expire(hint, Reason.EXPIRED),
        "cancel": lambda: store.cancel(hint),
    }
    return bool(calls[verb]())


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(VERBS, max_size=12))
def test_any_history_keeps_the_state_table(
    history: list[tuple[str, int]], student: User, exercise: Exercise, engine: Engine
) -> None:
    Hint.objects.all().delete()
    hint, model = str(queued(student, exercise).pk), Model()
    rows = Hint.objects.filter(pk=hint)

    for verb, attempt in history:
        before = rows.values()[0]
        expected = model.step(verb, attempt)
        assert do(verb, hint, attempt) is expected, (verb, attempt)
        after = rows.values()[0]
        if verb == "claim" and expected:
            attempts.keep(hint, attempt, [call("words")])

        assert (after["state"], after["attempt"]) == (model.state, model.attempt)
        old, new = State(before["state"]), State(after["state"])
        assert old == new or new in ARROWS.get(old, ())
        assert after["attempt"] >= before["attempt"]
        assert not (new in FINAL and after["partial"]), "a final row keeps no ungated text"
        if old in FINAL or not expected:
            assert after == before
        assert_attempts(hint, model)
    event(f"ends {model.state}")


def assert_attempts(hint: str, model: Model) -> None:
    """A row a claim; the one that is open is that of the hint that runs, and there is no other."""
    found = Attempt.objects.filter(hint=hint)
    assert list(found.values_list("number", flat=True)) == model.claimed
    open_ones = [model.attempt] if model.state is State.RUNNING else []
    assert list(found.filter(finished_at=None).values_list("number", flat=True)) == open_ones
    assert not found.filter(finished_at__lt=F("started_at")).exists()
    calls = ModelCall.objects.filter(attempt__hint=hint)
    assert list(calls.values_list("attempt__number", flat=True).distinct()) == model.claimed
