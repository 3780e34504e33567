"""What is asked of many hints, or of one whose rest does not matter; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q

from broker.contract.hint import Lane, Reason, State
from broker.contract.text import storable
from web.courses.models import Exercise
from web.database import ago
from web.hints.creation import KeyReused, NewHint, Repeated
from web.hints.models import IN_FLIGHT, Hint, Submission
from web.people.access import HELPING
from web.people.models import User
from web.prepared import Prepared, Slot
from web.runner.cases import RunLimits, Tests
from web.tutor.evidence.report import Report

BATCH_TTL_FACTOR = 12
"""How many times as long a batch hint may wait."""
MOST_EARLIER = 3
EXPLAINING_S = 2
"""A request finds out what its program did after it has placed the hint, and takes no longer."""


# Asked anew for each request, as other processes take requests too; an index has the states.
QUEUED = Prepared(
    lambda: Hint.objects.filter(state=State.QUEUED).values_list("state").annotate(Count("pk"))
)


STATES_IN_FLIGHT = Prepared(
    lambda: Hint.objects.filter(state__in=IN_FLIGHT).values_list("state").distinct()
)


def waiting_count() -> int:
    return sum(count for _, count in QUEUED.rows())


KEYS = Prepared(lambda: Hint.objects.filter(student=Slot("student"), idempotency_key=Slot("key")))


def by_key(new: NewHint) -> Repeated | KeyReused | None:
    """What came before under the same key of the same student; None for a new key, or none."""
    if not new.idempotency_key:
        return None
    # As the row has it: a character that cannot be stored was marked there.
    key = storable(new.idempotency_key)
    hint: Hint | None = KEYS.first(student=new.submission.student_id, key=key)
    if hint is None:
        return None
    return Repeated(hint) if hint.request_hash == new.request_hash() else KeyReused()


def in_flight(student: User, exercise: Exercise) -> Hint | None:
    return Hint.objects.filter(student=student, exercise=exercise, state__in=IN_FLIGHT).first()


# Of the hint that a statement changes, as columns of its own: one more statement would stand before
# every request to an engine. Each is found by the index of a student's hints.
EARLIER = ", ".join(
    f"""(
        SELECT before.text FROM hints_hint AS before
        WHERE before.student_id = hints_hint.student_id
        AND before.exercise_id = hints_hint.exercise_id
        AND before.text <> '' AND before.source IN {tuple(map(str, HELPING))}
        ORDER BY before.created_at DESC LIMIT 1 OFFSET {number}
    )"""  # noqa: S608  # of our own names
    for number in range(MOST_EARLIER)
)
"""Texts of the last hints that the student has had here, the last one first, or NULL."""


def earlier(row: Hint) -> tuple[str, ...]:
    """Texts of the last hints that the student had here before this one, the last one first."""
    rows = Hint.objects.filter(student=row.student_id, exercise=row.exercise_id, source__in=HELPING)
    rows = rows.exclude(pk=row.pk).exclude(text="").order_by("-created_at")
    return tuple(rows.values_list("text", flat=True)[:MOST_EARLIER])


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
    # A hint that was taken back ended in the web, which also sent its last event.
    return rows.exclude(state=State.CANCELLED).exists()


def being_explained(hint: str) -> bool:
    """Whether its request may still be finding out what its program did."""
    rows = Hint.objects.filter(pk=hint, created_at__gt=ago(EXPLAINING_S))
    rows = rows.filter(submission__source=Submission.Source.HERE)
    json = rows.values_list("submission__report", flat=True).first()
    if json is None:
        return False
    return Report.from_json(json).unexplained


def tests_of(hint: str) -> tuple[Tests, RunLimits] | None:
    """What programs of its exercise are run against; None where they are not run here."""
    row = Hint.objects.filter(pk=hint).select_related("exercise").first()
    tests = row.exercise.tests_here() if row else None
    return (tests, row.exercise.limits()) if row and tests else None


def report_of(hint: str) -> Report | None:
    """What is known by now of what its program did; None where nobody here has run it."""
    rows = Hint.objects.filter(pk=hint, submission__source=Submission.Source.HERE)
    json = rows.values_list("submission__report", flat=True).first()
    return Report.from_json(json) if json else None


def any_in_flight() -> bool:
    return bool(STATES_IN_FLIGHT.rows())


def in_flight_ids(older_than_s: float) -> list[str]:
    """Hints of that age that the dispatcher should know, oldest first."""
    rows = Hint.objects.filter(state__in=IN_FLIGHT, created_at__lt=ago(older_than_s))
    rows = rows.order_by("created_at")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def tried_before(most: int) -> list[str]:
    """Hints that wait for another attempt, the oldest first."""
    rows = Hint.objects.filter(state=State.QUEUED, attempt__gt=0).order_by("created_at")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:most]]


def due_to_expire(ttl_s: float, states: Sequence[State] = (State.QUEUED,)) -> list[str]:
    """Hints in these states past their time to live, which is longer in the batch lane."""
    late = Q(created_at__lt=ago(ttl_s)) & ~Q(lane=Lane.BATCH)
    late |= Q(created_at__lt=ago(BATCH_TTL_FACTOR * ttl_s))
    rows = Hint.objects.filter(late, state__in=states)
    return [str(pk) for pk in rows.values_list("pk", flat=True)]
