"""A hint that no model wrote, asked for once more by ops: after an outage, say."""

from __future__ import annotations

from broker.contract.hint import Lane
from web.engines import abilities
from web.engines.licences import Trust
from web.hints import backlog, creation, store
from web.hints.creation import Created, NewHint
from web.hints.models import Hint, Submission
from web.people import access


def ask_again(hint: Hint) -> bool:
    """Makes a new hint of it, which costs its student nothing and waits behind those who ask.

    hint: with its course, student and submission. False, and nothing is made, where the student has
    asked or run anything else since or left the course, where no model may write it, or where this
    was done before.
    """
    exercise, student = hint.exercise, hint.student
    may_write = hint.level in abilities.written(hint.locale, Trust.of(exercise.course))
    if not may_write or moved_on(hint) or access.exercise(student, exercise.path) is None:
        return False
    prefix, prefix_tokens = creation.shared(exercise, hint.level, hint.locale)
    made = store.create(
        NewHint(
            submission=hint.submission,
            level=hint.level,
            locale=hint.locale,
            question=hint.question,
            prefix=prefix,
            prefix_tokens=prefix_tokens,
            lane=Lane.BATCH,
            # So that a second try finds what the first has made.
            idempotency_key=f"again-{hint.pk}",
        )
    )
    if not isinstance(made, Created):
        return False
    backlog.join(made.hint)
    return True


def moved_on(hint: Hint) -> bool:
    """Whether a hint would be about a program that its student has left behind."""
    own = {"student": hint.student_id, "exercise": hint.exercise_id}
    return (
        Hint.objects.filter(**own, created_at__gt=hint.created_at).exists()
        or Submission.objects.filter(**own, pk__gt=hint.submission_id).exists()
    )
