"""The lists of requests to models and of Celery's records in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
CALLS, TASKS = "/ops/calls/", "/ops/tasks/"
WORDS = {
    "en-US": {"more": "More filters", "write": "write", "blocked": "blocked by R2",
              "tasks": "Tasks", "failed": "failed"},
    "ko-KR": {"more": "필터 더 보기", "write": "쓰기", "blocked": "R2 규칙이 막음",
              "tasks": "작업", "failed": "실패"},
}  # fmt: skip
MADE = """
from django_celery_results.models import TaskResult
from web.courses.models import Exercise
from web.hints.models import Attempt, Hint, ModelCall, Submission
from web.people.models import User
student, _ = User.objects.get_or_create(username="recorded")
exercise = Exercise.objects.first()
program = Submission.objects.create(
    student=student, exercise=exercise, code="x = 1 - 1", fingerprint="f", report={}
)
hint = Hint.objects.create(
    student=student, exercise=exercise, submission=program, level=1, locale="en", prefix="p",
    state="failed", reason="model_timeout", source="evidence", engine="gpu7", attempt=1,
)
attempt = Attempt.objects.create(hint=hint, number=1, engine="gpu7")
ModelCall.objects.bulk_create(
    ModelCall(
        attempt=attempt, purpose=("write", "judge")[n % 2], model="recorded-model",
        verdict=("R2", "leak")[n % 2], probability=(None, 0.9)[n % 2], text="raw words",
    )
    for n in range(150)
)
TaskResult.objects.bulk_create(
    TaskResult(
        task_id=f"{hint.pk}-{n + 1}", task_name="generate_hint", worker="gpu7@recorded",
        status=("SUCCESS", "FAILURE")[n % 2], result='{"state": "failed", "engine": "gpu7"}',
    )
    for n in range(150)
)
print(hint.pk)
"""
GONE = """
from django_celery_results.models import TaskResult
from web.people.models import User
TaskResult.objects.filter(worker="gpu7@recorded").delete()
User.objects.filter(username="recorded").delete()
"""


@pytest.fixture
def recorded(stand: Stand) -> Iterator[str]:
    """The id of a hint with many requests and records."""
    yield stand.shell(MADE)
    stand.shell(GONE)


@pytest.fixture
def calls_page(
    browser: Browser, stand: Stand, recorded: str, locale: str, console: list[str]
) -> Iterator[Page]:
    """The list of requests, for an admin."""
    with watched(browser, stand.url, locale, console) as page:
        sign_in_as(page, stand, "admin", to=CALLS)
        yield page


def narrow(page: Page) -> None:
    """Also on a telephone the page is not moved sideways."""
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_requests_are_filtered_paged_and_lead_to_their_hint(
    calls_page: Page, recorded: str, locale: str, scheme: str
) -> None:
    page, words = calls_page, WORDS[locale]
    page.emulate_media(color_scheme=scheme)
    accessible(page)
    page.get_by_text(words["more"]).press("Enter")
    page.locator("#id_engine").fill("gpu7")
    page.locator("#id_model").fill("recorded-model")
    page.locator("#id_model").press("Enter")
    rows = page.locator("table.dense tbody tr")
    expect(page.locator(".page-head")).to_contain_text("150")
    page.locator(".states").get_by_text(words["write"], exact=True).press("Enter")

    expect(page.locator(".page-head")).to_contain_text("75")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text(words["blocked"])
    accessible(page)
    page.locator("a[rel=next]").press("Enter")
    expect(rows).to_have_count(25)
    page.locator("a[rel=prev]").press("Enter")
    expect(rows).to_have_count(50)
    page.locator(".chips .chip a").first.press("Enter")
    expect(page.locator(".page-head")).to_contain_text("150")
    expect(page.locator("main")).not_to_contain_text("raw words")
    narrow(page)

    page.locator("td.when a").first.press("Enter")
    page.wait_for_url(f"**/ops/hints/{recorded}/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_records_of_tasks_are_found_by_their_hint(
    calls_page: Page, recorded: str, locale: str, scheme: str
) -> None:
    page, words = calls_page, WORDS[locale]
    page.emulate_media(color_scheme=scheme)
    page.locator(".places").get_by_text(words["tasks"], exact=True).press("Enter")
    page.wait_for_url(f"**{TASKS}")
    accessible(page)
    page.locator("#id_hint").fill(recorded)
    page.locator("#id_hint").press("Enter")
    expect(page.locator(".page-head")).to_contain_text("150")
    page.locator(".states").get_by_text(words["failed"], exact=True).press("Enter")

    rows = page.locator("table.dense tbody tr")
    expect(page.locator(".page-head")).to_contain_text("75")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("gpu7@recorded")
    expect(page.locator("#id_hint")).to_have_value(recorded)
    accessible(page)
    page.locator("a[rel=next]").press("Enter")
    expect(rows).to_have_count(25)
    narrow(page)
    page.goto(f"{TASKS}?hint=nobody")
    expect(page.get_by_role("alert")).to_be_visible()
    narrow(page)

    page.goto(f"{TASKS}?hint={recorded}")
    rows.first.get_by_role("link").press("Enter")
    page.wait_for_url(f"**/ops/hints/{recorded}/")
