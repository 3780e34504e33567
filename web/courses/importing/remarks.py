"""What is said of a package: where in it, and what; a person reads it in their language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from broker.base.errors import HintlineError

Reason = str | Promise
"""A text to translate when it is shown, with a %(blank)s for each parameter."""
SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a package. file: its path there; line: from 1, None for the whole file."""

    file: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence about a spot."""

    spot: Spot
    reason: Reason
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        reason = str(self.reason) % self.params if self.params else str(self.reason)
        known = {"file": shown(self.spot.file), "reason": shown(reason), "line": self.spot.line}
        if self.spot.line is None:
            return f"{known['file']}: {known['reason']}"
        return _("%(file)s: %(reason)s (line %(line)s)") % known


class BadPackage(HintlineError):
    """A package cannot be used, and nothing of it is; the remark names file, line and reason."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(remark)
        self.remark = remark

    def __str__(self) -> str:
        return str(self.remark)


def refuse(spot: Spot, reason: Reason, /, **params: object) -> NoReturn:
    """Raises: BadPackage."""
    raise BadPackage(Remark(spot, reason, params))


def shown(text: str) -> str:
    """The text as one line for a terminal or a page, which its author does not control."""
    # Control characters steer a terminal, and some others turn the line round.
    cut = text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"
    return "".join(char if char.isprintable() else "?" for char in cut)
