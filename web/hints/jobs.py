"""A hint's rows as the dispatcher's ticket and an attempt's job, and words that need no model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from broker.contract.hint import Lane, Source
from broker.contract.job import HintJob, Partial
from broker.dispatch import Ticket
from web.courses.models import Exercise
from web.engines import abilities
from web.engines.licences import NO_TRUST, Trust
from web.engines.roster import Serving
from web.hints import lookup
from web.hints.models import Hint, Submission
from web.tutor.evidence.compose import Composed, candidates, statements
from web.tutor.evidence.floor import floor
from web.tutor.evidence.judged import judged_words
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report
from web.tutor.gate.whole import repeats
from web.tutor.languages import Locale
from web.tutor.writing.prompt import with_room

COMPOSED = 4
"""Hints composed at most; the gate rarely refuses the first one."""
FACTS = 3
"""Facts at most that a model is told: with more of them it looks at none."""


def ticket(row: Hint, only: str = "") -> Ticket:
    """What the dispatcher must know of a hint; needs the course loaded. only: as in Ticket."""
    able = abilities.able(row.level, row.locale, Trust.of(row.exercise.course))
    return Ticket(
        hint=str(row.pk),
        attempt=row.attempt,
        prefix=row.prefix,
        prefix_tokens=row.prefix_tokens,
        lane=row.lane,
        student=str(row.student_id),
        course=str(row.exercise.course_id),
        only=only,
        able=able,
    )


@lru_cache(maxsize=1024)
def exercise_at(pk: int, revision: int) -> Exercise:
    """An exercise with its authored hints; whoever changes either raises the revision.

    Of its course only what never changes may be read.
    """
    rows = Exercise.objects.select_related("course").prefetch_related("authored_hints")
    return rows.get(pk=pk)


def job(
    row: Hint, serving: Serving, *, streams: bool, trust: Trust = NO_TRUST,
    earlier: tuple[str, ...] = (),
) -> HintJob:  # fmt: skip
    """streams, trust: of the course. earlier: texts of the hints that the student has had for this
    exercise, oldest first.
    """
    exercise, report = row.exercise, Report.from_json(row.submission.report)
    return HintJob(
        hint=str(row.pk),
        student=str(row.student_id),
        attempt=row.attempt,
        engine=row.engine,
        level=row.level,
        locale=row.locale,
        licensed=serving.licensed(row.level, row.locale, trust),
        statement=exercise.statement(row.locale),
        reference=exercise.reference,
        mistakes=exercise.mistakes(row.locale),
        authored=authored(row),
        l0=words(row.submission, report, row.locale),
        code=row.submission.code,
        question=row.question,
        facts=facts(row.submission, report, row.locale),
        explaining=row.submission.source == Submission.Source.HERE and report.unexplained,
        earlier=earlier,
        examples=exercise.examples_for(row.level, row.locale),
        avoid=exercise.words_to_avoid(),
        prompt=exercise.course.prompts,
        endpoint=serving.endpoint,
        sampling=with_room(serving.sampling, row.level, row.locale, exercise.course.prompts),
        judge=serving.judge_at(row.level),
        streams=streams,
        diagnoses=serving.finds_out(trust),
        lane=Lane(row.lane),
        # Ungated, so it goes to a worker alone, and its gate reads it anew.
        partial=Partial(**json.loads(row.partial)) if row.partial else None,
    )


def without_model(row: Hint) -> Iterator[tuple[Source, str]]:
    """What the student gets where no model's text may be shown; of whatever can be read."""
    try:
        report = Report.from_json(row.submission.report)
        told, shown = composed(row, report), words(row.submission, report, row.locale)
    except (AttributeError, KeyError, TypeError, ValueError):
        told, shown = (), ""
    exercise = row.exercise
    return floor(
        level=row.level,
        locale=row.locale,
        code=row.submission.code,
        statement=exercise.statement(row.locale),
        reference=exercise.reference,
        composed=told,
        authored=authored(row),
        l0=shown,
    )


def authored(row: Hint) -> str:
    """The author's hint for this exercise, level and language; empty if there is none."""
    hints = (hint for hint in row.exercise.authored_hints.all() if hint.level == row.level)
    hint = next(hints, None)
    return hint.text(row.locale) if hint else ""


def words(program: Submission, report: Report, locale: Locale) -> str:
    """The program's report in words, by what is known: of a run here more than of a verdict."""
    if program.source == Submission.Source.PLATFORM:
        return judged_words(report, locale)
    return l0_words(report, locale, program.code)


def facts(program: Submission, report: Report, locale: Locale) -> tuple[str, ...]:
    """What the program did, in sentences for who writes the hint, the most telling first."""
    # Without facts there is only what the test report says, which stands above.
    if program.source == Submission.Source.PLATFORM or not report.facts:
        return ()
    # The same for all who wrote the same program: an engine's cache may hold it.
    told = statements(report, locale, program.code, program.code)
    return tuple(islice(told, FACTS))


def facts_by_now(hint: str) -> tuple[str, ...]:
    """As facts, of what is known of the program now; none where the hint is gone."""
    row = Hint.objects.filter(pk=hint).select_related("submission").first()
    if row is None:
        return ()
    report = Report.from_json(row.submission.report)
    return facts(row.submission, report, row.locale)


def composed(row: Hint, report: Report) -> tuple[Composed, ...]:
    """Hints composed of what the program did, the most telling first. report: the program's.

    Those which say what an earlier hint has said come last. None for a program that a platform has
    judged: nobody here knows its language.
    """
    if row.submission.source == Submission.Source.PLATFORM:
        return ()
    told = candidates(report, row.level, row.locale, str(row.pk), row.submission.code)
    had = lookup.earlier(row)
    return tuple(sorted(islice(told, COMPOSED), key=lambda each: repeats(each.text, had)))
