"""A CSV file with a row for each exercise; its first row names the columns."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing import shapes, toml
from web.courses.importing.draft import CourseDraft, ExerciseDraft
from web.courses.importing.package import Package
from web.courses.importing.remarks import refuse
from web.courses.importing.shapes import Misshapen, shaped
from web.courses.importing.toml import EMPTY, TABLES, named
from web.tutor.languages import LANGUAGES, Words
from web.tutor.levels import LEVELS

LISTS = frozenset(TABLES)
"""Columns of JSON: a list of tables, as our TOML has them."""
FLAG_WORDS = {"true": True, "false": False}
READERS: dict[str, Callable[[str], Any]] = {
    "position": int,
    **{name: int if leaf is shapes.whole else float for name, leaf in toml.NUMBERS.items()},
    **dict.fromkeys(toml.FLAGS, lambda word: FLAG_WORDS[word.lower()]),
}
"""Of columns that are no texts."""
HINT = re.compile(r"hint_(\d+)_(\w+)")
HINTS = {f"hint_{level}_{locale}" for level in LEVELS for locale in LANGUAGES}
KNOWN = frozenset({"slug", "position", *EMPTY, *HINTS})
DELIMITERS = ",;\t"

NO_CSV = _("cannot be read: %(error)s")
NO_SLUG = _("The first row must name the columns, one of them slug.")
UNKNOWN = _("%(column)s: unknown column")
TWICE = _("%(column)s: the column is there twice")
WIDTH = _("This row has %(cells)s cells, the first one %(columns)s.")
EMPTY_SLUG = _("slug: missing")
NO_NUMBER = _("%(column)s: must be a number")
NO_FLAG = _("%(column)s: must be true or false")
NO_JSON = _("%(column)s: must be a JSON list of tables")
NO_ROWS = _("There are no rows below the first one.")


def course(package: Package, file: str) -> CourseDraft:
    """Raises: BadPackage."""
    rows = numbered(package, file)
    line, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    # Without a slug no row could be found again by the next import.
    if "slug" not in columns:
        refuse(package.spot(file, line), NO_SLUG)
    for number, name in enumerate(columns):
        if name not in KNOWN:
            refuse(package.spot(file, line), UNKNOWN, column=name)
        if name in columns[:number]:
            refuse(package.spot(file, line), TWICE, column=name)
    drafts = []
    for line, cells in rows:
        if len(cells) != len(columns):
            refuse(package.spot(file, line), WIDTH, cells=len(cells), columns=len(columns))
        drafts.append(exercise(package, file, line, dict(zip(columns, cells, strict=True))))
    if not drafts:
        refuse(package.spot(file), NO_ROWS)
    return CourseDraft(exercises=tuple(drafts))


def numbered(package: Package, file: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line on which it begins."""
    text = package.text(file)
    first = text.partition("\n")[0]
    # Where a comma is the decimal point, spreadsheets part cells by semicolons.
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        refuse(package.spot(file, line), NO_CSV, error=error)


def exercise(package: Package, file: str, line: int, row: dict[str, str]) -> ExerciseDraft:
    spot = package.spot(file, line)
    if not (slug := row.pop("slug").strip()):
        refuse(spot, EMPTY_SLUG)
    hints: dict[int, Words] | None = {} if HINTS & row.keys() else None
    columns: dict[str, Any] = {}
    for name, cell in row.items():
        if found := HINT.fullmatch(name):
            level = int(found[1])
            if cell.strip() and hints is not None:
                known = hints.get(level, dict.fromkeys(LANGUAGES, ""))
                hints[level] = {**known, found[2]: cell}
        # An empty cell leaves a number or a flag as it is, or as it is usual.
        elif name in READERS:
            if cell.strip():
                try:
                    columns[name] = READERS[name](cell.strip())
                except (KeyError, ValueError):
                    refuse(spot, NO_FLAG if name in toml.FLAGS else NO_NUMBER, column=name)
        elif name in LISTS:
            columns[name] = tables(package, file, line, name, cell)
        else:
            columns[name] = cell if cell.strip() else EMPTY[name]
    return ExerciseDraft(slug=slug, columns=columns, spot=spot, hints=hints)


def tables(package: Package, file: str, line: int, name: str, cell: str) -> list[dict[str, Any]]:
    if not cell.strip():
        return []
    try:
        found = shaped(json.loads(cell), TABLES[name], name)
    except Misshapen as error:
        refuse(package.spot(file, line), error.reason, key=error.key)
    except (ValueError, RecursionError):
        refuse(package.spot(file, line), NO_JSON, column=name)
    return named(found) if name == "cases" else found
