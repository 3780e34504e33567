"""The fleet page in a real browser: fresh by itself, and nothing that is typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from sqlite3 import connect

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
FLEET = "/admin/engines/engine/fleet/"
WORDS = {
    "en-US": {
        "up": "up",
        "drained": "drained",
        "lost": "Redis does not answer",
        "bad": "no number",
    },
    "ko-KR": {
        "up": "정상",
        "drained": "비움",
        "lost": "Redis가 응답하지 않습니다",
        "bad": "쓸 수 없습니다",
    },
}
WORKERS, SLOTS = "input[name=workers-gpu0]", "input[name=slots-gpu0]"


@pytest.fixture
def scaled(stand: Stand) -> Iterator[Stand]:
    """The engine is left as it was."""
    yield stand
    wanted(stand, workers=1, slots=64)


def wanted(stand: Stand, workers: int, slots: int) -> None:
    """Sets the counts behind the page's back, and ends a drain."""
    with closing(connect(stand.data / "hintline.sqlite3", timeout=20)) as database, database:
        database.execute(
            "UPDATE engines_engine SET workers = ?, worker_slots = ?, draining = 0",
            (workers, slots),
        )


@pytest.fixture
def page(browser: Browser, scaled: Stand, locale: str, console: list[str]) -> Iterator[Page]:
    """The fleet page, signed in."""
    with watched(browser, scaled.url, locale, console) as page:
        open_fleet(page, scaled)
        yield page


def open_fleet(page: Page, stand: Stand) -> None:
    sign_in_as(page, stand, "admin", to=FLEET)
    expect(page.locator("#fleet")).to_be_visible()


def cell(page: Page, name: str) -> Locator:
    return page.locator(f"tr[data-engine=gpu0] [data-cell={name}]")


def save(page: Page) -> None:
    page.locator("#fleet-form input[type=submit]").click()


def rounds(page: Page, count: int = 2) -> None:
    """The page has refreshed itself."""
    for _ in range(count):
        with page.expect_response(f"**{FLEET}now/"):
            pass


def test_scale_drain_and_resume(page: Page, locale: str) -> None:
    words = WORDS[locale]
    expect(cell(page, "live")).to_have_text("1")

    page.locator(WORKERS).fill("2")
    save(page)
    expect(page.locator(".messagelist .success")).to_contain_text("gpu0")
    expect(cell(page, "live")).to_have_text("2", timeout=60_000)

    page.locator("button[name=drain]").click()
    expect(page.locator("button[name=resume]")).to_be_visible()
    expect(page.locator("button[name=drain]")).to_be_hidden()
    expect(cell(page, "state")).to_have_text(words["drained"], timeout=60_000)
    expect(cell(page, "live")).to_have_text("0")

    page.locator("button[name=resume]").click()
    expect(cell(page, "state")).to_have_text(words["up"], timeout=60_000)
    expect(page.locator("#fleet-nodes tr")).to_contain_text("gpu0")


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_typed_counts_stay_while_the_rest_follows(page: Page, stand: Stand) -> None:
    page.locator(WORKERS).fill("7")
    page.locator("h1").first.click()

    wanted(stand, workers=3, slots=32)

    expect(page.locator(SLOTS)).to_have_value("32")
    rounds(page)
    expect(page.locator(WORKERS)).to_have_value("7")


def test_a_bad_count_is_told_and_stays(page: Page, locale: str) -> None:
    page.locator(WORKERS).evaluate("field => { field.type = 'text'; field.value = '-3'; }")
    save(page)

    expect(page.locator("#fleet .errorlist")).to_contain_text("gpu0:")
    expect(page.locator("#fleet .errorlist")).to_contain_text("“-3”")
    expect(page.locator("#fleet .errorlist")).to_contain_text(WORDS[locale]["bad"])
    rounds(page)
    expect(page.locator("input[name=was-workers-gpu0]")).to_have_value("1")


def test_with_redis_stopped_it_says_so_and_comes_back(
    page: Page, stand: Stand, locale: str
) -> None:
    words = WORDS[locale]
    expect(cell(page, "live")).to_have_text("1")

    stand.valkey.stop()
    try:
        expect(page.locator("#fleet-notice")).to_contain_text(words["lost"])
        expect(cell(page, "live")).to_have_text("")
        page.locator(SLOTS).fill("48")
        save(page)
        expect(page.locator(".messagelist .success")).to_contain_text("gpu0")
        expect(page.locator(SLOTS)).to_have_value("48")
    finally:
        stand.valkey.start()

    expect(page.locator("#fleet-notice")).to_be_hidden()
    expect(cell(page, "state")).to_have_text(words["up"], timeout=60_000)


def test_it_works_without_javascript(browser: Browser, scaled: Stand) -> None:
    context = browser.new_context(locale="en-US", base_url=scaled.url, java_script_enabled=False)
    page = context.new_page()
    open_fleet(page, scaled)

    page.locator(WORKERS).fill("2")
    save(page)

    expect(page.locator(".messagelist .success")).to_have_text("Saved: gpu0.")
    expect(page.locator(WORKERS)).to_have_value("2")
    context.close()


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    rounds(page, 1)

    accessible(page, "#fleet")
