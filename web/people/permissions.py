"""What may be done to whole tables, by Django's names; whose rows of them, says `access`."""

from __future__ import annotations


def each(verbs: str, *models: str) -> frozenset[str]:
    """Django's permissions: `courses.view_exercise` for "view" and "courses.exercise"."""
    tables = [model.split(".") for model in models]
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs.split() for app, model in tables)


TEACHERS = (
    each("view change", "courses.course")
    | each("view add change delete", "courses.exercise", "courses.authoredhint")
    | each("view add change delete", "courses.membership")
    | each("view", "hints.hint", "hints.rawoutput")
)
"""Those of a person who teaches a course."""
NOBODYS = (
    each("add change", "hints.hint", "django_celery_results.taskresult")
    | each("add change delete", "hints.rawoutput", "engines.modechange")
    | each("add delete", "engines.aimodelconfig")
)
"""Those of nobody, not even of a superuser: programs write these rows, and one has to be there."""
