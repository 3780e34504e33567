import os
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import F

from web.engines import history, parameters, presets, roster
from web.engines.models import AIModelConfig, Engine, Mode, ModeChange, Thinks


class Command(BaseCommand):
    help = (
        "Add an engine, or change the one of this name: for compose files, which know the servers. "
        "The AI mode follows, unless it was ever changed before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="gpu0")
        parser.add_argument("--url", required=True, help="http://gpu0:8000/v1")
        parser.add_argument("--model", required=True, help="as the server names it")
        parser.add_argument("--slots", type=int, required=True, help="hints it may write at once")
        parser.add_argument("--kind", choices=Mode.values, default=Mode.VLLM.value)
        parser.add_argument(
            "--key-from", metavar="VARIABLE", help="environment variable that holds the API key"
        )
        parser.add_argument(
            "--thinking", choices=Thinks.values, help="auto: as known of the model, by its name"
        )
        parser.add_argument(
            "--reasoning-tokens", type=int, help="room for thoughts beside the answer's max tokens"
        )
        parser.add_argument("--extra-body", metavar="JSON", help='{"top_k": 20}')

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        engine = Engine.objects.filter(name=options["name"]).first()
        engine = engine or Engine(name=options["name"])
        engine.kind, engine.url = options["kind"], options["url"]
        engine.model_name, engine.slots = options["model"], options["slots"]
        if options["key_from"]:
            engine.api_key = os.environ.get(options["key_from"], "")
        for name in ("thinking", "reasoning_tokens"):
            if options[name] is not None:
                setattr(engine, name, options[name])
        try:
            if options["extra_body"] is not None:
                engine.extra_body = parsed(options["extra_body"])
            engine.full_clean()
        except ValidationError as error:
            fields = (f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise CommandError(f"{engine.name}: {'; '.join(fields)}") from error
        engine.save()
        self.stdout.write(f"{engine.name}: {engine.url}, {engine.model_name}, {engine.slots} slots")
        if engine.thinking == Thinks.AUTO:
            self.stdout.write(presets.words(roster.preset_of(engine, AIModelConfig.current())))
        self.follow(Mode(engine.kind))
        roster.push()

    def follow(self, mode: Mode) -> None:
        before, config = AIModelConfig.current(), AIModelConfig.current()
        # Once a person has chosen a mode, a compose file does not overrule it.
        switches = ModeChange.objects.exclude(before=F("after"))
        if config.mode == mode or switches.exists():
            return
        config.mode = mode
        config.save()
        history.record(None, before, config)
        self.stdout.write(f"AI mode: {mode}")


def parsed(text: str) -> dict[str, Any]:
    """Raises: ValidationError that names the field."""
    try:
        return parameters.parse(text)
    except ValidationError as error:
        raise ValidationError({"extra_body": error}) from None
