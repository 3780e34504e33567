"""How many tokens the models use for a course, hour by hour, where the course has a budget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from functools import cache, partial

from django.db import connection, transaction
from django.db.models.functions import Now, TruncHour

from broker.contract.attempt import ModelCall
from web.statements import Sql, compiled

COUNT = """
    INSERT INTO people_spending (course_id, hour, tokens)
    SELECT courses_course.id, {hour}, %s
    FROM courses_course JOIN courses_exercise ON course_id = courses_course.id
    WHERE courses_exercise.id = {exercise} AND tokens_a_day IS NOT NULL
    ON CONFLICT (course_id, hour) DO UPDATE SET tokens = people_spending.tokens + excluded.tokens
"""


def count(exercise: Sql, calls: Iterable[ModelCall]) -> None:
    """Adds their tokens, once what the caller writes is kept. exercise: the id of its row."""
    tokens = sum(call.usage.prompt_tokens + call.usage.completion_tokens for call in calls)
    if tokens:
        # One row for all hints of a course: held until a worker has written many hints, it would
        # let the others wait. What a crash loses here, one or two hints have used.
        transaction.on_commit(partial(add, exercise, tokens), robust=True)


def add(exercise: Sql, tokens: int) -> None:
    hour = this_hour()
    statement = COUNT.format(hour=hour.text, exercise=exercise.text)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*hour.parameters, tokens, *exercise.parameters])


@cache
def this_hour() -> Sql:
    # As the database keeps it: what is cut in another zone is a time of that zone.
    return compiled(TruncHour(Now(), tzinfo=UTC))
