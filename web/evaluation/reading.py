"""Reads what became of an evaluation's hints into its items, and measures the texts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from broker.contract.attempt import PASSED, Purpose
from broker.contract.hint import Reason, Source, State
from broker.contract.text import storable
from web.evaluation.models import Evaluation, Item
from web.hints import jobs
from web.hints.models import Diagnosis, Hint, ModelCall, span_s
from web.tutor.evidence.report import Report
from web.tutor.gate.contradictions import contradictions
from web.tutor.gate.gate import Gate
from web.tutor.gate.whole import grade, repeats

TRIES = 3
SHOWN, REFUSED, FAILED = "shown", "refused", "failed"
VERIFIED, UNVERIFIED = "verified", "unverified"
ANOTHER_ENGINE, GONE = "another_engine", "gone"
AGAIN = frozenset({
    Reason.MODEL_UNAVAILABLE, Reason.MODEL_TIMEOUT, Reason.TRUNCATED, Reason.WORKER_LOST,
    Reason.EXPIRED, Reason.CANCELLED,
})  # fmt: skip
"""Ends that say nothing of the model: the item is asked again."""
TEXT_CHARS = 8_000


def read(row: Evaluation) -> str:
    """Takes in the hints that have ended. Why the evaluation cannot go on; empty where it can."""
    asked = row.items.filter(kind=Item.Kind.WRITE, state=Item.State.ASKED)
    for item in asked.select_related("program__exercise"):
        rows = Hint.objects.select_related("submission", "exercise")
        hint = rows.filter(pk=item.hint).first() if item.hint else None
        if hint is None:
            again(item, GONE)
        elif hint.final:
            if hint.reason == Reason.MODEL_REFUSED:
                again(item, hint.reason)
                return str(Reason.MODEL_REFUSED)
            ended(row, item, hint)
    return ""


def again(item: Item, why: str) -> None:
    """Open again, unless it was tried often enough."""
    over = item.tries >= TRIES and why != Reason.MODEL_REFUSED
    state = Item.State.DONE if over else Item.State.OPEN
    rule, verdict = (why, FAILED) if over else ("", "")
    mine = Item.objects.filter(pk=item.pk, state=Item.State.ASKED)
    mine.update(state=state, rule=rule, verdict=verdict)


@transaction.atomic
def ended(row: Evaluation, item: Item, hint: Hint) -> None:
    if hint.reason in AGAIN:
        return again(item, hint.reason)
    # After Redis was wiped a hint is placed anew, and nobody knows which engine it was about.
    if hint.engine and hint.engine != row.engine:
        return again(item, ANOTHER_ENGINE)
    calls = [*ModelCall.objects.filter(attempt__hint=hint).order_by("pk")]
    measure(item, hint, calls)
    item.state = Item.State.DONE
    item.save()
    diagnosed(item, calls)


def measure(item: Item, hint: Hint, calls: Sequence[ModelCall]) -> None:
    """All that the item tells of the hint."""
    # An answer that was refused is followed by another one; which came first tells how often.
    by = {purpose: [each for each in calls if each.purpose == purpose] for purpose in Purpose}
    written = by[Purpose.WRITE]
    item.verdict = {State.ANSWERED: SHOWN, State.WITHHELD: REFUSED}.get(State(hint.state), FAILED)
    if item.verdict == FAILED:
        item.rule = hint.reason
    elif written and written[0].verdict != PASSED:
        item.rule = written[0].verdict
    # Of another model's judge the threshold that is measured here says nothing.
    own = [each for each in by[Purpose.JUDGE] if written and each.model == written[-1].model]
    item.probability = own[-1].probability if own else None
    item.prompt_tokens = sum(each.prompt_tokens for each in calls)
    item.completion_tokens = sum(each.completion_tokens for each in calls)
    # From the claim on: how long it waited before says nothing of the model.
    item.seconds = span_s(hint.claimed_at, hint.finished_at) if hint.claimed_at else None
    item.text = hint.text if item.verdict == SHOWN else written[0].text if written else ""
    item.text = storable(item.text)[:TEXT_CHARS]
    if hint.source == Source.MODEL:
        told(item, hint)


def told(item: Item, hint: Hint) -> None:
    """What can be measured of a text that a student would have read."""
    assert item.program is not None
    report = Report.from_json(hint.submission.report)
    item.contradicted = contradictions(hint.text, hint.submission.code, report)
    item.words = len(hint.text.split())
    item.grade = grade(hint.text) or None if item.locale == "en" else None
    item.leak = not passes(item, hint, report)
    earlier = item.program.items.filter(
        kind=Item.Kind.WRITE, locale=item.locale, verdict=SHOWN, level__lt=item.level
    )
    item.repeats = repeats(hint.text, earlier.values_list("text", flat=True))


def passes(item: Item, hint: Hint, report: Report) -> bool:
    """Whether the rules let the text pass also when they are told the set's own fix."""
    assert item.program is not None
    exercise = hint.exercise
    gate = Gate(
        level=hint.level,
        locale=hint.locale,
        student_code=hint.submission.code,
        statement=f"{exercise.statement(hint.locale)}\n"
        f"{jobs.words(hint.submission, report, hint.locale)}",
        reference=exercise.reference,
        fix=item.program.fix,
    )
    gate.feed(hint.text)
    ruling = gate.finish()
    # Its form was ruled on when it was written.
    return ruling.ok or ruling.reason is not Reason.LEAK


def diagnosed(item: Item, calls: Sequence[ModelCall]) -> None:
    """The item of the program's diagnosis, once it is found out."""
    assert item.program is not None
    mine = item.program.items.filter(kind=Item.Kind.DIAGNOSE)
    found = Diagnosis.objects.filter(exercise=item.program.exercise_id, done=True).first()
    if found is not None:
        verdict = VERIFIED if found.verified else UNVERIFIED
        mine.filter(state=Item.State.OPEN).update(state=Item.State.DONE, verdict=verdict)
    spent = [call for call in calls if call.purpose == Purpose.DIAGNOSE]
    if spent:
        # Whichever hint comes first has it found out, and pays for it.
        mine.update(
            prompt_tokens=sum(call.prompt_tokens for call in spent),
            completion_tokens=sum(call.completion_tokens for call in spent),
        )
