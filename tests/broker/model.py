"""The rules of placement as plain Python, written from the rules: what the scripts are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor, inf

from broker.dispatch import Ticket
from tests.oracles.placement import home

WINDOW = 128
AGED_MS = 15_000
LANES = ("retry", "interactive", "batch")


@dataclass(eq=False)
class Known:
    """One hint. backlog: lane and course while it waits; round: of its course."""

    ticket: Ticket
    attempt: int
    phase: str = "waiting"
    engine: str | None = None
    affinity: str | None = None
    backlog: tuple[str, str] | None = None
    round: float = 0
    lost: int = 0
    granted_ms: int = 0
    excluded: set[str] = field(default_factory=set)

    @property
    def suspect(self) -> bool:
        return self.lost >= 2

    @property
    def ahead(self) -> bool:
        return self.ticket.hint.startswith("diagnosis-")

    @property
    def anywhere(self) -> bool:
        return self.ticket.prefix_tokens == 0 or self.attempt > 0

    @property
    def prefix(self) -> tuple[str, int]:
        return self.ticket.prefix, self.ticket.prefix_tokens


@dataclass
class CourseBacklog:
    """The hints of a course in a lane. turn: the course's next; served: the round of now."""

    turn: float
    served: float = 0
    last: dict[str, float] = field(default_factory=dict)
    hints: list[Known] = field(default_factory=list)


@dataclass
class Engine:
    workers: dict[str, int] = field(default_factory=dict)
    most: int = 0
    state: str = "up"
    limit: float = inf
    allowance: float = inf
    pauses: int = 0
    paused_at_ms: int = 0
    paused_ms: int = 0
    pausing: bool = False
    kv_tokens: int | None = None
    warm: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        """L."""
        slots = min(sum(self.workers.values()), self.most)
        if self.state == "down" or self.pausing:
            return 0
        most = min(self.limit, self.allowance, slots)
        return min(slots, 1 if self.state == "probing" else floor(most))


