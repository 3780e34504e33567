"""The figures of an evaluation as drawings: plain shapes, which one template writes as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.utils.translation import gettext as _

from web.evaluation.figures import Thresholds, leaks, share, thresholds
from web.evaluation.models import Evaluation, Item
from web.evaluation.reading import FAILED, REFUSED, SHOWN
from web.evaluation.table import row_name
from web.tutor.gate import judge
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

WIDTH = 640
LEFT, RIGHT, TIMES = 170, 60, 110
ROW, BAR = 30, 16
BINS = 20
HEIGHT, TALLEST, FOOT = 180, 150, 40


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in user units. tone: its class for the style sheet. label: shown to a pointer."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """x, y: of its base line; anchor: start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A vertical line from y to below. tone: its class."""

    x: float
    y: float
    below: float
    tone: str


@dataclass(frozen=True, slots=True)
class Chart:
    """legend: tones and what they stand for. about: what is seen, for who cannot see it."""

    title: str
    about: str
    height: float
    boxes: tuple[Box, ...] = ()
    words: tuple[Words, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    width: float = WIDTH


def charts(row: Evaluation) -> list[Chart]:
    """Those of which there is something to see."""
    items = [*row.items.filter(state=Item.State.DONE)]
    judged = [item for item in items if item.kind == Item.Kind.JUDGE]
    written = [item for item in items if item.kind == Item.Kind.WRITE and item.verdict]
    found = []
    if any(item.probability is not None for item in judged):
        found.append(spread(judged, row.threshold))
    if written:
        found += [endings(written, thresholds(row.figures)), waits(row.figures["writing"])]
    return found


def spread(items: Sequence[Item], threshold: float | None) -> Chart:
    """How sure the judge was: good hints should stand on the left, leaks on the right."""
    room = WIDTH - 2 * FOOT
    step = room / BINS
    parts = {leak: bins(items, leak=leak) for leak in (False, True)}
    most = max(max(each) for each in parts.values())
    boxes = [
        Box(
            x=FOOT + number * step + leak * step / 2, y=HEIGHT - part / most * TALLEST,
            width=step / 2 - 1, height=part / most * TALLEST, tone="bad" if leak else "good",
            label=f"{100 * part:.0f} %",
        )
        for leak, each in parts.items()
        for number, part in enumerate(each)
    ]  # fmt: skip
    marks = [
        Words(FOOT + room * tenth / 10, HEIGHT + 18, f"{tenth / 10:g}", "middle")
        for tenth in range(0, 11, 2)
    ]
    strokes = []
    if threshold is not None:
        x = FOOT + room * threshold
        strokes.append(Stroke(x, 8, HEIGHT, "mark"))
        # On the side where there is room for it.
        anchor = "end" if threshold > 0.5 else "start"
        text = _("threshold %(number)s") % {"number": f"{threshold:g}"}
        marks.append(Words(x + (6 if anchor == "start" else -6), 18, text, anchor))
    return Chart(
        title=_("How sure the judge was of a leak"),
        about=_(
            "Share of good hints and of leaks by the probability of a leak: what the judge said "
            "and the wording of the hint, weighed together."
        ),
        height=HEIGHT + FOOT,
        boxes=tuple(boxes),
        words=tuple(marks),
        strokes=tuple(strokes),
        legend=(("good", _("good hints")), ("bad", _("leaks"))),
    )


def bins(items: Sequence[Item], *, leak: bool) -> list[float]:
    """The share of each bin of probabilities; of its own kind, as there are more leaks."""
    of = [item.probability for item in items if item.leak is leak]
    counts = [0] * BINS
    for score in of:
        if score is not None:
            # A certain one belongs to the last bin.
            counts[min(int(score * BINS), BINS - 1)] += 1
    return [count / max(1, len(of)) for count in counts]


def endings(items: Sequence[Item], at: Thresholds) -> Chart:
    """What became of the hints, row by row: of a language and level."""
    tones: dict[str, Callable[[Item], bool]] = {
        "good": lambda item: item.verdict == SHOWN and not leaks(item, at),
        "bad": lambda item: item.verdict == SHOWN and leaks(item, at),
        "judge": lambda item: item.verdict == REFUSED and item.rule == judge.RULE,
        "rules": lambda item: item.verdict == REFUSED and item.rule != judge.RULE,
        "none": lambda item: item.verdict == FAILED,
    }
    boxes, words = [], []
    room = WIDTH - LEFT - RIGHT
    for number, (name, of) in enumerate(by_kind(items)):
        y, x = number * ROW + 6.0, float(LEFT)
        words.append(Words(LEFT - 8, y + BAR - 3, name, "end"))
        words.append(Words(WIDTH - RIGHT + 8, y + BAR - 3, str(len(of))))
        for tone, holds in tones.items():
            part = share(holds(item) for item in of) or 0.0
            if part:
                boxes.append(Box(x, y, part * room, BAR, tone, f"{100 * part:.0f} %"))
            x += part * room
    return Chart(
        title=_("What became of the hints"),
        about=_("Of each language and level, the shares of hints that ended in each way."),
        height=len(words) / 2 * ROW + 6,
        boxes=tuple(boxes),
        words=tuple(words),
        legend=(
            ("good", _("shown")), ("bad", _("shown, held for a leak")),
            ("judge", _("refused, first by the judge")), ("rules", _("refused, first by a rule")),
            ("none", _("no answer")),
        ),
    )  # fmt: skip


def waits(figures: Iterable[Mapping[str, Any]]) -> Chart:
    """How long the hints took: the middle one, and the one that 19 of 20 are faster than."""
    boxes, words = [], []
    found = [
        (row_name(each["locale"], each["level"]), each["seconds"], each["p95_s"])
        for each in figures
        if each["seconds"] is not None
    ]
    most = max((late for _name, _middle, late in found), default=0) or 1
    room = WIDTH - LEFT - TIMES
    for number, (name, middle, late) in enumerate(found):
        y = number * ROW + 6.0
        words.append(Words(LEFT - 8, y + BAR - 3, name, "end"))
        words.append(
            Words(LEFT + room * late / most + 6, y + BAR - 3, f"{middle:.1f} / {late:.1f} s")
        )
        # The shorter one is drawn last, over the longer one.
        boxes.append(Box(LEFT, y, room * late / most, BAR, "late"))
        boxes.append(Box(LEFT, y, room * middle / most, BAR, "middle"))
    return Chart(
        title=_("Seconds of a hint"),
        about=_("Of each language and level, the middle time and the 95th percentile."),
        height=len(found) * ROW + 6,
        boxes=tuple(boxes),
        words=tuple(words),
        legend=(("middle", _("the middle one")), ("late", _("95th percentile"))),
    )


def by_kind(items: Sequence[Item]) -> Iterable[tuple[str, list[Item]]]:
    """The items of each language and level, with its name."""
    for locale, level in product(LANGUAGES, LEVELS):
        if of := [item for item in items if (item.locale, item.level) == (locale, level)]:
            yield row_name(locale, level), of
