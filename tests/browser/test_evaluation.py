"""The pages of an evaluation in a real browser: begun, watched, read, and its licence granted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import sign_in_as, watched
from tests.whole.stand import Stand
from web.evaluation import sets

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
ADD = "/admin/evaluation/evaluation/add/"
WORDS = {
    "en-US": {"stop": "Stop", "go_on": "Go on", "legend": "leaks", "granted": "has its licence"},
    "ko-KR": {
        "stop": "그만두기", "go_on": "이어서 하기", "legend": "정답 누설",
        "granted": "허가를 주었습니다",
    },
}  # fmt: skip
END = """
from web.evaluation.driver import finish
from web.evaluation.models import Evaluation
from web.hints import backlog, store
from web.hints.models import IN_FLIGHT, Hint
row = Evaluation.objects.first()
for hint in Hint.objects.filter(exercise__course=row.course, state__in=IN_FLIGHT):
    if store.cancel(str(hint.pk)):
        backlog.leave(hint)
for number, item in enumerate(row.items.all()):
    item.state, item.seconds = "done", 1.5
    if item.kind == "judge":
        item.probability = (0.95 if item.leak else 0.05) - number % 7 / 100
    item.verdict = {"judge": "passed", "diagnose": "verified", "write": "shown"}[item.kind]
    item.text, item.words, item.leak = "What does it do?", 4, item.leak
    item.save()
Evaluation.objects.filter(pk=row.pk).update(state="running")
finish(row)
print(row.pk)
"""
"""What a model would have said, so that the report is there at once."""


AS_BEFORE = """
from tests.web.kit import licensed
from web.evaluation.models import Evaluation
Evaluation.objects.all().delete()
licensed("fake")
"""


@pytest.fixture(scope="module")
def unmeasured(shown: Stand) -> Iterator[None]:
    """No evaluation is left behind, and the model may write what it could before."""
    yield
    shown.shell(AS_BEFORE)


@pytest.fixture
def page(
    browser: Browser, stand: Stand, unmeasured: None, locale: str, console: list[str]
) -> Iterator[Page]:
    """Where an evaluation begins, signed in."""
    with watched(browser, stand.url, locale, console) as page:
        sign_in_as(page, stand, "admin", to=ADD)
        expect(page.locator("#id_engine")).to_be_visible()
        yield page


def test_it_is_begun_watched_stopped_read_and_licensed(
    page: Page, stand: Stand, locale: str, console: list[str], tmp_path: Path
) -> None:
    words, mine = WORDS[locale], tmp_path / f"{locale}.jsonl"
    line = {
        "statement": "Write `top(values)`.", "tests": "assert top([1, 2]) == 2", "level": 1,
        "code": f"def top(values):\n    return min(values)  # {locale}\n",
    }  # fmt: skip
    mine.write_text("\n".join(json.dumps(line) for _ in range(12)))

    page.locator("#id_of").select_option("file")
    page.locator("#id_file").set_input_files(mine)
    page.locator("input[type=submit].default").click()
    # It is watched without being loaded again.
    percent = page.locator("#evaluation-percent")
    expect(percent).not_to_have_text("0", timeout=60_000)
    expect(page.locator("#evaluation-words")).to_contain_text(f"/{len(sets.texts())}")
    page.get_by_role("button", name=words["stop"]).click()
    expect(page.get_by_role("button", name=words["go_on"])).to_be_visible()

    pk = stand.shell(END)
    page.goto(f"/admin/evaluation/evaluation/{pk}/change/")
    expect(page.locator("figure svg")).to_have_count(3)
    expect(page.locator(".legend").first).to_contain_text(words["legend"])
    # The admin's own frame is Django's.
    assert console == []
    found = Axe().run(page, context=".evaluation", options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []
    # Axe brings inline styles of its own, which the site's policy blocks, and says so.
    console.clear()
    expect(page.locator("input[name=levels]:checked")).to_have_count(2)
    page.locator("button[name=grant]").click()
    expect(page.locator(".messagelist .success")).to_contain_text(words["granted"])
    page.goto(f"/admin/evaluation/evaluation/{pk}/texts/")
    expect(page.locator("table.figures tbody tr")).to_have_count(24)
