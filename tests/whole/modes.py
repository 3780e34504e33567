"""A site whose one engine misbehaves as each hint asks it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from broker.keys import HEALTH
from tests.fakes.launch import BadServer
from tests.whole.stand import Stand, standing, until

# Each hint is a new student's: who has had the same words before is not told them again.
STUDENTS = 400
HOSTED = """
from web.engines.models import AIModelConfig, Engine
AIModelConfig.objects.update(mode="api", judged_by="none", diagnoses=False)
AIModelConfig.objects.update(first_chunk_s=30, idle_s=10)
Engine.objects.update(kind="api", thinking="unknown", slots=8)
"""


@dataclass
class Site:
    stand: Stand

    def ask(self, question: str = "") -> str:
        hint: str = self.stand.ask(self.stand.student(), question=question)["id"]
        return hint

    def beside(self, question: str) -> tuple[dict[str, Any], dict[str, Any], float]:
        """How a hint ends that asks for a mode, and one that is asked for at the same time.

        And the seconds that the other one took.
        """
        # What the mode before did to the engine's health is no matter of this one.
        self.stand.broker.client.delete(HEALTH("bugx"))
        until(lambda: self.stand.live() == {"bugx"})
        bad, began_s = self.ask(question), monotonic()
        ended = self.stand.final(self.ask())
        took_s = monotonic() - began_s
        return self.stand.final(bad, within_s=150), ended, took_s


@contextmanager
def misbehaving(folder: Path) -> Iterator[Site]:
    server = BadServer()
    server.url = server.at("asked")
    with standing(folder, {"bugx": server}, students=STUDENTS) as stand:
        stand.shell(HOSTED)
        yield Site(stand)
