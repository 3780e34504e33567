"""What the monitor has seen of one engine, and what follows from it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple

from broker import health
from broker.base.times import FROZEN_S
from broker.contract.limit import Limit, Signs, step
from broker.health import EngineState, Health, Reading, Why
from broker.scripts import Call
from workers.guard.scrape import RUNNING, SERIES, STEPS, History, Page, parse

log = logging.getLogger(__name__)


class Reply(NamedTuple):
    """What came back from one address. status: None for nothing; refused: nobody listens there."""

    status: int | None
    text: str = ""
    refused: bool = False

    @property
    def alive(self) -> bool:
        """Who does not know the page, or not our key, is there all the same."""
        return self.status is not None and self.status < 500


@dataclass(slots=True)
class EngineWatch:
    """One engine over time. target_s: p95 time to the first token that is slow; times: monotonic.

    read_s: when its metrics came last; stepped_s: when it made a step, or had nothing to do.
    """

    engine: str
    target_s: float
    state: EngineState = EngineState.UP
    history: History = field(default_factory=History)
    limit: Limit = field(default_factory=Limit)
    busy: int | None = None
    missing: tuple[str, ...] = ()
    stuck: bool = False
    read_s: float = -inf
    stepped_s: float = -inf

    def tell(self, was: Health) -> None:
        """Logs a change of state, whoever made it."""
        if was.state is not self.state:
            level = logging.ERROR if was.state is EngineState.DOWN else logging.INFO
            log.log(level, "engine %s is %s (%s)", self.engine, was.state, was.why or "works")
        self.state = was.state

    def vllm(
        self, now_s: float, was: Health, alive: Reply, metrics: Reply, in_flight: int, most: int
    ) -> list[Call[Any]]:
        """What to do after its /health and /metrics have answered."""
        calls: list[Call[Any]] = []
        reading = self.read(now_s, was, metrics)
        if reading is not None:
            calls.append(health.read(self.engine, reading))
        if was.state is EngineState.DOWN:
            back = alive.alive and not self.frozen(now_s)
            return [*calls, health.probe(self.engine)] if back else calls
        why = self.trouble(now_s, was, alive, metrics)
        if why is not None:
            return [*calls, health.down(self.engine, why)]
        return [*calls, *self.adapt(now_s, was, reading, in_flight, most)]

    def read(self, now_s: float, was: Health, metrics: Reply) -> Reading | None:
        """None without metrics of a vLLM, unless it showed some before."""
        page = parse(metrics.text) if metrics.alive else None
        if page is not None:
            self.note(now_s, page)
            reading = self.history.reading()
        elif metrics.alive and was.limit is not None:
            reading = Reading(missing=SERIES)
        else:
            return None
        if reading.missing != self.missing:
            names = ", ".join(reading.missing) or "none any more"
            log.error("engine %s: missing in its metrics: %s", self.engine, names)
        self.missing = reading.missing
        return reading

    def note(self, now_s: float, page: Page) -> None:
        before = self.history.pages[-1][1].values.get(STEPS) if self.history.pages else None
        steps = page.values.get(STEPS)
        if steps is None or steps != before or not page.values.get(RUNNING):
            self.stepped_s = now_s
        self.history.add(now_s, page)
        self.read_s = now_s

    def frozen(self, now_s: float) -> bool:
        """Its metrics of now say that it holds requests and has made no step for FROZEN_S."""
        return self.read_s == now_s and now_s - self.stepped_s >= FROZEN_S

    def trouble(self, now_s: float, was: Health, alive: Reply, metrics: Reply) -> Why | None:
        """No answer from /health is no sign: a busy engine is slow to give it."""
        # A chunk that one of our workers has just read says more than metrics that stand still.
        stuck = self.frozen(now_s) and (was.silent_s is None or was.silent_s >= FROZEN_S)
        if stuck and not self.stuck:
            log.error("engine %s holds requests but makes no step", self.engine)
        self.stuck = stuck
        if alive.refused or metrics.refused:
            return Why.REFUSED
        if alive.status == 503:
            return Why.UNHEALTHY
        return Why.FROZEN if stuck else None

    def adapt(
        self, now_s: float, was: Health, reading: Reading | None, in_flight: int, most: int
    ) -> list[Call[Any]]:
        """The limit's tick. An engine that never showed metrics has no limit."""
        busy = max(0, was.busy - (was.busy if self.busy is None else self.busy))
        self.busy = was.busy
        if was.limit is not None:
            # Redis knows it, and another monitor may have set it; the rest is only known here.
            before = replace(self.limit, now=was.limit, good=was.good)
            self.limit = step(before, self.signs(now_s, reading, in_flight, busy), most)
            if self.limit.now < before.now:
                self.history.judged_s = now_s
        elif self.read_s == now_s:
            self.limit = Limit(min(Limit().now, most))
        else:
            return []
        if (self.limit.now, self.limit.good) == (was.limit, was.good):
            return []
        return [health.set_limit(self.engine, was.ejections, self.limit.now, self.limit.good)]

    def signs(self, now_s: float, reading: Reading | None, in_flight: int, busy: int) -> Signs:
        age_s = now_s - self.read_s
        if reading is None or age_s > 0:
            return Signs(in_flight=in_flight, busy=busy, age_s=age_s)
        return Signs(
            in_flight=in_flight,
            busy=busy,
            preempted=self.history.preempted(),
            waiting=self.history.pages[-1][1].crowd,
            kv_usage=reading.kv_usage or 0.0,
            slow=(reading.ttft_p95_s or 0.0) > self.target_s,
        )
