"""What watchers of a hint have before them, and what they must be told so that it is the hint."""

from __future__ import annotations

from time import monotonic

from broker.contract.events import Kind
from workers.attempt.relay import Feed


class Screen:
    """Shows what the gate lets through, but not again what an earlier attempt has shown.

    seen_s: when this attempt showed the student its first words, monotonic; None: not yet.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
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
        if self._there.startswith(self._said):
            return
        if not self._said.startswith(self._there):
            self._reset("attempt")
        self._feed.piece(self._said[len(self._there) :])
        self._there = self._said

    def clear(self, reason: str) -> None:
        """Takes all of it back; the text starts anew."""
        self._reset(reason)
        self._said = ""

    def end(self) -> None:
        """Nothing follows: what an earlier attempt has shown beyond that is taken back."""
        if self._there != self._said:
            self._reset("attempt")
            self._feed.piece(self._said)
            self._there = self._said

    def _reset(self, reason: str) -> None:
        self._feed.put(Kind.RESET, reason=reason)
        self._there = ""
