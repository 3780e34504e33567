"""Which engines write hints now, and how each is reached: what workers read of the AI mode."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from time import monotonic
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import translation

from broker import fleet
from broker.contract.job import Dialect, Endpoint, HintJudge, Sampling, Thinking
from web.engines import licences, presets
from web.engines.keys import Unreadable, UnreadableKey, why_unreadable
from web.engines.kinds import KINDS
from web.engines.licences import Trust
from web.engines.models import AIModelConfig, Engine, JudgedBy, Licence, Thinks
from web.engines.presets import NOTHING_KNOWN, Preset
from web.link import attempt
from web.prepared import Prepared, Slot
from web.tutor.gate.judge import HIGHEST
from web.tutor.languages import OPERATORS, Locale

log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """The worker processes of one engine. slots: of each of them."""

    workers: int
    slots: int
    draining: bool = False


def dispatched() -> tuple[dict[str, int], dict[str, int]]:
    """For fleet.set_engines, as set at one moment: slots of the engines that may get hints; tiers.

    Slots have those in use that are not draining. An engine whose API key cannot be read has none
    either; the log names it.
    """
    config = AIModelConfig.current()
    used = in_use(config)
    rows = [row for row in used if not row.draining]
    judges = {judge.pk: judge for row in rows if (judge := judging(row, config))}
    asked = {row.pk: row for row in rows} | judges
    # These sentences go into the log, whose language is not that of whoever asks just now.
    with translation.override(OPERATORS):
        tell(tuple(unreadable([*asked.values()], config)))
    slots = {row.name: row.slots for row in taking(rows, config)}
    return slots, {row.name: tier_of(row, config) for row in used}


def active() -> dict[str, int]:
    """Slots of each engine that may get hints, by name."""
    return dispatched()[0]


def tiers() -> dict[str, int]:
    """The place of each engine in use, by name: hints go to a later one in case of need."""
    return dispatched()[1]


def tier_of(engine: Engine, config: AIModelConfig) -> int:
    """The place of its kind in the order of the AI mode. engine: one in use."""
    return config.order.index(engine.kind)


def taking(rows: Iterable[Engine], config: AIModelConfig) -> list[Engine]:
    """Those of these that may get hints, were the AI mode as in this row."""
    return [row for row in rows if not (row.draining or key_is_lost(row, config))]


def push() -> None:
    """Tells the dispatcher, once a change is kept, which engines may get hints.

    To be called where engines or the AI mode are saved or deleted.
    """
    # A lost push is no harm: the node sends the same every few seconds.
    transaction.on_commit(lambda: attempt(fleet.set_engines(*dispatched())))


@lru_cache(maxsize=1)
def tell(troubles: tuple[str, ...]) -> None:
    """Logs the sentences, once until they change: the caller runs every second."""
    for trouble in troubles:
        log.error("%s", trouble)


def key_is_lost(engine: Engine, config: AIModelConfig) -> bool:
    """Whether an API key cannot be read that this engine, or its judge, is to be sent."""
    judge = judging(engine, config)
    asked = [engine] if judge is None else [engine, judge]
    return any(isinstance(key_of(each, config), Unreadable) for each in asked)


def unreadable(engines: list[Engine], config: AIModelConfig) -> Iterator[str]:
    """A sentence for each row whose API key cannot be read: the AI mode, these engines."""
    if isinstance(config.api_key, Unreadable):
        yield why_unreadable()
    for engine in engines:
        if isinstance(engine.api_key, Unreadable):
            yield why_unreadable(engine.name)


def wanted() -> dict[str, Wanted]:
    """The workers of each engine in use, over all nodes."""
    rows = in_use(AIModelConfig.current())
    return {row.name: Wanted(row.workers, row.worker_slots, row.draining) for row in rows}


ORDER = ("mode", "fallback", "last_fallback")
IN_USE = Prepared(lambda: Engine.objects.filter(kind__in=[*map(Slot, ORDER)], enabled=True))


def in_use(config: AIModelConfig) -> list[Engine]:
    """Those of the mode and its fallbacks that are enabled, by name; also those that are drained.

    Nodes ask all the time.
    """
    rows = IN_USE.objects(**{name: getattr(config, name) for name in ORDER})
    return sorted(rows, key=attrgetter("name"))


def reachable() -> list[tuple[Engine, Endpoint]]:
    """The engines in use, but for those whose API key cannot be read."""
    config = AIModelConfig.current()
    rows = [row for row in in_use(config) if not key_is_lost(row, config)]
    return [(row, endpoint_of(row, config)) for row in rows]


class Serving(NamedTuple):
    """How an engine is reached and used, who judges what it writes, and what both may do.

    licence, judges_licence: None for a model that nobody has evaluated.
    """

    endpoint: Endpoint
    sampling: Sampling
    judge: HintJudge | None
    diagnoses: bool
    licence: Licence | None = None
    judges_licence: Licence | None = None

    def judge_at(self, level: int) -> HintJudge | None:
        """Who judges hints of this level."""
        return self.judge if level <= HIGHEST else None

    def licensed(self, level: int, locale: Locale, trust: Trust) -> bool:
        """Whether its model may write such a hint, and whoever judges it may do so."""
        judged = self.judge_at(level) is None or trust.judges(self.judges_licence, level)
        return judged and trust.writes(self.licence, level, locale)

    def finds_out(self, trust: Trust) -> bool:
        """Whether it is asked what is wrong with a program."""
        return self.diagnoses and trust.diagnoses(self.licence)


def serving(name: str) -> Serving | None:
    """As set at most a second ago.

    None without such a row, or if its API key or that of its judge cannot be read.
    """
    return serving_in(name, int(monotonic()))


def names() -> list[str]:
    """Of every engine that there is, in use or not."""
    return [*Engine.objects.order_by("name").values_list("name", flat=True)]


NAMED = Prepared(lambda: Engine.objects.filter(name=Slot("name")))


@lru_cache(maxsize=32)
def serving_in(name: str, second: int) -> Serving | None:
    """A busy worker asks a hundred times a second; people change this a few times a day."""
    engine = NAMED.first(name=name)
    if engine is None:
        return None
    config = AIModelConfig.current()
    try:
        endpoint, judge = endpoint_of(engine, config), judge_of(engine, config)
        judges = judging(engine, config)
        return Serving(
            endpoint,
            sampling_of(config),
            judge,
            config.diagnoses,
            licence_of(engine, config),
            licence_of(judges, config) if judges else None,
        )
    except UnreadableKey:
        return None


def judge_of(engine: Engine, config: AIModelConfig) -> HintJudge | None:
    """Who judges the hints that this engine writes; None: nobody. Raises: UnreadableKey."""
    judge = judging(engine, config)
    if judge is None:
        return None
    threshold = threshold_of(judge, config)
    return HintJudge(engine=judge.name, endpoint=endpoint_of(judge, config), threshold=threshold)


def threshold_of(judge: Engine, config: AIModelConfig) -> float:
    """That at which its model was measured, or the one of the AI mode."""
    licence = licence_of(judge, config)
    measured = licence.judge_threshold if licence else None
    return config.judge_threshold if measured is None else measured


def judging(engine: Engine, config: AIModelConfig) -> Engine | None:
    """The row of the engine that judges this one's hints."""
    match config.judged_by:
        case JudgedBy.OTHER:
            return config.judge_engine
        case JudgedBy.SAME:
            return engine
    return None


