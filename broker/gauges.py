"""The fleet as it is now, for Prometheus: what an autoscaler or an alarm looks at.

Every page shows the whole fleet: a query takes the max over pages, not their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from broker import dispatch, fleet, health
from broker.contract.hint import Lane
from broker.dispatch import Waiting
from broker.fleet import Load
from broker.health import EngineState, Health
from broker.scripts import Call

STATES = {EngineState.DOWN: 0, EngineState.PROBING: 1, EngineState.UP: 2}
IN_FLIGHT = "Hints that have a slot."
LIMIT = "Most hints it may have: the least of live slots, its own most, and its adaptive limit."
STATE = "0 down, 1 probing, 2 up."
MISSING = "Series that its metrics should show and do not."
BACKLOG = "Hints that wait."
OLDEST = "How long the oldest of them has waited; 0 if none does."
UP = "Whether Redis answered; without it this page lacks the other gauges."


def calls() -> list[Call[Any]]:
    """To be run together; families takes their results."""
    return [fleet.snapshot(), health.state(), dispatch.backlog()]


def families(
    loads: Mapping[str, Load], healths: Mapping[str, Health], backlog: Mapping[Lane, Waiting]
) -> list[Metric]:
    """Everything there is to tell when Redis answers."""
    missing = {gpu: one.reading.missing for gpu, one in healths.items() if one.reading}
    return [
        by("gpu", "hint_gpu_inflight", IN_FLIGHT, {g: one.in_flight for g, one in loads.items()}),
        by("gpu", "hint_gpu_limit", LIMIT, {g: one.limit for g, one in loads.items()}),
        by("gpu", "hint_gpu_state", STATE, {g: STATES[one.state] for g, one in healths.items()}),
        by("gpu", "hint_gpu_series_missing", MISSING, {g: len(one) for g, one in missing.items()}),
        by("lane", "hint_backlog", BACKLOG, {lane: one.size for lane, one in backlog.items()}),
        by(
            "lane",
            "hint_backlog_oldest_seconds",
            OLDEST,
            {lane: one.oldest_s for lane, one in backlog.items()},
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
