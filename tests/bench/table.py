"""A row of RESULTS.md: what, measured, reference, wanted; and the figures that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Row = tuple[str, ...]
HEADING = ("what", "measured", "reference", "wanted")


def markdown(rows: Iterable[Row], heading: Row = HEADING) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def ratio(name: str, figure: float, reference: float, wanted: str = "", of: str = "") -> Row:
    """A figure, and its multiple of the reference from the same run. of: what the reference is."""
    measured = f"{figure:.1f} ({figure / reference:.2f} of the reference)"
    return name, measured, f"{reference:.1f}{f' ({of})' if of else ''}", wanted


def runs(name: str, figures: Sequence[float], references: Sequence[float], wanted: str) -> Row:
    """Figures of several runs, each beside the reference that was measured just before it."""
    ratios = [figure / reference for figure, reference in zip(figures, references, strict=True)]
    measured = f"{joined(figures, '.0f')} ({joined(ratios, '.2f')} of the reference)"
    return name, measured, joined(references, ".0f"), wanted


def joined(figures: Iterable[float], form: str) -> str:
    return ", ".join(format(figure, form) for figure in figures)


def pair(values: Sequence[float], form: str = ".1f") -> str:
    """p50 / p99."""
    return f"{at(values, 0.5):{form}} / {at(values, 0.99):{form}}"


def at(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies, 0 to 1; they need not be sorted."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


Rows = Callable[[], Iterable[Row]]
