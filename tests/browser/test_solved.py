"""What a student finds who has solved an exercise, and what a hint says of its proof."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kit import accessible
from tests.browser.test_story import ask, speak, words, write
from tests.fakes.launch import FakeEngine
from tests.whole.stand import WRONG, Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
RIGHT = "def rice_days(cups, per_day):\n    return -(-cups // per_day)\n"
WHY = {
    "ko-KR": "나머지가 있으면 하루를 더 세기 때문이에요",
    "en-US": "It counts the day of the rest too",
}
WELL_DONE = {"ko-KR": "모든 테스트를 통과했어요", "en-US": "All tests pass"}
PROOF = {"ko-KR": ("확인됨", "확인 안 됨"), "en-US": ("Verified", "Not verified")}
NO_REFERENCE = """
from web.courses.models import Exercise
row = Exercise.objects.get(slug="rice-days")
row.pk, row.slug, row.reference = None, "unproved", ""
Exercise.objects.filter(slug=row.slug).exists() or row.save()
"""


def look(page: Page, name: str) -> None:
    """Keeps a picture, where somebody wants to see the page."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_has_solved_it_explains_why_it_works(
    page: Page, stand: Stand, locale: str, scheme: str, console: list[str]
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/c/python-steps/rice-days/")
    card = page.locator("#solved")
    write(page, WRONG)
    page.locator("#run").click()
    expect(page.locator("#results .case")).to_be_visible()
    expect(card).to_be_hidden()

    write(page, RIGHT)
    page.keyboard.press("Control+Enter")
    expect(card).to_contain_text(WELL_DONE[locale])
    look(page, f"solved-empty-{locale}-{scheme}")

    field = page.locator("#explanation")
    field.fill("…")
    field.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#explain-alert")).not_to_be_empty()
    assert all("422" in line for line in console)
    console.clear()
    field.fill(WHY[locale])
    field.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#explained")).not_to_be_empty()
    expect(page.locator("#explain-alert")).to_be_empty()
    look(page, f"solved-{locale}-{scheme}")

    page.reload()
    expect(card).to_be_visible()
    expect(field).to_have_value(WHY[locale])
    accessible(page)


def test_to_ask_about_a_right_program_shows_the_same(
    page: Page, stand: Stand, locale: str, console: list[str]
) -> None:
    page.goto("/c/python-steps/rice-days/")
    write(page, RIGHT)
    page.locator("#ask-button").click()

    expect(page.locator("#solved")).to_contain_text(WELL_DONE[locale])
    # The browser may tell of the refusal later than the page shows it.
    while not console:
        page.wait_for_timeout(50)
    assert all("409" in line for line in console)
    console.clear()


@pytest.mark.parametrize("slug", ["rice-days", "unproved"])
def test_a_hint_says_whether_a_right_program_stands_behind_it(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, slug: str
) -> None:
    if slug == "unproved":
        stand.shell(NO_REFERENCE)
    speak(engine, locale)
    page.goto(f"/c/python-steps/{slug}/")
    write(page, WRONG)

    hint = ask(page)

    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))
    badge = PROOF[locale][slug == "unproved"]
    expect(hint.locator("[data-slot=proof]")).to_have_text(re.compile(f"^{badge}$"))
    expect(hint.locator("[data-slot=source]")).to_be_visible()
    accessible(page)
    look(page, f"proof-{slug}-{locale}")
