"""The only writer of hint rows: one function an arrow, each one conditional UPDATE.

A function that changes a state answers whether it did: False means that another writer came first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from broker.contract.attempt import PASSED, Ended, ModelCall
from broker.contract.hint import ARROWS, Lane, Outcome, Reason, State, fallback
from broker.contract.job import Endpoint, HintJob, Partial, Sampling
from broker.contract.text import storable, storable_json
from broker.dispatch import Ticket
from web.courses.models import Exercise
from web.database import ago, now_sql
from web.engines import roster
from web.hints.models import IN_FLIGHT, Hint, RawOutput
from web.people.models import User
from web.tutor.evidence.report import Report
from web.tutor.languages import Locale
from web.tutor.levels import l0_words

BATCH_PATIENCE = 12
"""How many times as long a batch hint may wait."""
TRIES = 20
"""Each try fails only if another request came first, and its hint ended before we looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHint:
    """A checked request. idempotency_key: empty for none; prefix_tokens: as in Ticket."""

    student: User
    exercise: Exercise
    level: int
    locale: Locale
    code: str
    question: str
    report: Report
    prefix: str
    prefix_tokens: int = 0
    lane: Lane = Lane.INTERACTIVE
    idempotency_key: str = ""

    def fingerprint(self) -> str:
        """SHA-256 of what the student asked: tells a repeated request from another one."""
        asked = [self.exercise.pk, self.level, self.locale, self.code, self.question]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Created:
    """A new row, queued and committed."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request under the same key came before: this is its hint."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key belongs to a request with another content."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The student already has a hint in flight for this exercise."""

    hint: Hint


Creation = Created | Repeated | KeyReused | Waiting


def create(new: NewHint) -> Creation:
    """Writes the row, unless the key or another hint in flight forbids it."""
    for _ in range(TRIES):
        try:
            return Created(insert(new))
        except IntegrityError as error:
            refused = error
        # The constraints let one in, also of two requests at once; the others find it here.
        if earlier := by_key(new):
            return earlier
        if waiting := in_flight(new.student, new.exercise):
            return Waiting(waiting)
        # The hint that was in the way has ended since: now there may be room.
    raise refused


@transaction.atomic
def insert(new: NewHint) -> Hint:
    """Raises: IntegrityError."""
    return Hint.objects.create(
        student=new.student,
        exercise=new.exercise,
        level=new.level,
        locale=new.locale,
        code=storable(new.code),
        question=storable(new.question),
        report=storable_json(new.report.as_json()),
        prefix=new.prefix,
        prefix_tokens=new.prefix_tokens,
        lane=new.lane,
        idempotency_key=storable(new.idempotency_key),
        request_hash=new.fingerprint(),
    )


def by_key(new: NewHint) -> Repeated | KeyReused | None:
    if not new.idempotency_key:
        return None
    key = storable(new.idempotency_key)
    rows = Hint.objects.filter(student=new.student, idempotency_key=key)
    # Most keys are new, and to ask just that costs half of asking for the row.
    hint = rows.first() if rows.exists() else None
    if hint is None:
        return None
    return Repeated(hint) if hint.request_hash == new.fingerprint() else KeyReused()


def in_flight(student: User, exercise: Exercise) -> Hint | None:
    return Hint.objects.filter(student=student, exercise=exercise, state__in=IN_FLIGHT).first()


def claim(hint: str, attempt: int, engine: str) -> HintJob | None:
    """queued → running as this attempt; None if the hint is not there to be had.

    attempt: the grant's number; it must be higher than any the row has seen.
    engine: the row of that name must still exist.
    """
    serving = roster.serving(engine)
    if serving is None:
        return None
    to: list[Any] = [State.RUNNING, attempt, engine]
    of = [stored("id", hint), State.QUEUED, attempt]
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.replace(NOW, now_sql()), to + of)
        found = cursor.fetchall()
    if not found:
        return None
    [(report, revision, *columns)] = found
    row = Hint(
        pk=hint, attempt=attempt, engine=engine, report=json.loads(report),
        **dict(zip(CLAIMED, columns, strict=True)),
    )  # fmt: skip
    row.exercise = exercise_at(row.exercise_id, revision)
    return job(row, *serving)


