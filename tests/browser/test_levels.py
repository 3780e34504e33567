"""In a real browser: levels 4 and 5, by keyboard and on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_story import ask, open_exercise, rung, says
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
COURSE = """
from web.courses.models import Course

Course.objects.filter(slug="python-steps").update(
    ladder="ladder" in sys.argv, tells="tells" in sys.argv
)
"""
CODE = """\
snow = ["a very long text that is wider than the smallest screens are", "b"]
ball = []
while snow:
    ball.append(snow.pop())
print(len(ball))
"""
EXAMPLE = {
    "en-US": f"Children roll a snowball:\n\n```python\n{CODE}```\n\nThe ball never gets smaller, "
    "for new snow lies around the old one. What happens to the old amount in your own program?",
    "ko-KR": f"아이들이 눈덩이를 굴리는 예시예요.\n\n```python\n{CODE}```\n\n새 눈이 언제나 옛 눈 "
    "위에 붙어서 공은 작아지지 않아요. 내 프로그램에서는 옛 양이 어떻게 되나요?",
}
TOLD = {
    "en-US": "The result that your function gives back has to change. As it is, it gives nothing "
    "whatever it is called with, so each of the tests waits in vain for its value.",
    "ko-KR": "함수가 돌려주는 값이 바뀌어야 해요. 지금은 무엇을 넣어 불러도 아무것도 돌려주지 "
    "않아서 어느 테스트도 기다리는 값을 받지 못해요. 물어본 것에 답하는 값이 되어야 해요.",
}
NAMES = {
    "en-US": ("Analogy", "Tell", "Level 4 · Analogy", "Level 5 · Tell"),
    "ko-KR": ("빗대어 보기", "짚어 주기", "4단계 · 빗대어 보기", "5단계 · 짚어 주기"),
}


@pytest.fixture
def all_open(stand: Stand) -> Iterator[None]:
    stand.shell(COURSE)
    yield
    stand.shell(COURSE, "ladder")


def card(page: Page, level: int) -> Locator:
    return page.locator("label.rung", has=rung(page, level))


def test_who_wants_more_gets_an_example_and_then_is_told(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, all_open: None
) -> None:
    analogy, tell, *titles = NAMES[locale]
    page.set_viewport_size({"width": 360, "height": 740})
    open_exercise(page, stand)
    expect(card(page, 4)).to_contain_text(analogy)
    expect(card(page, 5)).to_be_hidden()

    # The level that is not there is passed over: after the last comes the first.
    rung(page, 4).focus()
    page.keyboard.press("ArrowDown")
    expect(rung(page, 1)).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(rung(page, 4)).to_be_checked()
    says(engine, EXAMPLE[locale], gap_s=0.01)
    hint = ask(page)
    expect(hint.locator("[data-slot=source]")).to_be_visible()
    expect(hint.locator("[data-slot=level]")).to_have_text(titles[0])
    expect(hint.locator("[data-slot=text] pre code")).to_have_text(CODE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

    stand.shell(COURSE, "tells")
    page.reload()
    expect(card(page, 5)).to_contain_text(tell)
    rung(page, 4).focus()
    page.keyboard.press("ArrowDown")
    expect(rung(page, 5)).to_be_checked()
    says(engine, TOLD[locale], gap_s=0.01)
    ask(page)
    expect(page.locator("#hints .hint")).to_have_count(2)
    last = page.locator("#hints .hint").first
    expect(last.locator("[data-slot=level]")).to_have_text(titles[1])
    expect(last.locator("[data-slot=text]")).to_have_text(TOLD[locale])
