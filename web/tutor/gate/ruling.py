"""What is decided about a text: by the gate, by trying its code, or by the judge."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.contract.hint import Reason
from web.tutor.writing.fault import Fault

OF_FORM = frozenset(("R7", "R8", "R9"))
"""Rules that ask how a hint is written, and not what it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The last word on a text. text: all that was released; empty when it is blocked.

    piece: what finishing released. rule: that blocked it, R1 to R9, `avoid` or `judge`. sentence:
    that broke the rule, where one did; ungated. fault: what is wrong with the text, as the model is
    told; None for a good one, and where nobody could say.
    """

    ok: bool
    rule: str | None = None
    reason: Reason | None = None
    text: str = ""
    piece: str = ""
    sentence: str = field(default="", repr=False, compare=False)
    fault: Fault | None = field(default=None, compare=False)


def blocked(rule: str, fault: Fault, sentence: str = "") -> Ruling:
    """The ruling on a text that breaks the rule."""
    reason = Reason.OFF_TEMPLATE if rule in OF_FORM else Reason.LEAK
    return Ruling(ok=False, rule=rule, reason=reason, sentence=sentence, fault=fault)


def unjudged(rule: str) -> Ruling:
    """The ruling on a text that nobody could hold against the rule: no fault was found with it."""
    return Ruling(ok=False, rule=rule, reason=Reason.UNJUDGED)
