from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from web.ops import seed


class Command(BaseCommand):
    help = "Store the demo course, the engines and the demo accounts, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA / "accounts.txt"
        accounts = seed.seed_all(path)
        for account in accounts:
            self.stdout.write(f"{account.name:10} {account.password}")
        if accounts:
            self.stdout.write(f"Demo accounts, shown only now; kept in {path} (yours to read).")
