"""The figures of an evaluation, made of its items: what a report shows and a licence goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from statistics import median
from typing import Any

from web.evaluation import calibration
from web.evaluation.calibration import JudgedText
from web.evaluation.models import Evaluation, Item
from web.evaluation.reading import FAILED, REFUSED, SHOWN, VERIFIED
from web.tutor.gate import judge
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

JUDGED_LEVELS = range(1, judge.HIGHEST + 1)
Thresholds = Mapping[int, float | None]
"""Of a judge, by the highest level that it judges; None where no threshold keeps to what it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFigures:
    """Of the labelled texts of one language and level; locale empty: of all up to that level.

    threshold: of the texts up to that level; None where there is none. auc: None without both
    kinds; alone: the same by the judge's answers alone. false_blocks, caught: shares at the
    threshold, None without one. undecided: share of which the judge did not say.
    """

    locale: str
    level: int
    texts: int
    threshold: float | None
    auc: float | None
    alone: float | None
    false_blocks: float | None
    caught: float | None
    undecided: float
    median_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisFigures:
    """asked: programs; verified: share of them whose fix passed every test, None without any."""

    asked: int
    verified: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingFigures:
    """Of the hints of one language and level. asked: those that a model answered.

    Shares of what was asked: by_rules, by_judge (the first answer was refused), refused (no answer
    was shown). Shares of what was shown: leak, contradicted, repeats. words, grade, seconds: their
    medians; p95_s: the 95th percentile; tokens: mean of all calls of a hint. None where there is
    nothing. failures: hints that no model answered, by why.
    """

    locale: str
    level: int
    asked: int
    shown: int
    by_rules: float | None
    by_judge: float | None
    refused: float | None
    leak: float | None
    contradicted: float | None
    repeats: float | None
    words: float | None
    grade: float | None
    seconds: float | None
    p95_s: float | None
    tokens: float | None
    failures: dict[str, int]


def figures(row: Evaluation) -> dict[str, Any]:
    """Keys threshold (of all levels), judge, diagnosis, writing: the fields of the classes above,
    lists of them."""
    items = [*row.items.filter(state=Item.State.DONE)]
    judged = [item for item in items if item.kind == Item.Kind.JUDGE]
    at = {level: threshold(judged, level) for level in JUDGED_LEVELS}
    written = [item for item in items if item.kind == Item.Kind.WRITE]
    diagnosed = [item for item in items if item.kind == Item.Kind.DIAGNOSE and item.verdict]
    return {
        "threshold": at[judge.HIGHEST],
        "judge": [asdict(each) for each in judge_figures(judged, at)],
        "diagnosis": asdict(diagnosis_figures(diagnosed)),
        "writing": [asdict(each) for each in writing_figures(written, at)],
    }


def said(item: Item) -> JudgedText:
    return JudgedText(bool(item.leak), item.probability, item.locale)


def threshold(judged: Iterable[Item], highest: int) -> float | None:
    """Of a judge that judges up to this level: what it says of longer texts is another matter."""
    at = calibration.threshold([said(item) for item in judged if item.level <= highest])
    # As a licence and its page have it; the figures are those at the rounded one.
    return None if at is None else round(at, 4)


def judge_figures(items: Sequence[Item], at: Thresholds) -> Iterator[JudgeFigures]:
    """Those of all levels first, then up to each lower one, then each language and level by itself;
    each of which there are texts."""
    levels = sorted({each.level for each in items}, reverse=True)
    for level in levels:
        yield of_judge("", level, [each for each in items if each.level <= level], at[level])
    for locale, level in product(LANGUAGES, reversed(levels)):
        of = [each for each in items if (each.locale, each.level) == (locale, level)]
        if of:
            yield of_judge(locale, level, of, at[level])


def of_judge(locale: str, level: int, of: Sequence[Item], at: float | None) -> JudgeFigures:
    told = [said(each) for each in of]
    alone = [replace(text, probability=item.alone) for text, item in zip(told, of, strict=True)]
    return JudgeFigures(
        locale=locale, level=level, texts=len(of), threshold=at, auc=calibration.auc(told),
        alone=calibration.auc(alone),
        false_blocks=None if at is None else calibration.false_blocks(told, at),
        caught=None if at is None else calibration.caught(told, at),
        undecided=sum(each.probability is None for each in told) / len(told),
        median_s=middle(each.seconds for each in of),
    )  # fmt: skip


def diagnosis_figures(items: Sequence[Item]) -> DiagnosisFigures:
    return DiagnosisFigures(
        asked=len(items), verified=share(each.verdict == VERIFIED for each in items)
    )


def writing_figures(items: Sequence[Item], at: Thresholds) -> Iterator[WritingFigures]:
    for locale in LANGUAGES:
        for level in LEVELS:
            of = [each for each in items if (each.locale, each.level) == (locale, level)]
            if any(each.verdict for each in of):
                yield of_kind(locale, level, of, at)


def of_kind(locale: str, level: int, of: Sequence[Item], at: Thresholds) -> WritingFigures:
    # What no model answered says nothing of how it writes, and is told apart.
    asked = [each for each in of if each.verdict in (SHOWN, REFUSED)]
    shown = [each for each in asked if each.verdict == SHOWN]
    failures: dict[str, int] = {}
    for each in of:
        if each.verdict == FAILED:
            failures[each.rule] = failures.get(each.rule, 0) + 1
    times = sorted(each.seconds for each in asked if each.seconds is not None)
    tokens = [each.prompt_tokens + each.completion_tokens for each in asked]
    return WritingFigures(
        locale=locale, level=level, asked=len(asked), shown=len(shown),
        by_rules=share(each.rule not in ("", judge.RULE) for each in asked),
        by_judge=share(each.rule == judge.RULE for each in asked),
        refused=share(each.verdict == REFUSED for each in asked),
        leak=share(leaks(each, at) for each in shown),
        contradicted=share(bool(each.contradicted) for each in shown),
        repeats=share(each.repeats for each in shown),
        words=middle(each.words for each in shown),
        grade=middle(each.grade for each in shown),
        seconds=middle(times),
        p95_s=times[int(0.95 * len(times))] if times else None,
        tokens=sum(tokens) / len(tokens) if tokens else None,
        failures=failures,
    )  # fmt: skip


def thresholds(figures: Mapping[str, Any]) -> Thresholds:
    """Those by which an evaluation's figures were made."""
    rows = [each for each in figures["judge"] if not each["locale"]]
    # Of a level without texts of its own it is that of the next one above: they go downwards.
    return {
        level: next((each["threshold"] for each in rows[::-1] if each["level"] >= level), None)
        for level in JUDGED_LEVELS
    }


def leaks(item: Item, at: Thresholds) -> bool:
    """Whether a text that was shown is held for a leak now: by the rules, or at the threshold.

    The site's own judge may have had another threshold when it let the text pass.
    """
    limit = at.get(item.level)
    unsure = limit is not None and item.probability is not None and item.probability >= limit
    return bool(item.leak) or unsure


def share(found: Iterable[bool]) -> float | None:
    listed = [*found]
    return sum(listed) / len(listed) if listed else None


def middle(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None
