"""The pages of evaluations: run one, watch it, read it, compare two, and grant the licence."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.web.kit import WRONG, Caller, live, slots_taken, waiting
from web.courses.models import Course
from web.engines import licences
from web.engines.models import AIModelConfig, Engine, Licence, Mode
from web.evaluation import admin as pages
from web.evaluation import creation, report, sets
from web.evaluation.driver import Driver, finish
from web.evaluation.models import Evaluation, Item
from web.hints.models import Hint
from web.people.models import User

pytestmark = pytest.mark.django_db
ADD = "/admin/evaluation/evaluation/add/"
LIST = "/admin/evaluation/evaluation/"
LINE = {
    "statement": "Add.", "tests": "assert add(1, 2) == 3", "code": WRONG, "locale": "en",
}  # fmt: skip


def url(row: Evaluation, name: str = "change") -> str:
    return reverse(f"admin:evaluation_evaluation_{name}", args=[row.pk])


def file(*lines: dict[str, Any]) -> SimpleUploadedFile:
    return SimpleUploadedFile("mine.jsonl", "\n".join(map(json.dumps, lines)).encode())


@pytest.fixture
def engine(engine: Engine) -> Engine:
    Engine.objects.update(model_name="m")
    engine.refresh_from_db()
    return engine


def measured(engine: Engine, *, good: bool = True, count: int = 12) -> Evaluation:
    """One that is done, without a model: what it would have said is written into its items."""
    lines = [{**LINE, "id": n, "level": 1} for n in range(count)]
    chosen = sets.from_file("a.jsonl", file(*lines))
    row = creation.begin(engine, chosen)
    for item in row.items.all():
        item.state = Item.State.DONE
        match item.kind:
            case Item.Kind.JUDGE:
                item.probability = item.alone = 0.9 if item.leak is good else 0.1
                item.verdict, item.seconds = "leak" if item.leak is good else "passed", 0.1
            case Item.Kind.DIAGNOSE:
                item.verdict = "verified" if good else "unverified"
            case Item.Kind.WRITE:
                item.verdict, item.rule = ("shown", "") if good else ("refused", "R2")
                item.text, item.seconds, item.leak = "What does <b>it</b> do?", 2.0, False
                item.words = 4
        item.save()
    finish(row)
    row.refresh_from_db()
    return row


def test_a_run_is_begun_and_watched(admin: Client, engine: Engine) -> None:
    page = admin.get(ADD, {"engine": "gpu0"})
    assert "gpu0 · m" in page.content.decode()

    begun = admin.post(ADD, {"engine": "gpu0", "of": "file", "file": file(LINE)})

    row = Evaluation.objects.get()
    assert (begun.status_code, begun["Location"]) == (302, url(row))
    assert row.by is not None
    assert (row.model, row.template_version) == ("m", licences.template_version())
    now = admin.get(url(row, "now")).json()
    assert (now["state"], now["percent"]) == ("running", 0)
    assert re.search(rf"judge 0/{len(sets.texts())}, write 0/\d", now["words"])
    assert "evaluation.js" in admin.get(url(row)).content.decode()
    assert "0 %" in admin.get(LIST).content.decode()


def test_begun_again_it_is_the_same_one(admin: Client, engine: Engine) -> None:
    for _ in range(2):
        admin.post(ADD, {"engine": "gpu0", "of": "file", "file": file(LINE)})
    admin.post(ADD, {"engine": "gpu0", "of": "shipped"})

    assert Evaluation.objects.count() == 2
    assert Evaluation.objects.first().set_name == "shipped"  # type: ignore[union-attr]


def test_it_is_stopped_and_gone_on_with(admin: Client, engine: Engine) -> None:
    admin.post(ADD, {"engine": "gpu0", "of": "file", "file": file(LINE)})
    row = Evaluation.objects.get()

    admin.post(url(row), {"stop": "1"})
    row.refresh_from_db()
    assert row.state == Evaluation.State.STOPPED
    assert "Go on" in admin.get(url(row)).content.decode()
    admin.post(url(row), {"go_on": "1"})
    row.refresh_from_db()
    assert row.state == Evaluation.State.RUNNING


def test_what_a_hosted_server_has_not_seen_goes_there_only_with_a_word(
    admin: Client, engine: Engine
) -> None:
    AIModelConfig.objects.update(mode=Mode.API)
    Engine.objects.update(kind=Mode.API)
    asked = {"engine": "gpu0", "of": "file"}

    refused = admin.post(ADD, {**asked, "file": file(LINE)})

    assert "gpu0 (hosted API), which has not seen them" in refused.content.decode()
    assert not Evaluation.objects.exists()
    admin.post(ADD, {**asked, "file": file(LINE), "agreed": "on"})
    assert Evaluation.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": None}, "Choose a file"),
        ({"file": SimpleUploadedFile("a.jsonl", b"{")}, "line 1: the line is not JSON"),
        ({"file": SimpleUploadedFile("a.exe", b"{")}, "is not allowed"),
        ({"engine": "gpu9"}, "gpu9 is not one of the available choices"),
        ({"of": "lately"}, "No course that allows it"),
        ({"of": "lately", "days": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_used_is_named(
    admin: Client, engine: Engine, changes: dict[str, Any], said: str
) -> None:
    data = {"engine": "gpu0", "of": "file", "file": file(LINE)} | changes

    page = admin.post(ADD, {name: value for name, value in data.items() if value is not None})

    assert said in page.content.decode()
    assert not Evaluation.objects.exists()


def test_the_report_shows_figures_and_drawings(admin: Client, engine: Engine) -> None:
    row = measured(engine)

    page = admin.get(url(row)).content.decode()

    assert row.state == Evaluation.State.DONE
    assert page.count('role="img"') == 3
    assert "1.000" in page
    assert "English, level 1" in page
    assert "evaluation.js" not in page
    assert not re.search(r"<(?:script|img|link)[^>]+(?:src|href)=\"https?:", page)


@pytest.mark.parametrize(("locale", "word"), [("ko", "정답 누설"), ("en", "leaks")])
def test_the_report_stands_alone_in_either_language(engine: Engine, locale: str, word: str) -> None:
    with translation.override(locale):
        page = report.page(measured(engine))

    assert f'<html lang="{locale}">' in page
    assert word in page
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"(?:src|href|url)\s*[=(]", page)


def test_two_are_compared(admin: Client, engine: Engine) -> None:
    before = measured(engine, good=False)
    row = measured(engine)

    page = admin.get(url(row), {"with": before.pk}).content.decode()

    assert "0.000 → 1.000 (+1.000)" in page
    assert "100.0 % → 0.0 % (−100.0)" in page
    assert page.count('role="img"') == 6
    for strange in ("x", "9" * 30, "-1", "٣", str(row.pk)):
        assert admin.get(url(row), {"with": strange}).status_code == 200


def test_the_licence_is_what_the_figures_speak_for(admin: Client, engine: Engine) -> None:
    row = measured(engine)
    page = admin.get(url(row)).content.decode()
    assert re.search(r'value="en:1"[^>]*checked', page)
    assert not re.search(r'value="ko:1"[^>]*checked', page)

    admin.post(url(row), {
        "grant": "1", "judges_to": "2", "judge_threshold": "0.5", "diagnoses": "on",
        "levels": ["en:1"], "note": "good enough",
    })  # fmt: skip

    licence = Licence.objects.get()
    assert (licence.model, licence.template_version) == ("m", row.template_version)
    assert (licence.levels["en"], licence.levels["ko"]) == ([1], [])
    assert (licence.judges_to, licence.judge_threshold, licence.diagnoses) == (2, 0.5, True)
    assert (licence.evaluation, licence.note) == (str(row.pk), "good enough")
    assert licence.granted_by is not None


def test_one_that_fails_is_proposed_nothing(admin: Client, engine: Engine) -> None:
    row = measured(engine, good=False)

    page = admin.get(url(row)).content.decode()

    assert not re.search(r'value="\w\w:\d"[^>]*checked', page)
    assert not re.search(r'name="diagnoses"[^>]*checked', page)
    assert re.search(r'name="judges_to" value="0"', page)


@pytest.mark.parametrize(
    "bad", [{"judge_threshold": "7"}, {"levels": ["fr:1"]}, {"judges_to": "5"}]
)
def test_a_licence_that_cannot_be_is_not_granted(
    admin: Client, engine: Engine, bad: dict[str, Any]
) -> None:
    answer = admin.post(url(measured(engine)), {"grant": "1", "judges_to": "0", **bad})

    assert answer.status_code == 200
    assert not Licence.objects.exists()


def test_one_that_runs_grants_nothing(admin: Client, engine: Engine) -> None:
    row = creation.begin(engine, sets.from_file("a.jsonl", file(LINE)))

    admin.post(url(row), {"grant": "1", "judges_to": "4"})

    assert not Licence.objects.exists()


def test_what_was_written_can_be_read(admin: Client, engine: Engine) -> None:
    row = measured(engine)

    page = admin.get(url(row, "texts"), {"level": "1", "locale": "en", "verdict": "shown"})

    assert "What does &lt;b&gt;it&lt;/b&gt; do?" in page.content.decode()
    for strange in ({"level": "x"}, {"level": "9" * 40}, {"page": "zz"}, {"locale": "\0"}):
        assert admin.get(url(row, "texts"), strange).status_code in (200, 400)


def test_the_next_page_of_what_was_written_is_of_the_same_choice(
    admin: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 5)
    row = measured(engine)

    asked = {"level": "1", "locale": "en", "verdict": "shown", "page": "2"}
    page = admin.get(url(row, "texts"), asked).content.decode()

    links = [parse_qs(unescape(each)) for each in re.findall(r'href="\?([^"]+)"', page)]
    assert [each.pop("page") for each in links] == [["1"], ["3"]]
    assert links == [{"level": ["1"], "locale": ["en"], "verdict": ["shown"]}] * 2


def test_nobody_else_comes_in(teacher: Caller, api: Caller, engine: Engine) -> None:
    row = measured(engine)

    for caller in (teacher, api):
        for at in (LIST, ADD, url(row), url(row, "now"), url(row, "texts")):
            assert caller.get(at).status_code in (302, 403)
        assert caller.client.post(url(row), {"stop": "1"}).status_code in (302, 403)


def test_who_may_only_look_begins_and_grants_nothing(engine: Engine, admin: Client) -> None:
    from django.contrib.auth.models import Permission

    row = measured(engine)
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_evaluation"))
    client = Client()
    client.force_login(looker)

    assert client.get(url(row)).status_code == 200
    assert "Grant the licence" not in client.get(url(row)).content.decode()
    for what in ("grant", "stop", "go_on"):
        assert client.post(url(row), {what: "1"}).status_code == 403
    assert client.get(ADD).status_code == 403


def test_a_running_one_is_deleted_with_all_that_it_made(admin: Client, engine: Engine) -> None:
    row = creation.begin(engine, sets.from_file("a.jsonl", file(LINE)))
    live()
    row.items.filter(kind=Item.Kind.JUDGE).update(state=Item.State.DONE)
    works = Driver()
    works.round()
    works.close()
    assert (slots_taken(), Course.objects.filter(tries_models=True).count()) == (1, 1)

    admin.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})

    assert not Evaluation.objects.exists()
    assert not Item.objects.exists()
    assert not Course.objects.filter(tries_models=True).exists()
    assert (slots_taken(), waiting(), Hint.objects.count()) == (0, 0, 0)


def test_nobody_sees_its_course(admin: Client, engine: Engine, course: Course) -> None:
    creation.begin(engine, sets.from_file("a.jsonl", file(LINE)))

    assert "evaluation-1" not in admin.get("/").content.decode()
    assert "evaluation-1" not in admin.get("/admin/courses/course/").content.decode()
    assert not Hint.objects.exists()
