"""python -m web gate: what the gate makes of hints, and what a judge says of them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web import jsonl
from web.engines import roster
from web.engines.keys import UnreadableKey
from web.engines.models import AIModelConfig, Engine
from web.ops import gating
from web.ops.gating import Asks


class Command(BaseCommand):
    help = (
        "Ask the gate's rules what of a hint a student would see: a line of JSON for each line of "
        "standard input, with id, level, locale, code, statement, reference, text, and if you have "
        "them fix and pieces. Needs neither a database nor Redis, unless a judge is asked too."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jsonl", action="store_true", required=True)
        parser.add_argument(
            "--judge", metavar="ENGINE", help="ask this engine too, and tell its probability"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with ExitStack() as stack:
            # Without a judge this must do where there is no database.
            name = options["judge"]
            asks = stack.enter_context(judging(name)) if name else None
            jsonl.show(gating.answers(sys.stdin.buffer, asks), self.stdout)


def judging(name: str) -> AbstractContextManager[Asks]:
    """Asks the engine of this name.

    Raises: CommandError for an engine that is not there, or whose key cannot be read."""
    config = AIModelConfig.current()
    engine = Engine.objects.filter(name=name).first()
    if engine is None:
        known = ", ".join(Engine.objects.values_list("name", flat=True))
        raise CommandError(f"There is no engine {name}. There are: {known or 'none'}.")
    try:
        endpoint = roster.endpoint_of(engine, config)
    except UnreadableKey as error:
        raise CommandError(str(error)) from None
    return gating.judging(endpoint, roster.threshold_of(engine, config))
