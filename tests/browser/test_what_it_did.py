"""What a program did, as the page shows it: the table, the mark in the editor, cases of input."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.kit import accessible
from tests.browser.test_story import ask, speak, words, write
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
ENGLISH = pytest.mark.parametrize("locale", ["en-US"], indirect=True)
EXERCISES = r"""
from web.courses.models import Course, Exercise

course = Course.objects.get(slug="python-steps")

def case(name, stdin, expected, visible, note):
    notes = {"note_ko": note, "note_en": note}
    return {"name": name, "stdin": stdin, "expected": expected, "visible": visible, **notes}

for slug, tests in (
    ("did-fact", "assert fact(0) == 1\nassert fact(4) == 24\n"),
    ("did-total", "assert total([3, 4, 5]) == 12\n"),
    ("did-add", "assert add(2, 3) == 5\n"),
    ("did-rice", "assert rice_days(70, 3) == 24\n"),
):
    Exercise.objects.create(course=course, slug=slug, title_en=slug, tests=tests)
Exercise.objects.create(
    course=course, slug="did-best", title_en="did-best", checker="exact",
    cases=[
        case("1", "3\n10 30 20\n", "Best: 30\n", True, ""),
        case("2", "3\n-4 -2 -9\n", "Best: -2\n", True, "below zero"),
        case("3", "2\n-7 -7\n", "Best: -7\n", False, "equal scores"),
    ],
)
"""
FACT = """\
def fact(n):
    if n == 0:
        return 0
    return n * fact(n - 1)
"""
TOTAL = """\
def total(prices):
    result = 0
    for i in range(len(prices) + 1):
        result += prices[i]
    return result
"""
ADD = "def add(a, b):\n    total = a + b\n    print(total)\n"
RICE = """\
def rice_days(cups, per_day):
    days = 0
    while cups >= per_day:
        cups -= per_day
        days += 1
    return days
"""
ENDLESS = RICE.replace("cups >= per_day", "cups > 0").replace("-=", "-")
IDLE = "def rice_days(cups, per_day):\n    while cups > 0: pass\n"
BEST = """\
n = int(input())
best = 0
for text in input().split():
    if int(text) > best:
        best = int(text)
