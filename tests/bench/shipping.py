"""Packs the labelled hints that the product ships to measure models by.

python -m tests.bench.shipping writes them, of the half that may be looked at and of other authors.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from tests.bench import facts
from tests.bench.corpus import Half, Labelled, authored, labelled
from tests.bench.gatekeeping import by_rules
from web.tutor.languages import LANGUAGES

DATA = facts.ROOT / "web" / "evaluation" / "data"
MOST = {"clean": 80, "words": 50, "code": 50}
"""Of each group so many of a level and language: a judge on a processor reads one a second."""
HIGHEST = 4
BUGS = 60
SEEDS = 10
"""Programs that hints are written for; of the others there are texts alone."""


def texts() -> list[Labelled]:
    """A choice that stays the same while the hints do, and the rules.

    What the rules refuse never comes before a judge.
    """
    taken: dict[tuple[str, int, str], int] = {}
    chosen = []
    known = labelled("seen") + authored("authors")
    for hint in sorted(known, key=lambda hint: drawn(hint.id)):
        kind = hint.group, hint.level, hint.locale
        if hint.level > HIGHEST or taken.get(kind, 0) == MOST[hint.group]:
            continue
        if not by_rules(hint):
            taken[kind] = taken.get(kind, 0) + 1
            chosen.append(hint)
    return sorted(chosen, key=lambda hint: hint.id)


def drawn(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8).digest()


def text_lines(chosen: Iterable[Labelled]) -> Iterator[dict[str, Any]]:
    for hint in chosen:
        yield {
            "id": hint.id, "program": hint.program.key, "level": hint.level,
            "locale": hint.locale, "leak": hint.leak, "group": hint.group, "text": hint.text,
        }  # fmt: skip


def program_lines(half: Half) -> Iterator[dict[str, Any]]:
    """The programs of the half, each with all that it takes to run it and to ask for a hint."""
    rows = facts.BUGS.read_text(encoding="utf-8").splitlines()
    bugs = {row["id"]: row["tests"][0] for row in map(json.loads, rows)}
    files = facts.SEED.glob("*-*.toml")
    seed = {row["slug"]: row for row in (tomllib.loads(file.read_text()) for file in files)}
    known = {hint.program.key: hint.program for hint in labelled(half)}
    left = {"bug": BUGS, "seed": SEEDS}
    for program in sorted(known.values(), key=lambda program: drawn(program.key)):
        kind = "bug" if program.exercise in bugs else "seed"
        left[kind] -= 1
        row = seed.get(program.exercise)
        yield {
            "id": program.key,
            "written": left[kind] >= 0,
            "statement": dict(program.statement),
            "mistakes": {locale: row[f"mistakes_{locale}"] for locale in LANGUAGES} if row else {},
            "tests": row.get("tests", "") if row else bugs[program.exercise],
            "cases": [case_of(*each) for each in enumerate(row.get("cases", ()))] if row else [],
            "code": program.code,
            "fix": program.fix,
            "reference": program.reference,
        }


def other_programs() -> Iterator[dict[str, Any]]:
    """Those that other authors' hints are about: nobody writes hints for them."""
    known = {hint.program.key: hint.program for hint in authored("authors")}
    for program in known.values():
        yield {"id": program.key, "written": False, "code": program.code, "fix": program.fix}


def case_of(number: int, case: dict[str, Any]) -> dict[str, Any]:
    """As an exercise's column has it."""
    notes = {f"note_{locale}": "" for locale in LANGUAGES}
    return {"name": str(number + 1), "visible": False, **notes, **case}


def write(name: str, lines: Iterable[dict[str, Any]]) -> None:
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    # Without the time in it, the same lines are the same bytes.
    (DATA / f"{name}.jsonl.gz").write_bytes(gzip.compress(body.encode(), 9, mtime=0))


def main() -> None:
    write("texts", text_lines(texts()))
    programs = [*program_lines("seen"), *other_programs()]
    write("programs", sorted(programs, key=lambda line: str(line["id"])))


if __name__ == "__main__":
    main()