def licence_of(engine: Engine, config: AIModelConfig) -> Licence | None:
    return licences.of(known_as(engine, config))


def endpoint_of(engine: Engine, config: AIModelConfig) -> Endpoint:
    """An engine's own URL, model and key, or where it has none those of its kind.

    Raises: UnreadableKey.
    """
    key = key_of(engine, config)
    if isinstance(key, Unreadable):
        raise UnreadableKey(why_unreadable(engine.name if engine.api_key else ""))
    kind = KINDS[engine.kind]
    return Endpoint(
        base_url=url_of(engine, config),
        # By this name too, so that no other model than the one that is meant writes the hint.
        model=known_as(engine, config),
        has=kind.has,
        api_key=key,
        languages=tuple(engine.languages.split(",")),
        connect_s=config.connect_s,
        first_chunk_s=config.first_chunk_s * kind.wait_factor,
        idle_s=config.idle_s * kind.wait_factor,
        deadline_s=config.deadline_s,
        dialect=dialect_of(engine, config),
        **manner_of(engine, config),
    )


def url_of(engine: Engine, config: AIModelConfig) -> str:
    return engine.url or KINDS[engine.kind].url(config)


def known_as(engine: Engine, config: AIModelConfig) -> str:
    """The name that says which model it is; of the local engine's that of its file."""
    kind = KINDS[engine.kind]
    return engine.model_name or (kind.model if engine.url else kind.known_as)(config)


