"""The set-up in a real browser, and a student who deletes the account and thinks better of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import PASSWORD, Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
WORDS = {
    "en-US": {"database": "SQLite lets one process write", "kept": "I want to keep it"},
    "ko-KR": {"database": "SQLite는 한 번에", "kept": "계속 쓸래요"},
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ops_read_what_the_set_up_lacks(
    browser: Browser, stand: Stand, locale: str, console: list[str], scheme: str
) -> None:
    with watched(browser, stand.url, locale, console) as page:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 390, "height": 800})
        sign_in_as(page, stand, "admin", to="/ops/setup/")

        expect(page.locator("#part-database")).to_be_visible()
        expect(page.locator("main")).to_contain_text(WORDS[locale]["database"])
        expect(page.locator("dt#part-nodes")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        accessible(page)


def test_a_student_deletes_the_account_and_keeps_it_with_the_keyboard(
    page: Page, locale: str
) -> None:
    page.locator("header a[href='/accounts/password/']").press("Enter")
    page.wait_for_url("**/accounts/password/")
    page.locator("a[href='/accounts/leave/']").press("Enter")
    page.wait_for_url("**/accounts/leave/")
    accessible(page)

    page.locator("#id_password").fill("a guess")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    banner = page.locator(".leaves")
    expect(banner).to_contain_text(re.compile(r"\d{4}"))
    accessible(page)

    page.goto(page.url.partition("/accounts")[0])
    banner.get_by_role("link", name=WORDS[locale]["kept"]).press("Enter")
    page.wait_for_url("**/accounts/leave/")
    page.locator("button[name=stay]").press("Enter")
    expect(banner).to_have_count(0)