class Model:
    """Every method is one call of broker.dispatch; grants are (hint, attempt)."""

    def __init__(self, engines: list[str]) -> None:
        self.now_ms = 0
        self.pulls = 0
        self.engines = {name: Engine() for name in sorted(engines)}
        self.hints: dict[str, Known] = {}
        self.backlogs: dict[tuple[str, str], CourseBacklog] = {}
        self.turns: dict[tuple[str, str], float] = {}

    # What is where

    def busy(self, engine: str) -> int:
        """Hints in flight: a slot that a diagnosis has is free to them."""
        return sum(known.engine == engine and not known.ahead for known in self.hints.values())

    def ahead(self, engine: str) -> list[Known]:
        """Its diagnoses in flight, the newest last."""
        found = [known for known in self.hints.values() if known.engine == engine and known.ahead]
        return sorted(found, key=lambda known: (known.granted_ms, known.ticket.hint))

    def roomy(self, engine: str) -> bool:
        return 2 * (self.busy(engine) + len(self.ahead(engine)) + 1) <= self.engines[engine].slots

    def waiting(self) -> list[Known]:
        return [known for known in self.hints.values() if known.phase == "waiting"]

    def slots(self) -> dict[str, int]:
        return {name: engine.slots for name, engine in self.engines.items()}

    def in_flight(self) -> int:
        return sum(self.busy(name) for name, one in self.engines.items() if one.most)

    def crowded(self) -> bool:
        return 100 * self.in_flight() >= 70 * sum(self.slots().values())

    def may_have(self, known: Known) -> bool:
        student = known.ticket.student
        in_flight = [
            other
            for other in self.hints.values()
            if other.engine and other.ticket.student == student and other.ticket.lane != "batch"
        ]
        return known.ticket.lane == "batch" or len(in_flight) < 2

    def belongs(self, known: Known, engine: str) -> bool:
        return (
            known.anywhere
            or known.prefix in self.engines[engine].warm
            or home(known.ticket.prefix, self.slots()) == engine
        )

    def half_empty(self, engine: str) -> bool:
        return self.busy(engine) < self.engines[engine].slots / 2

    # Rate limits

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        for engine in self.engines.values():
            engine.pausing = engine.paused_ms > self.now_ms

    def pause(self, engine: str, seconds: float | None, ran_s: float) -> float:
        one = self.engines[engine]
        news = self.now_ms - 1000 * ran_s >= one.paused_at_ms
        grown_s = min(2.0**one.pauses, 60) if news else 0
        if news:
            in_flight = self.busy(engine) + len(self.ahead(engine))
            had = max(1, in_flight) if one.allowance == inf else one.allowance
            one.allowance = max(1, 0.8 * had)
            one.pauses, one.paused_at_ms = one.pauses + 1, self.now_ms
        till = self.now_ms + 1000 * (grown_s if seconds is None else seconds)
        one.paused_ms = round(max(one.paused_ms, till))
        self.pass_time(0)
        return max(0, one.paused_ms - self.now_ms) / 1000

    def worked(self, engine: str) -> None:
        one = self.engines[engine]
        if one.allowance == inf or one.pausing:
            return
        one.allowance += 1 / one.allowance
        one.pauses = 0
        if one.allowance >= one.most:
            one.allowance = inf

    # The fair order

    def order(self, lane: str) -> list[Known]:
        """Course by course in turn; in a course by round, then by who asked first."""
        order = []
        for (of, course), backlog in self.backlogs.items():
            if of == lane:
                hints = sorted(
                    backlog.hints, key=lambda k: (k.round, k.ticket.since_ms, k.ticket.hint)
                )
                order += [(backlog.turn + n, course, n, known) for n, known in enumerate(hints)]
        return [known for *_, known in sorted(order, key=lambda at: at[:3])]

    def position(self, hint: str) -> int:
        known = self.hints[hint]
        return self.order(known.backlog[0]).index(known) + 1 if known.backlog else 0

    def first_turn(self, lane: str) -> float:
        return min(
            (backlog.turn for (of, _), backlog in self.backlogs.items() if of == lane), default=0
        )

    def enter(self, known: Known) -> None:
        ticket = known.ticket
        lane, course = ticket.lane, ticket.course
        if known.attempt > 0 and lane != "batch":
            lane, course = "retry", ""
        known.backlog = lane, course
        if known.backlog not in self.backlogs:
            turn = floor(self.first_turn(lane)) + ticket.since_ms % 2**24 / 2**24
            self.backlogs[known.backlog] = CourseBacklog(
                max(turn, self.turns.get(known.backlog, 0))
            )
        backlog = self.backlogs[known.backlog]
        known.round = 0
        if known.attempt == 0:
            known.round = max(backlog.served, backlog.last.get(ticket.student, -1) + 1)
            backlog.last[ticket.student] = known.round
        backlog.hints.append(known)
        known.phase, known.engine, known.affinity = "waiting", None, None

    def leave(self, known: Known, served: bool) -> None:
        assert known.backlog
        key, backlog, student = known.backlog, self.backlogs[known.backlog], known.ticket.student
        count = len(backlog.hints)
        backlog.hints.remove(known)
        known.backlog = None
        if served:
            first = floor(self.first_turn(key[0]))
            backlog.turn = min(backlog.turn + 1, first + 8 + backlog.turn % 1)
        if not backlog.hints:
            self.turns[key] = backlog.turn
            del self.backlogs[key]
            if not any(lane == key[0] for lane, _ in self.backlogs):
                self.turns = {at: turn for at, turn in self.turns.items() if at[0] != key[0]}
        elif served:
            backlog.served = max(
                backlog.served + 1 / count, min(one.round for one in backlog.hints)
            )
        elif backlog.last.get(student) == known.round:
            backlog.last[student] -= 1

    # Grants

    def candidates(self, engine: str, lanes: tuple[str, ...]) -> list[Known]:
        found = [known for lane in lanes for known in self.order(lane)]
        fit = [known for known in found if self.may_have(known) and self.may_go(known, engine)]
        return fit[:WINDOW]

    def may_go(self, known: Known, engine: str) -> bool:
        if known.ticket.only not in ("", engine):
            return False
        able = known.ticket.able
        there = [name for name in able if name not in known.excluded and self.engines[name].slots]
        if engine not in able and there:
            return False
        if known.ahead and not self.roomy(engine):
            return False
        others = [one for one in self.hints.values() if one.engine == engine and one.suspect]
        return engine not in known.excluded and not (known.suspect and others)

    def open_lanes(self) -> tuple[str, ...]:
        return LANES[:2] if self.crowded() else LANES

    def aged(self, known: Known) -> bool:
        return self.now_ms - known.ticket.since_ms > AGED_MS

    def choose(self, engine: str) -> Known | None:
        self.pulls += 1
        batch = self.candidates(engine, ("batch",))
        if self.pulls % 64 == 0 and (old := [known for known in batch if self.aged(known)]):
            return old[0]
        fit = self.candidates(engine, self.open_lanes())
        if self.pulls % 8 == 0 and (old := [known for known in fit if self.aged(known)]):
            return old[0]
        own = [known for known in fit if self.belongs(known, engine)]
        return next(iter(own or fit[: self.half_empty(engine)]), None)

    def give_way(self, engine: str) -> None:
        ahead = self.ahead(engine)
        if ahead and self.busy(engine) + len(ahead) >= self.engines[engine].slots:
            self.enter(ahead[-1])

    def grant(self, known: Known, engine: str) -> tuple[str, int]:
        if not known.ahead:
            self.give_way(engine)
        warm = self.engines[engine].warm
        known.affinity = "cold"
        if known.ticket.prefix_tokens:
            if known.prefix in warm:
                known.affinity = "warm"
            if home(known.ticket.prefix, self.slots()) == engine:
                known.affinity = "home"
        self.leave(known, served=True)
        known.attempt += 1
        known.phase, known.engine, known.granted_ms = "granted", engine, self.now_ms
        if known.ticket.prefix_tokens:
            self.use(engine, known.prefix)
        return known.ticket.hint, known.attempt

    def use(self, engine: str, prefix: tuple[str, int]) -> None:
        """The prefix is the last used now; a new one takes the room of those used before."""
        one = self.engines[engine]
        new = prefix not in one.warm
        one.warm[prefix] = self.now_ms
        if not new or one.kv_tokens is None:
            return
        in_flight = self.busy(engine) + len(self.ahead(engine))
        room = one.kv_tokens - 700 * in_flight
        names = {key: f"{key[1]}:{key[0]}" for key in one.warm}
        newest = sorted(one.warm, key=lambda key: (one.warm[key], names[key]), reverse=True)
        for rank, key in enumerate(newest):
            room -= key[1]
            if rank > 0 and room < 0:
                del one.warm[key]

    def pull(self, engine: str) -> list[tuple[str, int]]:
        grants = []
        while self.waiting() and self.busy(engine) < self.engines[engine].slots:
            known = self.choose(engine)
            if known is None:
                break
            grants.append(self.grant(known, engine))
        return grants

    def least_loaded(self, fits: Callable[[str], bool]) -> str | None:
        fit = [name for name, one in self.engines.items() if one.slots and fits(name)]
        return min(fit, key=lambda name: self.busy(name) / self.engines[name].slots, default=None)

    def engine_for(self, known: Known) -> str | None:
        if not self.may_have(known) or (known.ticket.lane == "batch" and self.crowded()):
            return None
        slots = self.slots()
        total = self.in_flight() + len(self.waiting())

        def free(engine: str) -> bool:
            if self.busy(engine) >= slots[engine] or not self.may_go(known, engine):
                return False
            fit = self.candidates(engine, self.open_lanes())
            before = fit[: fit.index(known)] if known in fit else fit
            if self.belongs(known, engine):
                before = [other for other in before if self.belongs(other, engine)]
            return not before

        def bounded(engine: str) -> bool:
            bound = max(2, ceil(1.25 * total * slots[engine] / sum(slots.values())))
            return self.busy(engine) < bound and free(engine)

        if known.anywhere:
            return self.least_loaded(free)
        own = home(known.ticket.prefix, slots)
        if own and bounded(own):
            return own
        return self.least_loaded(
            lambda name: known.prefix in self.engines[name].warm and bounded(name)
        ) or self.least_loaded(lambda name: self.half_empty(name) and free(name))

    def admit(self, ticket: Ticket) -> tuple[str | None, int]:
        """Engine of a grant, and the position in the backlog."""
        known = self.hints[ticket.hint] = Known(ticket, ticket.attempt)
        self.enter(known)
        engine = self.engine_for(known)
        if engine:
            self.grant(known, engine)
        return engine, self.position(ticket.hint)

    def end(self, hint: str) -> None:
        known = self.hints.pop(hint)
        if known.backlog:
            self.leave(known, served=False)
