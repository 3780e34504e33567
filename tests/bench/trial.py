"""What a real model is worth: how often its diagnosis is proved, and how it judges leaks in words.

Only asked for by name, of a server that BENCH_MODEL tells: BENCH_MODEL=http://127.0.0.1:8000/v1
python -m tests.bench diagnoses verdicts. On two cores a model of 1.5B takes about an hour.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from itertools import islice
from random import Random
from time import perf_counter
from typing import TypeVar

from openai import OpenAI

from broker.contract.job import Endpoint, Message, Sampling
from tests.bench import facts
from tests.bench.corpus import Labelled
from tests.bench.gatekeeping import by_rules
from tests.bench.table import HEADING, Row, markdown, pair
from tests.bench.worded import figures, unknown
from web.engines.client.answer import Answer
from web.engines.client.errors import ModelError
from web.engines.client.forms import in_forms
from web.engines.client.judging import JudgedTexts
from web.engines.client.model import Model
from web.evaluation.calibration import JudgedText
from web.runner.cases import Asserts
from web.runner.checker import Checker
from web.tutor.diagnosis import finding
from web.tutor.evidence.compose import candidates
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report, Verdict
from web.tutor.gate import wording
from web.tutor.languages import LANGUAGES, OPERATORS

T = TypeVar("T")
BUGS = 60
LEAKS, GOOD = 50, 70
"""Texts that are judged of each language, drawn at random."""
FACTS, LEVEL = 3, 2
"""So many a diagnosis is told, and at which level: as in workers.attempt.diagnosing, which needs
Django."""
AT_ONCE = 2
WITHIN_S = 600.0
"""Of one answer: what a model is worth is asked here, not how fast it is."""


def diagnoses() -> str:
    return asked(diagnosed)


def verdicts() -> str:
    return asked(judged)


def asked(rows: Callable[[Endpoint], Iterator[Row]]) -> str:
    """The table of what the model says, under its name."""
    url = os.environ.get("BENCH_MODEL")
    if not url:
        raise SystemExit("BENCH_MODEL must be the address of a model's server, ending in /v1")
    with OpenAI(base_url=url, api_key="none") as client:
        name = client.models.list().data[0].id
    endpoint = Endpoint(
        base_url=url, model=name, first_chunk_s=WITHIN_S, idle_s=WITHIN_S, deadline_s=WITHIN_S
    )
    return markdown(rows(endpoint), (name, *HEADING[1:]))


def in_turns(work: Callable[[T], object], things: list[T]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(work, things):
            pass


@dataclass(slots=True)
class Try:
    """took_s: of the model; ran_ms: of its program, None where there was none to run."""

    took_s: float
    ran_ms: float | None = None
    proved: bool = False


def diagnosed(endpoint: Endpoint) -> Iterator[Row]:
    """Of bugs at even distances in the file, as a hint has them found out."""
    records = [json.loads(line) for line in facts.BUGS.read_text().splitlines()]
    chosen = [records[number * len(records) // BUGS] for number in range(BUGS)]
    found: list[list[Try]] = []
    with closing(Checker(processes=AT_ONCE)) as checker:
        right = [ran(checker, each["bug_fix"], each)[0] for each in chosen]
        in_turns(lambda each: found.append([*tries(endpoint, checker, each)]), chosen)
    proved = [one for one in found if one[-1].proved]
    by_reference = f"{sum(report.verdict is Verdict.PASSED for report in right)} by reference"
    every = [one for tried in found for one in tried]
    run_ms = [one.ran_ms for one in every if one.ran_ms is not None]
    first = sum(len(one) == 1 for one in proved)
    yield f"bugs, of {BUGS}, with a proved diagnosis", f"{len(proved)}", by_reference, "published"
    yield "of these at the first try", f"{first}", "", ""
    yield "a try, s, p50 / p99", pair([one.took_s for one in every]), "", ""
    shown = pair(run_ms) if run_ms else "–"
    yield "to run the mended program, ms, p50 / p99", shown, "", "p50 ≤ 15"


def tries(endpoint: Endpoint, checker: Checker, bug: dict[str, str]) -> Iterator[Try]:
    code = bug["buggy_code"].strip("\n")
    report = checker.explain(ran(checker, code, bug)[0], code, tests_of(bug))
    composed = candidates(report, LEVEL, OPERATORS, bug["id"], code)
    messages = finding.messages(
        statement=bug["problem_statement"],
        mistakes="",
        code=code,
        result=l0_words(report, OPERATORS, code),
        facts="\n".join(each.text for each in islice(composed, FACTS)),
        nonce="0badcafe",
    )
    for _ in range(finding.TRIES):
        began_s = perf_counter()
        try:
            text = asyncio.run(said(endpoint, messages, finding.forms(code)))
        except ModelError:
            # Too long for it, or too slow: a hint is then written without a diagnosis.
            yield Try(perf_counter() - began_s)
            return
        one = Try(perf_counter() - began_s)
        read = finding.parse(text, code)
        result = finding.unfit(read, code)
        if read is not None and not result:
            report, one.ran_ms = ran(checker, read.fixed_code, bug)
            one.proved = report.verdict is Verdict.PASSED
            result = l0_words(report, OPERATORS, read.fixed_code)
        yield one
        if one.proved or (read is not None and not read.fixed_code):
            return
        messages = [*messages, *finding.again(text, result)]


def tests_of(bug: dict[str, str]) -> Asserts:
    return Asserts("\n".join(bug["tests"]))


def ran(checker: Checker, code: str, bug: dict[str, str]) -> tuple[Report, float]:
    """And how long it took, ms."""
    began_s = perf_counter()
    report = checker.check(code.strip("\n"), tests_of(bug))
    return report, 1000 * (perf_counter() - began_s)


async def said(endpoint: Endpoint, messages: list[Message], forms: tuple[Sampling, ...]) -> str:
    """Raises: ModelError."""
    model = Model()

    async def ask(form: Sampling) -> str:
        answer, parts = Answer(endpoint), list[str]()
        async with aclosing(model.stream(endpoint, form, messages, "bench")) as chunks:
            async for chunk in chunks:
                parts.append(answer.feed(chunk))
        return "".join([*parts, answer.finish()])

    try:
        return await in_forms(forms, lambda: endpoint.dialect, lambda _: None, ask)
    finally:
        await model.aclose()


def judged(endpoint: Endpoint) -> Iterator[Row]:
    """Leaks in words and good hints that nobody tuned for, and what rules and judge refuse."""
    for where, hints in unknown().items():
        told: list[JudgedText] = []

        def judge(hint: Labelled, told: list[JudgedText] = told) -> None:
            # What the rules refuse is refused, whatever the judge would say.
            probability: float | None = 1.0
            if not by_rules(hint):
                program, probability = hint.program, None
                worded = wording.log_odds(hint.text, hint.locale)
                with closing(JudgedTexts(endpoint, 0.5, WITHIN_S)) as texts, suppress(ModelError):
                    said = texts.judged(program.code, program.fix, hint.text, worded)
                    probability = said.probability
            told.append(JudgedText(hint.leak, probability, hint.locale))

        in_turns(judge, list(drawn(hints)))
        yield from figures(f"rules and judge, {where}", told, wanted="≥ 88")


def drawn(hints: list[Labelled]) -> Iterator[Labelled]:
    mixed = list(hints)
    Random(20261130).shuffle(mixed)
    for locale in LANGUAGES:
        for leak, most in ((True, LEAKS), (False, GOOD)):
            kind = (hint for hint in mixed if (hint.locale, hint.leak) == (locale, leak))
            yield from islice(kind, most)
