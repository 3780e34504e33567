"""What the gate says of a text."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.contract.hint import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The gate's last word. text: all that was released; empty when a rule blocked it.

    piece: what finishing released. rule: R1 to R5, R8, R9, or `avoid`. sentence: that broke it,
    where one did; ungated.
    """

    ok: bool
    rule: str | None = None
    reason: Reason | None = None
    text: str = ""
    piece: str = ""
    sentence: str = field(default="", repr=False, compare=False)
