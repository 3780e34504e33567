"""What one connection follows: its hints in order and without a gap, and frames that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from broker.contract.events import START, Event, EventId, EventKind
from web.events import frames
from web.people.passes import Pass

LIMIT = 512


class Stage(Enum):
    """How far a watch has come on its way to hearing events live."""

    DEAF = auto()
    """Redis has not confirmed the subscription yet."""
    BEHIND = auto()
    """The log may hold events that were not heard: it must be read."""
    READING = auto()
    """The log is being read; events heard meanwhile are held back."""
    LIVE = auto()
    """Each event goes out as it is heard."""
    OVER = auto()
    """`done` went out."""


@dataclass(frozen=True, slots=True)
class Final:
    """A final row: what a client gets once the log is gone."""

    state: str
    reason: str
    text: str
    attempt: int

    @property
    def id(self) -> EventId:
        """Stands for a done whose own id is lost with the log: beyond every event of the hint."""
        return EventId(self.attempt + 1, 0)


class Watch:
    """One hint as one connection follows it. last: the newest event that went out."""

    __slots__ = ("feed", "held", "hint", "last", "quiet", "shown", "stage", "waiting")

    def __init__(self, feed: Feed, hint: str, last: EventId) -> None:
        self.feed, self.hint, self.last = feed, hint, last
        self.stage = Stage.DEAF
        self.held: list[Event] = []
        self.waiting = True
        self.quiet = False
        self.shown: tuple[int, int | None] | None = None

    def confirm(self) -> None:
        """From here on everything new is heard; what came before must be read."""
        if self.stage is not Stage.OVER:
            self.stage = Stage.BEHIND
            self.feed.stir()

    def hear(self, event: Event) -> None:
        """A live event: passed on if it is the next one; a hole sends the watch back to the log."""
        if self.stage is Stage.OVER or event.id <= self.last:
            return
        if self.stage is Stage.LIVE and follows(self.last, event.id):
            self.feed.push(self.advance(event))
            return
        self.held.append(event)
        if len(self.held) > LIMIT:
            # The log holds these events too, so a browser that comes back misses none.
            self.feed.end()
        elif self.stage is Stage.LIVE:
            self.stage = Stage.BEHIND
            self.feed.stir()

    def replay(self, events: Iterable[Event]) -> bool:
        """Sends entries of the log; whether one was new. A reset goes first if some were trimmed.

        Their number does not count as slowness of the client: the log bounds it.
        """
        before = self.last
        for event in events:
            if self.stage is Stage.OVER or event.id <= self.last:
                continue
            if not follows(self.last, event.id):
                self.restart(EventId(event.id.attempt, event.id.seq - 1))
            self.feed.add(self.advance(event))
        return self.last != before

    def restart(self, at: EventId) -> None:
        """Tells the client to forget what it has: the events after `at` are all there is."""
        reset = Event(at, EventKind.RESET, frames.compact(reason="log_trimmed"))
        self.feed.add(self.advance(reset))

    def caught_up(self, moved: bool) -> None:
        """The log was read to its end; moved: it held something new."""
        if self.stage is not Stage.READING:
            return
        held, self.held = self.held, []
        self.stage = Stage.LIVE
        if not moved:
            # Nothing more will come from the log, so a hole in front of these stays a hole.
            self.replay(held)
        for event in held:
            self.hear(event)

    def advance(self, event: Event) -> bytes:
        """The event's frame; the watch now stands after it."""
        self.last = event.id
        self.waiting, self.quiet, self.shown = event.kind is EventKind.QUEUED, False, None
        if event.kind is EventKind.DONE:
            self.stage = Stage.OVER
        return frames.numbered(self.feed.ids(), event.kind, self.hint, event.data)

    def stand(self, queue_position: int, eta_s: int | None) -> None:
        """Shows the position in the backlog, if it changed."""
        if self.waiting and self.shown != (queue_position, eta_s):
            self.shown = (queue_position, eta_s)
            data = frames.compact(position=queue_position, eta_s=eta_s)
            self.feed.push(frames.unnumbered("position", self.hint, data))

    def conclude(self, final: Final) -> None:
        """Ends the hint from its row."""
        if self.stage is Stage.OVER:
            return
        snapshot = frames.compact(state=final.state, text=final.text)
        self.feed.push(frames.unnumbered("snapshot", self.hint, snapshot))
        done = frames.compact(state=final.state, reason=final.reason or None)
        self.feed.push(self.advance(Event(final.id, EventKind.DONE, done)))

    def lose(self, why: str) -> None:
        """Ends a hint that the client may not follow any more. why: the name of a problem."""
        self.feed.push(frames.unnumbered("lost", self.hint, frames.compact(why=why)))
        self.close()

    def close(self) -> None:
        """Nothing more is to be said."""
        self.stage = Stage.OVER
        self.feed.stir()


class Feed:
    """The hints of one connection, and its frames: when more than LIMIT wait, it is too slow.

    holder: how the follower came in, which is looked at again while the stream is open.
    """

    def __init__(self, hints: Iterable[str], last: Mapping[str, EventId], holder: Pass) -> None:
        self.holder = holder
        self.watches = {hint: Watch(self, hint, last.get(hint, START)) for hint in hints}
        self.frames: list[bytes] = []
        self.ended = False
        self._stirred = asyncio.Event()

    @property
    def complete(self) -> bool:
        return all(watch.stage is Stage.OVER for watch in self.watches.values())

    def behind(self) -> list[Watch]:
        return [watch for watch in self.watches.values() if watch.stage is Stage.BEHIND]

    def ids(self) -> str:
        """Where each hint stands, ended ones too: a client that resumes must not get them again."""
        return ",".join(frames.member(hint, watch.last) for hint, watch in self.watches.items())

    def add(self, frame: bytes) -> None:
        # Ending dropped frames, so that a later one would leave a gap before it.
        if not self.ended:
            self.frames.append(frame)

    def push(self, frame: bytes) -> None:
        """Adds a frame that nobody asked for; too many of them end the feed."""
        self.add(frame)
        if len(self.frames) > LIMIT:
            self.end()
        self.stir()

    def drain(self) -> bytes:
        """Every waiting frame."""
        waiting, self.frames = self.frames, []
        return b"".join(waiting)

    def end(self) -> None:
        """The stream closes without a done; the browser comes back and resumes."""
        self.ended = True
        self.frames.clear()
        self.stir()

    def stir(self) -> None:
        self._stirred.set()

    async def stirred(self, within_s: float) -> bool:
        """Whether something happened in that time."""
        try:
            async with asyncio.timeout(within_s):
                await self._stirred.wait()
        except TimeoutError:
            return False
        self._stirred.clear()
        return True


def follows(last: EventId, next_: EventId) -> bool:
    """Whether nothing can lie between the two."""
    if next_.attempt == last.attempt:
        return next_.seq == last.seq + 1
    return next_.attempt > last.attempt and next_.seq == 1
