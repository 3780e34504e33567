from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate

from web.ops import aside


class Command(migrate.Command):
    """As Django's, but not on tables that another version made."""

    def handle(self, *args: Any, **options: Any) -> None:
        if aside.is_other():
            raise CommandError(aside.advice())
        super().handle(*args, **options)
