"""Makes the rows of an evaluation, and finds one that was begun before."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import transaction

from web.courses.models import Course
from web.engines import licences, roster
from web.engines.models import AIModelConfig, Engine
from web.evaluation import sets
from web.evaluation.models import Evaluation, Item, Program
from web.evaluation.sets import Entry, EvaluationSet
from web.hints import backlog, store
from web.hints.models import IN_FLIGHT, Hint
from web.people.models import User
from web.tutor.gate import judge
from web.tutor.languages import Locale
from web.tutor.writing import versions

NOBODY = ":evaluation-"
"""How the usernames begin of whom the hints are for, one a language: no form takes a colon, and
nobody can sign in as them."""


def begin(
    engine: Engine, chosen: EvaluationSet, by: User | None = None, prompts: str = ""
) -> Evaluation:
    """Goes on with the evaluation of this engine's model on this set, or makes it; it runs then.

    prompts: the version of their words; empty for the one in use. Raises: BadVersion.
    """
    version = licences.template_version(versions.version(prompts).label)
    with transaction.atomic():
        # Locked: of two that begin the same at once the second finds what the first has made.
        AIModelConfig.objects.select_for_update().get(pk=AIModelConfig.current().pk)
        known = Evaluation.objects.filter(
            engine=engine.name, model=model_of(engine), template_version=version,
            digest=chosen.digest,
        ).exclude(state=Evaluation.State.DONE)  # fmt: skip
        if begun := known.first():
            go_on(begun)
            return begun
        return made(engine, chosen, version, by, prompts)


def go_on(row: Evaluation) -> None:
    row.state, row.error = Evaluation.State.RUNNING, ""
    row.save(update_fields=["state", "error"])


def stop(row: Evaluation, error: str = "") -> None:
    """Nothing more is asked; what is asked already comes to its end. error: why, for staff."""
    running = Evaluation.objects.filter(pk=row.pk, state=Evaluation.State.RUNNING)
    running.update(state=Evaluation.State.STOPPED, error=error[:300])


def stop_all(error: str) -> None:
    for row in Evaluation.objects.filter(state=Evaluation.State.RUNNING):
        stop(row, error)


def delete(row: Evaluation) -> None:
    """With all that it made; what is on its way to an engine is taken back."""
    if row.course is not None:
        for hint in Hint.objects.filter(exercise__course=row.course, state__in=IN_FLIGHT):
            if store.cancel(str(hint.pk)):
                backlog.leave(hint)
        row.course.delete()
    row.delete()


def model_of(engine: Engine) -> str:
    """The model's name as its licence has it."""
    return roster.known_as(engine, AIModelConfig.current())


def made(
    engine: Engine, chosen: EvaluationSet, version: str, by: User | None, prompts: str
) -> Evaluation:
    row = Evaluation.objects.create(
        engine=engine.name, kind=engine.kind, model=model_of(engine), template_version=version,
        set_name=chosen.name, digest=chosen.digest,
        texts=sets.texts_digest(), by=by,
    )  # fmt: skip
    title = f"Evaluation {row.pk}"
    # Its own, so that nothing that a teacher sees or sets has to do with it.
    row.course = Course.objects.create(
        slug=f"evaluation-{row.pk}", title_ko=title, title_en=title, tries_models=True,
        tells=True, hints_an_exercise=None, hints_a_day=None, prompts=prompts,
    )  # fmt: skip
    row.save(update_fields=["course"])
    items = texts_of(row)
    for number, entry in enumerate(chosen.entries, start=1):
        items += items_of(row, program(row, entry, number), entry)
    # Thousands of rows: one statement for some hundred of them.
    Item.objects.bulk_create(items)
    return row


def texts_of(row: Evaluation) -> list[Item]:
    """What a judge is asked; what it has said in an evaluation of something else counts here too.

    Whoever has the same evaluated once more wants all of it measured once more.
    """
    done = Evaluation.objects.filter(
        engine=row.engine, kind=row.kind, model=row.model, texts=row.texts,
        state=Evaluation.State.DONE,
    )  # fmt: skip
    same = done.filter(template_version=row.template_version, digest=row.digest)
    judged = Item.objects.filter(evaluation=done.first(), kind=Item.Kind.JUDGE)
    said = {} if same.exists() else {each.name: each for each in judged}
    items = []
    for text in sets.texts().values():
        if text.level <= judge.HIGHEST:
            item = Item(
                evaluation=row, kind=Item.Kind.JUDGE, name=text.id, level=text.level,
                locale=text.locale, leak=text.leak,
            )  # fmt: skip
            if before := said.get(text.id):
                item.verdict, item.state, item.seconds = (
                    before.verdict,
                    before.state,
                    before.seconds,
                )
                item.probability, item.alone = before.probability, before.alone
            items.append(item)
    return items


def program(row: Evaluation, entry: Entry, number: int) -> Program:
    """With an exercise of its own: so many of its hints may be on their way at once."""
    exercise = entry.exercise
    exercise.course, exercise.slug, exercise.position = row.course, f"p{number}", number  # type: ignore[assignment]
    exercise.save()
    return Program.objects.create(
        evaluation=row, name=entry.name, exercise=exercise, code=entry.code, fix=entry.fix,
        question=entry.question,
    )  # fmt: skip


def items_of(row: Evaluation, about: Program, entry: Entry) -> list[Item]:
    diagnosis = Item(evaluation=row, kind=Item.Kind.DIAGNOSE, program=about, name=about.name)
    written = [
        Item(
            evaluation=row, kind=Item.Kind.WRITE, program=about, name=about.name, level=level,
            locale=locale,
        )
        for level, locale in entry.asked
    ]  # fmt: skip
    return [diagnosis, *written]


def nobody(locale: Locale) -> User:
    """For whom the hints in this language are: a student's earlier ones are in the same."""
    user, _ = User.objects.get_or_create(
        username=f"{NOBODY}{locale}",
        defaults={"is_active": False, "password": make_password(None)},
    )
    return user
