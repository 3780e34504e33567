"""python -m web judge: runs a program, and prints what it did and the hints composed of that."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from web import jsonl
from web.courses.checks import check_tests
from web.jsonl import Unusable
from web.ops import judging
from web.runner.build import NotBuilt
from web.runner.cases import RunLimits, Tests
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Report
from web.tutor.languages import LANGUAGES

FILE_BYTES = 1_000_000


class Command(BaseCommand):
    help = (
        "Judge a Python program by an exercise or a file of tests, and print the report, what the "
        "program did, and the composed hints in each language. With --jsonl: a line of JSON for "
        "each line of standard input, with id, code, tests or cases, and statement; needs neither "
        "a database nor Redis."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("program", nargs="?", help="File with the program; - for input.")
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--exercise", metavar="COURSE/EXERCISE")
        how.add_argument("--tests", metavar="FILE", help="Asserts, or cases as a list of JSON.")
        how.add_argument("--jsonl", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["jsonl"]:
                jsonl.show(judging.answers(sys.stdin.buffer), self.stdout)
                return
            if not options["program"]:
                raise CommandError("Name the file with the program.")
            code = text_of(options["program"])
            if options["exercise"]:
                tests, limits = of_exercise(options["exercise"])
            else:
                tests, limits = in_file(options["tests"]), RunLimits()
            self.show(judging.report_on(code, tests, limits), code)
        except (Unusable, NotBuilt, OSError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"The exercises are in the site's database, which cannot be read ({error}). "
                "Start the site once (make run), or name a file of tests by --tests."
            ) from error

    def show(self, report: Report, code: str) -> None:
        self.stdout.write(f"{report.verdict}: {report.passed} of {report.total} tests pass\n")
        for locale, language in LANGUAGES.items():
            self.stdout.write(f"{language.name} 0  {l0_words(report, locale, code)}")
        for fact in report.facts:
            told = ", ".join(f"{name}: {value}" for name, value in fact.values.items())
            self.stdout.write(f"{fact.score:.2f}  line {fact.line}  {fact.kind}  {told}")
        for level, hints in judging.hints_of(report, code, seed="judge").items():
            for locale, hint in hints.items():
                self.stdout.write(f"{LANGUAGES[locale].name} {level}  {hint or '–'}")


def text_of(path: str) -> str:
    """Raises: Unusable, OSError."""
    with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
        text = file.read(FILE_BYTES + 1)
    if len(text) > FILE_BYTES:
        raise Unusable(f"{path}: more than {FILE_BYTES:,} bytes")
    return text.decode("utf-8", "replace")


def in_file(path: str) -> Tests:
    """Cases, if the file is a list of JSON, else asserts. Raises: Unusable, OSError."""
    text = text_of(path)
    try:
        entry = {"cases": json.loads(text)}
    except (ValueError, RecursionError):
        entry = {"tests": text}
    try:
        if "tests" in entry:
            check_tests(text)
        return judging.tests_of(entry)
    except ValidationError as error:
        raise Unusable(f"{path}: {error.messages[0]}") from None
    except Unusable as error:
        raise Unusable(f"{path}: {error}") from None


def of_exercise(path: str) -> tuple[Tests | None, RunLimits]:
    """Raises: Unusable without such an exercise, DatabaseError."""
    from web.courses.models import Exercise

    course, _, slug = path.partition("/")
    exercise = Exercise.objects.filter(course__slug=course, slug=slug).first()
    if exercise is None:
        raise Unusable(f"There is no exercise {path}.")
    return exercise.tests_to_run(), exercise.limits()
