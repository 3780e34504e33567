"""The sandbox that most tests of programs share, a module at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from web.runner.checker import Checker


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with closing(Checker(processes=1)) as running:
        yield running
