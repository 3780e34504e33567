"""The fleet as it is now, for Prometheus: what an autoscaler or an alarm looks at.

Every page shows the whole fleet: a query takes the max over pages, not their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from broker import dispatch, fleet, health
from broker.contract.hint import Lane
from broker.dispatch import LaneBacklog
from broker.fleet import Load
from broker.health import EngineState, Health
from broker.scripts import Call

STATES = {EngineState.DOWN: 0, EngineState.PROBING: 1, EngineState.UP: 2}
IN_FLIGHT = "Hints that have a slot."
LIMIT = "Most hints it may have: the least of live slots, its own most, and its adaptive limit."
STATE = "0 down, 1 probing, 2 up."
MISSING = "Series that its metrics should show and do not."
AHEAD = "Diagnoses that run ahead of hints, and give way to them."
BACKLOG = "Hints that wait."
WAITING_AHEAD = "Diagnoses that wait to run ahead, in the batch lane."
OLDEST = "How long the oldest of them has waited; 0 if none does."
UP = "Whether Redis answered; without it this page lacks the other gauges."


def calls() -> list[Call[Any]]:
    """To be run together; families takes their results."""
    return [fleet.snapshot(), health.state(), dispatch.backlog(), dispatch.waiting_ahead()]


def families(
    loads: Mapping[str, Load],
    healths: Mapping[str, Health],
    backlog: Mapping[Lane, LaneBacklog],
    waiting_ahead: int,
) -> list[Metric]:
    """Everything there is to tell when Redis answers."""
    sizes: dict[str, float] = {lane: one.size for lane, one in backlog.items()}
    sizes[Lane.BATCH] -= waiting_ahead
    missing = {name: one.reading.missing for name, one in healths.items() if one.reading}
    # Engines that are down are there too: an alarm sees a 0, but no series that is gone.
    engines, lanes = partial(by, "engine"), partial(by, "lane")
    return [
        engines("hint_engine_inflight", IN_FLIGHT, {e: one.hints for e, one in loads.items()}),
        engines("diagnosis_engine_inflight", AHEAD, {e: one.ahead for e, one in loads.items()}),
        engines("hint_engine_limit", LIMIT, {e: one.limit for e, one in loads.items()}),
        engines("hint_engine_state", STATE, {e: STATES[one.state] for e, one in healths.items()}),
        engines("hint_engine_series_missing", MISSING, {e: len(one) for e, one in missing.items()}),
        lanes("hint_backlog", BACKLOG, sizes),
        GaugeMetricFamily("diagnosis_backlog", WAITING_AHEAD, value=waiting_ahead),
        lanes(
            "hint_backlog_oldest_seconds", OLDEST, {n: one.oldest_s for n, one in backlog.items()}
        ),
        *answering(True),
    ]


def answering(up: bool) -> list[Metric]:
    """Whether Redis answered: all that can be told when it did not."""
    return [GaugeMetricFamily("hint_broker_up", UP, value=int(up))]


def by(label: str, name: str, about: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
