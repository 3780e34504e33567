"""python -m web doctor: what the set-up lacks, and what to do about it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from web.ops.doctor.examination import Subsystem, examine
from web.ops.doctor.observation import Observation, Severity
from web.tutor.languages import OPERATORS

WORDS = {Severity.OK: "ok", Severity.WARNING: "warning", Severity.ERROR: "ERROR"}


class Command(BaseCommand):
    help = (
        "Look at everything that hints need, and say of each what is wrong and what to do. "
        "Exit status: 0 where all is well, 1 with a warning, 2 with an error."
    )
    # It looks at what they look at, and says it in its own order.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs: one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(OPERATORS):
            found = list(examine())
            worst = max(each.severity for _, each in found)
            self.stdout.write(as_json(found, worst) if options["json"] else self.lines(found))
        sys.exit(worst)

    def lines(self, found: Sequence[tuple[Subsystem, Observation]]) -> str:
        style = {
            Severity.OK: self.style.SUCCESS,
            Severity.WARNING: self.style.WARNING,
            Severity.ERROR: self.style.ERROR,
        }
        lines, before = [], None
        for part, each in found:
            # Of several lines of one part the first has its name.
            title = "" if part is before else str(part.title)
            word = style[each.severity](f"{WORDS[each.severity]:8}")
            lines.append(f"{title:14} {word} {each.text}")
            if each.advice:
                lines.append(f"{'':24}→ {each.advice}")
            before = part
        return "\n".join(lines)


def as_json(found: Sequence[tuple[Subsystem, Observation]], worst: Severity) -> str:
    rows = [
        {
            "part": part.name,
            "severity": each.severity.name.lower(),
            "text": str(each.text),
            "advice": str(each.advice),
        }
        for part, each in found
    ]
    return json.dumps({"severity": worst.name.lower(), "findings": rows}, ensure_ascii=False)
