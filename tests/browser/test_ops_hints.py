"""The pages of hints in a real browser: filtered, read, exported, and many deleted with a stop."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
LIST = "/ops/hints/"
WORDS = {
    "en-US": {"more": "More filters", "save": "Save this filter", "read": "Show the words",
              "fault": "blocked (R9): it says something of the program that is not true",
              "stop": "Stop", "go_on": "Go on", "done": "done", "delete": "Delete all that match"},
    "ko-KR": {"more": "필터 더 보기", "save": "이 필터 저장", "read": "글 보기",
              "fault": "막힘 (R9): 프로그램에 대해 사실이 아닌 말을 함",
              "stop": "그만두기", "go_on": "이어서 하기", "done": "끝남",
              "delete": "조건에 맞는 전부 삭제하기"},
}  # fmt: skip
MADE = """
from datetime import timedelta
from django.utils import timezone
from web.courses.models import Exercise
from web.hints.models import Attempt, Hint, ModelCall, Submission
from web.people.models import User
student, _ = User.objects.get_or_create(username="longlist")
exercise = Exercise.objects.first()
program = Submission.objects.create(
    student=student, exercise=exercise, code="x = 1 - 1", fingerprint="f", report={}
)
now = timezone.now()
Hint.objects.bulk_create(
    Hint(
        student=student, exercise=exercise, submission=program, level=1 + n % 3, locale="en",
        prefix="p", state="failed", reason="model_timeout", source="evidence", engine="gpu7",
        attempt=1, created_at=now - timedelta(minutes=n), finished_at=now, text="Look at the sign.",
    )
    for n in range(int(sys.argv[1]))
)
newest = Hint.objects.filter(engine="gpu7").latest("created_at")
attempt = Attempt.objects.create(hint=newest, number=1, engine="gpu7", finished_at=now)
for rule, fault in (("R2", ""), ("R9", "untrue")):
    ModelCall.objects.create(
        attempt=attempt, purpose="write", model="fake", verdict=rule, fault=fault, text="raw"
    )
"""
GONE = """
from web.ops.hints.models import BulkAction, SavedFilter
from web.people.models import User
User.objects.filter(username="longlist").delete()
BulkAction.objects.all().delete()
SavedFilter.objects.all().delete()
"""


@pytest.fixture
def long_list(stand: Stand, request: pytest.FixtureRequest) -> Iterator[None]:
    """Several pages, or as many hints as the test is marked with."""
    stand.shell(MADE, str(getattr(request, "param", 300)))
    yield
    stand.shell(GONE)


@pytest.fixture
def list_page(
    browser: Browser, stand: Stand, long_list: None, locale: str, console: list[str]
) -> Iterator[Page]:
    """The list, for an admin."""
    with watched(browser, stand.url, locale, console) as page:
        sign_in_as(page, stand, "admin", to=LIST)
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_filtered_and_the_filter_kept(
    list_page: Page, locale: str, scheme: str
) -> None:
    page, words = list_page, WORDS[locale]
    page.emulate_media(color_scheme=scheme)
    accessible(page)
    page.get_by_text(words["more"]).press("Enter")
    page.locator("#id_engine").fill("gpu7")
    page.locator("#id_level").select_option("2")
    page.locator("#id_engine").press("Enter")

    rows = page.locator("table.hints tbody tr")
    expect(rows).to_have_count(50)
    expect(page.locator(".page-head")).to_contain_text("100")
    accessible(page)
    page.locator("a[rel=next]").press("Enter")
    page.wait_for_url("**older=*")
    page.locator("a[rel=prev]").click()
    page.wait_for_url("**newer=*")
    expect(rows).to_have_count(50)

    page.locator("#save-as").fill("Second")
    page.get_by_role("button", name=words["save"]).press("Enter")
    saved = page.locator(".saved a")
    expect(saved).to_have_text("Second")
    page.goto(LIST)
    saved.press("Enter")
    expect(page.locator("#id_level")).to_have_value("2")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)


def test_the_words_of_a_hint_are_shown_when_they_are_asked_for(
    list_page: Page, locale: str
) -> None:
    page = list_page
    page.goto(f"{LIST}?verdict=R2&engine=gpu7")
    page.locator("td.when a").press("Enter")
    expect(page.locator(".way")).to_contain_text("gpu7")
    expect(page.locator(".way")).to_contain_text(WORDS[locale]["fault"])
    expect(page.locator(".way")).not_to_contain_text("x = 1 - 1")
    accessible(page)

    page.get_by_role("button", name=WORDS[locale]["read"]).press("Enter")

    expect(page.locator(".way")).to_contain_text("x = 1 - 1")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)


@pytest.mark.parametrize("long_list", [9000], indirect=True)
def test_a_long_deletion_is_stopped_and_gone_on_with(list_page: Page, locale: str) -> None:
    page, words = list_page, WORDS[locale]
    page.goto(f"{LIST}?engine=gpu7")
    page.locator("a[href*='do=delete']").press("Enter")
    accessible(page)
    page.get_by_role("button", name=words["delete"]).press("Enter")
    page.wait_for_url(re.compile(r"/ops/hints/act/\d+/"))
    page.get_by_role("button", name=words["stop"], exact=True).press("Enter")
    go_on = page.get_by_role("button", name=words["go_on"], exact=True)
    expect(go_on).to_be_visible()
    accessible(page)

    page.goto(LIST)
    page.locator(".open-action a").press("Enter")
    go_on.press("Enter")

    expect(page.locator("#label")).to_have_text(words["done"])
    expect(page.locator("#text")).to_contain_text("9,000")
    page.goto(f"{LIST}?engine=gpu7")
    expect(page.locator("table.hints")).to_have_count(0)


def test_an_export_is_a_file(list_page: Page) -> None:
    page = list_page
    page.goto(f"{LIST}?engine=gpu7&level=3")
    page.locator("a[href*='do=export']").press("Enter")
    accessible(page)

    with page.expect_download() as download:
        page.locator("button[value=csv]").press("Enter")

    assert len(download.value.path().read_text().splitlines()) == 101
