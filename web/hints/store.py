"""The only writer of hints and their attempts: one function an arrow, each one conditional UPDATE.

A function that changes a state answers whether it did: False means that another writer came first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_noop
from prometheus_client import Counter

from broker.base.metrics import REGISTRY
from broker.contract.attempt import Ended
from broker.contract.hint import Outcome, Reason, Source, State
from broker.contract.job import HintJob, Partial
from broker.contract.text import storable, storable_json
from broker.dispatch import Ticket
from web.engines import roster
from web.engines.licences import Trust
from web.hints import attempts, jobs, lookup, submissions
from web.hints.arrows import AGAIN, final, left
from web.hints.creation import Created, Creation, NewHint, NoneLeft, Waiting
from web.hints.models import IN_FLIGHT, Hint, Submission
from web.people import quotas
from web.statements import Sql, ago_sql, holds, insert, now_sql, update
from web.tutor.evidence.floor import fallback

TRIES = 20
"""Each try fails only if another request came first, and its hint ended before we looked."""
SOURCES = Counter(
    "hint_source",
    "Hints that have ended, by who wrote the text that the student has.",
    ["source"],
    registry=REGISTRY,
)
LOST = Ended(error=gettext_noop("Its worker was not heard of again."))


def create(new: NewHint, without: Reason | None = None) -> Creation:
    """Writes the row, unless the key, another hint in flight or the student's quota forbids it.

    The program is kept anyway. without: why the hint has no model; it has ended then.
    """
    student, exercise = new.submission.student, new.submission.exercise
    for _ in range(TRIES):
        # One commit for both: on PostgreSQL each waits for the disk.
        with transaction.atomic():
            hint = new.hint(submissions.keep(new.submission))
            reserved = quotas.reservation(student, exercise, new.level, new.charge)
            if insert(hint, reserved.condition, **reserved.columns):
                if without:
                    expire(str(hint.pk), without)
                return Created(hint)
        # The constraints let one in, also of two requests at once; the others find it here.
        if earlier := lookup.by_key(new):
            return earlier
        if waiting := lookup.in_flight(student, exercise):
            return Waiting(waiting)
        if not holds(reserved.condition):
            return NoneLeft()
        # The hint that was in the way has ended since: now there may be room.
    raise IntegrityError(f"no room beside the other hints of student {new.submission.student_id}")


def claim(hint: str, attempt: int, engine: str) -> HintJob | None:
    """queued → running as this attempt; None if the hint is not there to be had.

    attempt: the grant's number; it must be higher than any the row has seen.
    engine: the row of that name must still exist.
    """
    serving = roster.serving(engine)
    # An admin may have deleted the engine since the grant; rescue finds another one for the hint.
    if serving is None:
        return None
    to: list[Any] = [State.RUNNING, attempt, engine]
    of = [Hint.key(hint), State.QUEUED, attempt]
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(CLAIM.format(now=now_sql().text), to + of)
            found = cursor.fetchall()
        if not found:
            return None
        attempts.begin(hint, attempt, engine)
    [(code, report, source, revision, streams, unlicensed, tries, *columns)] = found
    # A row as it is read: made by its class, it would get a default for each of its other columns.
    row = Hint.from_db(DEFAULT_DB_ALIAS, ("id", *CLAIMED), (hint, *columns[: len(CLAIMED)]))
    read, program = ("id", "code", "report", "source"), (None, code, json.loads(report), source)
    row.submission = Submission.from_db(DEFAULT_DB_ALIAS, read, program)
    # Its texts do not come with the row: they are long, and most hints are for few exercises.
    row.exercise = jobs.exercise_at(row.exercise_id, revision)
    trust = Trust(bool(unlicensed), bool(tries))
    earlier = tuple(filter(None, reversed(columns[len(CLAIMED) :])))
    return jobs.job(row, serving, streams=bool(streams), trust=trust, earlier=earlier)


# One statement, as a hint waits for it on its way to the engine. Columns in the order of the model.
CLAIMED = (
    "student_id", "exercise_id", "level", "locale", "question", "lane", "attempt", "engine",
    "partial",
)  # fmt: skip
PROGRAM = "FROM hints_submission WHERE hints_submission.id = submission_id"
COURSE = "FROM courses_course c, courses_exercise e WHERE c.id = course_id AND e.id = exercise_id"
CLAIM = f"""
    UPDATE hints_hint SET state = %s, attempt = %s, engine = %s, claimed_at = {{now}}
    WHERE id = %s AND state = %s AND attempt < %s
    RETURNING (SELECT code {PROGRAM}), (SELECT report {PROGRAM}), (SELECT source {PROGRAM}),
        (SELECT revision {COURSE}), (SELECT streams {COURSE}),
        (SELECT trusts_unlicensed {COURSE}), (SELECT tries_models {COURSE}),
        {", ".join(CLAIMED)}, {lookup.EARLIER}
