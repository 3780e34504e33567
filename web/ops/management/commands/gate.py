"""python -m web gate: what the gate makes of hints, by its rules alone."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from web.ops import gating


class Command(BaseCommand):
    help = (
        "Ask the gate's rules what of a hint a student would see: a line of JSON for each line of "
        "standard input, with id, level, locale, code, statement, reference, text, and if you have "
        "them fix and pieces. Needs neither a database nor Redis."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jsonl", action="store_true", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        for answer in gating.answers(sys.stdin.buffer):
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            self.stdout.flush()
