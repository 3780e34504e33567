"""An arrow of the state table as a statement: one conditional UPDATE, for web.hints.store alone.

The hint's open attempt ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from broker.contract.attempt import Ended
from broker.contract.hint import ARROWS, Outcome, Source, State
from broker.contract.text import storable
from web.hints import attempts, spending
from web.hints.models import Hint
from web.statements import Sql, ago_sql, now_sql, update

AGAIN: dict[str, Any] = {"state": State.QUEUED, "engine": "", "claimed_at": None}
"""The columns of a row that waits for another attempt."""


@transaction.atomic(savepoint=False)
def left(
    hint: str, rows: Sql, ended: Ended, columns: Mapping[str, Any], attempt: int | None = None
) -> bool:
    """Writes the columns, if the hint is among these rows, and closes the attempt that ran.

    attempt: whose calls are kept, if it tells of any.
    """
    if ended.seen_s is not None:
        # The student got the first words once, from whichever attempt.
        seen = ago_sql(ended.seen_s)
        first = Sql(f"COALESCE(first_piece_at, {seen.text})", seen.parameters)
        columns = {**columns, "first_piece_at": first}
    this = Sql(f"id = %s AND {rows.text}", (Hint.key(hint), *rows.parameters))
    if not update("hints_hint", columns, this):
        return False
    attempts.close(hint, ended)
    if ended.calls and attempt is not None:
        attempts.keep(hint, attempt, ended.calls)
        exercise = Sql("(SELECT exercise_id FROM hints_hint WHERE id = %s)", (Hint.key(hint),))
        spending.count(exercise, ended.calls)
    return True


def final(before: State, outcome: Outcome) -> dict[str, Any]:
    """The columns of a final row, if the state table has the arrow."""
    assert outcome.state in ARROWS[before], f"no arrow {before} → {outcome.state}"
    return {
        "state": outcome.state,
        "text": storable(outcome.text),
        "partial": "",
        "source": outcome.source,
        "reason": outcome.reason or "",
        "verified": outcome.verified,
        "prompt_tokens": outcome.usage.prompt_tokens,
        "completion_tokens": outcome.usage.completion_tokens,
        "cached_tokens": outcome.usage.cached_tokens,
        "finished_at": now_sql(),
        # Only what a model has written costs anything.
        **({} if outcome.source is Source.MODEL else {"charge": 0}),
    }