"""  # noqa: S608  # of our own names


def finish(hint: str, attempt: int, outcome: Outcome, ended: Ended) -> bool:
    """running → the outcome's state, for the attempt that still owns the hint.

    Where it has a reason, the student gets what is there without a model by now.
    """
    if outcome.reason:
        outcome = without_model(hint, outcome)
    ours = Sql("state = %s AND attempt = %s", (State.RUNNING, attempt))
    done = counted(outcome, left(hint, ours, ended, final(State.RUNNING, outcome), attempt))
    if done and outcome.source is Source.MODEL:
        refund(hint)
    return done


def refund(hint: str) -> None:
    """What did not help at a lower level costs nothing, now that a model has written this one."""
    this = Hint.key(hint)
    update("hints_hint", {"charge": 0}, Sql(NO_HELP_BELOW, (this, this)))


NO_HELP_BELOW = """
    (student_id, exercise_id) = (SELECT student_id, exercise_id FROM hints_hint WHERE id = %s)
    AND level < (SELECT level FROM hints_hint WHERE id = %s) AND helpful IS FALSE AND charge > 0
"""


def requeue(hint: str, attempt: int, partial: Partial | None = None, ended: Ended = LOST) -> bool:
    """running → queued for an attempt that gives up; a grant nobody claimed is burned instead.

    Either way no zombie of this attempt can claim or finish afterwards.
    partial: for the next attempt to go on from; None leaves what an earlier one has left.
    """
    kept = {"partial": json.dumps(storable_json(asdict(partial)))} if partial else {}
    lost_or_unclaimed = Sql(
        "(state = %s AND attempt <= %s OR state = %s AND attempt < %s)",
        (State.RUNNING, attempt, State.QUEUED, attempt),
    )
    return left(hint, lost_or_unclaimed, ended, {"attempt": attempt, **AGAIN, **kept}, attempt)


def expire(hint: str, reason: Reason, states: Sequence[State] = (State.QUEUED,)) -> bool:
    """queued → failed, with what is there without a model: nobody could serve it.

    states: from which; also from running, where its worker is gone for good.
    """
    outcome = without_model(hint, Outcome(state=State.FAILED, reason=reason))
    these = Sql(f"state IN ({', '.join(['%s'] * len(states))})", tuple(states))
    return counted(outcome, left(hint, these, LOST, final(State.QUEUED, outcome)))


def cancel(hint: str) -> bool:
    """queued or running → cancelled."""
    outcome = Outcome(state=State.CANCELLED, reason=Reason.CANCELLED)
    in_flight = Sql("state IN (%s, %s)", IN_FLIGHT)
    return counted(outcome, left(hint, in_flight, Ended(), final(State.RUNNING, outcome)))


def requeue_unknown(hint: str, silent_s: float | None, now_ms: int) -> Ticket | None:
    """The ticket of a hint the dispatcher does not know; None if it needs none now.

    silent_s: a running one that was claimed so long ago is taken back, as its worker would have
    told the dispatcher of it by now; None: all that run are left alone. now_ms: Redis' time.
    """
    if silent_s is not None:
        since = ago_sql(silent_s)
        silent = Sql(
            f"state = %s AND claimed_at < {since.text}", (State.RUNNING, *since.parameters)
        )
        left(hint, silent, LOST, AGAIN)
    waiting = Hint.objects.filter(pk=hint, state=State.QUEUED)
    waiting = waiting.select_related("exercise__course")
    row = waiting.annotate(age=Now() - F("created_at")).first()
    if row is None:
        return None
    return replace(jobs.ticket(row), since_ms=now_ms - round(row.age.total_seconds() * 1000))


def say(hint: Hint, **said: str | bool | None) -> None:
    """What the student says of it: helpful, comment, reflection; the last words count."""
    kept = {name: storable(word) if isinstance(word, str) else word for name, word in said.items()}
    Hint.objects.filter(pk=hint.pk).update(**kept)
    for name, word in kept.items():
        setattr(hint, name, word)


def without_model(hint: str, outcome: Outcome) -> Outcome:
    """The outcome with the text that this hint gets where no model's may be shown."""
    row = Hint.objects.filter(pk=hint).select_related("exercise", "submission").first()
    return fallback(outcome, jobs.without_model(row)) if row else outcome


def counted(outcome: Outcome, ours: bool) -> bool:
    """Counts the hint, if this writer was the one to end it; gives `ours` back."""
    if ours:
        # A worker may undo this together with what others wrote, and then do it again.
        transaction.on_commit(SOURCES.labels(outcome.source).inc)
    return ours
