"""The figures of evaluations as tables of texts: in the terminal, in the report, on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from web.evaluation.models import Item
from web.evaluation.targets import TARGETS
from web.tutor.languages import LANGUAGES


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure as people read it. misses: it does not reach its target."""

    text: str
    misses: bool = False


@dataclass(frozen=True, slots=True)
class FigureTable:
    """rows: the name of a row, then a cell for each heading but the first."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


SHARES = frozenset({
    "false_blocks", "caught", "undecided", "verified", "by_rules", "by_judge", "refused", "leak",
    "contradicted", "repeats",
})  # fmt: skip
FINE = ("auc", "alone", "threshold")
"""They have three digits."""
JUDGE = ("texts", "auc", "alone", "threshold", "false_blocks", "caught", "undecided", "median_s")
DIAGNOSIS = ("asked", "verified")
WRITING = (
    "asked", "shown", "by_rules", "by_judge", "refused", "leak", "contradicted", "repeats",
    "words", "grade", "seconds", "p95_s", "tokens",
)  # fmt: skip


def headings() -> dict[str, str]:
    """What each figure is called, in the reader's language."""
    return {
        "texts": _("texts"), "auc": _("AUC"), "alone": _("AUC without the wording"),
        "threshold": _("threshold"),
        "false_blocks": _("good ones blocked"),
        "caught": _("leaks caught"), "undecided": _("undecided"), "median_s": _("seconds"),
        "asked": _("asked"), "verified": _("fixes that pass"), "shown": _("shown"),
        "by_rules": _("first refused by rules"), "by_judge": _("first refused by the judge"),
        "refused": _("refused"), "leak": _("held for leaks"), "contradicted": _("against facts"),
        "repeats": _("repeat"), "words": _("words"), "grade": _("grade"),
        "seconds": _("seconds"), "p95_s": _("seconds, p95"), "tokens": _("tokens"),
    }  # fmt: skip


def kinds() -> dict[str, tuple[str, Sequence[str]]]:
    """What is measured: its title, and the figures that are shown of it."""
    return {
        "judge": (_("Judge"), JUDGE),
        "diagnosis": (_("Diagnosis"), DIAGNOSIS),
        "writing": (_("Writing hints"), WRITING),
    }


Rows = dict[tuple[str, int], Mapping[str, Any]]
"""Figures by language and level, empty for all up to it; empty and 0 for all together."""


def rows_of(kind: str, figures: Mapping[str, Any]) -> Rows:
    found = figures[kind]
    listed = found if isinstance(found, list) else [found]
    return {(each.get("locale", ""), each.get("level", 0)): each for each in listed}


def tables(figures: Mapping[str, Any]) -> list[FigureTable]:
    """Those of one evaluation; one of which there is nothing is left out."""
    found = []
    for kind, (title, names) in kinds().items():
        lines = [
            (row_name(*key), tuple(cell(kind, name, each) for name in names))
            for key, each in rows_of(kind, figures).items()
        ]
        found.append(FigureTable(title, heading(names), tuple(lines)))
    return [each for each in found if each.rows]


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FigureTable]:
    """Two evaluations side by side: of each figure both, and the difference."""
    found = []
    for kind, (title, names) in kinds().items():
        one, other = rows_of(kind, before), rows_of(kind, after)
        lines = [
            (
                row_name(*key),
                tuple(difference(name, one.get(key), other.get(key)) for name in names),
            )
            for key in dict.fromkeys([*one, *other])
        ]
        found.append(FigureTable(title, heading(names), tuple(lines)))
    return [each for each in found if each.rows]


def heading(names: Sequence[str]) -> tuple[str, ...]:
    words = headings()
    return ("", *(words[name] for name in names))


def row_name(locale: str, level: int) -> str:
    if not locale:
        return _("up to level %(level)s") % {"level": level} if level else _("all")
    return _("%(language)s, level %(level)s") % {
        "language": LANGUAGES[locale].name, "level": level,
    }  # fmt: skip


def cell(kind: str, name: str, figures: Mapping[str, Any]) -> Cell:
    targets = [target for target in TARGETS[kind] if target.figure == name]
    # A language and level of a judge have few texts: its licence is of all up to a level.
    counts = kind != Item.Kind.JUDGE or not figures["locale"]
    misses = counts and any(not target.holds(figures) for target in targets)
    return Cell(written(name, figures[name]), misses)


def written(name: str, figure: float | None) -> str:
    """As people read it; a dash for what is not known."""
    # Also of a share of nothing.
    if figure is None:
        return "–"
    if name in SHARES:
        return f"{100 * figure:.1f} %"
    if name in FINE:
        return f"{figure:.3f}"
    if name in ("texts", "asked", "shown", "words", "tokens"):
        return f"{figure:,.0f}"
    return f"{figure:.1f}"


def difference(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Cell:
    """`4.0 % → 2.0 % (−2.0)`."""
    one, other = (each[name] if each else None for each in (before, after))
    text = f"{written(name, one)} → {written(name, other)}"
    # A difference of what is not known is none.
    if one is None or other is None or one == other:
        return Cell(text)
    factor = 100 if name in SHARES else 1
    digits = 3 if name in FINE else 1
    return Cell(f"{text} ({factor * (other - one):+.{digits}f})".replace("-", "−"))
