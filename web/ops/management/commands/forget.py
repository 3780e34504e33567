"""python -m web forget USER: leaves no word of a student, in the database or in Redis."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from broker.base.errors import BrokerDown
from web.ops import forgetting
from web.ops.forgetting import StillBusy
from web.people import leaving
from web.people.models import User
from web.tutor.languages import OPERATORS


class Command(BaseCommand):
    help = (
        "Delete a student's account with every program, hint, question and answer, what models "
        "wrote about them, and their sign-ins. It cannot be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the name; of a platform's user PLATFORM:ID")
        parser.add_argument("--yes", action="store_true", help="do not ask first")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        if not leaving.may_leave(user):
            raise CommandError(
                f"{user} may enter the admin, or has changed something there: its log would lose "
                "that."
            )
        if not options["yes"]:
            self.ask(user)
        try:
            forgetting.forget(user, self.stdout.write)
        except BrokerDown as error:
            raise CommandError(f"Redis does not answer ({error}): nothing was deleted.") from None
        except StillBusy:
            raise CommandError(
                "A worker is still at one of their hints: nothing was deleted. Try it again in a "
                "minute."
            ) from None

    def ask(self, user: User) -> None:
        """Raises: CommandError unless the name is typed once more."""
        with translation.override(OPERATORS):
            for name, count in forgetting.extent(user).items():
                self.stdout.write(f"{name}: {count}")
        if not sys.stdin.isatty():
            raise CommandError("Nobody can be asked here: add --yes.")
        if input(f"All of it goes, for good. Type {user} to go on: ") != user.username:
            raise CommandError("Nothing was deleted.")
