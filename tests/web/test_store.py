"""Each arrow of a hint's life, and what happens to a writer who comes second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Semaphore
from typing import Any, TypeVar

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from broker.base.metrics import REGISTRY
from broker.contract.attempt import Ended, Purpose
from broker.contract.hint import Outcome, Reason, Source, State, Usage
from broker.contract.job import Partial
from tests.web.kit import RIGHT, at_once, call, new_hint, queued
from web.courses.models import Exercise
from web.database import ago
from web.engines.models import Engine
from web.hints import attempts, lookup, store
from web.hints.creation import Created, Creation, KeyReused, Repeated, Waiting
from web.hints.models import Attempt, Hint, ModelCall, Submission
from web.hints.store import LOST
from web.people.models import User
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict

pytestmark = pytest.mark.django_db
T = TypeVar("T")
ANSWER = Outcome(
    state=State.ANSWERED,
    text="Look again.",
    source=Source.MODEL,
    usage=Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2),
)


@pytest.fixture
def hint(student: User, exercise: Exercise, engine: Engine) -> str:
    return str(queued(student, exercise).pk)


def row(hint: str) -> Hint:
    return Hint.objects.get(pk=hint)


def state(hint: str) -> tuple[str, int]:
    return row(hint).state, row(hint).attempt


def test_a_created_hint_is_queued(student: User, exercise: Exercise) -> None:
    found = row(str(queued(student, exercise).pk))

    assert (found.state, found.attempt, found.source) == (State.QUEUED, 0, Source.NONE)
    assert found.submission.report["verdict"] == "crashed"


def test_a_claim_gives_the_worker_all_it_needs(hint: str, student: User) -> None:
    job = store.claim(hint, 1, "gpu0")

    assert job is not None
    assert (job.hint, job.attempt, job.engine, job.student) == (hint, 1, "gpu0", str(student.pk))
    assert job.statement == "두 수를 더하세요."
    assert job.authored == "부호를 보세요."
    assert job.l0
    assert job.endpoint.base_url == "http://127.0.0.1:8001/v1"
    assert job.sampling.max_tokens == 200
    assert "return a + b" not in repr(job)
    assert (row(hint).state, row(hint).engine) == (State.RUNNING, "gpu0")
    assert row(hint).claimed_at


def test_a_claim_reads_a_new_revision_of_the_exercise(hint: str, exercise: Exercise) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1)
    exercise.authored_hints.update(text_ko="다시 보세요.")
    Exercise.objects.filter(pk=exercise.pk).update(statement_ko="빼세요.", revision=2)

    job = store.claim(hint, 2, "gpu0")

    assert job is not None
    assert (job.statement, job.authored) == ("빼세요.", "다시 보세요.")


def test_claims_of_one_exercise_read_its_texts_once(
    hint: str, student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1)

    # The hint's row and its attempt's row.
    with django_assert_num_queries(2):
        store.claim(hint, 2, "gpu0")


def test_a_claim_for_an_engine_without_a_row_changes_nothing(hint: str) -> None:
    assert store.claim(hint, 1, "gone") is None
    assert state(hint) == (State.QUEUED, 0)


def test_a_hint_is_claimed_once(hint: str) -> None:
    assert store.claim(hint, 1, "gpu0")
    assert store.claim(hint, 1, "gpu0") is None
    assert store.claim(hint, 2, "gpu0") is None
    assert state(hint) == (State.RUNNING, 1)


def test_a_claim_with_an_old_attempt_loses(hint: str) -> None:
    store.claim(hint, 2, "gpu0")
    store.requeue(hint, 2)

    assert store.claim(hint, 1, "gpu0") is None
    assert store.claim(hint, 2, "gpu0") is None
    assert state(hint) == (State.QUEUED, 2)
    assert store.claim(hint, 3, "gpu0")


def test_finish_writes_the_whole_outcome(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    assert store.finish(hint, 1, ANSWER, Ended(seen_s=60))

    found = row(hint)
    assert (found.state, found.text, found.source) == (State.ANSWERED, "Look again.", Source.MODEL)
    assert (found.prompt_tokens, found.completion_tokens, found.cached_tokens) == (7, 3, 2)
    assert found.reason == ""
    assert found.finished_at
    assert found.first_piece_at
    assert 59 < (found.finished_at - found.first_piece_at).total_seconds() < 61


def test_finish_by_a_lost_attempt_changes_nothing(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1)
    assert not store.finish(hint, 1, ANSWER, Ended())
    store.claim(hint, 2, "gpu0")
    before = Hint.objects.filter(pk=hint).values()[0]

    assert not store.finish(hint, 1, ANSWER, Ended())

    assert Hint.objects.filter(pk=hint).values()[0] == before


def test_a_second_finish_changes_nothing(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.finish(hint, 1, ANSWER, Ended())
    before = Hint.objects.filter(pk=hint).values()[0]

    assert not store.finish(hint, 1, Outcome(state=State.FAILED, text="other"), Ended())

    assert Hint.objects.filter(pk=hint).values()[0] == before


def test_a_hint_cannot_finish_in_flight(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    with pytest.raises(AssertionError, match="no arrow"):
        store.finish(hint, 1, Outcome(state=State.RUNNING), Ended())


def test_requeue_puts_a_running_hint_back(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    assert store.requeue(hint, 1)

    found = row(hint)
    assert (found.state, found.attempt, found.engine) == (State.QUEUED, 1, "")
    assert found.claimed_at is None


def test_what_a_cut_attempt_left_is_there_until_another_one_leaves_something(hint: str) -> None:
    left = Partial(model="m", text="Look at", tokens=2, cuts=1)
    store.claim(hint, 1, "gpu0")
    assert store.requeue(hint, 1, left)
    again = store.claim(hint, 2, "gpu0")
    store.requeue(hint, 2)
    third = store.claim(hint, 3, "gpu0")

    assert again is not None
    assert third is not None
    assert again.partial == third.partial == left


def test_the_first_words_stay_those_of_the_first_attempt(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1, ended=Ended(seen_s=50))
    first = row(hint).first_piece_at
    store.claim(hint, 2, "gpu0")
    store.requeue(hint, 2)
    store.claim(hint, 3, "gpu0")

    store.finish(hint, 3, ANSWER, Ended(seen_s=10))

    assert first is not None
    assert row(hint).first_piece_at == first


def test_requeue_burns_a_grant_nobody_claimed(hint: str) -> None:
    assert store.requeue(hint, 1)

    assert store.claim(hint, 1, "gpu0") is None
    assert store.claim(hint, 2, "gpu0")


def test_requeue_of_an_older_attempt_leaves_the_running_one(hint: str) -> None:
    store.claim(hint, 2, "gpu0")

    assert not store.requeue(hint, 1)
    assert state(hint) == (State.RUNNING, 2)


def test_an_expired_hint_tells_what_the_program_did(hint: str) -> None:
    first = Case(call="add(1, 2)", expected="3", got="-1")
    failed = Report(verdict=Verdict.FAILED, total=2, first=first)
    Submission.objects.update(report=failed.as_json())

    assert store.expire(hint, Reason.EXPIRED)

    found = row(hint)
    assert (found.state, found.reason) == (State.FAILED, Reason.EXPIRED)
    assert found.source == Source.EVIDENCE
    assert "add(1, 2)" in found.text


def test_where_nothing_can_be_told_it_ends_with_its_authors_words(hint: str) -> None:
    Submission.objects.update(report=Report(verdict=Verdict.NOT_RUN).as_json())

    store.expire(hint, Reason.EXPIRED)

    assert (row(hint).source, row(hint).text) == (Source.AUTHORED, "부호를 보세요.")


def test_without_an_authored_hint_it_ends_with_l0(hint: str, exercise: Exercise) -> None:
    exercise.authored_hints.all().delete()
    error = ProgramError(kind="NoTests", message="")
    Submission.objects.update(report=Report(verdict=Verdict.NOT_RUN, error=error).as_json())

    store.expire(hint, Reason.EXPIRED)

    assert row(hint).source == Source.L0
    assert row(hint).text


def test_a_rule_is_explained_by_the_author_before_it_is_left_to_evidence(
    hint: str, exercise: Exercise
) -> None:
    Hint.objects.update(level=3)
    exercise.authored_hints.update(level=3)

    store.expire(hint, Reason.EXPIRED)

    assert row(hint).source == Source.AUTHORED


def test_without_the_author_evidence_is_told_at_every_level(hint: str, exercise: Exercise) -> None:
    Hint.objects.update(level=3)

    store.expire(hint, Reason.EXPIRED)

    assert row(hint).source == Source.EVIDENCE


def test_a_value_of_the_run_that_only_the_reference_has_is_not_told(
    hint: str, exercise: Exercise
) -> None:
    Exercise.objects.update(reference="def add(a, b):\n    return [0, 97][a] or 'nine'\n")
    for number, value in enumerate(("97", "'nine'")):
        fact = Fact(kind=FactKind.GIVES, line=2, values={"value": value}, score=1)
        report = Report.from_json(row(hint).submission.report)
        Submission.objects.update(report=replace(report, facts=(fact,)).as_json())
        Hint.objects.update(state=State.QUEUED, reason="", text="")

        assert store.expire(hint, Reason.EXPIRED), number

        assert row(hint).source == Source.EVIDENCE
        assert value not in row(hint).text


@pytest.mark.parametrize(
    ("ended", "reason"),
    [(State.FAILED, Reason.MODEL_TIMEOUT), (State.WITHHELD, Reason.LEAK)],
)
def test_an_attempt_without_a_text_tells_what_became_known_meanwhile(
    hint: str, ended: State, reason: Reason
) -> None:
    store.claim(hint, 1, "gpu0")
    first = Case(call="add(1, 2)", expected="3", got="-1")
    failed = Report(verdict=Verdict.FAILED, total=2, first=first)
    Submission.objects.update(report=failed.as_json())
    usage = Usage(prompt_tokens=7)

    assert store.finish(hint, 1, Outcome(state=ended, reason=reason, usage=usage), Ended())

    found = row(hint)
    assert (found.state, found.reason, found.source) == (ended, reason, Source.EVIDENCE)
    assert "add(1, 2)" in found.text
    assert found.prompt_tokens == 7


def test_a_running_hint_does_not_expire(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    assert not store.expire(hint, Reason.EXPIRED)
    assert state(hint) == (State.RUNNING, 1)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_queued_or_running_hint_can_be_cancelled_once(hint: str, claimed: bool) -> None:
    if claimed:
        store.claim(hint, 1, "gpu0")

    assert store.cancel(hint)
    assert not store.cancel(hint)

    found = row(hint)
    assert (found.state, found.text, found.source) == (State.CANCELLED, "", Source.NONE)
    assert found.reason == Reason.CANCELLED
    assert found.finished_at


def test_nothing_moves_a_cancelled_hint(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.cancel(hint)
    before = Hint.objects.filter(pk=hint).values()[0]

    assert store.claim(hint, 2, "gpu0") is None
    assert not store.finish(hint, 1, ANSWER, Ended())
    assert not store.requeue(hint, 1)
    assert not store.expire(hint, Reason.EXPIRED)
    assert store.requeue_unknown(hint, 0, 0) is None

    assert Hint.objects.filter(pk=hint).values()[0] == before


def attempts_of(hint: str) -> list[Attempt]:
    return list(Attempt.objects.filter(hint=hint))


def test_a_claim_begins_an_attempt_and_finish_ends_it(hint: str) -> None:
    store.claim(hint, 3, "gpu0")
    [running] = attempts_of(hint)
    store.finish(hint, 3, ANSWER, Ended(seen_s=0.5))

    [done] = attempts_of(hint)
    assert (running.number, running.engine, running.finished_at) == (3, "gpu0", None)
    assert (done.pk, done.failure, done.error) == (running.pk, "", "")
    assert done.first_piece_at is not None
    assert done.finished_at is not None
    assert 0.4 < (done.finished_at - done.first_piece_at).total_seconds() < 0.6
    assert abs((done.finished_at - timezone.now()).total_seconds()) < 60


def test_each_attempt_keeps_how_it_ended(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1, ended=Ended(seen_s=7, failure="cut", error="it broke off"))
    store.claim(hint, 2, "gpu0")
    store.requeue(hint, 2)
    store.claim(hint, 4, "gpu0")
    store.finish(hint, 4, ANSWER, Ended(failure="timeout", error="silent"))

    ends = [(row.number, row.failure, row.error) for row in attempts_of(hint)]
    assert ends == [(1, "cut", "it broke off"), (2, "", LOST.error), (4, "timeout", "silent")]
    assert [bool(row.first_piece_at) for row in attempts_of(hint)] == [True, False, False]


@pytest.mark.parametrize(
    ("verb", "error"),
    [(store.cancel, ""), (lambda hint: store.requeue_unknown(hint, -1, 0), LOST.error),
     (lambda hint: store.requeue(hint, 9), LOST.error)],
    ids=["cancel", "requeue_unknown", "requeue of a later grant"],
)  # fmt: skip
def test_whoever_takes_a_running_hint_closes_its_attempt(
    hint: str, verb: Callable[[str], object], error: str
) -> None:
    store.claim(hint, 1, "gpu0")

    assert verb(hint)

    [lost] = attempts_of(hint)
    assert (bool(lost.finished_at), lost.error) == (True, error)


def test_a_zombie_changes_no_attempt(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    store.requeue(hint, 1)
    store.claim(hint, 2, "gpu0")
    before = list(Attempt.objects.values())

    assert not store.finish(hint, 1, ANSWER, Ended(error="late"))
    assert not store.requeue(hint, 1, ended=Ended(error="late"))

    assert list(Attempt.objects.values()) == before


def test_a_claim_that_fails_leaves_no_attempt(hint: str) -> None:
    store.claim(hint, 2, "gpu0")
    store.claim(hint, 3, "gpu0")
    store.claim(hint, 1, "gone")

    assert [row.number for row in attempts_of(hint)] == [2]


def test_model_calls_are_kept_with_their_attempt(hint: str) -> None:
    store.claim(hint, 1, "gpu0")
    hidden = call("no", "", purpose=Purpose.JUDGE, model="m" * 500, parameters={"stop": ["x"]})
    attempts.keep(hint, 1, [call("words", "R2"), hidden])
    attempts.keep(hint, 1, [])

    one, other = ModelCall.objects.all()
    assert (one.attempt.number, one.purpose, one.verdict, one.text) == (1, "write", "R2", "words")
    assert (one.model, one.template_version) == ("fake", "1")
    assert (one.prompt_tokens, one.completion_tokens, one.cached_tokens) == (70, 30, 20)
    assert (other.purpose, other.model, other.parameters) == ("judge", "m" * 200, {"stop": ["x"]})
    assert abs((one.created_at - timezone.now()).total_seconds()) < 60


def test_where_raw_text_is_not_kept_the_calls_are(hint: str, settings: Any) -> None:
    settings.RAW_DAYS = 0
    store.claim(hint, 1, "gpu0")

    attempts.keep(hint, 1, [call("words", "R2")])

    assert ModelCall.objects.values_list("verdict", "text").get() == ("R2", "")


def test_what_a_hint_stands_on_may_be_deleted(hint: str, exercise: Exercise, student: User) -> None:
    store.claim(hint, 1, "gpu0")
    attempts.keep(hint, 1, [call("words")])

    exercise.delete()

    assert not any(model.objects.exists() for model in (Hint, Submission, Attempt, ModelCall))
    assert not store.finish(hint, 1, ANSWER, Ended())
    student.delete()


def test_requeue_unknown_leaves_a_fresh_claim_alone(hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    assert store.requeue_unknown(hint, 20, 0) is None
    assert store.requeue_unknown(hint, None, 0) is None
    assert state(hint) == (State.RUNNING, 1)


def test_requeue_unknown_takes_an_old_claim_back(hint: str, student: User) -> None:
    store.claim(hint, 3, "gpu0")

    Hint.objects.update(created_at=ago(60))

    ticket = store.requeue_unknown(hint, -1, 100_000)

    assert ticket is not None
    assert (ticket.hint, ticket.attempt, ticket.student) == (hint, 3, str(student.pk))
    assert ticket.since_ms is not None
    assert 35_000 < ticket.since_ms <= 40_000
    assert state(hint) == (State.QUEUED, 3)


def test_the_same_key_and_body_give_the_first_hint(student: User, exercise: Exercise) -> None:
    first = store.create(new_hint(student, exercise, "k"))
    assert isinstance(first, Created)
    store.cancel(str(first.hint.pk))

    assert store.create(new_hint(student, exercise, "k")) == Repeated(first.hint)
    assert Hint.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(student: User, exercise: Exercise) -> None:
    store.create(new_hint(student, exercise, "k"))

    assert store.create(new_hint(student, exercise, "k", code=RIGHT)) == KeyReused()
    assert Hint.objects.count() == 1


def test_a_key_belongs_to_one_student(student: User, exercise: Exercise) -> None:
    store.create(new_hint(student, exercise, "k"))

    other = store.create(new_hint(User.objects.create_user("other"), exercise, "k"))

    assert isinstance(other, Created)


def test_one_hint_in_flight_for_a_student_and_exercise(student: User, exercise: Exercise) -> None:
    hint = queued(student, exercise)

    assert store.create(new_hint(student, exercise)) == Waiting(hint)

    store.cancel(str(hint.pk))
    assert isinstance(store.create(new_hint(student, exercise)), Created)


def test_another_broken_constraint_is_no_second_click(student: User, exercise: Exercise) -> None:
    broken: Any = replace(new_hint(student, exercise), locale=None)

    with pytest.raises(IntegrityError, match="locale"):
        store.create(broken)


def test_only_old_hints_in_flight_are_due(hint: str, student: User) -> None:
    assert lookup.in_flight_ids(60) == lookup.due_to_expire(60) == []
    assert lookup.in_flight_ids(-1) == lookup.due_to_expire(-1) == [hint]

    store.claim(hint, 1, "gpu0")
    assert (lookup.in_flight_ids(-1), lookup.due_to_expire(-1)) == ([hint], [])

    store.finish(hint, 1, ANSWER, Ended())
    assert lookup.in_flight_ids(-1) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["", "k"])
def test_eight_requests_at_once_give_one_row(
    line: None, student: User, exercise: Exercise, key: str
) -> None:
    results = at_once(*[lambda: store.create(new_hint(student, exercise, key))] * 8)

    created = [result.hint for result in results if isinstance(result, Created)]
    again = Repeated if key else Waiting
    assert len(created) == Hint.objects.count() == 1
    assert results.count(again(created[0])) == 7


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keyed", [False, True])
def test_requests_that_meet_the_end_of_an_earlier_hint_get_an_answer(
    line: None, student: User, exercise: Exercise, keyed: bool
) -> None:
    asking = Semaphore(0)

    def ask() -> list[Creation]:
        keys = [str(number) if keyed else "" for number in range(200)]
        try:
            return [store.create(new_hint(student, exercise, key)) for key in keys]
        finally:
            asking.release()

    def end() -> list[Creation]:
        for _ in range(2):
            while not asking.acquire(blocking=False):
                for hint in lookup.in_flight_ids(-1):
                    store.cancel(hint)
        return []

    answers = [answer for answers in at_once(ask, ask, end) for answer in answers]

    created = [answer.hint for answer in answers if isinstance(answer, Created)]
    assert len(answers) == 400
    assert Hint.objects.count() == len(created) > 2
    assert {type(answer) for answer in answers} <= {Created, Waiting, Repeated}


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins(line: None, hint: str) -> None:
    jobs = at_once(*[lambda: store.claim(hint, 1, "gpu0")] * 4)

    assert sum(job is not None for job in jobs) == 1


@pytest.mark.django_db(transaction=True)
def test_of_cancel_and_finish_at_once_one_wins(line: None, hint: str) -> None:
    store.claim(hint, 1, "gpu0")

    cancelled, finished = at_once(
        lambda: store.cancel(hint), lambda: store.finish(hint, 1, ANSWER, Ended())
    )

    assert cancelled != finished
    assert row(hint).state == (State.CANCELLED if cancelled else State.ANSWERED)
    assert row(hint).text == ("" if cancelled else "Look again.")


@pytest.mark.parametrize("undone", [0, 2])
def test_every_hint_that_ends_is_counted_once_by_its_source(
    hint: str, undone: int, django_capture_on_commit_callbacks: Any
) -> None:
    """undone: times that its end was taken back with what was written beside it."""

    def counted(source: Source) -> float:
        return REGISTRY.get_sample_value("hint_source_total", {"source": source}) or 0

    before = {source: counted(source) for source in Source}
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(undone):
            with transaction.atomic():
                store.expire(hint, Reason.EXPIRED)
                transaction.set_rollback(True)
        store.expire(hint, Reason.EXPIRED)
        store.expire(hint, Reason.EXPIRED)
        store.cancel(hint)

    ended = Source(row(hint).source)
    assert {s: counted(s) - before[s] for s in Source} == {s: int(s is ended) for s in Source}
