"""A browser's page on a stand: its errors are watched, and somebody signs in on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.whole.stand import PASSWORD, Stand

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]


@contextmanager
def watched(browser: Browser, url: str, locale: str, console: list[str]) -> Iterator[Page]:
    """A page in a browser of its own. console: its errors; one that is left at the end fails."""
    context = browser.new_context(locale=locale, base_url=url)
    page = context.new_page()
    page.on("console", lambda line: console.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    yield page
    context.close()
    assert console == []


# A colour that is on its way to another is nobody's choice: what ends by itself is waited for.
SETTLED = """() => Promise.all(document.getAnimations()
    .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
    .map((one) => one.finished.catch(() => null)))"""


def accessible(page: Page, within: str | None = None) -> None:
    """No rule of WCAG is broken on the page, or in the part that this selector names."""
    page.evaluate(SETTLED)
    found = Axe().run(page, context=within, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()


def sign_in(page: Page, name: str, password: str = PASSWORD, to: str = "/") -> None:
    """to: the path of the page that is open then."""
    page.goto(f"/accounts/login/?next={to}")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("#id_password").press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path == to)


def sign_in_as(page: Page, stand: Stand, name: str, to: str = "/") -> None:
    """As one of those who are seeded: `student`, `teacher` or `admin`."""
    lines = (stand.data / "accounts.txt").read_text().splitlines()
    accounts = dict(line.split() for line in lines)
    sign_in(page, name, accounts[name], to)
