"""python -m web sentences: every sentence that hints are composed of, filled with an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from web.tutor.evidence.blanks import Blanks
from web.tutor.evidence.examples import Example, examples
from web.tutor.evidence.wording import TABLES
from web.tutor.languages import LANGUAGES, Locale


class Command(BaseCommand):
    help = "Prints every sentence that hints are composed of, filled with an example, to be read."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found: dict[str, list[Example]] = {}
        for example in examples():
            found.setdefault(example.told, []).append(example)
        for name, its in found.items():
            self.stdout.write(f"\n## {name}\n")
            for locale, language in LANGUAGES.items():
                for level, text in told(name, its, locale):
                    self.stdout.write(f"{language.name} {level}  {text}")


def told(name: str, its: list[Example], locale: Locale) -> Iterator[tuple[int, str]]:
    """Level and text of every wording, filled by the first example that has what it needs."""
    blanks = [
        Blanks(each.report, next(iter(each.report.facts), None), locale, each.code, brief=False)
        for each in its
    ]
    for level, wordings in TABLES[locale].sentences[name].items():
        for wording in wordings:
            yield level, next(filter(None, (each.fill(wording) for each in blanks)), wording.text)
