"""Hints composed of facts: whether they hold anything of the fix, and how soon a student has one.

python -m tests.bench composed measures it; the tests alone, in the same run, are the reference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import httpx2

from tests.bench.table import Row, at
from tests.fakes.launch import FakeEngine
from tests.whole.stand import WRONG, Stand, standing

ASKED = 25
"""Hints of a student, who may run 30 programs a minute."""
COUNT = """
from tests.pure.test_composed import leaks, programs
from web.tutor.languages import LANGUAGES
asked = [(level, locale) for level in (1, 2) for locale in LANGUAGES]
found = sum(len(list(leaks(level, locale))) for level, locale in asked)
print(found, len(programs()) * len(asked), len(programs()))
"""
NO_ENGINE = "from web.engines.models import Engine; Engine.objects.update(enabled=False)"


def rows() -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="hl-") as folder,
        standing(Path(folder), {"gpu0": FakeEngine()}) as stand,
    ):
        found, told, programs = stand.shell(COUNT).split()
        stand.shell(NO_ENGINE)
        alone, hints = checks(stand.student()), list(texts(stand, stand.student()))
    yield (
        f"hints of {programs} wrong programs with a word of the fix that nobody has shown",
        f"{found} of {told}",
        "",
        "0",
    )
    yield (
        "from the request to the text without any engine, ms, p50 / p95",
        f"{at(hints, 0.5):.0f} / {at(hints, 0.95):.0f}",
        f"{at(alone, 0.5):.0f} / {at(alone, 0.95):.0f} (the tests alone)",
        "≤ 300",
    )


def checks(student: httpx2.Client) -> list[float]:
    took = []
    for number in range(ASKED):
        body = {"exercise": "python-steps/rice-days", "code": f"{WRONG}# {number}"}
        begun = perf_counter()
        student.post("/v1/checks", json=body).raise_for_status()
        took.append((perf_counter() - begun) * 1000)
    return took


def texts(stand: Stand, student: httpx2.Client) -> Iterator[float]:
    for number in range(ASKED):
        begun = perf_counter()
        hint = stand.ask(student, code=f"{WRONG}# {number}", level=1)
        yield (perf_counter() - begun) * 1000
        assert (hint["source"], bool(hint["text"])) == ("evidence", True)
