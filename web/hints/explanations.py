"""/v1: why a right program works, in its student's words; kept for who teaches."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from pydantic import BaseModel

from broker.contract.text import storable
from web.api import openapi, problem
from web.api.problem import Problem
from web.courses.models import Exercise
from web.hints import wire
from web.hints.api import AskedExercise, OnBehalfOf, refuse_nul
from web.hints.models import Explanation, Submission
from web.people import acting
from web.people.models import User
from web.tutor.evidence.report import Verdict
from web.tutor.ladder import reflects


class ExplanationIn(Schema):
    """Why the student's right program works; the last words count."""

    exercise: wire.ExercisePath
    text: str = Field(
        max_length=2000,
        description="Three words or more, in the student's language; empty takes them back.",
        json_schema_extra={"pattern": wire.NO_NUL},
    )
    on_behalf_of: wire.PlatformUser = ""


class ExplanationOut(BaseModel):
    """Why the student's program works, in their own words."""

    solved: bool = Field(description="Whether a program of theirs passed every test.")
    text: str = Field(description="Their words; empty until they write some.")
    written_at: datetime | None = Field(description="When, UTC; null for none.")


router = Router(tags=["hints"])


@router.get(
    "/explanations",
    response=ExplanationOut,
    summary="Why your program works, as you wrote it",
    openapi_extra=openapi.answers(problem.FORBIDDEN, problem.TOO_MANY_USERS),
)
def read(
    request: HttpRequest, exercise: AskedExercise, on_behalf_of: OnBehalfOf = ""
) -> ExplanationOut:
    return told(*acting.asking(request, exercise, on_behalf_of))


@router.put(
    "/explanations",
    response=ExplanationOut,
    summary="Say why your program works",
    openapi_extra=openapi.answers(
        problem.FORBIDDEN, problem.NOT_SOLVED, problem.TOO_MANY_USERS, *openapi.BODY
    ),
)
def write(request: HttpRequest, body: ExplanationIn) -> ExplanationOut:
    refuse_nul("text", body.text)
    student, exercise = acting.asking(request, body.exercise, body.on_behalf_of)
    program = solved(student, exercise)
    if program is None:
        raise Problem(problem.NOT_SOLVED)
    rows = Explanation.objects.filter(student=student, exercise=exercise)
    if not body.text.strip():
        rows.delete()
    elif not reflects(body.text):
        raise problem.invalid("text", _("Write at least three different words."))
    else:
        kept = {"submission": program, "text": storable(body.text)}
        rows.update_or_create(student=student, exercise=exercise, defaults=kept)
    return told(student, exercise)


def told(student: User, exercise: Exercise) -> ExplanationOut:
    row = Explanation.objects.filter(student=student, exercise=exercise).first()
    return ExplanationOut(
        solved=row is not None or solved(student, exercise) is not None,
        text=row.text if row else "",
        written_at=row.written_at if row else None,
    )


def solved(student: User, exercise: Exercise) -> Submission | None:
    """The student's last program of which every test passes."""
    rows = exercise.submissions.filter(student=student, report__verdict=Verdict.PASSED)
    # A program may be 64 KB long, and its report as well.
    return rows.only("pk").order_by("-pk").first()
