"""Keeps what is wrong with a program, found out once for all who wrote the same.

Who comes while another attempt finds it out waits for that one, unless it takes too long. Who comes
while it only waits to run ahead finds it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from broker.base.times import LEASE_S
from broker.contract.text import storable, storable_json
from web.database import ago
from web.hints.models import MODEL_CHARS, Diagnosis, Hint, Submission
from web.runner.cases import RunLimits, Tests
from web.statements import insert
from web.tutor.diagnosis import finding
from web.tutor.evidence.report import Report, Verdict

OVERDUE_S = 2 * LEASE_S
"""An attempt that has not told by then is lost, or will be: another one may find it out."""
WRONG = frozenset({Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX, Verdict.TIME, Verdict.TOO_DEEP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A program that fails tests which can be run here."""

    submission: int
    exercise: int
    revision: int
    fingerprint: str
    model: str
    report: Report
    tests: Tests = field(repr=False)
    limits: RunLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A diagnosis as it is kept. fix: empty where none has passed.

    said: as finding.told has it; without lines where the program is written otherwise.
    """

    verified: bool
    fix: str = field(repr=False)
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has found it out. row: it is the caller's to find out; None: another one does.

    ahead: the one that does runs ahead; 0 for a hint's attempt.
    """

    row: int | None
    ahead: int = 0


def subject(hint: str, model: str) -> Subject | None:
    """What there is to be found out; None where nothing is, or nothing could be run."""
    rows = Hint.objects.select_related("submission__exercise")
    row = rows.filter(pk=hint).first()
    return subject_of(row.submission, model) if row else None


def subject_of(program: Submission, model: str) -> Subject | None:
    """As subject, of a program whose exercise is loaded."""
    if program.source == Submission.Source.PLATFORM:
        return None
    exercise = program.exercise
    tests, report = exercise.tests_here(), Report.from_json(program.report)
    short = len(program.code) <= finding.MOST_CODE_CHARS and program.code.strip()
    if tests is None or report.verdict not in WRONG or not short:
        return None
    return Subject(
        submission=program.pk, exercise=exercise.pk, revision=exercise.revision,
        fingerprint=program.fingerprint, model=storable(model)[:MODEL_CHARS], report=report,
        tests=tests, limits=exercise.limits(),
    )  # fmt: skip


def take(asked: Subject, code: str) -> Known | Unknown:
    """What is kept of this program, or whose it is to find out."""
    key: dict[str, Any] = {
        "exercise_id": asked.exercise, "revision": asked.revision,
        "fingerprint": asked.fingerprint, "model": asked.model,
    }  # fmt: skip
    rows = Diagnosis.objects.filter(**key)
    # Read first: those who wait for another attempt ask again and again, and write nothing.
    kept = rows.first()
    if kept is None:
        row = Diagnosis(**key, code=storable(code), template_version=finding.VERSION)
        return Unknown(row.pk if insert(row) else None)
    if kept.done:
        said = kept.said if kept.code == storable(code) else {**kept.said, "lines": []}
        return Known(verified=kept.verified, fix=kept.fix, said=said)
    # Of two that come for a lost one, the first changes its time, and the other finds that. One
    # that only waits to run ahead has waited long enough when a student asks.
    free = rows.filter(Q(waits=True) | Q(began_at__lt=ago(OVERDUE_S)), done=False)
    count = F("attempt") + 1
    if free.update(waits=False, began_at=Now(), submission=None, attempt=count):
        return Unknown(kept.pk)
    return Unknown(None, kept.pk if kept.submission_id else 0)


def keep(row: int, known: Known) -> None:
    """It is found out, or cannot be: nobody asks the model again. Who comes first is believed."""
    Diagnosis.objects.filter(pk=row, done=False).update(
        done=True, verified=known.verified, fix=storable(known.fix),
        said=storable_json(known.said), submission=None,
    )  # fmt: skip


def give_up(row: int) -> None:
    """The attempt was broken off: the next one may try at once."""
    Diagnosis.objects.filter(pk=row, done=False).delete()


def explained(asked: Subject, report: Report) -> None:
    """Adds facts to the submission's report that were found with the fix; whoever is first."""
    rows = Submission.objects.filter(pk=asked.submission)
    rows.update(report=storable_json(report.as_json()))
