"""Has hints written for an evaluation: ordinary ones, in the lane in which nobody waits."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from broker.contract.hint import Lane
from web.evaluation.creation import nobody
from web.evaluation.models import Evaluation, Item, Program
from web.hints import backlog, creation, store, submissions
from web.hints.creation import Created, NewHint
from web.hints.models import Hint, Submission
from web.runner.checker import Checker
from web.tutor.evidence.report import Report, Verdict
from web.tutor.languages import Locale

IN_FLIGHT = 8
"""Hints of an evaluation at a time: the dispatcher lets students in before them, and what is in
the backlog when it is stopped still gets done."""
NOT_WRONG = "not_wrong"
"""The rule of items whose program passes its tests, or cannot be run: there is nothing to ask."""
CAN_BE_HELPED = frozenset({
    Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX, Verdict.TIME, Verdict.MEMORY, Verdict.TOO_DEEP,
    Verdict.OUTPUT,
})  # fmt: skip


def ask(row: Evaluation, checker: Checker) -> None:
    """Asks for the next hints, as far as there is room. Raises: SandboxBusy, NotBuilt."""
    items = row.items.filter(kind=Item.Kind.WRITE)
    asked = items.filter(state=Item.State.ASKED)
    busy = [*asked.values_list("program", flat=True)]
    # A student has one hint of an exercise at a time.
    free = items.filter(state=Item.State.OPEN).exclude(program__in=busy)
    # Lower levels first: a higher one is compared with them when it is read.
    for item in free.order_by("level", "pk").select_related("program")[: 4 * IN_FLIGHT]:
        if len(busy) >= IN_FLIGHT:
            return
        program = item.program
        if program is None or program.pk in busy:
            continue
        report = run(program, checker)
        if report is None:
            skip(program)
        elif hint := taken(item, submission(program, item.locale, report)):
            # To this engine alone: others may serve another model.
            backlog.join(hint, only=row.engine)
        busy.append(program.pk)


def run(program: Program, checker: Checker) -> Report | None:
    """What the tests say of it, run the first time and kept; None where it is not wrong."""
    if program.submission is not None:
        return Report.from_json(program.submission.report)
    exercise = program.exercise
    if exercise is None:
        return None
    with checker.running(
        program.code, exercise.tests_to_run(), exercise.limits(), exercise.language
    ) as judged:
        report = judged.explained()
    return report if report.verdict in CAN_BE_HELPED else None


def submission(program: Program, locale: Locale, report: Report) -> Submission:
    """Of whom this language's hints are for; kept once."""
    assert program.exercise is not None
    ran = submissions.ran(nobody(locale), program.exercise, program.code, report)
    found = submissions.keep(ran)
    # Its other hints find the report by this, and the program is run no more.
    if program.submission is None:
        Program.objects.filter(pk=program.pk).update(submission=found)
    return found


def skip(program: Program) -> None:
    items = program.items.filter(state=Item.State.OPEN)
    items.update(state=Item.State.DONE, rule=NOT_WRONG)


def taken(item: Item, submission: Submission) -> Hint | None:
    """The hint for this item, committed; None if another process was first."""
    with transaction.atomic():
        mine = Item.objects.filter(pk=item.pk, state=Item.State.OPEN)
        if not mine.update(state=Item.State.ASKED, asked_at=Now(), tries=F("tries") + 1):
            return None
        made = store.create(new_hint(item, submission))
        if not isinstance(made, Created):
            # Its hint of before is still on its way somewhere.
            transaction.set_rollback(True)
            return None
        Item.objects.filter(pk=item.pk).update(hint=made.hint.pk)
    return made.hint


def new_hint(item: Item, submission: Submission) -> NewHint:
    assert item.program is not None
    prefix, prefix_tokens = creation.shared(submission.exercise, item.level, item.locale)
    return NewHint(
        submission=submission,
        level=item.level,
        locale=item.locale,
        question=item.program.question,
        prefix=prefix,
        prefix_tokens=prefix_tokens,
        lane=Lane.BATCH,
    )
