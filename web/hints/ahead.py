"""Diagnoses that run ahead: asked for when a program fails, before its student asks for a hint.

The row of the diagnosis is the lock and the outbox, the dispatcher has a job of its number, and
nothing here is ever an error to a student. A row is one of these while it has its submission.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from broker import dispatch
from broker.base.times import ADOPT_S, AHEAD_S
from broker.contract.attempt import Ended, ModelCall
from broker.contract.hint import Lane
from broker.contract.job import DIAGNOSIS, HintJob, Partial
from broker.contract.text import storable
from broker.dispatch import Ticket
from web.database import ago
from web.engines import abilities, roster
from web.engines.licences import NO_TRUST
from web.hints import attempts, diagnoses, spending
from web.hints.diagnoses import Subject
from web.hints.models import MODEL_CHARS, Diagnosis, Submission
from web.link import attempt as ask_broker
from web.people import quotas
from web.prepared import Prepared
from web.statements import Sql, insert
from web.tutor.diagnosis import finding
from web.tutor.languages import OPERATORS

log = logging.getLogger(__name__)


def begin(program: Submission) -> None:
    """Has a kept program diagnosed ahead, if it fails, nobody did, and an admin wants that.

    What the student's earlier programs waited for is dropped. The exercise must be loaded, and its
    course: none runs where the course's tokens are used up.
    """
    if not abilities.runs_ahead():
        return
    try:
        for job in stale(program):
            ask_broker(dispatch.forget(job))
        spent = quotas.tokens_are_spent(program.exercise.course)
        row = None if spent else asked_for(program)
    except DatabaseError as error:
        log.warning("submission %s: not diagnosed ahead: %s", program.pk, type(error).__name__)
        return
    if row is not None:
        ask_broker(dispatch.admit(ticket(row)))


def asked_for(program: Submission) -> Diagnosis | None:
    """A new row that waits; None if there is nothing to find out, or somebody does already."""
    asked = diagnoses.subject_of(program, roster.model_of_prefix())
    if asked is None:
        return None
    row = Diagnosis(
        exercise=program.exercise, revision=asked.revision, fingerprint=asked.fingerprint,
        model=asked.model, template_version=finding.VERSION, code=program.code,
        submission=program, waits=True,
    )  # fmt: skip
    return row if insert(row) else None


def stale(program: Submission) -> list[str]:
    """Jobs that nobody's last program needs any more, now that this one is there; they end here.

    One that somebody else's last program needs is from now on for that one.
    """
    newer = Submission.objects.filter(
        student=OuterRef("student"), exercise=OuterRef("exercise"), pk__gt=OuterRef("pk")
    )
    last = Submission.objects.filter(~Exists(newer), exercise=program.exercise)
    found = []
    for row in undone().filter(submission__student=program.student, exercise=program.exercise):
        same = last.filter(fingerprint=row.fingerprint).order_by("-pk").first()
        this = undone().filter(pk=row.pk)
        if same is not None:
            this.update(submission=same)
        elif this.delete()[0]:
            found.append(name(row.pk))
    return found


def claim(job: str, attempt: int, engine: str) -> HintJob | None:
    """It runs as this attempt; None if it is not there to be had.

    attempt: the grant's number; it must be higher than any the row has seen.
    """
    serving = roster.serving(engine)
    if serving is None or not serving.finds_out(NO_TRUST) or not abilities.runs_ahead():
        return None
    # An engine may have a model of its own, for which this may have been found out already.
    model = storable(serving.endpoint.model)[:MODEL_CHARS]
    waiting = of(job).filter(waits=True, attempt__lt=attempt)
    try:
        with transaction.atomic():
            if not waiting.update(waits=False, began_at=Now(), attempt=attempt, model=model):
                return None
    except IntegrityError:
        of(job).delete()
        return None
    row = of(job).select_related("submission", "exercise").first()
    if row is None or row.submission is None:
        return None
    exercise, program = row.exercise, row.submission
    return HintJob(
        hint=job,
        student=str(program.student_id),
        attempt=attempt,
        engine=engine,
        level=1,
        locale=OPERATORS,
        statement=exercise.statement(OPERATORS),
        reference=exercise.reference,
        mistakes=exercise.mistakes(OPERATORS),
        authored="",
        l0="",
        code=program.code,
        question="",
        endpoint=serving.endpoint,
        sampling=serving.sampling,
        licensed=True,
        diagnoses=True,
        lane=Lane.BATCH,
    )


def subject(job: str) -> Subject | None:
    """As diagnoses.subject, of a job that runs."""
    row = of(job).select_related("submission__exercise").first()
    if row is None or row.submission is None:
        return None
    return diagnoses.subject_of(row.submission, row.model)


def requeue(
    job: str, attempt: int, partial: Partial | None = None, ended: Ended | None = None
) -> bool:
    """It waits again, after this attempt; False if it is over, or a hint's now.

    A grant nobody claimed is burned. partial, ended: nobody goes on from half of a diagnosis, and
    its calls are kept with it.
    """
    rows = of(job).filter(attempt__lte=attempt)
    return bool(rows.update(waits=True, attempt=attempt))


def requeue_unknown(job: str) -> Ticket | None:
    """The ticket of one that the dispatcher does not know; None if it needs none now."""
    # Its worker has found by then that it has no slot any more, unless it is gone.
    of(job).filter(began_at__lt=ago(ADOPT_S)).update(waits=True)
    row = of(job).filter(waits=True).select_related("submission", "exercise").first()
    return ticket(row) if row else None


def drop(job: str) -> None:
    """Nobody finds it out, unless a hint does."""
    of(job).delete()


def over() -> list[str]:
    """Jobs that have waited too long, or all where nothing runs ahead any more; they end here."""
    rows = undone()
    if abilities.runs_ahead():
        rows = rows.filter(waits=True, asked_at__lt=ago(AHEAD_S))
    found = [name(pk) for pk in rows.values_list("pk", flat=True)]
    return [job for job in found if of(job).delete()[0]]


def in_flight(older_than_s: float) -> list[str]:
    """Jobs of that age that the dispatcher should know."""
    rows = undone().filter(asked_at__lt=ago(older_than_s))
    return [name(pk) for pk in rows.order_by("asked_at").values_list("pk", flat=True)]


UNDONE = Prepared(lambda: undone().values_list("done").distinct())


def any_in_flight() -> bool:
    return bool(UNDONE.rows())


@transaction.atomic
def keep_calls(row: int, calls: Iterable[ModelCall]) -> None:
    """What was asked of engines for this diagnosis, unless it is gone."""
    diagnosis = Diagnosis.objects.select_for_update().filter(pk=row).first()
    if diagnosis is None:
        return
    calls = list(calls)
    attempts.keep_of("diagnosis_id", Sql("%s", (row,)), calls)
    spending.count(Sql("%s", (diagnosis.exercise_id,)), calls)


def undone() -> QuerySet[Diagnosis]:
    return Diagnosis.objects.filter(done=False, submission__isnull=False)


def of(job: str) -> QuerySet[Diagnosis]:
    return undone().filter(pk=number(job))


def name(row: int) -> str:
    """Of the job of this row."""
    return f"{DIAGNOSIS}{row}"


def number(job: str) -> int:
    """Of the row of this job."""
    return int(job.removeprefix(DIAGNOSIS))


def ticket(row: Diagnosis) -> Ticket:
    """What the dispatcher must know of it; needs exercise and submission loaded."""
    assert row.submission is not None, "only what runs ahead has a job of its own"
    exercise = row.exercise
    shared = exercise.statement(OPERATORS), exercise.mistakes(OPERATORS)
    return Ticket(
        hint=name(row.pk),
        attempt=row.attempt,
        prefix=finding.prefix_key(row.model, exercise.path, row.revision),
        prefix_tokens=finding.shared_tokens(*shared),
        lane=Lane.BATCH,
        student=str(row.submission.student_id),
        course=str(exercise.course_id),
        able=abilities.finding_out(),
    )
