"""Keeps the programs that students run, each with its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from broker.contract.text import storable, storable_json
from web.courses.models import Exercise
from web.hints.models import Submission
from web.people.models import User
from web.statements import insert
from web.tutor.evidence.fingerprint import fingerprint
from web.tutor.evidence.report import Report

# As SQL, for a student waits, and a QuerySet would take eight times as long to ask it.
LATEST = """
    SELECT id, code, report, source FROM hints_submission WHERE student_id = %s AND exercise_id = %s
    ORDER BY id DESC LIMIT 1
"""


def ran(
    student: User,
    exercise: Exercise,
    code: str,
    report: Report,
    source: Submission.Source = Submission.Source.HERE,
) -> Submission:
    """What a student has run, and what it showed; not kept yet. source: who has run it."""
    code = storable(code)
    return Submission(
        student=student,
        exercise=exercise,
        code=code,
        fingerprint=fingerprint(code, exercise.language),
        report=storable_json(report.as_json()),
        source=source,
    )


def same(report: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two runs showed the same; what was found of it depends on the time there was."""
    return {**report, "facts": [], "steps": None} == {**other, "facts": [], "steps": None}


def keep(program: Submission) -> Submission:
    """The student's latest submission for this exercise if it is the same, else this one, saved.

    The latest one's report has the facts that were found then.
    Raises: IntegrityError if the exercise or the student is gone.
    """
    if not program._state.adding:
        return program
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [program.student_id, program.exercise_id])
        latest = cursor.fetchone()
    if (
        latest
        and (latest[1], latest[3]) == (program.code, program.source)
        and same(report := json.loads(latest[2]), program.report)
    ):
        known = {"id": latest[0], "code": latest[1], "report": report, "source": latest[3]}
        row = Submission.from_db(DEFAULT_DB_ALIAS, known.keys(), known.values())
        row.student, row.exercise = program.student, program.exercise
        return row
    insert(program)
    return program


def explain(program: Submission, report: Report) -> None:
    """Adds to a kept program's report what `report` tells beyond it: facts and steps.

    The row takes them once, from whoever comes first. Raises: DatabaseError.
    """
    told = storable_json(report.as_json())
    Submission.objects.filter(pk=program.pk, report=program.report).update(report=told)
    program.report = told
