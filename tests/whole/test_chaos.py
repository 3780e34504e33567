"""The chaos bench in small: whatever dies, each hint ends once, with one attempt's whole text."""

from __future__ import annotations

import pytest

from tests.bench import chaos

pytestmark = [pytest.mark.whole, pytest.mark.timeout(600)]
HINTS = 300
STEP_S = 0.1
"""On no machine are the hints through before the last blow: 64 at a time, of 60 tokens, they take
28 s; six blows that are 3 s apart take 18."""
BLOWS = (
    chaos.streams_cut,
    chaos.worker_killed,
    chaos.engine_crashed,
    chaos.ends_without_a_reason,
    chaos.redis_killed,
    chaos.redis_wiped,
)


def test_no_hint_is_lost_doubled_or_torn_while_things_die() -> None:
    found = chaos.measure(HINTS, BLOWS, STEP_S)

    assert len(found["blows"]) == len(BLOWS)
    assert found["hints"] == HINTS
    assert found["lost"] == []
    assert found["doubled"] == []
    assert found["wrong"] == []
    # A stream without an end is judged while its end is still to come.
    assert "other words" not in found["watched"]
    assert found["states"]["answered"] >= HINTS * 0.8, found["reasons"]
