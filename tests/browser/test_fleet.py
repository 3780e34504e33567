"""The fleet page in a real browser: fresh by itself, and nothing that is typed is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from sqlite3 import connect

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
FLEET = "/ops/fleet/"
WORDS = {
    "en-US": {
        "up": "up",
        "drained": "drained",
        "lost": "Redis does not answer",
        "bad": "no number",
        "fewer": "it gets no new hints",
        "alone": "No other engine takes hints",
        "wait": "last 3, most 7",
    },
    "ko-KR": {
        "up": "정상",
        "drained": "비움",
        "lost": "Redis가 응답하지 않습니다",
        "bad": "쓸 수 없습니다",
        "fewer": "새 힌트를 받지 않습니다",
        "alone": "힌트를 받는 다른 엔진이 없습니다",
        "wait": "최근 3, 최고 7",
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
    page.locator("#fleet-form .save button").click()


def rounds(page: Page, count: int = 2) -> None:
    """The page has refreshed itself."""
    for _ in range(count):
        with page.expect_response(f"**{FLEET}now/"):
            pass


def test_scale_drain_and_resume(page: Page, locale: str) -> None:
    words = WORDS[locale]
    expect(cell(page, "live")).to_have_text("1")

    page.locator(WORKERS).fill("2")
    page.locator(WORKERS).press("Enter")
    expect(page.locator(".notice.success")).to_contain_text("gpu0")
    expect(cell(page, "live")).to_have_text("2", timeout=60_000)

    drain = page.locator("tr button[name=drain]")
    drain.press("Enter")
    asks = page.get_by_role("dialog")
    expect(asks).to_contain_text(words["alone"])
    accessible(page)
    page.keyboard.press("Escape")
    expect(asks).to_be_hidden()
    expect(cell(page, "state")).to_have_text(words["up"])
    drain.press("Enter")
    asks.locator("button[name=drain]").press("Enter")
    expect(page.locator("button[name=resume]")).to_be_visible()
    expect(drain).to_be_hidden()
    expect(cell(page, "state")).to_have_text(words["drained"], timeout=60_000)
    expect(cell(page, "live")).to_have_text("0")

    page.locator("button[name=resume]").click()
    expect(cell(page, "state")).to_have_text(words["up"], timeout=60_000)
    expect(page.locator("#fleet-nodes tr")).to_contain_text("gpu0")


def test_what_is_typed_is_told_before_it_is_saved(page: Page, locale: str) -> None:
    page.locator(WORKERS).fill("0")
    expect(page.locator("#fleet-plan")).to_contain_text(WORDS[locale]["fewer"])
    page.locator(WORKERS).fill("-3")
    expect(page.locator("#fleet-plan .problem")).to_contain_text(WORDS[locale]["bad"])
    page.locator(WORKERS).fill("1")
    expect(page.locator("#fleet-plan li")).to_have_count(0)


def test_the_last_minutes_are_drawn(page: Page, stand: Stand, locale: str) -> None:
    width = {"ko-KR": 390, "en-US": 1280}[locale]
    page.set_viewport_size({"width": width, "height": 900})
    write_minutes(stand, [7, 3])
    page.reload()

    waits = page.locator("[data-chart=backlog]")
    expect(waits.locator("canvas")).to_be_visible()
    expect(waits.locator(".keys")).to_have_text(WORDS[locale]["wait"])
    page.locator("#span button[value=day]").press("Enter")
    expect(page.locator("#span button[value=day]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-chart=in_flight] .keys")).to_contain_text("gpu0")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    accessible(page)


def write_minutes(stand: Stand, backlogs: list[int]) -> None:
    """The last ones, so many hints waiting in each; instead of what the node has written."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    rows = []
    for back, waiting in enumerate(reversed(backlogs)):
        figures = {
            "backlog": waiting, "oldest_s": 1.5, "first": {"9": 4}, "ended": {"evidence": 2},
            "refused": {"R2": 1}, "engines": {"gpu0": {"in_flight": 2.5, "limit": 64}},
        }  # fmt: skip
        # Ahead of what the node will write meanwhile.
        began = now + timedelta(minutes=10 - 5 * back)
        rows.append((began.strftime("%Y-%m-%d %H:%M:%S"), json.dumps(figures)))
    with closing(connect(stand.data / "hintline.sqlite3", timeout=20)) as database, database:
        database.execute("DELETE FROM fleet_minute")
        insert = "INSERT INTO fleet_minute (began_at, figures) VALUES (?, ?)"
        database.executemany(insert, rows)


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
        expect(page.locator(".notice.success")).to_contain_text("gpu0")
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

    expect(page.locator(".notice.success")).to_have_text("Saved: gpu0.")
    expect(page.locator(WORKERS)).to_have_value("2")
    context.close()


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    rounds(page, 1)

    accessible(page, "#fleet")
