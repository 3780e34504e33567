"""Any history of hints, engines and their health, on the scripts and on the model of the rules."""

from __future__ import annotations

from typing import Any

import fakeredis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from broker import dispatch, fleet, health
from broker.connect import Broker
from broker.contract.hint import Lane
from broker.dispatch import Claim, Grant
from broker.keys import HEALTH, LEASES, PULLS, STUDENT, TICKET, WARM
from tests.broker.helpers import ticket
from tests.broker.model import Known, Model
from tests.broker.virtual import VirtualBroker

ENGINES = ["gpu0", "gpu1", "gpu2"]
TOKENS = {"none": 0, "a": 100, "b": 400, "c": 400, "d": 900}
TTL_S = 10_000_000

engines = st.sampled_from(ENGINES)


class Placement(RuleBasedStateMachine):
    """Every rule is done to both, and both must answer the same."""

    def __init__(self, broker: VirtualBroker) -> None:
        super().__init__()
        self.broker = broker
        self.model = Model(ENGINES)
        self.asked = 0
        broker.client.flushall()
        self.pass_time(1_700_000_000_000)
        self.set_engines(out=None)
        for engine in ENGINES:
            self.beat(engine, "a", 3)

    def in_flight(self) -> list[Known]:
        return [known for known in self.model.hints.values() if known.engine]

    def held(self, data: Any) -> tuple[Known, str, int]:
        hints = [known.ticket.hint for known in self.in_flight()]
        known = self.model.hints[data.draw(st.sampled_from(hints))]
        assert known.engine
        return known, known.engine, known.attempt

    def compare(self, grants: list[Grant], engine: str) -> None:
        assert [(grant.hint, grant.attempt) for grant in grants] == self.model.pull(engine)

    @rule(
        prefix=st.sampled_from(list(TOKENS)),
        lane=st.sampled_from(["interactive"] * 4 + ["batch", "diagnosis"]),
        student=st.sampled_from("xyzuvw"),
        course=st.sampled_from("jkl"),
        only=st.sampled_from([""] * 5 + ENGINES),
        able=st.sampled_from([()] * 3 + [tuple(ENGINES[:1]), tuple(ENGINES[1:])]),
        many=st.integers(1, 6),
    )
    def admit(
        self, prefix: str, lane: str, student: str, course: str, only: str,
        able: tuple[str, ...], many: int,
    ) -> None:  # fmt: skip
        for _ in range(many):
            self.asked += 1
            ahead = lane == "diagnosis"
            new = ticket(
                f"diagnosis-{self.asked}" if ahead else f"h{self.asked}",
                since_ms=self.model.now_ms,
                prefix=prefix,
                prefix_tokens=TOKENS[prefix],
                lane="batch" if ahead else lane,
                student=f"{student} {course}",
                course=course,
                only=only,
                able=able,
            )

            placement = self.broker.run(dispatch.admit(new))

            engine = placement.grant.engine if placement.grant else None
            assert (engine, placement.queue_position) == self.model.admit(new)

    @rule(engine=engines)
    def pull(self, engine: str) -> None:
        self.compare(self.broker.run(dispatch.pull(engine)), engine)

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data())
    def claim(self, data: Any) -> None:
        known, engine, attempt = self.held(data)
        granted = known.phase == "granted"

        claim = self.broker.run(dispatch.claim(known.ticket.hint, engine, "w"))

        since_ms = known.ticket.since_ms
        assert claim == (Claim(attempt, known.affinity, since_ms) if granted else None)
        known.phase = "claimed"

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data())
    def settle(self, data: Any) -> None:
        known, engine, attempt = self.held(data)

        grants = self.broker.run(dispatch.settle(known.ticket.hint, engine, attempt, 1.0))

        self.model.end(known.ticket.hint)
        self.compare(grants, engine)

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data(), exclude=st.booleans())
    def requeue(self, data: Any, exclude: bool) -> None:
        known, engine, attempt = self.held(data)

        grants = self.broker.run(
            dispatch.requeue(known.ticket.hint, engine, attempt, exclude=exclude)
        )

        if exclude:
            known.excluded.add(engine)
        self.model.enter(known)
        self.compare(grants, engine)

    @precondition(lambda self: self.in_flight())
    @rule(data=st.data())
    def requeue_lost(self, data: Any) -> None:
        known, _, attempt = self.held(data)

        assert self.broker.run(dispatch.requeue_lost(known.ticket.hint, attempt))

        known.lost += known.phase == "claimed"
        self.model.enter(known)

    @precondition(lambda self: self.model.hints)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        hint = data.draw(st.sampled_from(list(self.model.hints)))
        known = self.model.hints[hint]

        gone = self.broker.run(dispatch.cancel(hint, known.attempt, known.ticket.student))

        phase, engine = known.phase, known.engine
        assert gone.phase == phase
        if phase != "claimed":
            self.model.end(hint)
        if engine and phase == "granted":
            self.compare(gone.grants, engine)
        else:
            assert not gone.grants

    @rule(engine=engines, worker=st.sampled_from("ab"), slots=st.integers(0, 5))
    def beat(self, engine: str, worker: str, slots: int) -> None:
        if slots:
            self.broker.run(fleet.beat(engine, worker, slots, TTL_S))
            self.model.engines[engine].workers[worker] = slots
        else:
            self.broker.run(fleet.leave(engine, worker))
            self.model.engines[engine].workers.pop(worker, None)

    @rule(out=st.sampled_from([None, None, *ENGINES]))
    def set_engines(self, out: str | None) -> None:
        most = {engine: 6 for engine in ENGINES if engine != out}
        self.broker.run(fleet.set_engines(most))
        for name, engine in self.model.engines.items():
            engine.most = most.get(name, 0)
            in_flight = self.model.busy(name) or self.model.ahead(name)
            if not (engine.most or engine.workers or in_flight):
                engine.warm, engine.state, engine.limit = {}, "up", float("inf")
                engine.allowance, engine.pauses = float("inf"), 0
                engine.paused_at_ms, engine.paused_ms, engine.pausing = 0, 0, False
                engine.kv_tokens = None

    @rule(
        engine=engines,
        state=st.sampled_from(["up", "up", "probing", "down"]),
        limit=st.sampled_from([1.0, 2.7, 4.0]),
        kv_tokens=st.sampled_from([1500, 3000]),
    )
    def condition(self, engine: str, state: str, limit: float, kv_tokens: int) -> None:
        values = {"state": state, "limit": limit, "kv_tokens": kv_tokens}
        self.broker.client.hset(HEALTH(engine), mapping=values)
        one = self.model.engines[engine]
        one.state, one.limit, one.kv_tokens = state, limit, kv_tokens

    @rule(
        engine=engines,
        seconds=st.sampled_from([None, 0, 0.5, 7]),
        ran_s=st.sampled_from([0, 0.3, 10]),
    )
    def pause(self, engine: str, seconds: float | None, ran_s: float) -> None:
        paused_s = self.broker.run(health.pause(engine, seconds, ran_s))

        assert paused_s == self.model.pause(engine, seconds, ran_s)

    @rule(engine=engines)
    def worked(self, engine: str) -> None:
        if self.model.engines[engine].state != "probing":
            self.broker.run(health.worked(engine))
            self.model.worked(engine)

    @rule(ms=st.sampled_from([1, 400, 6_000, 20_000]))
    def pass_time(self, ms: int) -> None:
        self.model.pass_time(ms)
        self.broker.set_now(self.model.now_ms)

    @invariant()
    def hints_are_where_the_model_has_them(self) -> None:
        redis = self.broker.client
        for engine in ENGINES:
            held = {k.ticket.hint for k in self.in_flight() if k.engine == engine}
            assert set(redis.zrange(LEASES(engine), 0, -1)) == held
            warm = {f"{tokens}:{prefix}" for prefix, tokens in self.model.engines[engine].warm}
            assert set(redis.zrange(WARM(engine), 0, -1)) == warm
        for known in self.in_flight():
            assert redis.hget(TICKET(known.ticket.hint), "affinity") == known.affinity

    @invariant()
    def what_decides_the_next_choice_is_the_models(self) -> None:
        redis = self.broker.client
        assert int(redis.get(PULLS()) or 0) == self.model.pulls
        loads = self.broker.run(fleet.snapshot())
        ahead = {name: len(self.model.ahead(name)) for name in loads}
        assert {name: load.ahead for name, load in loads.items()} == ahead
        limits = {name: load.limit for name, load in loads.items() if load.limit}
        assert limits == {name: slots for name, slots in self.model.slots().items() if slots}

    @invariant()
    def places_in_the_line_are_the_models(self) -> None:
        found = self.broker.run(dispatch.standing(self.model.hints))
        positions = {hint: standing.queue_position for hint, standing in found.items()}
        assert positions == {hint: self.model.position(hint) for hint in self.model.hints}
        ahead = [known for known in self.model.waiting() if known.ahead]
        assert self.broker.run(dispatch.waiting_ahead()) == len(ahead)
        sizes = {lane: one.size for lane, one in self.broker.run(dispatch.backlog()).items()}
        assert sizes == {lane: len(self.model.order(lane)) for lane in Lane}

    @invariant()
    def no_student_has_more_than_two_in_flight(self) -> None:
        for name in self.broker.client.keys(STUDENT("*")):
            assert self.broker.client.scard(name) <= 2

    @invariant()
    def nothing_is_left_of_an_empty_line(self) -> None:
        if not self.model.waiting():
            kinds = ("backlog", "courses", "turns", "course_backlog", "rounds")
            assert not [k for kind in kinds for k in self.broker.client.keys(f"hl:{kind}:*")]


def hold(broker: VirtualBroker, examples: int) -> None:
    run_state_machine_as_test(
        lambda: Placement(broker),
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_the_scripts_keep_the_rules_on_fakeredis() -> None:
    hold(VirtualBroker(fakeredis.FakeRedis(decode_responses=True), first_line=""), examples=10)


def test_the_scripts_keep_the_rules_on_valkey(broker: Broker) -> None:
    hold(VirtualBroker(broker.client), examples=40)
