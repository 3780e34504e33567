"""Where a prefix belongs: the arithmetic of broker/lua/common/home.lua, for Python."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

PRIME = 2**31 - 1
BASE = 1_000_003


def home(prefix: str, capacity: Mapping[str, int]) -> str | None:
    """Engine whose cache should hold the prefix; None if no engine has a slot.

    capacity: slots of each engine, >= 0; an engine with n times the slots has n times the
    prefixes. When one changes, only prefixes that move to or from it change their home.
    Source: weighted rendezvous hashing, Schindelhauer & Schomaker 2005.
    """
    weights = {
        engine: -slots / log((mixed(f"{engine} {prefix}") + 0.5) / PRIME)
        for engine, slots in sorted(capacity.items())
        if slots > 0
    }
    return max(weights, key=weights.__getitem__, default=None)


def mixed(text: str) -> int:
    """A number below PRIME that looks random; only whole numbers below 2^53 on the way in Lua."""
    digest = 0
    for byte in text.encode():
        digest = (digest * BASE + byte + 1) % PRIME
    # The fifth power is a permutation here, and far from linear: 5 does not divide PRIME - 1.
    return pow(pow(digest, 5, PRIME) + 1, 5, PRIME)
