"""Which engines write hints now, and how each is reached: what workers read of the AI mode."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from django.db.models import QuerySet

from broker.contract.job import Dialect, Endpoint, Sampling, Thinking
from broker.settings import need
from web.engines.models import AIModelConfig, Engine, Mode

LOCAL_MODEL = "local"
LOCAL_PATIENCE = 3


class Wanted(NamedTuple):
    """The worker processes of one engine. slots: of each of them."""

    workers: int
    slots: int
    draining: bool = False


def active() -> dict[str, int]:
    """Slots of each engine that may get hints, by name: enabled, of the mode, and not draining."""
    return dict(in_use().filter(draining=False).values_list("name", "slots"))


def wanted() -> dict[str, Wanted]:
    """The workers of each enabled engine of the current mode, over all nodes."""
    rows = in_use().values_list("name", "workers", "worker_slots", "draining")
    return {name: Wanted(workers, slots, draining) for name, workers, slots, draining in rows}


def in_use() -> QuerySet[Engine]:
    return Engine.objects.filter(kind=AIModelConfig.current().mode, enabled=True)


def serving(name: str) -> tuple[Endpoint, Sampling] | None:
    """How to reach and use this engine, as set at most a second ago; None without such a row."""
    return serving_in(name, int(monotonic()))


@lru_cache(maxsize=32)
def serving_in(name: str, second: int) -> tuple[Endpoint, Sampling] | None:
    """A busy worker asks a hundred times a second; people change this a few times a day."""
    engine = Engine.objects.filter(name=name).first()
    if engine is None:
        return None
    config = AIModelConfig.current()
    return endpoint_of(engine, config), sampling_of(config)


def endpoint_of(engine: Engine, config: AIModelConfig) -> Endpoint:
    """An engine's own URL, model and key, or where it has none those of its kind."""
    urls = {Mode.API: config.api_url, Mode.VLLM: config.vllm_url, Mode.LOCAL: local_url()}
    keys = {Mode.API: config.api_key, Mode.VLLM: config.api_key, Mode.LOCAL: ""}
    kind = Mode(engine.kind)
    shared_model = LOCAL_MODEL if kind is Mode.LOCAL else config.model_name
    # A CPU that reads one prompt keeps the others waiting: more patience than with a GPU.
    slow = LOCAL_PATIENCE if kind is Mode.LOCAL else 1
    return Endpoint(
        base_url=engine.url or urls[kind],
        model=engine.model_name or shared_model,
        kind=kind,
        api_key=engine.api_key or keys[kind] or "",
        languages=tuple(engine.languages.split(",")),
        connect_s=config.connect_s,
        first_chunk_s=config.first_chunk_s * slow,
        idle_s=config.idle_s * slow,
        deadline_s=config.deadline_s,
        extra_body=engine.extra_body,
        thinking=Thinking(engine.thinking),
        reasoning_tokens=engine.reasoning_tokens,
        dialect=dialect_of(engine),
    )


def dialect_of(engine: Engine) -> Dialect:
    return Dialect(
        left_out=frozenset(engine.dialect.get("left_out", ())),
        renamed=engine.dialect.get("renamed", {}),
    )


def learn(name: str, dialect: Dialect) -> None:
    """Keeps what an engine's server refused; its next request is sent as it wants it."""
    known = {"left_out": sorted(dialect.left_out), "renamed": dict(dialect.renamed)}
    Engine.objects.filter(name=name).update(dialect=known)


def sampling_of(config: AIModelConfig) -> Sampling:
    return Sampling(
        max_tokens=config.max_tokens, temperature=config.temperature, top_p=config.top_p
    )


def model_of_prefix() -> str:
    """The model name in a hint's prefix key: what one model has cached is no use to another."""
    return model_in(int(monotonic()))


@lru_cache(maxsize=2)
def model_in(second: int) -> str:
    config = AIModelConfig.current()
    return config.model_name if config.mode != Mode.LOCAL else LOCAL_MODEL


def local_url() -> str:
    return f"http://{need('HINTLINE_LOCAL_HOST', str)}:{need('HINTLINE_LOCAL_PORT', int)}/v1"
