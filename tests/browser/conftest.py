"""Debian's Chromium, without a screen, on a whole Hintline with the fake engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import sign_in, watched
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import left_clean
from tests.whole.stand import Stand, standing

# A whole Hintline and a browser share the cores of a small machine.
expect.set_options(timeout=20_000)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]


# One a test: what another test has asked is in nobody's history.
PEOPLE = itertools.count()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": "/usr/bin/chromium-headless-shell", "args": FLAGS}


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("stand"), {"gpu0": FakeEngine()}) as stand:
        yield stand


@pytest.fixture
def stand(shown: Stand) -> Iterator[Stand]:
    yield from left_clean(shown)


@pytest.fixture
def engine(stand: Stand) -> FakeEngine:
    return stand.engines["gpu0"]


@pytest.fixture(params=["en-US", "ko-KR"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def console() -> list[str]:
    """Errors of the page; one that a test has not taken out fails it."""
    return []


@pytest.fixture
def page(browser: Browser, stand: Stand, locale: str, console: list[str]) -> Iterator[Page]:
    """Signed in."""
    with watched(browser, stand.url, locale, console) as page:
        sign_in(page, f"person{next(PEOPLE)}")
        yield page
