from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from broker.base.errors import HintlineError
from broker.base.folder import Held, hold
from web.ops import aside


class Command(BaseCommand):
    help = "Put a database that another version of Hintline made into a folder beside, unharmed."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with hold(settings.DATA / "start.lock"):
                if not aside.is_other():
                    raise CommandError("This version made the database: it stays where it is.")
                folder = aside.put_aside()
        except Held as held:
            raise CommandError(f"A start, pid {held.pid}, runs on this folder: stop it.") from held
        except (HintlineError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Put aside, unharmed: {folder}")
