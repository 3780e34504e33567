"""What a browser reads of a stream; it knows nothing of Django, so that a bench can use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Frame:
    """As a browser sees it. id: empty for a frame without one."""

    id: str
    kind: str
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.id.rpartition(':')[2]}".strip()


def parse(content: bytes) -> list[Frame]:
    """The whole frames of a response's body so far; comments are left out."""
    found = []
    for block in content.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "event" in fields:
            frame = Frame(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            found.append(frame)
    return found
