from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from web.courses.importing import package, reading, writing
from web.courses.importing.remarks import BadPackage
from web.courses.models import Course
from web.tutor.languages import OPERATORS


class Command(BaseCommand):
    help = (
        "Add the exercises of a package to a course, or change those of the same slug: a Kattis "
        "problem package (2025-09), Exercism's Python track, a CSV file, or what export wrote. "
        "All of it or, where something is wrong, nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a folder, a zip, a .csv or a .toml file")
        parser.add_argument(
            "--course", metavar="SLUG", help="unset: the one that the package's course.toml names"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only tell what would be changed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(OPERATORS):
            course = self.course(options["course"]) if options["course"] else None
            try:
                found = reading.read(package.opened(options["path"]))
                changes = writing.write(found, course, dry=options["dry_run"])
            except BadPackage as error:
                raise CommandError(str(error)) from error
            for change in changes:
                names = change.names()
                more = f" ({names})" if names else ""
                self.stdout.write(f"{change.exercise.path}: {change.words()}{more}")
                for remark in change.left_out:
                    self.stdout.write(f"  {remark}")
        if options["dry_run"]:
            self.stdout.write("A dry run: nothing was written.")

    def course(self, slug: str) -> Course:
        course = Course.objects.filter(slug=slug).first()
        if course is None:
            raise CommandError(f"There is no course {slug}.")
        return course
