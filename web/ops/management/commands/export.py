from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web.courses.importing import toml
from web.courses.models import Course


class Command(BaseCommand):
    help = "Write a course's exercises into a folder as TOML files, which import reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", metavar="SLUG")
        parser.add_argument("folder", type=Path, help="made if it is not there")

    def handle(self, *args: Any, **options: Any) -> None:
        course = Course.objects.filter(slug=options["course"]).first()
        if course is None:
            raise CommandError(f"There is no course {options['course']}.")
        files, folder = toml.files(course), options["folder"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # An import of the folder would bring back an exercise that is gone here.
            if others := sorted({path.name for path in folder.glob("*.toml")} - files.keys()):
                raise CommandError(
                    f"{folder}: {others[0]} is no exercise of this course: take it away first."
                )
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CommandError(f"{folder}: cannot be written: {error.strerror}") from error
        self.stdout.write(f"{folder}: {len(files) - 1} exercises")
