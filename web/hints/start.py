"""How a new hint starts: its row, then an engine; or its end at once where no model may write."""

from __future__ import annotations

import logging
from dataclasses import replace

from django.db import DatabaseError

from broker.contract.hint import Reason
from broker.dispatch import Placement
from web.engines import roster
from web.hints import backlog, store, submissions
from web.hints.creation import Created, Creation, NewHint, NoneLeft
from web.hints.lately import lately
from web.hints.models import Hint, Submission
from web.runner.checker import JudgedRun

log = logging.getLogger(__name__)


def create(new: NewHint, run: JudgedRun) -> Creation:
    """The row; for whom no hint by AI is left it has ended, with what is told without a model."""
    made = store.create(new)
    if made != NoneLeft():
        return made
    program = submissions.keep(new.submission)
    # Before the hint ends, as its text tells what the program did; no engine waits for it.
    explain(program, run)
    made = store.create(replace(new, submission=program, charge=0), Reason.QUOTA)
    if isinstance(made, Created):
        made.hint.refresh_from_db()
    return made


def begin(hint: Hint, run: JudgedRun) -> Placement | None:
    """Sends a committed hint to an engine, or ends it where there is none; explains its program.

    The hint is accepted: what goes wrong here rescue makes good.
    """
    place = backlog.join(hint)
    # After it was placed: the engine need not wait for this.
    explain(hint.submission, run)
    if place and place.served:
        return place
    try:
        # A Redis that was wiped, or not told yet, knows no engine either.
        if not roster.active() and store.expire(str(hint.pk), Reason.MODEL_UNAVAILABLE):
            backlog.forget(hint)
            hint.refresh_from_db()
    except DatabaseError as error:
        log.warning("hint %s waits for rescue: %s", hint.pk, type(error).__name__)
    return place


def explain(program: Submission, run: JudgedRun) -> None:
    """Finds out what a kept program did on its failing case, unless its report tells already.

    A hint may be on its way to an engine by now, so nothing here is an error.
    """
    if program.source == Submission.Source.PLATFORM:
        return
    known = program.report.get("facts") or program.report.get("steps")
    told = run.report if known else run.explained()
    if told != run.report:
        try:
            submissions.explain(program, told)
        except DatabaseError as error:
            what = type(error).__name__
            log.warning("submission %s: what it did is not kept: %s", program.pk, what)
            return
    lately.keep(program)
