"""Makes the prompts of the seed's wrong programs, each run once; tests.bench.asking starts it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from time import perf_counter

from tests.bench.table import Row, at, markdown
from web.courses import seeding
from web.hints.jobs import FACTS
from web.runner.checker import checker
from web.tutor.evidence.compose import statements
from web.tutor.evidence.l0 import l0_words
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS
from web.tutor.writing import prompt, room
from web.tutor.writing.prompt import PromptTask

EARLIER = 2
"""Hints that the student has had: those of the author stand for them."""
ROUNDS = 20


def tasks() -> Iterator[PromptTask]:
    """A hint of each level and language for each wrong program of the seed."""
    for exercise in seeding.load().exercises:
        row = exercise.row
        for code in exercise.wrong:
            report = checker().check(code, row.tests_to_run(), row.limits())
            report = checker().explain(report, code, row.tests_to_run(), row.limits())
            for locale in LANGUAGES:
                facts = tuple(islice(statements(report, locale, "seed", code), FACTS))
                given = {level: hint.text(locale) for level, hint in exercise.hints.items()}
                for level in LEVELS:
                    yield PromptTask(
                        level=level, locale=locale, statement=row.statement(locale),
                        mistakes=row.mistakes(locale), hint=given.get(level, ""),
                        result=l0_words(report, locale, code), code=code, facts=facts,
                        earlier=tuple(given.values())[:EARLIER], avoid=row.words_to_avoid(),
                    )  # fmt: skip


def table() -> str:
    found = markdown(rows())
    checker().close()
    return found


def rows() -> Iterator[Row]:
    asked = list(tasks())
    for locale in LANGUAGES:
        mine = [task for task in asked if task.locale == locale]
        for level in LEVELS:
            sizes = [tokens(task) for task in mine if task.level == level]
            yield (
                f"tokens of a prompt, {locale}, level {level}, p50 / most",
                f"{at(sizes, 0.5):.0f} / {max(sizes):.0f}",
                f"{fixed(level, locale):.0f} (what all of them share)",
                f"≤ {prompt.MOST_TOKENS}",
            )
    took = [made_ms(task) for _ in range(ROUNDS) for task in asked]
    yield (
        f"to make one of {len(asked)} prompts, ms, p50 / p99",
        f"{at(took, 0.5):.2f} / {at(took, 0.99):.2f}",
        "",
        "≤ 1",
    )


def fixed(level: int, locale: Locale) -> float:
    shown = [message["content"] for message in prompt.samples(level, locale)]
    return sum(map(room.tokens, [prompt.policy(level, locale), *shown]))


def tokens(task: PromptTask) -> float:
    return sum(room.tokens(message["content"]) for message in prompt.build(task, "0" * 8))


def made_ms(task: PromptTask) -> float:
    began_s = perf_counter()
    prompt.build(task, "0" * 8)
    return (perf_counter() - began_s) * 1000
