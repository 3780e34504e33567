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
        for example in examples():
            self.stdout.write(f"\n## {example.told}\n")
            for locale, language in LANGUAGES.items():
                for level, text in told(example, locale):
                    self.stdout.write(f"{language.name} {level}  {text}")


def told(example: Example, locale: Locale) -> Iterator[tuple[int, str]]:
    """Level and text of every wording; the table's own words where the example lacks a value."""
    report = example.report
    fact = report.facts[0] if report.facts else None
    blanks = Blanks(report, fact, locale, example.code, brief=False)
    for level, wordings in TABLES[locale].sentences[example.told].items():
        for wording in wordings:
            yield level, blanks.fill(wording) or wording.text
