"""The pages a student sees: who may open them, in which language, and what is locked."""

from __future__ import annotations

import json
import re
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from broker.contract.hint import FINAL, Source, State
from tests.pure.test_seed import SEED
from web.courses.models import Course, Exercise, Membership
from web.courses.topics import TOPICS
from web.hints import submissions
from web.hints.models import Hint
from web.pages.words import script_words
from web.people.models import User
from web.tutor.evidence.report import Report, Verdict
from web.tutor.languages import LANGUAGES

pytestmark = pytest.mark.django_db
PAGE = "/c/basics/sum/"
SCRIPTS = Path("web/pages/static/pages")


@pytest.fixture
def course() -> Course:
    return Course.objects.create(slug="basics", title_ko="기초", title_en="Basics")


@pytest.fixture
def exercise(course: Course) -> Exercise:
    return new_exercise(course, "sum")


@pytest.fixture
def student(course: Course) -> User:
    user = User.objects.create_user("minji")
    Membership.objects.create(user=user, course=course)
    return user


@pytest.fixture
def member(student: User, client: Client) -> Client:
    client.force_login(student)
    return client


def new_exercise(course: Course, slug: str, **more: str) -> Exercise:
    texts = {
        "title_ko": "합",
        "title_en": "Sum",
        "statement_ko": "**합**을 구하세요.",
        "statement_en": "Find the **sum**.",
        "starter": "def f():\n    pass\n",
    }
    return Exercise.objects.create(course=course, slug=slug, **(texts | more))


def new_hint(student: User, exercise: Exercise, level: int, state: State) -> Hint:
    program = submissions.keep(
        submissions.ran(student, exercise, "", Report(verdict=Verdict.CRASHED))
    )
    whose: dict[str, Any] = {"student": student, "exercise": exercise, "submission": program}
    source = Source.MODEL if state in FINAL and state != State.CANCELLED else Source.NONE
    return Hint.objects.create(**whose, level=level, state=state, source=source, locale="ko")


def read(client: Client, path: str, language: str = "ko") -> str:
    response = client.get(path, HTTP_ACCEPT_LANGUAGE=language)
    assert response.status_code == 200
    return str(response.content.decode())


def levels(html: str) -> dict[int, str]:
    """level → open, locked or chosen, as the radio buttons have it that can be seen."""
    found = {}
    rung = r'class="rung"(?![^>]* hidden)[^>]*>\s*<input[^>]* value="(\d)"([^>]*)>'
    for level, attributes in re.findall(rung, html):
        words = attributes.split()
        found[int(level)] = (
            "locked" if "disabled" in words else "chosen" if "checked" in words else "open"
        )
    return found


def page_data(html: str) -> dict[str, Any]:
    match = re.search(r'<script id="page" type="application/json">(.*?)</script>', html, re.S)
    assert match
    return dict(json.loads(match[1]))


