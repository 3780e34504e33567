"""Any history of admissions, grants, losses and wipes, against a model of where each hint is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from broker import dispatch, fleet, streams
from broker.connect import Broker
from broker.contract.events import EventKind
from broker.contract.hint import Lane
from broker.dispatch import Cancelled, Expired, Grant, Phase
from broker.keys import BACKLOG, LEASES, STREAM, TICKET
from broker.scripts import Call
from broker.streams import Append
from tests.broker.helpers import TTL_S, let_expire, ticket

WORKERS = ("v", "w")
ENGINES = ("gpu0", "gpu1", "gpu2")
SLOTS = {"gpu0": 2, "gpu1": 1, "gpu2": 3}
DONE = '{"state":"answered","reason":null}'

engines = st.sampled_from(ENGINES)
again = st.booleans()
"""Whether the reply is lost and the same call sent once more."""


@dataclass
class Known:
    """The model of one hint.

    row: last claimed attempt, which survives a wipe in the database; by: the worker that has it, as
    far as Redis knows.
    """

    since: int
    phase: Phase | None = Phase.WAITING
    engine: str | None = None
    attempt: int = 0
    row: int = 0
    by: str = ""
    seq: int = 0
    lost: int = 0
    excluded: set[str] = field(default_factory=set)
    final_length: int | None = None

    def held_by(self, grant: Grant, *phases: Phase) -> bool:
        return (
            self.phase in phases and self.engine == grant.engine and self.attempt == grant.attempt
        )


class Histories(RuleBasedStateMachine):
    """Every rule is one thing the web app, a worker or rescue does; workers include zombies."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker
        self.hints: dict[str, Known] = {}
        self.granted: list[Grant] = []
        self.claims: list[Grant] = []
        broker.client.flushall()
        self.start_fleet()

    def start_fleet(self) -> None:
        self.broker.run(fleet.set_engines(SLOTS))
        for engine in ENGINES:
            self.broker.run(fleet.beat(engine, "a", 2, TTL_S))

    def live(self) -> list[str]:
        return [hint for hint, known in self.hints.items() if known.phase]

    def free_slots(self, engine: str) -> int:
        load = self.broker.run(fleet.snapshot()).get(engine)
        return load.slots - load.in_flight if load else 0

    def waiting_for(self, engine: str) -> list[str]:
        """Those that had a slot before come first; no student has two, so there is one round."""
        waiting = [
            (known.attempt == 0, known.since, hint)
            for hint, known in self.hints.items()
            if known.phase is Phase.WAITING and engine not in known.excluded
        ]
        suspects = [
            hint
            for hint, known in self.hints.items()
            if known.lost >= 2
            and (known.phase is Phase.WAITING or (known.phase and known.engine == engine))
        ]
        # On its last attempt an engine has no other such hint.
        taken = any(self.hints[hint].engine for hint in suspects)
        waiting_suspects = [hint for *_, hint in sorted(waiting) if hint in suspects]
        barred = waiting_suspects[0 if taken else 1 :]
        return [hint for *_, hint in sorted(waiting) if hint not in barred]

    def note(self, grant: Grant) -> None:
        known = self.hints[grant.hint]
        assert grant.attempt > known.attempt, "attempts strictly grow"
        known.phase, known.engine, known.attempt = Phase.GRANTED, grant.engine, grant.attempt
        known.seq = 0
        self.granted.append(grant)
        load = self.broker.run(fleet.snapshot())[grant.engine]
        assert load.in_flight <= load.slots, "never more in flight than slots"

    def pulls(self, call: Call[list[Grant]], engine: str, again: bool) -> None:
        """Runs a call that ends with a pull, after the model has moved its hint."""
        before = self.broker.run(fleet.snapshot()).get(engine)
        in_flight = sum(
            known.engine == engine and known.phase in (Phase.GRANTED, Phase.CLAIMED)
            for known in self.hints.values()
        )
        free = before.slots - in_flight if before else 0
        grants = self.broker.run(call)
        assert [grant.hint for grant in grants] == self.waiting_for(engine)[: max(free, 0)]
        assert not again or self.broker.run(call) == []
        for grant in grants:
            self.note(grant)

    def wait(self, hint: str) -> None:
        known = self.hints[hint]
        known.phase, known.engine = Phase.WAITING, None

    def end(self, hint: str) -> None:
        known = self.hints[hint]
        known.phase, known.engine = None, None

    def closes(self, hint: str) -> None:
        self.hints[hint].final_length = self.broker.client.xlen(STREAM(hint))

    @rule(count=st.integers(1, 4), again=again)
    def admit(self, count: int, again: bool) -> None:
        for since_ms in range(len(self.hints), len(self.hints) + count):
            hint = f"h{since_ms}"
            free = [engine for engine in ENGINES if self.free_slots(engine) > 0]
            self.hints[hint] = Known(since=since_ms)
            unwanted = [engine for engine in free if self.waiting_for(engine)[0] == hint]
            call = dispatch.admit(ticket(hint, since_ms=since_ms))

            placement = self.broker.run(call)

            assert not again or self.broker.run(call) == placement
            assert bool(placement.grant) == bool(unwanted)
            if placement.grant:
                assert placement.grant.engine in unwanted
                self.note(placement.grant)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def admit_again(self, data: Any) -> None:
        hint = data.draw(st.sampled_from(self.live()))
        known = self.hints[hint]

        placement = self.broker.run(dispatch.admit(ticket(hint, attempt=known.row)))

        assert (placement.grant is not None) == (known.phase is Phase.GRANTED)
        assert (placement.queue_position > 0) == (known.phase is Phase.WAITING)

    @rule(engine=engines, again=again)
    def pull(self, engine: str, again: bool) -> None:
        self.pulls(dispatch.pull(engine), engine, again)

    @precondition(lambda self: self.granted)
    @rule(
        data=st.data(), other=engines, wrong=st.booleans(), by=st.sampled_from(WORKERS), again=again
    )
    def claim(self, data: Any, other: str, wrong: bool, by: str, again: bool) -> None:
        grant = data.draw(st.sampled_from(self.granted[-6:]))
        engine = other if wrong else grant.engine
        known = self.hints[grant.hint]
        mine = known.phase is Phase.GRANTED and known.engine == engine
        call = dispatch.claim(grant.hint, engine, by)

        claim = self.broker.run(call)

        assert (claim and claim.attempt) == (known.attempt if mine else None)
        assert not again or self.broker.run(call) == claim
        if claim is not None:
            known.phase, known.row, known.by = Phase.CLAIMED, claim.attempt, by
            self.claims.append(Grant(grant.hint, engine, claim.attempt))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), again=again)
    def write(self, data: Any, again: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims[-6:]))
        known = self.hints[claim.hint]
        may = known.held_by(claim, Phase.CLAIMED) and known.final_length is None
        seq = known.seq + 1 if may else 99
        call = streams.append(
            claim.hint, claim.attempt, seq, [(EventKind.PIECE, f'{{"text":"{seq}"}}')]
        )

        assert self.broker.run(call) is (Append.OK if may else Append.CLOSED)
        assert not again or self.broker.run(call) is (Append.DUPLICATE if may else Append.CLOSED)
        known.seq += may

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), again=again)
    def finish(self, data: Any, again: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims[-6:]))
        known = self.hints[claim.hint]
        mine = known.held_by(claim, Phase.CLAIMED)
        may = mine and known.final_length is None
        seq = known.seq + 1 if may else 99
        last = streams.append(claim.hint, claim.attempt, seq, [(EventKind.DONE, DONE)])
        assert self.broker.run(last) is (Append.OK if may else Append.CLOSED)
        if may:
            self.closes(claim.hint)
        if mine:
            self.end(claim.hint)
        self.pulls(dispatch.settle(*claim, 1.5), claim.engine, again)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), exclude=st.booleans(), again=again)
    def requeue(self, data: Any, exclude: bool, again: bool) -> None:
        claim = data.draw(st.sampled_from(self.claims[-6:]))
        known = self.hints[claim.hint]
        if known.held_by(claim, Phase.CLAIMED):
            self.wait(claim.hint)
            if exclude:
                known.excluded.add(claim.engine)
        self.pulls(dispatch.requeue(*claim, exclude), claim.engine, again)

    @precondition(lambda self: any(self.hints[hint].engine for hint in self.live()))
    @rule(data=st.data(), again=again)
    def expire(self, data: Any, again: bool) -> None:
        hint = data.draw(st.sampled_from([h for h in self.live() if self.hints[h].engine]))
        known = self.hints[hint]
        assert known.engine
        assert known.phase
        let_expire(self.broker, hint, known.engine)
        known.lost += known.phase is Phase.CLAIMED
        late = Expired(hint, known.engine, known.attempt, known.phase, known.lost)
        assert self.broker.run(dispatch.expired()) == [late]

        assert self.broker.run(dispatch.requeue_lost(hint, late.attempt))
        assert not again or self.broker.run(dispatch.requeue_lost(hint, late.attempt))
        self.wait(hint)

    @rule(engine=engines, worker=st.sampled_from(WORKERS))
    def worker_died(self, engine: str, worker: str) -> None:
        died = fleet.worker_died(engine, worker)
        left = {
            hint: known
            for hint, known in self.hints.items()
            if (known.phase, known.engine, known.by) == (Phase.CLAIMED, engine, worker)
        }

        assert set(self.broker.run(died)) == set(left)

        assert set(self.broker.run(died)) == set(left)
        late = {late.hint: late.lost for late in self.broker.run(dispatch.expired())}
        assert late == {hint: known.lost + 1 for hint, known in left.items()}
        for hint, known in left.items():
            known.lost += 1
            assert self.broker.run(dispatch.requeue_lost(hint, known.attempt))
            self.wait(hint)
        assert self.broker.run(died) == []

    @precondition(lambda self: self.live())
    @rule(data=st.data(), again=again)
    def cancel(self, data: Any, again: bool) -> None:
        hint = data.draw(st.sampled_from(self.live()))
        known = self.hints[hint]
        first, phase, engine = known.final_length is None, known.phase, known.engine
        found: list[Cancelled] = []

        def grants(reply: Any) -> list[Grant]:
            found.append(dispatch.parse_cancelled(reply))
            return found[-1].grants

        call = Call("cancel", dispatch.cancel(hint, known.row, "").args, grants)
        if phase is not Phase.CLAIMED:
            self.end(hint)
        if engine and phase is Phase.GRANTED:
            self.pulls(call, engine, again)
        else:
            assert self.broker.run(call) == []
            assert not again or self.broker.run(call) == []
        assert found[0][:2] == (first, phase)
        assert not again or found[1][:2] == (False, known.phase)
        if first:
            self.closes(hint)

    @rule(engine=engines, slots=st.integers(0, 3), worker=st.sampled_from("ab"))
    def change_fleet(self, engine: str, slots: int, worker: str) -> None:
        if slots:
            self.broker.run(fleet.beat(engine, worker, slots, TTL_S))
        else:
            self.broker.run(fleet.leave(engine, worker))

    @rule(out=st.sampled_from([None, *ENGINES]))
    def set_engines(self, out: str | None) -> None:
        serving = {engine: slots for engine, slots in SLOTS.items() if engine != out}
        self.broker.run(fleet.set_engines(serving))

    @rule(engine=engines)
    def renew(self, engine: str) -> None:
        claims = [claim for claim in self.claims if claim.engine == engine]
        lost = self.broker.run(dispatch.renew(engine, [(c.hint, c.attempt) for c in claims]))

        held = [self.hints[claim.hint].held_by(claim, Phase.CLAIMED) for claim in claims]
        assert lost == [c.hint for c, mine in zip(claims, held, strict=True) if not mine]

    @precondition(lambda self: len(self.live()) > 5)
    @rule()
    def wipe(self) -> None:
        """Redis forgets all; live workers renew first, then rescue admits the queued rows again."""
        self.broker.client.flushall()
        self.granted.clear()
        live = {hint: known for hint, known in self.hints.items() if known.phase}
        # Only the row can refuse a zombie of a hint that ended before the wipe.
        self.claims = [claim for claim in self.claims if claim.hint in live]
        for hint, known in live.items():
            if known.phase is Phase.CLAIMED and known.final_length is None:
                renewed = dispatch.renew(str(known.engine), [(hint, known.attempt)])
                assert self.broker.run(renewed) == []
                # It counts from now, so it is less old than those that every 8th pull prefers.
                self.broker.client.hset(TICKET(hint), "since_ms", known.since)
                known.by = ""
            elif known.final_length is not None:
                self.end(hint)
                self.claims = [claim for claim in self.claims if claim.hint != hint]
            else:
                self.wait(hint)
                # Grants that nobody claimed are known to no row: their numbers may come again.
                self.broker.run(dispatch.requeue_lost(hint, known.row))
                admitted = ticket(hint, attempt=known.row, since_ms=known.since)
                assert self.broker.run(dispatch.admit(admitted)).grant is None
                known.attempt = known.row
            known.excluded.clear()
            known.lost = 0
        self.start_fleet()

    @invariant()
    def each_hint_is_in_one_phase(self) -> None:
        redis = self.broker.client
        waiting = [hint for lane in Lane for hint in redis.zrange(BACKLOG(lane), 0, -1)]
        found = dict.fromkeys(waiting, (Phase.WAITING, None))
        for engine in ENGINES:
            for hint in redis.zrange(LEASES(engine), 0, -1):
                assert hint not in found, "no hint is in two phases"
                found[hint] = (Phase(redis.hget(TICKET(hint), "phase") or ""), engine)
        expected = {hint: (known.phase, known.engine) for hint, known in self.hints.items()}
        assert found == {hint: at for hint, at in expected.items() if at[0]}, "nothing is lost"
        assert self.broker.run(dispatch.known(self.hints)) == set(found)

    @invariant()
    def a_closed_stream_never_grows(self) -> None:
        for hint, known in self.hints.items():
            if known.final_length is not None:
                assert self.broker.client.xlen(STREAM(hint)) in (known.final_length, 0)


def test_any_history_keeps_the_invariants(broker: Broker) -> None:
    run_state_machine_as_test(
        lambda: Histories(broker),
        settings=settings(
            max_examples=50,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
