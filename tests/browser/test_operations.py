"""Costs and the log in a real browser, and operations as somebody sees them who may not act."""

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
WORDS = {
    "en-US": {"saved": "Saved. New prices count from now on.", "price": "– → 1.5"},
    "ko-KR": {"saved": "저장했습니다. 새 가격은 지금부터 적용됩니다.", "price": "– → 1.5"},
}


def test_a_price_is_set_and_stands_in_the_log(
    browser: Browser, stand: Stand, locale: str, console: list[str]
) -> None:
    scheme, width = ("dark", 390) if locale == "ko-KR" else ("light", 1280)
    with closing(connect(stand.data / "hintline.sqlite3", timeout=20)) as database, database:
        database.execute("DELETE FROM fleet_price")
        database.execute("DELETE FROM django_admin_log")
    with watched(browser, stand.url, locale, console) as page:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        sign_in_as(page, stand, "admin", to="/ops/cost/")
        page.locator("input[name$=-read]").first.fill("1.5")
        page.locator("input[name$=-written]").first.fill("6")
        page.locator("input[name$=-written]").first.press("Enter")
        expect(page.locator("[role=status]")).to_have_text(WORDS[locale]["saved"])
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        page.locator(".places a[href='/ops/log/']").press("Enter")
        expect(page.locator("tbody")).to_contain_text(WORDS[locale]["price"])
        page.locator("input[name=words]").fill("no such words")
        page.keyboard.press("Enter")
        expect(page.locator(".empty")).to_be_visible()
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_viewer_sees_all_of_it_and_no_button(
    browser: Browser, stand: Stand, locale: str, console: list[str]
) -> None:
    with closing(connect(stand.data / "hintline.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE people_user SET duty = 'viewer' WHERE username = 'student'")
    try:
        with watched(browser, stand.url, locale, console) as page:
            sign_in_as(page, stand, "student", to="/ops/fleet/")
            expect(page.locator("tr[data-engine]").first).to_be_visible()
            expect(page.locator("main button:not([value=hour], [value=day])")).to_have_count(0)
            for path in ("/ops/cost/", "/ops/log/", "/ops/setup/"):
                page.locator(f".places a[href='{path}']").press("Enter")
                expect(page.locator("h1")).to_be_visible()
                accessible(page)
            page.goto("/ops/cost/")
            expect(page.locator("form[method=post] .primary")).to_have_count(0)
    finally:
        with closing(connect(stand.data / "hintline.sqlite3", timeout=20)) as database, database:
            database.execute("UPDATE people_user SET duty = '' WHERE username = 'student'")
