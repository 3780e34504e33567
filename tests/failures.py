"""How a test says which failure of an engine it awaits."""

from __future__ import annotations

import pytest

from broker.health import EngineFailure
from web.engines.client.errors import EngineFailed


def fails(failure: EngineFailure, match: str | None = None) -> pytest.RaisesExc[EngineFailed]:
    """As pytest.raises, for an EngineFailed with this failure."""
    return pytest.raises(EngineFailed, match=match, check=lambda error: error.failure is failure)
