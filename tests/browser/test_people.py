"""In a real browser: the teacher's admin, a new password, and what a shared machine forgets."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in, sign_in_as, watched
from tests.browser.test_story import ask, open_exercise, write
from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import PASSWORD, Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
NEW = "sixteen wild swans"
CODE = "def rice_days(cups, per_day):\n    return 'my own thoughts'\n"
PAGE = "/c/python-steps/rice-days/"
WORDS = {
    "en-US": {
        "exercises": "Exercises",
        "saved": "was changed successfully",
        "raw": "What the model wrote",
    },
    "ko-KR": {"exercises": "문제", "saved": "성공적으로 변경", "raw": "모델 원문"},
}
SLOWLY = {
    "en-US": ("Look at your loop. ", "It goes on. "),
    "ko-KR": ("반복문을 한 번 더 따라가 보세요. ", "계속 이어집니다. "),
}
GONE = {"en-US": "You have no such hint.", "ko-KR": "그런 힌트를 받은 적이 없어요."}


def ask_slowly(page: Page, stand: Stand, engine: FakeEngine, locale: str) -> None:
    """A hint that is still being written when a round has asked who may read it."""
    first, more = SLOWLY[locale]
    # A level 1 hint ends with its first question, so there is none.
    engine.script(Behaviour(pieces=(first, *[more] * 20), gap_s=1.0))
    open_exercise(page, stand)
    expect(ask(page).locator("[data-slot=text]")).to_contain_text(first.strip())


def sign_out(page: Page) -> None:
    page.locator("form.who button").click()
    page.wait_for_url("**/accounts/login/")


def drafts(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.startsWith('draft:')).flat()"
    )
    return found


def name_of(page: Page) -> str:
    return page.locator(".who-name").inner_text()


@pytest.fixture
def teacher(browser: Browser, stand: Stand, locale: str, console: list[str]) -> Iterator[Page]:
    """The seeded teacher's browser."""
    with watched(browser, stand.url, locale, console) as page:
        sign_in_as(page, stand, "teacher")
        yield page


def test_the_teacher_finds_the_course_in_the_admin(
    teacher: Page, stand: Stand, locale: str, console: list[str]
) -> None:
    texts = WORDS[locale]
    hint = stand.ask(stand.student())["id"]
    stand.final(hint)

    # Other tests may have put exercises of their own into the course.
    exercises = teacher.locator("a[href^='/c/python-steps/']").count()
    assert exercises >= 12
    teacher.locator("header a[href='/admin/']").click()
    models = teacher.locator("#content-main th a")
    expect(models.filter(has_text=texts["exercises"])).to_be_visible()
    addresses = {link.get_attribute("href") for link in models.all()}
    assert addresses == {
        "/admin/courses/course/", "/admin/courses/exercise/", "/admin/hints/explanation/",
        "/admin/hints/hint/", "/admin/hints/submission/", "/admin/people/allowance/",
    }  # fmt: skip

    teacher.goto("/admin/courses/exercise/")
    expect(teacher.locator("#result_list tbody tr")).to_have_count(exercises)
    teacher.locator("#result_list a", has_text="rice-days").click()
    teacher.locator("#id_topic").fill(f"topic {locale}")
    teacher.locator("input[name=_save]").click()
    expect(teacher.locator(".messagelist .success")).to_contain_text(texts["saved"])

    teacher.goto(f"/admin/hints/hint/{hint}/change/")
    call = teacher.locator("#attempts-group li").filter(has_text="gpu0").locator(".call")
    expect(call.locator("pre", has_text="Look at your loop.")).to_be_hidden()
    call.locator("summary", has_text=texts["raw"]).click()
    expect(call.locator("pre", has_text="Look at your loop.")).to_be_visible()
    assert console == []
    found = Axe().run(
        teacher, context="#attempts-group", options={"runOnly": ["wcag2a", "wcag2aa"]}
    )
    # Axe brings inline styles of its own, which the site's policy blocks, and says so.
    console.clear()
    assert found.violations_count == 0, found.generate_report()
    expect(teacher.locator("body")).to_contain_text("def rice_days(cups, per_day)")
    assert teacher.locator("input[name=_save]").count() == 0


def test_a_student_changes_the_password_with_the_keyboard(page: Page, locale: str) -> None:
    name = name_of(page)
    page.locator("header a[href='/accounts/password/']").press("Enter")
    page.wait_for_url("**/accounts/password/")
    accessible(page)

    page.locator("#id_old_password").fill(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type("swan")
    page.keyboard.press("Tab")
    page.keyboard.type("swan")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    accessible(page)

    page.locator("#id_old_password").fill(PASSWORD)
    page.locator("#id_new_password1").fill(NEW)
    page.locator("#id_new_password2").fill(NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/password/done/")
    assert name_of(page) == name

    sign_out(page)
    sign_in(page, name, NEW)


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_signing_out_leaves_nothing_for_the_next_person(page: Page, stand: Stand) -> None:
    name = name_of(page)
    page.goto(PAGE)
    write(page, CODE)
    expect(page.locator("#draft")).not_to_be_empty()
    assert any("my own thoughts" in text for text in drafts(page))
    other_tab = page.context.new_page()
    other_tab.goto(PAGE)
    expect(other_tab.locator(".cm-content")).to_contain_text("my own thoughts")

    sign_out(page)

    expect(page.locator("#id_username")).to_be_visible()
    expect(other_tab.locator("#id_username")).to_be_visible()
    assert drafts(page) == []
    page.go_back()
    expect(page.locator("#id_username")).to_be_visible()
    assert "my own thoughts" not in page.content()

    sign_in(page, name, to=PAGE)
    expect(page.locator(".cm-content")).not_to_contain_text("my own thoughts")


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_a_draft_outlives_a_lost_session_but_not_the_next_persons_sign_in(
    page: Page, stand: Stand
) -> None:
    name = name_of(page)
    page.goto(PAGE)
    write(page, CODE)
    expect(page.locator("#draft")).not_to_be_empty()
    page.context.clear_cookies(name="sessionid")

    sign_in(page, name, to=PAGE)
    expect(page.locator(".cm-content")).to_contain_text("my own thoughts")

    page.context.clear_cookies(name="sessionid")
    sign_in(page, "person59")
    expect(page.locator(".who-name")).to_have_text("person59")
    assert drafts(page) == []


def test_a_hint_that_was_deleted_says_so(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, console: list[str]
) -> None:
    ask_slowly(page, stand, engine, locale)

    stand.shell(
        "from web.hints.models import Hint\n"
        "Hint.objects.filter(student__username=sys.argv[1]).delete()",
        name_of(page),
    )

    expect(page.locator("#alert")).to_contain_text(GONE[locale])
    expect(page.locator("#hints .hint")).to_have_count(0)
    assert all(re.search("40[14]", line) for line in console)
    console.clear()


@pytest.mark.parametrize("locale", ["en-US"], indirect=True)
def test_who_is_signed_out_elsewhere_is_asked_to_sign_in(
    page: Page, stand: Stand, engine: FakeEngine, locale: str, console: list[str]
) -> None:
    ask_slowly(page, stand, engine, locale)

    stand.shell(
        "from web.people.models import User\n"
        "user = User.objects.get(username=sys.argv[1])\n"
        "user.set_password('another goose')\n"
        "user.save()",
        name_of(page),
    )

    expect(page.locator("#alert a")).to_have_text("Sign in again")
    assert all(re.search("40[14]", line) for line in console)
    console.clear()
