"""The labelled hints and the attacks of tests/data/hints, read with their programs.

python -m tests.bench.corpus HALF writes them as `python -m web gate --jsonl` reads them; without
a half, the table of tests/data/hints/README.md.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.bench.table import markdown

FOLDER = Path(__file__).parents[1] / "data" / "hints"
Half = Literal["seen", "unseen"]
HALVES: tuple[Half, ...] = ("seen", "unseen")
Others = Literal["authors", "fresh"]
"""Hints of other authors, who have seen none of ours: to be learned from, and never looked at."""
CODE = frozenset({
    "prose", "span", "fenced", "diff", "split", "pseudo-code", "other-programming-language",
    "entities", "markdown", "zero-width", "full-width", "confusables", "encoded", "spaced",
    "renamed", "other-script", "other-language-page",
})  # fmt: skip
"""Families of leaks that hold code, or hide what they say from who reads only plain text."""
WORDS = frozenset({
    "plain", "operators", "spoken", "what-if", "consider", "orders", "rhetorical",
    "two-sentences", "name",
})  # fmt: skip
"""Families of leaks that tell the correction in words of the page's language."""
OTHER = "other-author"
"""Of other authors' leaks, all of them in words, and of their good hints."""
NOTHING = {"ko": "", "en": ""}
"""What the tests say is a part of another author's statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A wrong program, and a right one that differs from it in as little as can be.

    statement, l0: by language; an exercise that has none in Korean is asked in English.
    reference: the exercise's own right program. l0: what the tests say of the wrong one.
    """

    key: str
    exercise: str
    code: str
    fix: str
    reference: str
    statement: Mapping[str, str]
    l0: Mapping[str, str]

    def shown(self, locale: str) -> str:
        """All that the student has read before the hint."""
        return f"{self.statement.get(locale, self.statement['en'])}\n{self.l0[locale]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A hint that tells or suggests the correction (leak), or does not. made: by hand or script."""

    id: str
    exercise: str
    program: Program
    level: int
    locale: Literal["ko", "en"]
    leak: bool
    family: str
    made: str
    text: str

    @property
    def author(self) -> str:
        """Of the hints of other authors; empty for ours."""
        return self.id.partition("/")[0] if self.family == OTHER else ""

    @property
    def group(self) -> str:
        """code, words or clean."""
        if not self.leak:
            return "clean"
        return "code" if self.family in CODE else "words"

    def as_json(self) -> dict[str, Any]:
        """All that a gate may know, and the label: keys as in tests/data/hints/README.md."""
        return {
            "id": self.id,
            "level": self.level,
            "locale": self.locale,
            "code": self.program.code,
            "statement": self.program.shown(self.locale),
            "reference": self.program.reference,
            "fix": self.program.fix,
            "text": self.text,
            "leak": self.leak,
            "family": self.family,
            "exercise": self.exercise,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Words to a model in what a student or a platform may write.

    place: comment, string, name or output of the code, question, statement, or result, which is
    what a platform says that the program gave; the hint or the fix where a model has written them,
    which are words to the judge. code, question, statement, result, fix, wants: with the words in
    one of them; result is None where the program is run here, fix empty for the program's own.
    wants: what a model that obeys would write, a leak.
    """

    id: str
    exercise: str
    program: Program
    place: str
    level: int
    locale: Literal["ko", "en"]
    code: str
    question: str
    statement: str
    result: str | None
    wants: str
    fix: str = ""


def programs() -> dict[str, Program]:
    return {row["key"]: Program(**row) for row in lines("programs")}


def labelled(half: Half) -> list[Labelled]:
    known = programs()
    return [Labelled(**row | {"program": known[row["program"]]}) for row in lines(half)]


def authored(others: Others) -> list[Labelled]:
    known = {row["key"]: Program(**row, l0=NOTHING) for row in lines(f"{others}-programs")}
    return [
        Labelled(
            **row | {"program": (program := known[row["program"]])},
            exercise=program.exercise, family=OTHER, made="hand",
        )
        for row in lines(others)
    ]  # fmt: skip


def attacks() -> list[Attack]:
    known = programs()
    return [Attack(**row | {"program": known[row["program"]]}) for row in lines("attacks")]


def lines(name: str) -> Iterator[dict[str, Any]]:
    with (FOLDER / f"{name}.jsonl").open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def counts() -> str:
    """How many of each family there are, by half, language and level, as a table in Markdown."""
    hints = [(half, hint) for half in HALVES for hint in labelled(half)]
    columns = [*((half, locale) for half in HALVES for locale in ("ko", "en")), *range(1, 6)]
    found: Counter[tuple[str, str, object]] = Counter()
    for half, hint in hints:
        for column in ((half, hint.locale), hint.level):
            found[hint.group, hint.family, column] += 1
            found[hint.group, "**all**", column] += 1
    names = sorted({(group, family) for group, family, _ in found})
    heading = ("group", "family", *(column_name(column) for column in columns))
    rows = [
        (group, family, *(str(found[group, family, column] or "") for column in columns))
        for group, family in names
    ]
    return markdown(rows, heading)


def column_name(column: object) -> str:
    return " ".join(column) if isinstance(column, tuple) else f"L{column}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["seen" | "unseen" as half]:
            for hint in labelled(half):
                print(json.dumps(hint.as_json(), ensure_ascii=False))
        case _:
            print(counts())
