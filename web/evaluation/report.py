"""The report of an evaluation, or of two side by side: a page of its own without any other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from web.evaluation import table
from web.evaluation.charts import Chart, charts
from web.evaluation.models import Evaluation
from web.evaluation.targets import TARGETS
from web.language import locale_now

STYLE = Path(__file__).parent / "static" / "evaluation" / "evaluation.css"


def parts(row: Evaluation, before: Evaluation | None = None) -> dict[str, Any]:
    """What the template of the figures needs. before: another one, to compare it with."""
    figures = row.figures
    return {
        "row": row,
        "before": before,
        "tables": table.tables(figures),
        "differences": table.compared(before.figures, figures) if before else [],
        "charts": pairs(row, before),
        "targets": targets(),
        "notes": notes(figures),
    }


def pairs(row: Evaluation, before: Evaluation | None) -> list[tuple[Evaluation, list[Chart]]]:
    return [(each, charts(each)) for each in (before, row) if each is not None]


def targets() -> list[tuple[str, str, str, str]]:
    """Each target in words: of what, which figure, its bound, why."""
    titles, words = table.kinds(), table.headings()
    return [
        (
            titles[kind][0],
            words[each.figure],
            f"{'≥' if each.bound == 'least' else '≤'} {table.written(each.figure, each.value)}",
            str(each.reason),
        )
        for kind, found in TARGETS.items()
        for each in found
    ]


def notes(figures: dict[str, Any]) -> list[str]:
    """Why no model answered, where none did."""
    return [
        f"{table.row_name(each['locale'], each['level'])}: {reason} × {count}"
        for each in figures["writing"]
        for reason, count in each["failures"].items()
    ]


def page(row: Evaluation, before: Evaluation | None = None) -> str:
    """HTML in the reader's language; nothing in it comes from another server."""
    # The style sheet is ours, and a page that is mailed around has no other place for it.
    style = mark_safe(STYLE.read_text(encoding="utf-8"))  # noqa: S308
    # The admin's page has its own frame around the same parts.
    context = {**parts(row, before), "style": style, "locale": locale_now()}
    return render_to_string("evaluation/report.html", context)