@pytest.mark.parametrize("path", ["/", PAGE])
def test_who_is_not_signed_in_is_asked_to(client: Client, exercise: Exercise, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


def test_a_stranger_sees_neither_the_course_nor_the_exercise(
    client: Client, exercise: Exercise
) -> None:
    client.force_login(User.objects.create_user("stranger"))

    assert client.get(PAGE).status_code == 404
    assert "기초" not in read(client, "/")


def test_a_member_sees_the_course_and_the_exercise(member: Client, exercise: Exercise) -> None:
    assert f'href="{PAGE}"' in read(member, "/")
    assert "<strong>합</strong>" in read(member, PAGE)


def test_an_exercise_is_found_in_its_own_course_only(member: Client, exercise: Exercise) -> None:
    Course.objects.create(slug="other", title_ko="다른", title_en="Other")

    assert member.get("/c/other/sum/").status_code == 404
    assert member.get("/c/basics/none/").status_code == 404


@pytest.mark.parametrize(
    ("language", "title", "button"),
    [
        ("ko", "합", "힌트 받기"),
        ("en", "Sum", "Ask for a hint"),
        ("fr", "합", "힌트 받기"),
    ],
)
def test_the_page_speaks_the_readers_language(
    member: Client, exercise: Exercise, language: str, title: str, button: str
) -> None:
    html = read(member, PAGE, language)

    assert f'<h1 id="title">{title}</h1>' in html
    assert button in html
    assert f'<html lang="{"en" if language == "en" else "ko"}"' in html
    assert page_data(html)["locale"] == ("en" if language == "en" else "ko")


def test_the_language_switch_stays(member: Client, exercise: Exercise) -> None:
    response = member.post("/i18n/setlang/", {"language": "en", "next": PAGE})

    assert response["Location"] == PAGE
    assert '<html lang="en"' in read(member, PAGE, "ko")


def test_the_saved_colours_come_with_the_page(member: Client) -> None:
    assert "data-theme=" not in read(member, "/").split("<body>")[0]

    member.cookies["theme"] = "dark"
    assert '<html lang="ko" data-theme="dark">' in read(member, "/")

    member.cookies["theme"] = '"><script>'
    assert '<html lang="ko">' in read(member, "/")


def test_who_is_in_no_course_is_told_what_to_do(client: Client) -> None:
    client.force_login(User.objects.create_user("new"))

    assert "You are in no course yet" in read(client, "/", "en")


def test_a_course_without_exercises_says_so(member: Client) -> None:
    assert "This course has no exercises yet." in read(member, "/", "en")


def test_the_list_counts_ones_own_received_hints(
    member: Client, student: User, exercise: Exercise
) -> None:
    assert "No hints yet" in read(member, "/", "en")

    new_hint(student, exercise, 1, State.ANSWERED)
    new_hint(student, exercise, 1, State.WITHHELD)
    new_hint(student, exercise, 1, State.CANCELLED)
    new_hint(User.objects.create_user("other"), exercise, 1, State.ANSWERED)

    assert "2 hints" in read(member, "/", "en")


@pytest.mark.parametrize(
    ("received", "tried", "shown"),
    [
        ([], True, {1: "chosen", 2: "locked", 3: "locked"}),
        ([(1, State.ANSWERED)], False, {1: "chosen", 2: "locked", 3: "locked"}),
        ([(1, State.ANSWERED)], True, {1: "open", 2: "chosen", 3: "locked"}),
        ([(1, State.FAILED), (2, State.WITHHELD)], True, {1: "open", 2: "open", 3: "chosen"}),
        ([(1, State.CANCELLED)], True, {1: "chosen", 2: "locked", 3: "locked"}),
        ([(1, State.RUNNING)], True, {1: "chosen", 2: "locked", 3: "locked"}),
    ],
)
def test_a_level_opens_once_the_one_below_was_received_and_something_was_tried(
    member: Client,
    student: User,
    exercise: Exercise,
    received: list[tuple[int, State]],
    tried: bool,
    shown: dict[int, str],
) -> None:
    for level, state in received:
        new_hint(student, exercise, level, state)
    if tried:
        report = Report(verdict=Verdict.FAILED)
        submissions.keep(submissions.ran(student, exercise, "x = 1", report))

    html = read(member, PAGE, "en")

    assert levels(html) == shown
    locked = list(shown.values()).count("locked")
    assert html.count('<label class="rung" data-locked>') == locked
    assert locked < 2 or "Opens after a level 2 hint." in html
    effort = "opens once you have run a changed program"
    assert (effort in html) is (bool(received) and not tried)


def test_the_list_costs_the_same_number_of_queries_for_many_exercises(
    member: Client, course: Course, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        new_exercise(course, f"more-{number}")

    # Session, person, courses, exercises with their counts; whether the person teaches.
    with django_assert_num_queries(5):
        read(member, "/")


def test_every_script_comes_from_a_file_and_styles_carry_the_nonce(
    member: Client, exercise: Exercise
) -> None:
    response = member.get(PAGE)
    html = response.content.decode()

    scripts = re.findall(r"<script([^>]*)>", html)
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    nonce = re.search(r'property="csp-nonce" nonce="([^"]+)"', html)
    assert nonce
    assert f"'nonce-{nonce[1]}'" in response["Content-Security-Policy"]


def test_what_an_author_writes_cannot_run_in_the_page(member: Client, course: Course) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    new_exercise(course, "evil", statement_ko=evil, starter=evil, title_ko=evil)

    html = read(member, "/c/basics/evil/")

    assert "<script>alert" not in html
    assert "<img" not in html
    assert page_data(html)["starter"] == evil


def test_drafts_of_two_people_on_one_machine_are_apart(
    member: Client, student: User, course: Course, exercise: Exercise
) -> None:
    other = User.objects.create_user("other")
    Membership.objects.create(user=other, course=course)
    mine = page_data(read(member, PAGE))["draft"]

    member.force_login(other)

    assert page_data(read(member, PAGE))["draft"] != mine


def test_scripts_ask_only_for_words_that_the_page_has() -> None:
    known = set(script_words())
    asked = set()
    for script in SCRIPTS.glob("*.js"):
        if script.name != "editor.js":
            asked |= set(re.findall(r"(?<!slots\.)\bwords\.([a-z_0-9]+)", script.read_text()))

    assert asked
    assert asked <= known


def test_scripts_find_every_slot_and_id_in_the_page(member: Client, exercise: Exercise) -> None:
    html = read(member, PAGE)
    names = ("exercise.js", "hint.js", "report.js", "steps.js")
    code = "".join((SCRIPTS / name).read_text() for name in names)

    slots = set(re.findall(r"\bslots\.([a-z]+)", code))
    ids = set(re.findall(r'\bat\("([\w-]+)"\)', code))

    assert slots <= set(re.findall(r'data-slot="([\w-]+)"', html))
    assert ids <= set(re.findall(r'\bid="([\w-]+)"', html))


CASES: list[dict[str, Any]] = [
    {"name": name, "stdin": stdin, "expected": expected, "visible": visible,
     "note_ko": "", "note_en": ""}
    for name, stdin, expected, visible in (
        ("a", "3 4\n", "7\n", True),
        ("b", "\n<b>5</b>", "5 & 0", True),
        ("c", "8 8", "secret", False),
    )
]  # fmt: skip


def io_exercise(course: Course, cases: list[dict[str, Any]]) -> str:
    exercise = new_exercise(course, "io")
    Exercise.objects.filter(pk=exercise.pk).update(cases=cases)
    return "/c/basics/io/"


def sample_texts(html: str) -> list[str]:
    """What a browser has of them: the first line break of a pre is none of its text."""
    found = re.findall(r'<pre id="(?:input|output)-\d+"[^>]*>\n(.*?)</pre>', html, re.S)
    return [unescape(text) for text in found]


@pytest.mark.parametrize(("language", "word"), [("en", "Output 2"), ("ko", "출력 2")])
def test_the_cases_that_students_may_see_are_examples(
    member: Client, course: Course, language: str, word: str
) -> None:
    html = read(member, io_exercise(course, CASES), language)

    assert sample_texts(html) == ["3 4\n", "7\n", "\n<b>5</b>", "5 & 0"]
    assert word in html
    assert "secret" not in html
    assert "8 8" not in html
    assert set(re.findall(r'data-copy="([\w-]+)"', html)) <= set(
        re.findall(r'\bid="([\w-]+)"', html)
    )


def test_examples_are_few_and_short(member: Client, course: Course) -> None:
    long = CASES[0] | {"stdin": "9" * 50_000}

    html = read(member, io_exercise(course, [long] * 30))

    texts = sample_texts(html)
    assert len(texts) == 10
    assert max(map(len, texts)) <= 2_000
    # A part of a text is no good copy of it.
    assert set(re.findall(r'data-copy="(\w+)', html)) == {"output"}


@pytest.mark.parametrize(
    ("blocks", "shown"),
    [
        ("", ["2", "4", "3", "6"]),
        ("```text\n2\n```\n\nOutput\n\n```text\n4\n```", ["3", "6"]),
        ("```\n3\n\n```\n```\n6\n```", ["2", "4"]),
        ("```\n2\n```\n```\n9\n```\n```\n4\n```", ["2", "4", "3", "6"]),
        ("`2` `4`", ["2", "4", "3", "6"]),
    ],
)
def test_an_example_of_the_statement_is_not_shown_again(
    member: Client, course: Course, blocks: str, shown: list[str]
) -> None:
    cases = [
        {**CASES[0], "stdin": stdin, "expected": expected}
        for stdin, expected in (("2\n", "4\n"), ("3\n", "6\n"))
    ]
    page = io_exercise(course, cases)
    Exercise.objects.update(statement_ko=f"Double it.\n\n{blocks}\n")

    assert [text.strip() for text in sample_texts(read(member, page))] == shown


def test_examples_beside_those_of_the_statement_have_numbers_of_their_own(
    member: Client, course: Course
) -> None:
    page = io_exercise(course, CASES)
    Exercise.objects.update(statement_en="```\n3 4\n```\n```\n7\n```\n")

    html = read(member, page, "en")

    assert "Further examples" in html
    assert "Output 2" in html
    assert "Output 1" not in html


def test_what_a_program_that_reads_printed_is_said_to_be_of_one_test(
    member: Client, course: Course, exercise: Exercise
) -> None:
    assert "in the last test that is shown" in read(member, io_exercise(course, CASES), "en")
    assert "in all tests together" in read(member, PAGE, "en")


def test_an_imported_package_shows_each_example_once_and_no_tex(
    member: Client, course: Course
) -> None:
    for name in ("teahouse", "meanheight"):
        folder = Path("tests/data/packages/kattis") / name
        call_command("import", str(folder), course="basics", stdout=StringIO())
        row = Exercise.objects.get(slug=name)
        for locale in LANGUAGES:
            page = unescape(read(member, f"/c/basics/{name}/", locale)).split("</article>")[0]
            for each in row.cases:
                if each["visible"] and each["stdin"]:
                    assert (
                        page.count(f">{each['stdin']}</") + page.count(f">\n{each['stdin']}</") == 1
                    )
            assert "$" not in page


def test_topics_are_told_in_the_readers_language(member: Client, course: Course) -> None:
    for topic, korean in (
        ("loops", "반복문"),
        ("Recursion, sorting", "재귀, 정렬"),
        ("나눗셈", "나눗셈"),
    ):
        new_exercise(course, f"about-{len(topic)}", topic=topic)
        for path in ("/", f"/c/basics/about-{len(topic)}/"):
            assert f">{korean}<" in read(member, path)
            assert f">{topic.casefold()}<" in read(member, path, "en").casefold()


def test_every_topic_of_the_first_course_has_its_korean() -> None:
    with translation.override("ko"):
        assert all(LANGUAGES["ko"].letters.search(str(words)) for words in TOPICS.values())
    assert {each.row.topic for each in SEED.exercises} <= TOPICS.keys()


def test_an_exercise_of_functions_has_no_examples(member: Client, exercise: Exercise) -> None:
    assert "samples-title" not in read(member, PAGE)


def test_a_browser_that_asks_for_the_icon_finds_it(client: Client) -> None:
    answer = client.get("/favicon.ico")

    assert answer["Location"] == "/static/pages/favicon.svg"


def test_a_missing_page_says_so_in_the_readers_language(client: Client) -> None:
    response = client.get("/nowhere/", HTTP_ACCEPT_LANGUAGE="en")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_form_without_its_token_gets_a_page_that_explains() -> None:
    strict = Client(enforce_csrf_checks=True)

    response = strict.post("/accounts/login/", {}, HTTP_ACCEPT_LANGUAGE="en")

    assert response.status_code == 403
    assert "The page was open for too long" in response.content.decode()


@pytest.mark.parametrize("template", ["400.html", "500.html"])
def test_the_last_resort_pages_need_no_request(template: str) -> None:
    html = render_to_string(template)

    assert template[:3] in html
    assert "<form" not in html


def test_signing_in_leads_to_the_courses(client: Client) -> None:
    User.objects.create_user("minji", password="right-horse")

    wrong = client.post("/accounts/login/", {"username": "minji", "password": "wrong"})
    right = client.post("/accounts/login/", {"username": "minji", "password": "right-horse"})

    assert 'role="alert"' in wrong.content.decode()
    assert right["Location"] == "/"
