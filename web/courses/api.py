"""/v1/exercises: a platform, or who teaches the course, says what an exercise shall be."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Status

from web.api import openapi, problem
from web.api.problem import Problem
from web.courses.importing.draft import CourseDraft, ExerciseDraft
from web.courses.importing.remarks import BadPackage, Spot
from web.courses.importing.writing import Effect, write
from web.courses.models import Course
from web.courses.wire import ExerciseIn, ExerciseOut
from web.people import acting

router = Router(tags=["exercises"])
Slug = Annotated[str, Path(max_length=50, description="Its name in addresses.")]


@router.put(
    "/exercises/{slug:course_slug}/{slug:slug}",
    response={200: ExerciseOut, 201: ExerciseOut},
    summary="Write an exercise",
    openapi_extra=openapi.answers(problem.FORBIDDEN, *openapi.BODY),
)
def put(
    request: HttpRequest, course_slug: Slug, slug: Slug, body: ExerciseIn
) -> Status[ExerciseOut]:
    course = acting.writing(request, course_slug)
    draft = drafted(slug, body)
    try:
        (change,) = write(CourseDraft(exercises=(draft,)), course, dry=False)
    except BadPackage as error:
        raise refused(error) from None
    # Since it was looked up.
    except Course.DoesNotExist:
        raise acting.no_course() from None
    stored = ExerciseOut(
        exercise=f"{course_slug}/{slug}",
        revision=change.exercise.revision,
        changed=change.effect is not Effect.SAME,
    )
    return Status(201 if change.effect is Effect.NEW else 200, stored)


def drafted(slug: str, body: ExerciseIn) -> ExerciseDraft:
    columns = body.model_dump()
    hints = columns.pop("hints")
    if columns["position"] is None:
        del columns["position"]
    return ExerciseDraft(
        slug=slug,
        columns=columns,
        spot=Spot(slug),
        hints=None if hints is None else {int(level): words for level, words in hints.items()},
    )


def refused(error: BadPackage) -> Problem:
    """What the exercise's own rules say of it, by field."""
    field, what = (str(error.remark.params.get(name, "")) for name in ("field", "said"))
    return Problem(problem.INVALID, errors=[{"where": field, "what": what}])
