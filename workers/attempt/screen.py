"""What watchers of a hint have before them, and what they must be told so that it is the hint."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from broker import streams
from broker.base.errors import BrokerDown
from broker.contract import events
from broker.contract.events import EventKind
from workers.attempt.relay import Outgoing

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt


class Screen:
    """Shows what the gate lets through, but not again what an earlier attempt has shown.

    seen_s: when this attempt showed the student its first words, monotonic; None: not yet.
    """

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._there = ""
        self._said = ""
        self.seen_s: float | None = None

    def keep(self, there: str) -> None:
        """Watchers have this text of an earlier attempt, and this one goes on from it."""
        self._there = there

    def show(self, text: str) -> None:
        """The next text of this attempt."""
        if not text:
            return
        self.seen_s = monotonic() if self.seen_s is None else self.seen_s
        self._said += text
        # The engine writes the same again: watchers have it already.
        if self._there.startswith(self._said):
            return
        if not self._said.startswith(self._there):
            self._reset("attempt")
        self._outgoing.piece(self._said[len(self._there) :])
        self._there = self._said

    def clear(self, reason: str) -> None:
        """Takes all of it back; the text starts anew."""
        self._reset(reason)
        self._said = ""

    def end(self) -> None:
        """Nothing follows: what an earlier attempt has shown beyond that is taken back."""
        if self._there != self._said:
            self._reset("attempt")
            self._outgoing.piece(self._said)
            self._there = self._said

    def _reset(self, reason: str) -> None:
        self._outgoing.put(EventKind.RESET, reason=reason)
        self._there = ""


async def begin(attempt: Attempt) -> None:
    """Tells watchers of the attempt, which must know what they have from earlier ones."""
    job = attempt.job
    shown: str | None = ""
    if job.beginning:
        try:
            log = await attempt.runtime.broker.run(streams.after(job.hint))
            shown = events.shown(log)
        except BrokerDown:
            # To say the beginning once more is better than to leave a gap in it.
            shown = None
    take_over(attempt, shown)


def take_over(attempt: Attempt, shown: str | None) -> None:
    """What is on the screen stays where this attempt goes on from it. shown: None: not known."""
    job = attempt.job
    attempt.outgoing.put(EventKind.STARTED, engine=job.engine)
    if job.beginning and shown is not None:
        attempt.screen.keep(shown)
    elif job.attempt > 1:
        attempt.screen.clear("attempt")