# One statement where QuerySets need two, read without a QuerySet's pains over 29 columns: a hint
# waits for it on its way to the engine.
CLAIMED = (
    "student_id", "exercise_id", "level", "locale", "code", "question", "lane", "partial",
)  # fmt: skip
NOW = "<now>"
CLAIM = f"""
    UPDATE hints_hint SET state = %s, attempt = %s, engine = %s, claimed_at = {NOW}
    WHERE id = %s AND state = %s AND attempt < %s
    RETURNING report, (
        SELECT revision FROM courses_exercise WHERE courses_exercise.id = exercise_id
    ), {", ".join(CLAIMED)}
"""  # noqa: S608  # of our own names


def stored(name: str, value: object) -> Any:
    """What this database keeps for a value of a hint's field."""
    field: Any = Hint._meta.get_field(name)
    return field.get_db_prep_save(value, connection)


@lru_cache(maxsize=1024)
def exercise_at(pk: int, revision: int) -> Exercise:
    """An exercise with its authored hints; whoever changes either raises the revision."""
    return Exercise.objects.prefetch_related("authored_hints").get(pk=pk)


def job(row: Hint, endpoint: Endpoint, sampling: Sampling) -> HintJob:
    exercise = row.exercise
    return HintJob(
        hint=str(row.pk),
        student=str(row.student_id),
        attempt=row.attempt,
        engine=row.engine,
        level=row.level,
        locale=row.locale,
        statement=exercise.statement(row.locale),
        reference=exercise.reference,
        mistakes=exercise.mistakes(row.locale),
        authored=authored(row),
        l0=l0(row),
        code=row.code,
        question=row.question,
        endpoint=endpoint,
        sampling=sampling,
        lane=Lane(row.lane),
        partial=Partial(**json.loads(row.partial)) if row.partial else None,
    )


def finish(hint: str, attempt: int, outcome: Outcome, ended: Ended) -> bool:
    """running → the outcome's state, for the attempt that still owns the hint."""
    rows = leaving(State.RUNNING, outcome.state, hint).filter(attempt=attempt)
    return bool(rows.update(**final(outcome), **first_seen(ended)))


def first_seen(ended: Ended | None) -> dict[str, Any]:
    """The column that tells when the student got the first words, of any attempt."""
    if ended is None or ended.seen_s is None:
        return {}
    return {"first_piece_at": Coalesce("first_piece_at", ago(ended.seen_s))}


def requeue(
    hint: str, attempt: int, partial: Partial | None = None, ended: Ended | None = None
) -> bool:
    """running → queued for an attempt that was lost; a grant nobody claimed is burned instead.

    Either way no zombie of this attempt can claim or finish afterwards.
    partial: for the next attempt to go on from; None leaves what an earlier one has left.
    ended: None for an attempt that can tell nothing of itself.
    """
    left = {"partial": json.dumps(storable_json(asdict(partial)))} if partial else {}
    lost = Q(state=State.RUNNING, attempt__lte=attempt)
    unclaimed = Q(state=State.QUEUED, attempt__lt=attempt)
    rows = Hint.objects.filter(lost | unclaimed, pk=hint)
    back = {"state": State.QUEUED, "attempt": attempt, "engine": "", "claimed_at": None}
    return bool(rows.update(**back, **left, **first_seen(ended)))


def expire(hint: str, reason: Reason) -> bool:
    """queued → failed, with the authored hint or L0: nobody could serve it."""
    row = Hint.objects.filter(pk=hint).select_related("exercise").first()
    if row is None:
        return False
    outcome = fallback(State.FAILED, reason, authored(row), l0_or_nothing(row))
    return bool(leaving(State.QUEUED, State.FAILED, hint).update(**final(outcome)))


def cancel(hint: str) -> bool:
    """queued or running → cancelled."""
    outcome = Outcome(state=State.CANCELLED, reason=Reason.CANCELLED)
    rows = Hint.objects.filter(pk=hint, state__in=IN_FLIGHT)
    return bool(rows.update(**final(outcome)))


def rate(hint: Hint, helpful: bool | None, comment: str) -> None:
    """The student's verdict on a hint; the last one counts."""
    hint.helpful, hint.comment = helpful, storable(comment)
    Hint.objects.filter(pk=hint.pk).update(helpful=helpful, comment=hint.comment)


def waiting_count() -> int:
    return Hint.objects.filter(state=State.QUEUED).count()


def state_of(hint: str) -> State | None:
    """The row's state; None if there is no such row."""
    state = Hint.objects.filter(pk=hint).values_list("state", flat=True).first()
    return State(state) if state else None


