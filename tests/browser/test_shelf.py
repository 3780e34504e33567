"""The page of models in a real browser: pick, copy, download, cancel, go on, and use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.fakes.hub import Hub
from tests.whole.stand import Stand, free_port

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
PAGE = "/admin/engines/aimodelconfig/models/"
WORDS = {
    "en-US": {
        "cancelled": "Cancelled", "checked": "It is there and checked.", "chosen": "It is chosen",
        "picked": "fits yours", "copied": "Copied.",
    },
    "ko-KR": {
        "cancelled": "취소했습니다", "checked": "파일이 있고 검사를 마쳤습니다.",
        "chosen": "선택했습니다", "picked": "내 GPU에 맞음", "copied": "복사했습니다.",
    },
}  # fmt: skip


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture
def site(stand: Stand, hub: Hub) -> Iterator[str]:
    """URL of one more web process of the stand, which has the hub's file on offer."""
    shutil.rmtree(stand.data / "models", ignore_errors=True)
    port = free_port()
    app = ("-m", "uvicorn", "tests.browser.shelfapp:application", "--port", str(port))
    with stand.serving("shelf", port, *app, HF_ENDPOINT=hub.url):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(
    browser: Browser, stand: Stand, site: str, locale: str, console: list[str]
) -> Iterator[Page]:
    with watched(browser, site, locale, console) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        sign_in_as(page, stand, "admin", to=PAGE)
        expect(page.locator("#shelf")).to_be_visible()
        yield page


def test_a_model_is_downloaded_with_the_keyboard_and_used(
    page: Page, hub: Hub, locale: str
) -> None:
    words = WORDS[locale]
    row = page.locator("tr[data-model=tiny]")
    state, progress = row.locator("[data-cell=words]"), row.locator("progress")
    button = {verb: row.locator(f"button[name={verb}]") for verb in ("download", "cancel", "use")}
    hub.script = ["waits:131072"]
    button["download"].focus()
    page.keyboard.press("Enter")

    expect(progress).to_be_visible()
    expect(button["cancel"]).to_be_visible()
    expect(button["download"]).to_be_hidden()
    page.wait_for_function(
        "() => document.querySelector('tr[data-model=tiny] progress').value > 0.1"
    )

    button["cancel"].focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    hub.go.set()
    expect(state).to_contain_text(words["cancelled"])
    expect(progress).to_be_hidden()
    expect(button["download"]).to_contain_text("%")

    button["download"].click()
    expect(state).to_have_text(words["checked"])
    button["use"].click()
    expect(page.locator(".messagelist .success")).to_contain_text("tiny.gguf")
    expect(state).to_contain_text(words["chosen"])


def test_a_row_is_picked_and_copied(page: Page, locale: str) -> None:
    words = WORDS[locale]
    page.locator("#memory").fill("24")
    page.locator("#memory").press("Enter")

    expect(page.locator("#fits .picked")).to_contain_text(words["picked"])
    command = page.locator("#fits .picked code").first
    copy = page.locator("#fits .picked button[data-copy]").first
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text(words["copied"])
    assert page.evaluate("navigator.clipboard.readText()") == command.text_content()

    accessible(page, "#content")
