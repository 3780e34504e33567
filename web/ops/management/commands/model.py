from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils import translation

from broker.base import gguf
from web.engines import downloads, shelf
from web.engines.downloads import Doing, Download, Progress
from web.engines.offers import NAMED
from web.engines.trouble import DownloadFailed
from web.tutor.languages import OPERATORS

SHOWN_PERCENT = 5
"""Without a terminal, each so many percent is a line."""


class Command(BaseCommand):
    help = "The local engine's models: list them, download one, and use it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="names, sizes, licences, and which one is served")
        download = commands.add_parser("download", help="fetch one, or go on where it was cut")
        download.add_argument("name", choices=NAMED)
        use = commands.add_parser("use", help="let the local engine serve it, from now on")
        use.add_argument("name", choices=[shelf.DEFAULT, *NAMED])

    def handle(self, *args: Any, **options: Any) -> None:
        # Of sizes and troubles too, whatever the site's language is.
        with translation.override(OPERATORS):
            match options["command"]:
                case "list":
                    self.show_all()
                case "download":
                    self.download(options["name"])
                case "use":
                    self.use(options["name"])

    def show_all(self) -> None:
        for row in shelf.rows():
            offer = row.offer
            size = filesizeformat(offer.size_bytes).replace("\xa0", " ") if offer else "–"
            self.stdout.write(f"{row.name:20} {size:>9}  {row.licence:20} {row.words}".rstrip())
        self.stdout.write(f"They lie in {gguf.folder()}.")

    def download(self, name: str) -> None:
        self.shown = ("", -SHOWN_PERCENT)
        # What came stays after each of these ends, and is gone on from.
        try:
            ended = Download(NAMED[name], self.show).run()
        except DownloadFailed as failed:
            raise CommandError(failed.words()) from None
        except KeyboardInterrupt:
            raise CommandError("\nBroken off; the same command goes on.") from None
        if ended.doing is not Doing.DONE:
            raise CommandError(f"\n{ended.words()}")
        self.stdout.write(f"\nIt is there. python -m web model use {name}")

    def show(self, now: Progress) -> None:
        percent = 100 * now.done_bytes // NAMED[now.offer].size_bytes
        # A terminal's line is written over, a file's would become one of thousands of figures.
        tty = self.stdout.isatty()
        doing, before = self.shown
        if tty or now.doing != doing or percent >= before + SHOWN_PERCENT:
            self.shown = (now.doing, percent)
            self.stdout.write(f"{now.doing} {percent:3} %", ending="\r" if tty else "\n")
            self.stdout.flush()

    def use(self, name: str) -> None:
        offer = shelf.named(name)
        if offer and not downloads.digest(offer):
            raise CommandError(f"First: python -m web model download {name}")
        shelf.use(offer)
        self.stdout.write(
            f"The local engine is to serve {offer.file if offer else gguf.default()}."
        )