print("Best:", best)
"""
FAILING = {
    "recursion": ("did-fact", FACT),
    "exception": ("did-total", TOTAL),
    "printed": ("did-add", ADD),
    "long loop": ("did-rice", RICE),
    "endless loop": ("did-rice", ENDLESS),
    "input": ("did-best", BEST),
}


@pytest.fixture(scope="module", autouse=True)
def exercises(shown: Stand) -> None:
    shown.shell(EXERCISES)


def run(page: Page, slug: str, code: str) -> Locator:
    """The results of this code."""
    page.goto(f"/c/python-steps/{slug}/")
    write(page, code)
    page.locator("#run").click()
    expect(page.locator("#results .verdict")).to_be_visible()
    return page.locator("#results")


def table(results: Locator) -> list[list[str]]:
    """The cells of each row, its head first; what only a screen reader is told, too."""
    expect(results.locator(".trace")).to_be_visible()
    rows: list[list[str]] = results.locator(".trace table").evaluate(
        "it => [...it.tHead.rows, ...it.tBodies[0].rows]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return rows


@ENGLISH
def test_a_loop_is_a_row_a_round_with_its_middle_folded(page: Page) -> None:
    rows = table(run(page, "did-rice", RICE))

    # What never changes comes last.
    assert rows[0] == ["Round", "cups", "days", "per_day"]
    assert rows[1] == ["1", "new value: 67", "new value: 1", "3"]
    assert [row[0] for row in rows[9:]] == ["… 11 more …", "20", "21", "22", "23"]
    assert len(rows) == 1 + 8 + 1 + 4


@ENGLISH
def test_recursion_is_a_row_a_call_with_what_it_gave_back(page: Page) -> None:
    rows = table(run(page, "did-fact", FACT.replace("return 0", "return 1").replace("* f", "+ f")))

    assert rows == [
        ["Call", "n", "Gave back"],
        *[
            [f"fact({n})", str(n), str(gave)]
            for n, gave in ((4, 11), (3, 7), (2, 4), (1, 2), (0, 1))
        ],
    ]


@ENGLISH
def test_a_program_without_a_loop_is_a_row_a_line(page: Page) -> None:
    rows = table(run(page, "did-add", ADD))

    assert rows[:2] == [["Line", "total", "a", "b"], ["2 total = a + b", "new value: 5", "2", "3"]]


@pytest.mark.parametrize(
    ("slug", "code", "line", "told"),
    [
        ("did-total", TOTAL, 4, ["It stopped here.", "i = 3"]),
        ("did-add", ADD, 3, ["It ended here.", "total = 5"]),
        ("did-best", BEST, 6, ["It ended here.", "best = 0"]),
        ("did-rice", IDLE, 2, ["It was here when it was stopped.", "per_day = 3"]),
        ("did-add", "def add(a, b)\n    return a\n", 1, ["Python cannot read this."]),
    ],
)
@ENGLISH
def test_the_line_where_it_ended_is_marked_until_it_is_edited(
    page: Page, slug: str, code: str, line: int, told: list[str]
) -> None:
    results = run(page, slug, code)

    marked = page.locator(".cm-ended")
    expect(marked).to_have_text(code.splitlines()[line - 1])
    expect(page.locator(".cm-ended-number")).to_have_text(str(line))
    for text in told:
        expect(page.locator(".cm-ended-note")).to_contain_text(text)
        expect(results.locator(".end")).to_contain_text(text)

    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Enter")
    expect(page.locator(".cm-ended-number")).to_have_text(str(line + 1))
    results.get_by_role("button", name=f"Line {line}").click()
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Control+Home")
    for _ in range(line):
        page.keyboard.press("ArrowDown")
    page.keyboard.insert_text(" ")
    expect(marked).to_have_count(0)
    expect(page.locator(".cm-ended-note")).to_have_count(0)


@ENGLISH
def test_a_run_that_passes_takes_the_mark_away(page: Page) -> None:
    run(page, "did-add", ADD)
    expect(page.locator(".cm-ended")).to_be_visible()

    write(page, "def add(a, b):\n    return a + b\n")
    page.locator("#run").click()

    expect(page.locator("#results .verdict")).to_have_text("All 1 tests pass")
    expect(page.locator(".cm-ended")).to_have_count(0)
    expect(page.locator("#results .trace")).to_be_hidden()


@ENGLISH
def test_a_case_of_input_shows_input_and_output(page: Page) -> None:
    results = run(page, "did-best", BEST)

    shown = results.locator(".case")
    assert shown.locator("dt:visible").all_inner_texts() == ["Input", "Expected", "Printed"]
    assert shown.locator("dd").all_text_contents() == ["3\n-4 -2 -9\n", "Best: -2", "Best: 0"]
    assert shown.locator("mark").all_text_contents() == ["-2", "0"]
    assert table(results)[0] == ["Round", "text", "n", "best"]


@pytest.mark.parametrize(
    ("printed", "signs"), [("Best:  30", "··"), ("Best:\\t30", "→"), ("Best:\\n30", "↵")]
)
@ENGLISH
def test_blanks_can_be_seen_where_they_alone_differ(page: Page, printed: str, signs: str) -> None:
    results = run(page, "did-best", f'print("{printed}")\n')

    got = results.locator(".got mark .blank")
    assert "".join(got.evaluate_all("all => all.map(it => it.dataset.sign)")) == signs
    expect(results.locator("[data-slot=blanks]")).to_be_visible()


@ENGLISH
def test_of_a_hidden_case_nothing_is_shown_but_its_note(page: Page) -> None:
    code = (
        'n = input()\nseen = input()\nprint("Best:", {"3": -2, "2": 0}[n] if "-" in seen else 30)\n'
    )
    results = run(page, "did-best", code)

    expect(results).to_contain_text("equal scores")
    expect(results.locator(".case")).to_be_hidden()
    expect(results.locator(".trace")).to_be_hidden()
    assert "-7 -7" not in page.content()


def test_examples_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/c/python-steps/did-best/")

    page.locator("[data-copy=input-2]").click()

    expect(page.locator("#status")).to_have_text(re.compile("Copied|복사했어요"))
    assert page.evaluate("navigator.clipboard.readText()") == "3\n-4 -2 -9\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_is_accessible_and_no_wider_than_a_phone(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)
    for slug, code in FAILING.values():
        results = run(page, slug, code)
        expect(results.locator(".trace")).not_to_have_attribute("open", "")
        results.locator(".trace summary").click()
        expect(results.locator(".trace table")).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") == 360
        accessible(page)


@ENGLISH
def test_values_are_texts_whatever_they_hold(page: Page) -> None:
    code = (
        "def add(a, b):\n    evil = '<img src=x onerror=alert(1)>\\u202e\\n' * 9\n    return evil\n"
    )
    results = run(page, "did-add", code)

    rows = table(results)
    assert rows[1][1].startswith("new value: '<img src=x")
    assert len(rows[1][1]) <= len("new value: ") + 40
    assert "\u202e" not in results.inner_text()
    assert results.locator("img").count() == 0


def test_an_earlier_hint_shows_what_its_own_program_did(
    page: Page, engine: FakeEngine, locale: str
) -> None:
    speak(engine, locale)
    page.goto("/c/python-steps/did-total/")
    write(page, TOTAL)
    hint = ask(page)
    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))

    page.reload()
    page.locator("#hints .then summary").first.click()

    then = page.locator("#hints .report").first
    assert table(then)[-1][1:] == ["12", rows_value(locale, "3"), "[3, 4, 5]"]
    expect(then.locator(".end button")).to_have_count(0)


@ENGLISH
def test_a_hint_of_another_program_says_so(page: Page, engine: FakeEngine, locale: str) -> None:
    speak(engine, locale)
    page.goto("/c/python-steps/did-total/")
    write(page, TOTAL)
    hint = ask(page)
    expect(hint.locator("[data-slot=text]")).to_have_text(words(locale))
    outdated = hint.locator("[data-slot=outdated]")
    expect(outdated).to_be_hidden()

    write(page, TOTAL.replace(" + 1", ""))
    page.locator("#run").click()
    expect(outdated).to_have_text("for earlier code")
    expect(outdated).to_be_visible()

    page.reload()
    expect(page.locator("#hints [data-slot=outdated]").first).to_be_visible()
    write(page, TOTAL)
    page.locator("#run").click()
    expect(page.locator("#hints [data-slot=outdated]").first).to_be_hidden()


def rows_value(locale: str, value: str) -> str:
    return f"{'새 값' if locale.startswith('ko') else 'new value'}: {value}"


@ENGLISH
def test_the_result_of_a_platform_is_shown_as_such(
    page: Page, engine: FakeEngine, locale: str
) -> None:
    speak(engine, locale)
    page.goto("/c/python-steps/did-best/")
    result = {"status": "failed", "stdin": "1\n5\n", "expected": "Best: 5\n", "got": "", "line": 1}
    body = {"exercise": "python-steps/did-best", "level": 1, "code": BEST, "result": result}

    page.evaluate(
        "body => import('/static/pages/http.js').then(it => it.call('POST', '/v1/hints', {body}))",
        body,
    )
    page.reload()
    page.locator("#hints .then summary").first.click()

    then = page.locator("#hints .report").first
    expect(then.locator("[data-slot=elsewhere]")).to_be_visible()
    assert then.locator("dd").all_text_contents() == ["1\n5\n", "Best: 5", "(nothing)"]
    expect(then.locator(".trace")).to_be_hidden()
    expect(page.locator("#hints [data-slot=text]").first).to_have_text(words(locale))


WIDE = """\
def add(a, b):
    first_of_all_names, second_of_all_names = 'x' * 30, 'y' * 30
    third_of_all_names, fourth_of_all_names = 'x' * 30, 'y' * 30
    return first_of_all_names
"""


@pytest.mark.parametrize("width", [360, 1280])
@ENGLISH
def test_a_table_that_is_too_wide_fades_where_it_goes_on(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    results = run(page, "did-add", WIDE)
    if width == 360:
        results.locator(".trace summary").click()
    scroller = results.locator(".scroller")

    expect(scroller).to_have_attribute("data-after", "")
    expect(scroller).not_to_have_attribute("data-before", "")

    scroller.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(scroller).to_have_attribute("data-before", "")
    scroller.evaluate("it => it.scrollTo(it.scrollWidth, 0)")
    expect(scroller).not_to_have_attribute("data-after", "")

    run(page, "did-add", ADD)
    expect(results.locator(".scroller")).not_to_have_attribute("data-before", "")


@ENGLISH
def test_a_limit_is_told_in_words_and_not_as_an_error_of_python(page: Page) -> None:
    results = run(page, "did-rice", IDLE)

    expect(results.locator(".words")).to_contain_text("did not finish in time")
    assert results.locator(".case dt:visible").all_inner_texts() == ["Call", "Expected"]
    assert "Error" not in results.inner_text()
