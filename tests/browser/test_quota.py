"""In a real browser: how many hints by AI are left, and what comes when none is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_people import name_of
from tests.browser.test_story import ask, open_exercise, speak, write
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
ALLOW = """
from web.courses.models import Course
from web.people.models import Allowance, User

student = User.objects.get(username=sys.argv[1])
Allowance.objects.create(
    course=Course.objects.get(slug="python-steps"), student=student, hints_an_exercise=1,
    hints_a_day=9,
)
"""
LEFT = {
    "en-US": "AI hints left: {exercise} for this exercise, {day} in 24 hours.",
    "ko-KR": "남은 AI 힌트: 이 문제 {exercise}개, 24시간 {day}개.",
}
NONE = {
    "en-US": "You have used 1 of 1 AI hints for this exercise.",
    "ko-KR": "이 문제의 AI 힌트 1개를 다 썼어요.",
}


def quota(page: Page) -> Locator:
    return page.locator("#quota")


@pytest.fixture
def allowed(page: Page, stand: Stand) -> Page:
    """Of a student who has one hint by AI for each exercise."""
    stand.shell(ALLOW, name_of(page))
    return page


def test_what_is_left_is_told_and_then_help_goes_on_without_ai(
    allowed: Page, stand: Stand, engine: FakeEngine, locale: str
) -> None:
    speak(engine, locale)
    open_exercise(allowed, stand)
    expect(quota(allowed)).to_have_text(LEFT[locale].format(exercise=1, day=9))

    first = ask(allowed)
    expect(first.locator("[data-slot=source]")).to_be_visible()
    expect(quota(allowed)).to_contain_text(NONE[locale])

    write(allowed, "def other():\n    return 1\n")
    ask(allowed)
    expect(allowed.locator("#hints .hint")).to_have_count(2)
    second = allowed.locator("#hints .hint").first
    expect(second.locator("[data-slot=notice]")).to_contain_text(NONE[locale])
    expect(second.locator("[data-slot=text]")).not_to_be_empty()
    expect(second.locator("[data-slot=waiting]")).to_be_hidden()
    expect(allowed.locator("#ask-button")).to_have_attribute("aria-disabled", "false")
    allowed.reload()
    expect(quota(allowed)).to_contain_text(NONE[locale])


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_a_hint_that_is_stopped_is_left_again(
    allowed: Page, stand: Stand, engine: FakeEngine, locale: str
) -> None:
    engine.script(SLOW)
    open_exercise(allowed, stand)
    hint = ask(allowed)
    expect(hint.locator("[data-slot=text]")).to_contain_text("Look at")
    expect(quota(allowed)).to_contain_text(NONE[locale])

    hint.locator("[data-slot=stop]").click()

    expect(quota(allowed)).to_have_text(LEFT[locale].format(exercise=1, day=9))


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_a_course_without_quotas_says_nothing_of_them(page: Page, stand: Stand) -> None:
    open_exercise(page, stand)

    expect(quota(page)).to_be_hidden()
