"""The rows of attempts and their model calls, written by statements of our own for web.hints.store.

Every hint waits for them, and a QuerySet would take ten times as long for each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from broker.contract.attempt import Ended, ModelCall
from broker.contract.text import storable, storable_json
from web.hints.models import ERROR_CHARS, MODEL_CHARS, Hint
from web.statements import Sql, ago_sql, now_sql, update

BEGIN = """
    INSERT INTO hints_attempt (hint_id, number, engine, started_at, failure, error)
    VALUES (%s, %s, %s, {now}, '', '')
"""
# The caller knows its attempt by hint and number; to ask for the row's id first would be one
# statement more for each call.
ATTEMPT = "(SELECT id FROM hints_attempt WHERE hint_id = %s AND number = %s)"
KEEP = """
    INSERT INTO hints_modelcall (
        {owner}, created_at, purpose, model, template_version, parameters,
        prompt_tokens, completion_tokens, cached_tokens, verdict, fault, probability, text
    ) VALUES (
        {row}, {now}, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
    )
"""


def begin(hint: str, number: int, engine: str) -> None:
    """A hint that runs has one open attempt, and no other hint has any."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN.format(now=now_sql().text), [Hint.key(hint), number, engine])


def close(hint: str, ended: Ended) -> None:
    """The hint's open attempt, if there is one, has ended."""
    columns = {
        "finished_at": now_sql(),
        "first_piece_at": None if ended.seen_s is None else ago_sql(ended.seen_s),
        "failure": ended.failure,
        "error": storable(ended.error)[:ERROR_CHARS],
        "kept_diagnosis": ended.kept_diagnosis,
    }
    update("hints_attempt", columns, Sql("hint_id = %s AND finished_at IS NULL", (Hint.key(hint),)))


def keep(hint: str, number: int, calls: Sequence[ModelCall]) -> None:
    """What the attempt, which must be there, asked of its engine."""
    keep_of("attempt_id", Sql(ATTEMPT, (Hint.key(hint), number)), calls)


def keep_of(owner: str, row: Sql, calls: Sequence[ModelCall]) -> None:
    """owner: the column of whose calls they are; row: its id."""
    rows: list[list[Any]] = [
        [
            *row.parameters, call.purpose, storable(call.model)[:MODEL_CHARS],
            call.template_version, json.dumps(storable_json(dict(call.parameters))),
            call.usage.prompt_tokens, call.usage.completion_tokens, call.usage.cached_tokens,
            call.verdict, call.fault, call.probability,
            # With no days to keep it, what a model wrote is not even stored for an hour.
            storable(call.text) if settings.RAW_DAYS else "",
        ]
        for call in calls
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(KEEP.format(owner=owner, row=row.text, now=now_sql().text), rows)
