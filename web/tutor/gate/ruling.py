"""What the gate says of a text."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.contract.hint import Reason
from web.tutor.writing.versions import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The gate's last word. text: all that was released; empty when a rule blocked it.

    piece: what finishing released. rule: R1 to R5, R8, R9, or `avoid`. sentence: that broke it,
    where one did; ungated.
    fault: what is wrong with it, as the model is told; None where nobody could say.
    """

    ok: bool
    rule: str | None = None
    reason: Reason | None = None
    text: str = ""
    piece: str = ""
    sentence: str = field(default="", repr=False, compare=False)
    fault: Fault | None = field(default=None, compare=False)


def refused(rule: str, fault: Fault | None, sentence: str = "") -> Ruling:
    """The ruling on a text that breaks the rule, or could not be held against it (no fault)."""
    reason = Reason.OFF_TEMPLATE
    if fault is None:
        reason = Reason.UNJUDGED
    elif fault in (Fault.LEAK, Fault.AVOID):
        reason = Reason.LEAK
    return Ruling(ok=False, rule=rule, reason=reason, sentence=sentence, fault=fault)