def preset_of(engine: Engine, config: AIModelConfig) -> Preset | None:
    """What is known of the engine's model."""
    return presets.known(known_as(engine, config))


def manner_of(engine: Engine, config: AIModelConfig) -> dict[str, Any]:
    """The fields thinking, extra_body and reasoning_tokens of an Endpoint.

    An engine that is set to what is known of its model uses that for what it leaves open; any
    other one is used as its own fields say.
    """
    # What an admin wrote comes before what is known of the model's name.
    auto = engine.thinking == Thinks.AUTO
    preset = (preset_of(engine, config) if auto else None) or NOTHING_KNOWN
    return {
        "thinking": preset.thinking if auto else Thinking(engine.thinking),
        "extra_body": {**preset.extra_body, **engine.extra_body},
        "reasoning_tokens": engine.reasoning_tokens or preset.reasoning_tokens,
    }


def dialect_of(engine: Engine, config: AIModelConfig) -> Dialect:
    """What was learned of this server with this model; nothing once either has changed."""
    if not engine.dialect or engine.dialect.get("of") != identity_of(engine, config):
        return Dialect()
    return Dialect(
        left_out=frozenset(engine.dialect["left_out"]),
        renamed=engine.dialect["renamed"],
        thinks=engine.dialect.get("thinks", False),
    )


def learn(name: str, endpoint: Endpoint, dialect: Dialect) -> None:
    """Keeps what an engine's answers taught, for the form of its next request.

    endpoint: the one that answered. If the engine has another by now, nothing is kept.
    """
    of = identity(endpoint.base_url, endpoint.model, endpoint.extra_body)
    known = {
        "of": of,
        "left_out": sorted(dialect.left_out),
        "renamed": dict(dialect.renamed),
        "thinks": dialect.thinks,
    }
    with transaction.atomic():
        engine = Engine.objects.select_for_update().filter(name=name).first()
        # An admin may have pointed the engine at another server while this answer came.
        if engine and identity_of(engine, AIModelConfig.current()) == of:
            Engine.objects.filter(name=name).update(dialect=known)


def identity_of(engine: Engine, config: AIModelConfig) -> str:
    extra_body = manner_of(engine, config)["extra_body"]
    return identity(url_of(engine, config), known_as(engine, config), extra_body)


def identity(url: str, model: str, extra_body: Mapping[str, Any]) -> str:
    """16 hex digits that change when a server may refuse something else than before."""
    text = json.dumps([url, model, extra_body], sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def key_of(engine: Engine, config: AIModelConfig) -> str | Unreadable:
    """The key that this engine is to be sent."""
    shared = config.api_key if KINDS[engine.kind].shares_key else ""
    key: str | Unreadable = engine.api_key or shared or ""
    return key


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
    return KINDS[config.mode].known_as(config)
