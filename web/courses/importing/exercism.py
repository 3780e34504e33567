"""An exercise of Exercism's Python track: a function or class with unit tests.

Source: https://exercism.org/docs/building/tracks/practice-exercises
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing import unit_tests
from web.courses.importing.draft import ExerciseDraft
from web.courses.importing.package import Package
from web.courses.importing.remarks import Remark, refuse
from web.tutor.ladder import USUAL
from web.tutor.languages import LANGUAGES, Words

INSTRUCTIONS = ".docs/instructions.md"
HINTS = ".docs/hints.md"
CONFIG = ".meta/config.json"
EXAMPLES = (".meta/exemplar.py", ".meta/example.py")
DOCUMENTS = tuple(
    f".docs/{name}{more}.md"
    for name in ("introduction", "instructions")
    for more in ("", ".append")
)
"""Those that make the statement, in its order."""
SECTION = re.compile(r"^## .*$", re.M)
TITLE = re.compile(r"^# .*$", re.M)

NO_TEST = _("There is no test file (*_test.py) beside the folder .docs.")
NO_JSON = _("This is no JSON of files, as Exercism writes it.")
NO_REFERENCE = _("There is no .meta/exemplar.py or .meta/example.py: no reference solution.")
MORE_FILES = _("Only one file of a solution is taken over.")


def exercise(package: Package) -> ExerciseDraft:
    """Raises: BadPackage."""
    slug = package.slug(INSTRUCTIONS).replace("_", "-")
    files = listed(package)
    tests, stubs = files["test"], files["solution"]
    if not tests:
        refuse(package.spot(INSTRUCTIONS), NO_TEST)
    source, left_out = unit_tests.asserts(package, tests[0])
    left_out += [Remark(package.spot(file), MORE_FILES) for file in (*tests[1:], *stubs[1:])]
    reference = next((file for file in EXAMPLES if file in package.files), None)
    if reference is None:
        left_out.append(Remark(package.spot(".meta"), NO_REFERENCE))
    # The track is in English alone; what was written in another language here stays.
    columns: dict[str, Any] = {
        "language": "python",
        "title_en": " ".join(part.capitalize() for part in slug.split("-")),
        "statement_en": "\n\n".join(documents(package)),
        "starter": package.text(stubs[0]) if stubs else "",
        "tests": source,
        "cases": [],
        "reference": package.text(reference) if reference else "",
    }
    return ExerciseDraft(
        slug=slug,
        columns=columns,
        spot=package.spot(INSTRUCTIONS),
        spots={"tests": package.spot(tests[0])},
        hints=hints(package),
        left_out=tuple(left_out),
    )


def listed(package: Package) -> dict[str, list[str]]:
    """Solution and test files: as the exercise's config lists them, else by their names."""
    beside = [file for file in sorted(package.files) if "/" not in file and file.endswith(".py")]
    found = {
        "test": [file for file in beside if file.endswith("_test.py")],
        "solution": [file for file in beside if not file.endswith("_test.py")],
    }
    # Exercises that people write by hand often lack it.
    if CONFIG not in package.files:
        return found
    try:
        files = json.loads(package.text(CONFIG))["files"]
        for kind in found:
            names = files.get(kind, found[kind])
            found[kind] = [str(PurePosixPath(name)) for name in names]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        refuse(package.spot(CONFIG), NO_JSON)
    return found


def documents(package: Package) -> Iterator[str]:
    """The parts of the statement, without their own titles."""
    for file in DOCUMENTS:
        if file in package.files:
            text = TITLE.sub("", package.text(file), count=1).strip()
            if text:
                yield text


def hints(package: Package) -> dict[int, Words] | None:
    """A section a level, and the rest of them on the last one; None without a file of hints."""
    if HINTS not in package.files:
        return None
    sections = [part.strip() for part in SECTION.split(package.text(HINTS))[1:]]
    # The first section is about the whole task, and so the least that can be given away.
    found: dict[int, str] = {}
    for number, text in enumerate(filter(None, sections), start=min(USUAL)):
        level = min(number, max(USUAL))
        found[level] = f"{found[level]}\n\n{text}" if level in found else text
    return {level: dict.fromkeys(LANGUAGES, "") | {"en": text} for level, text in found.items()}
