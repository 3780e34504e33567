"""Tells the dispatcher which engines may get hints, as soon as an admin has saved a change."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from broker import fleet
from web.engines import roster
from web.engines.models import AIModelConfig, Engine
from web.link import attempt


def push() -> None:
    # A lost push is no harm: the node sends the same every few seconds.
    attempt(fleet.set_engines(roster.active()))


@receiver([post_save, post_delete], sender=Engine)
@receiver(post_save, sender=AIModelConfig)
def after_change(**_: Any) -> None:
    transaction.on_commit(push)
