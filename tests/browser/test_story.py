"""The student's story in a real browser, in both languages."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.kit import accessible
from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
SLUGS = (
    "rice-days lamp-positions lowest-balance hashtags seat-map short-items parcel-weight "
    "quiz-ranking common-hours next-train"
)
EXERCISES = itertools.cycle(SLUGS.split())
ENGLISH = "Look at your loop. Where does it end?"
KOREAN = "반복문을 한 번 더 따라가 보세요. 마지막 바퀴에서 값은 얼마인가요?"


def words(locale: str) -> str:
    return KOREAN if locale.startswith("ko") else ENGLISH


def open_exercise(page: Page, stand: Stand) -> None:
    """The next exercise of the course, with a program that fails its tests."""
    slug = next(EXERCISES)
    page.goto(f"/c/python-steps/{slug}/")
    write(page, f"def {slug.replace('-', '_')}(*anything):\n    return None\n")


def write(page: Page, code: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    # Text put over a selection gets a style attribute from Chromium itself, against the policy.
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)


def ask(page: Page) -> Locator:
    page.locator("#ask-button").click()
    return page.locator("#hints .hint").first


def speak(engine: FakeEngine, locale: str) -> None:
    says(engine, words(locale))


def says(engine: FakeEngine, text: str, gap_s: float = 0.1) -> None:
    """Word by word."""
    engine.script(Behaviour(pieces=tuple(re.findall(r"\S+\s*", text)), gap_s=gap_s))


def test_a_student_asks_and_finds_the_hint_again(
    page: Page, stand: Stand, engine: FakeEngine, locale: str
) -> None:
    speak(engine, locale)
    open_exercise(page, stand)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])

    page.locator("#run").click()
    expect(page.locator("#results .case")).to_contain_text("None")

    hint = ask(page)
    expect(hint.locator("[data-slot=text]")).to_contain_text(words(locale)[:8])
    expect(hint.locator("[data-slot=source]")).to_be_visible()
    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))

    page.reload()
    expect(page.locator("#hints .hint [data-slot=text]").first).to_have_text(words(locale))
    expect(rung(page, 2)).to_be_disabled()


def rung(page: Page, level: int) -> Locator:
    return page.locator(f"input[name=level][value='{level}']")


EFFORT = {"ko-KR": "지금의 생각을 적으면", "en-US": "run a changed program"}
THOUGHTS = {"ko-KR": "반복이 한 번 모자란 것 같아요", "en-US": "I think it ends too early"}


def test_a_thought_opens_the_next_level(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, console: list[str]
) -> None:
    speak(engine, locale)
    open_exercise(page, stand)
    hint = ask(page)
    expect(hint.locator("[data-slot=source]")).to_be_visible()
    expect(page.locator("label.rung", has=rung(page, 2))).to_contain_text(EFFORT[locale])

    thought = hint.locator("[data-slot=thought]")
    thought.fill("…")
    thought.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#alert")).not_to_be_empty()
    expect(rung(page, 2)).to_be_disabled()
    assert all("422" in line for line in console)
    console.clear()

    thought.fill(THOUGHTS[locale])
    thought.press("Tab")
    page.keyboard.press("Enter")

    expect(hint.locator("[data-slot=reflected]")).not_to_be_empty()
    expect(rung(page, 2)).to_be_checked()
    expect(rung(page, 3)).to_be_disabled()
    page.reload()
    expect(page.locator("#hints [data-slot=thought]").first).to_have_value(THOUGHTS[locale])
    expect(rung(page, 2)).to_be_checked()


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_another_program_opens_the_next_level(
    page: Page, stand: Stand, engine: FakeEngine, locale: str
) -> None:
    speak(engine, locale)
    open_exercise(page, stand)
    expect(ask(page).locator("[data-slot=source]")).to_be_visible()
    expect(rung(page, 2)).to_be_disabled()

    write(page, "def broken(:\n")
    page.locator("#run").click()

    # Python cannot read it: help begins at the pattern.
    expect(rung(page, 3)).to_be_checked()
    write(page, "def other():\n    return 1\n")
    page.locator("#run").click()
    expect(rung(page, 2)).to_be_checked()
    expect(rung(page, 3)).to_be_disabled()


def test_the_words_come_also_when_event_streams_are_blocked(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, console: list[str]
) -> None:
    speak(engine, locale)
    page.route("**/v1/events?**", lambda route: route.fulfill(status=500, body=""))
    open_exercise(page, stand)

    hint = ask(page)

    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))
    expect(hint.locator("[data-slot=source]")).to_be_visible()
    assert all("500" in line for line in console)
    console.clear()


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_a_page_that_is_left_and_opened_again_goes_on(
    page: Page, stand: Stand, engine: FakeEngine
) -> None:
    engine.script(SLOW)
    open_exercise(page, stand)
    hint = ask(page)
    expect(hint.locator("[data-slot=text]")).to_contain_text("Look at")
    address = page.url

    page.goto("/")
    page.goto(address)

    text = page.locator("#hints .hint [data-slot=text]").first
    expect(text).to_contain_text("Where does it end?")


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_stop_ends_the_hint_and_frees_the_engine(
    page: Page, stand: Stand, engine: FakeEngine
) -> None:
    engine.script(SLOW)
    open_exercise(page, stand)
    hint = ask(page)
    expect(hint.locator("[data-slot=text]")).to_contain_text("Look at")

    hint.locator("[data-slot=stop]").click()

    expect(hint.locator("[data-slot=state]")).to_have_text("Stopped")
    until(lambda: engine.stats()["active"] == 0)


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_the_place_in_the_queue_is_shown(page: Page, stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW, SLOW)
    for _ in range(2):
        stand.ask(stand.student())
    open_exercise(page, stand)

    hint = ask(page)

    expect(hint.locator("[data-slot=place]")).to_contain_text("place 1")
    expect(hint.locator("[data-slot=text]")).to_have_text(ENGLISH)


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_feedback_is_kept(page: Page, stand: Stand) -> None:
    open_exercise(page, stand)
    hint = ask(page)

    hint.locator("[data-vote=yes]").click()
    expect(hint.locator("[data-slot=thanks]")).to_be_visible()

    page.reload()
    expect(page.locator("[data-vote=yes]").first).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Page, stand: Stand, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    open_exercise(page, stand)
    page.locator("#run").click()
    expect(page.locator("#results .verdict")).to_be_visible()

    accessible(page)


def test_that_there_are_no_tests_is_told_in_words_alone(
    page: Page, stand: Stand, locale: str
) -> None:
    stand.shell(
        "from web.courses.models import Exercise\n"
        "found = Exercise.objects.get(slug='rice-days')\n"
        "Exercise.objects.create(course=found.course, slug='bare', title_en='Bare')"
    )
    page.goto("/c/python-steps/bare/")
    write(page, "x = 1\n")

    page.locator("#run").click()

    expect(page.locator("#results .words")).to_be_visible()
    expect(page.locator("#results .error")).to_be_hidden()
    stand.shell(
        "from web.courses.models import Exercise\nExercise.objects.filter(slug='bare').delete()"
    )


def test_a_second_run_waits_for_the_first_in_another_tab(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, console: list[str]
) -> None:
    speak(engine, locale)
    open_exercise(page, stand)
    other = page.context.new_page()
    other.goto(page.url)
    write(other, "while True:\n    pass\n")

    other.locator("#run").click()
    page.locator("#run").click()
    expect(page.locator("#run-alert .alert-title")).to_be_in_viewport()
    expect(page.locator("#run")).to_have_attribute("aria-disabled", "false")
    hint = ask(page)

    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))
    page.locator("#run").click()
    expect(page.locator("#results .case")).to_contain_text("None")
    expect(page.locator("#run-alert .alert-title")).to_have_count(0)
    assert all("429" in line for line in console)
    console.clear()