def ended_as(hint: str) -> tuple[State, Reason | None] | None:
    """How a final hint ended; None for one in flight, or no row."""
    row = Hint.objects.filter(pk=hint).values_list("state", "reason").first()
    if row is None or row[0] in IN_FLIGHT:
        return None
    return State(row[0]), Reason(row[1]) if row[1] else None


def just_finished(hint: str, within_s: float) -> bool:
    """Whether a worker wrote the end of this hint so short a time ago."""
    rows = Hint.objects.filter(pk=hint, finished_at__gt=ago(within_s))
    return rows.exclude(state=State.CANCELLED).exists()


def in_flight_ids(older_than_s: float) -> list[str]:
    """Hints of that age that the dispatcher should know, oldest first."""
    rows = Hint.objects.filter(state__in=IN_FLIGHT, created_at__lt=ago(older_than_s))
    rows = rows.order_by("created_at")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def tried_before(most: int) -> list[str]:
    """Hints that wait for another attempt, the oldest first."""
    rows = Hint.objects.filter(state=State.QUEUED, attempt__gt=0).order_by("created_at")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:most]]


def queued_again(hint: str, silent_s: float | None, now_ms: int) -> Ticket | None:
    """The ticket of a hint the dispatcher does not know; None if it needs none now.

    silent_s: a running one that was claimed so long ago is taken back, as its worker would have
    told the dispatcher of it by now; None: all that run are left alone. now_ms: Redis' time.
    """
    rows = Hint.objects.filter(pk=hint)
    if silent_s is not None:
        rows.filter(state=State.RUNNING, claimed_at__lt=ago(silent_s)).update(
            state=State.QUEUED, engine="", claimed_at=None
        )
    waiting = rows.filter(state=State.QUEUED).select_related("exercise")
    row = waiting.annotate(age=Now() - F("created_at")).first()
    if row is None:
        return None
    return replace(ticket(row), since_ms=now_ms - round(row.age.total_seconds() * 1000))


def ticket(row: Hint) -> Ticket:
    """What the dispatcher must know of a hint; needs the exercise loaded."""
    return Ticket(
        hint=str(row.pk),
        attempt=row.attempt,
        prefix=row.prefix,
        prefix_tokens=row.prefix_tokens,
        lane=row.lane,
        student=str(row.student_id),
        course=str(row.exercise.course_id),
    )


def due_to_expire(ttl_s: float) -> list[str]:
    """Hints that have waited past their time to live, which is longer in the batch lane."""
    late = Q(created_at__lt=ago(ttl_s)) & ~Q(lane=Lane.BATCH)
    late |= Q(created_at__lt=ago(BATCH_PATIENCE * ttl_s))
    rows = Hint.objects.filter(late, state=State.QUEUED)
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def keep_calls(hint: str, attempt: int, calls: Sequence[ModelCall]) -> None:
    """What the attempt asked of its engine, for staff; ungated. Raises: DatabaseError."""
    RawOutput.objects.bulk_create(
        RawOutput(
            hint_id=hint,
            attempt=attempt,
            turn=turn,
            text=storable(call.text),
            rule="" if call.verdict == PASSED else call.verdict,
        )
        for turn, call in enumerate(calls, start=1)
        if call.text and settings.RAW_DAYS
    )


def authored(row: Hint) -> str:
    """The author's hint for this exercise, level and language; empty if there is none."""
    hints = (hint for hint in row.exercise.authored_hints.all() if hint.level == row.level)
    hint = next(hints, None)
    return hint.text(row.locale) if hint else ""


def l0(row: Hint) -> str:
    return l0_words(Report.from_json(row.report), row.locale, row.code)


def l0_or_nothing(row: Hint) -> str:
    """A hint whose report cannot be read ends all the same."""
    try:
        return l0(row)
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def leaving(before: State, after: State, hint: str) -> QuerySet[Hint]:
    """The row, if it is in this state, and the state table has the arrow."""
    assert after in ARROWS[before], f"no arrow {before} → {after}"
    return Hint.objects.filter(pk=hint, state=before)


def final(outcome: Outcome) -> dict[str, Any]:
    """The columns of a final row."""
    return {
        "state": outcome.state,
        "text": storable(outcome.text),
        "partial": "",
        "source": outcome.source,
        "reason": outcome.reason or "",
        "prompt_tokens": outcome.usage.prompt_tokens,
        "completion_tokens": outcome.usage.completion_tokens,
        "cached_tokens": outcome.usage.cached_tokens,
        "finished_at": Now(),
    }
