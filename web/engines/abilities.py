"""What the engines in use may do, by the licences of their models."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from web.engines.licences import NO_TRUST, Trust
from web.engines.models import AIModelConfig
from web.engines.roster import Serving, in_use, serving_in, tier_of
from web.tutor.languages import Locale
from web.tutor.levels import LEVELS


class Ready(NamedTuple):
    """An engine in use; one that is drained is soon back. tier: as in `tiers`."""

    name: str
    tier: int
    draining: bool
    serving: Serving


def ready() -> list[Ready]:
    """Those whose API keys can be read. As set at most a second ago."""
    return ready_in(int(monotonic()))


@lru_cache(maxsize=2)
def ready_in(second: int) -> list[Ready]:
    config = AIModelConfig.current()
    found = [(row, serving_in(row.name, second)) for row in in_use(config)]
    return [Ready(row.name, tier_of(row, config), row.draining, at) for row, at in found if at]


def runs_ahead() -> bool:
    """Whether programs are diagnosed before anybody asks, by a model with the licence for it.

    As set at most a second ago.
    """
    return ahead_in(int(monotonic()))


@lru_cache(maxsize=2)
def ahead_in(second: int) -> bool:
    config = AIModelConfig.current()
    return config.runs_ahead and any(
        # The others only stand in, for people who wait.
        each.tier == 0 and each.serving.finds_out(NO_TRUST)
        for each in ready()
    )


def written(locale: Locale, trust: Trust = NO_TRUST) -> frozenset[int]:
    """The levels that the engines which come first may write in this language.

    As set a second ago. What stands in for them adds none that could not be had on other days.
    """
    return written_in(locale, trust, int(monotonic()))


# Each page of an exercise and each request for a hint asks it.
@lru_cache(maxsize=32)
def written_in(locale: Locale, trust: Trust, second: int) -> frozenset[int]:
    first = min((each.tier for each in ready()), default=0)
    there = [each for each in ready() if each.tier == first]
    return frozenset(
        level for each in there for level in LEVELS if may_write(each, level, locale, trust)
    )


def able(level: int, locale: Locale, trust: Trust) -> tuple[str, ...]:
    """The engines that may write such a hint; empty where all may, or none. As set a second ago."""
    return named(lambda each: may_write(each, level, locale, trust))


def finding_out() -> tuple[str, ...]:
    """Those asked what is wrong with a program, for nobody's course; empty as in `able`."""
    return named(lambda each: each.serving.finds_out(NO_TRUST))


def named(may: Callable[[Ready], bool]) -> tuple[str, ...]:
    there = [each for each in ready() if not each.draining]
    names = tuple(each.name for each in there if may(each))
    return names if len(names) < len(there) else ()


def may_write(at: Ready, level: int, locale: Locale, trust: Trust) -> bool:
    licensed = at.serving.licensed(level, locale, trust)
    return licensed and at.serving.endpoint.writes(locale)
