from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from web.engines import roster
from web.engines.keys import Unreadable
from web.engines.models import AIModelConfig, Engine


class Command(BaseCommand):
    help = (
        "Encrypt the stored API keys with HINTLINE_SECRET_KEY; those of before, in "
        "HINTLINE_SECRET_KEY_FALLBACKS, are not needed for them any more."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        config = AIModelConfig.objects.select_for_update().get(pk=AIModelConfig.current().pk)
        engines = list(Engine.objects.select_for_update())
        rows: list[AIModelConfig | Engine] = [config, *engines]
        for row in rows:
            if row.api_key and not isinstance(row.api_key, Unreadable):
                # Reading has decrypted the key, with an old secret if need be; saving takes the
                # first secret.
                row.save(update_fields=["api_key"])
                name = row.name if isinstance(row, Engine) else "AI mode"
                self.stdout.write(f"{name}: its key is written anew.")
        if lost := list(roster.unreadable(engines, config)):
            raise CommandError("\n".join(lost))
