from time import sleep
from typing import Any

from django.core.management.base import BaseCommand

from web.ops import retention


class Command(BaseCommand):
    help = "Delete now what is kept longer than the settings say; each node does so every hour."

    def handle(self, *args: Any, **options: Any) -> None:
        for kind in retention.KINDS:
            total = 0
            while gone := retention.sweep(kind):
                total += gone
                sleep(retention.PAUSE_S)
            self.stdout.write(f"{kind.name}: {total} deleted")
