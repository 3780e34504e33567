"""The home of a prefix: in proportion to slots, and steady."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.oracles.placement import home

PREFIXES = [f"{number:016x}" for number in range(0, 4_000_000, 1000)]


def homes(**slots: int) -> dict[str, str | None]:
    return {prefix: home(prefix, slots) for prefix in PREFIXES}


def test_an_empty_fleet_has_no_home() -> None:
    assert home("p", {}) is None
    assert home("p", {"gpu0": 0}) is None


def test_homes_are_in_proportion_to_slots() -> None:
    counts = Counter(homes(gpu0=64, gpu1=64, gpu2=32, gpu3=0).values())

    shares = {engine: count / len(PREFIXES) for engine, count in counts.items()}
    assert shares == {
        "gpu0": pytest.approx(0.4, abs=0.03),
        "gpu1": pytest.approx(0.4, abs=0.03),
        "gpu2": pytest.approx(0.2, abs=0.03),
    }


def test_only_what_the_changed_engine_gains_or_loses_moves() -> None:
    before = homes(gpu0=16, gpu1=16, gpu2=16)

    gone = homes(gpu0=16, gpu1=16)
    shrunk = homes(gpu0=16, gpu1=16, gpu2=8)

    assert all(gone[p] == before[p] for p in PREFIXES if before[p] != "gpu2")
    assert all(shrunk[p] == before[p] for p in PREFIXES if before[p] != "gpu2")
    assert (
        0 < sum(shrunk[p] == "gpu2" for p in PREFIXES) < sum(before[p] == "gpu2" for p in PREFIXES)
    )


def test_what_leaves_an_engine_is_spread_over_the_others() -> None:
    before = homes(gpu0=16, gpu1=16, gpu2=16)
    gone = homes(gpu0=16, gpu1=16)

    moved = Counter(gone[p] for p in PREFIXES if before[p] == "gpu2")

    assert moved["gpu0"] == pytest.approx(moved["gpu1"], rel=0.15)


def test_the_order_of_the_engines_does_not_matter() -> None:
    assert homes(gpu0=16, gpu1=8) == homes(gpu1=8, gpu0=16)
