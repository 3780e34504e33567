"""What may be done to whole tables, by Django's names; whose rows of them, says `access`."""

from __future__ import annotations


def each(verbs: str, *models: str) -> frozenset[str]:
    """Django's permissions: `courses.view_exercise` for "view" and "courses.exercise"."""
    tables = [model.split(".") for model in models]
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs.split() for app, model in tables)


FOR_TEACHERS = (
    each("view change", "courses.course")
    | each("view add change delete", "courses.exercise", "courses.authoredhint")
    | each("view add change delete", "courses.membership", "people.allowance")
    | each("view", "hints.hint", "hints.attempt", "hints.modelcall", "hints.submission")
    | each("view", "hints.explanation")
)
"""Who teaches a course has them, for the rows of that course."""
SEEN_ON_DUTY = each("view", "engines.engine", "engines.aimodelconfig", "engines.licence") | each(
    "view", "engines.modechange", "django_celery_results.taskresult"
)
FOR_DUTY = {
    "": frozenset[str](),
    "viewer": SEEN_ON_DUTY,
    "ops": SEEN_ON_DUTY
    | each("add change delete", "engines.engine", "engines.licence")
    | each("change", "engines.aimodelconfig")
    # Its texts and programs are students' words too.
    | each("view add delete", "evaluation.evaluation"),
}
"""By the duty of a user: what it gives them in the admin, beside the pages of operations."""
FOR_NOBODY = (
    each("add change", "hints.hint", "hints.submission", "django_celery_results.taskresult")
    | each("add change", "hints.explanation")
    | each("add change delete", "hints.attempt", "hints.modelcall", "engines.modechange")
    | each("add delete", "engines.aimodelconfig")
    | each("change", "evaluation.evaluation")
    | each("add change delete", "evaluation.item", "evaluation.program")
)
"""Not even a superuser has them: programs write these rows, and the AI mode is always one row."""
