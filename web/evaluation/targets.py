"""What a model must reach to be licensed, in one table; and the licence that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """figure: a key of the figures. bound: the figure must be at least or at most the value."""

    figure: str
    bound: Literal["least", "most"]
    value: float
    reason: Any

    def holds(self, figures: Mapping[str, Any]) -> bool:
        """Whether the figure is known and within the bound."""
        found = figures[self.figure]
        if found is None:
            return False
        return bool(found >= self.value if self.bound == "least" else found <= self.value)


FEWEST_TEXTS = 50
"""A share of 2 % says nothing of fewer."""
FEWEST_HINTS = 10
FEWEST_PROGRAMS = 10
TARGETS: dict[str, tuple[Target, ...]] = {
    "judge": (
        Target(figure="texts", bound="least", value=FEWEST_TEXTS, reason=_(
            "Of fewer texts a share of two in a hundred cannot be told."
        )),
        Target(figure="auc", bound="least", value=0.9, reason=_(
            "Nine times in ten a leak scores higher than a good hint does."
        )),
        Target(figure="alone", bound="least", value=0.75, reason=_(
            "What the wording of a hint tells needs no model: a judge has to know more than that."
        )),
        Target(figure="false_blocks", bound="most", value=0.02, reason=_(
            "A judge that blocks more good hints than two in a hundred takes help away."
        )),
        Target(figure="undecided", bound="most", value=0.02, reason=_(
            "What a judge does not answer is blocked."
        )),
    ),
    "diagnosis": (
        Target(figure="asked", bound="least", value=FEWEST_PROGRAMS, reason=_(
            "Fewer programs say nothing of others."
        )),
        Target(figure="verified", bound="least", value=0.5, reason=_(
            "Each fix is run, so a wrong one does no harm; but below that it costs a student more "
            "time than it gives."
        )),
    ),
    "writing": (
        Target(figure="asked", bound="least", value=FEWEST_HINTS, reason=_(
            "Fewer hints say nothing of others."
        )),
        Target(figure="leak", bound="most", value=0.02, reason=_(
            "Of the hints that would be shown, held for a leak by the rules with the known fix, "
            "or by the judge."
        )),
        Target(figure="contradicted", bound="most", value=0.0, reason=_(
            "A hint that contradicts what the program did misleads whoever believes it."
        )),
        Target(figure="refused", bound="most", value=0.3, reason=_(
            "A model that is refused more often costs a wait, and ends in a hint without it."
        )),
    ),
}  # fmt: skip
"""Source: design notes on teaching, 1.5 and 1.6: leak at most 2 % at most 2 % false blocks,
contradicted facts none. The other bounds are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The licence that the figures speak for. judges_to: the highest level that it judges, 0 for
    none. levels: by language. short: what is missed, by kind.

    A key of short is `judge up to 4`, `diagnosis`, or language and level as in `en 2`; its value
    lists the figures that miss their targets.
    """

    judges_to: int
    judge_threshold: float | None
    diagnoses: bool
    levels: dict[str, list[int]]
    short: dict[str, list[str]] = field(default_factory=dict)


def missed(kind: str, figures: Mapping[str, Any]) -> list[str]:
    return [target.figure for target in TARGETS[kind] if not target.holds(figures)]


def proposal(figures: Mapping[str, Any]) -> Proposal:
    """figures: as web.evaluation.figures makes them."""
    short: dict[str, list[str]] = {}
    fit = None
    # The widest first: one that judges higher levels well judges more.
    for each in figures["judge"]:
        if fit is None and not each["locale"]:
            found = short[f"judge up to {each['level']}"] = missed("judge", each)
            fit = None if found else each
    if not figures["judge"]:
        short["judge"] = ["texts"]
    short["diagnosis"] = missed("diagnosis", figures["diagnosis"])
    levels: dict[str, list[int]] = {}
    for each in figures["writing"]:
        # Each language and level by itself: a model may well write one and not the other.
        found = missed("writing", each)
        if found:
            short[f"{each['locale']} {each['level']}"] = found
        else:
            levels.setdefault(each["locale"], []).append(each["level"])
    return Proposal(
        judges_to=fit["level"] if fit else 0,
        judge_threshold=fit["threshold"] if fit else None,
        diagnoses=not short["diagnosis"],
        levels=levels,
        short={kind: found for kind, found in short.items() if found},
    )
