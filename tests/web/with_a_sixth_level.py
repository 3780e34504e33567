"""What the site does with a level that is nowhere but in the table; run by test_levels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from broker.contract.hint import Source, State
from tests.replay import replay
from tests.web.kit import EXERCISE, Caller, problem, queued
from tests.web.sixth import SIXTH
from web.courses import seeding
from web.courses.models import Course, Exercise
from web.hints import jobs
from web.hints.models import Hint
from web.ops.management.commands import seed
from web.people.models import User
from web.tutor.gate.gate import Gate
from web.tutor.writing import prompt

pytestmark = pytest.mark.django_db
FOLDER = seeding.FOLDER
LANGUAGES = [("ko", "견주기", "두 실행을 나란히"), ("en", "Compare", "Two runs, side by side.")]


def answered(student: User, exercise: Exercise, level: int) -> None:
    hint = queued(student, exercise, level=level)
    Hint.objects.filter(pk=hint.pk).update(
        state=State.ANSWERED, source=Source.MODEL, reflection="I think otherwise now"
    )


def test_the_api_gives_it_to_who_has_had_the_third(
    api: Caller, student: User, exercise: Exercise
) -> None:
    answered(student, exercise, 2)
    problem(api.ask(level=6), 409, "level-locked")
    problem(api.ask(level=7), 422, "invalid")
    answered(student, exercise, 3)

    answer = api.ask(level=6)

    assert (answer.status_code, answer.json()["level"]) == (202, 6)
    assert api.get(f"/v1/hints?exercise={EXERCISE}").json()["items"][0]["level"] == 6


def test_the_apis_description_has_it(client: Client) -> None:
    schemas = client.get("/v1/openapi.json").json()["components"]["schemas"]
    asked = schemas["HintIn"]["properties"]["level"]

    assert (asked["minimum"], asked["maximum"]) == (1, 6)
    assert "5 tell, 6 compare;" in asked["description"]
    assert "1 to 6" in schemas["HintOut"]["properties"]["level"]["description"]


@pytest.mark.parametrize(("language", "label", "about"), LANGUAGES)
def test_the_admin_takes_an_authors_hint_for_it(
    admin: Client, exercise: Exercise, language: str, label: str, about: str
) -> None:
    path, headers = f"/admin/courses/exercise/{exercise.pk}/change/", {"Accept-Language": language}

    shown = admin.get(path, headers=headers).content.decode()

    assert f'<option value="6">6 · {label}</option>' in shown
    assert 'name="authored_hints-MAX_NUM_FORMS" value="6"' in shown
    form = {name: getattr(exercise, name) for name in ("slug", "title_ko", "title_en", "tests")}
    form |= {"statement_ko": "x", "statement_en": "x", "language": "python", "position": 0}
    form |= {"course": exercise.course.pk, "authored_hints-TOTAL_FORMS": 1}
    form |= {"authored_hints-INITIAL_FORMS": 0, "authored_hints-0-exercise": exercise.pk}
    form |= {"authored_hints-0-level": 6, "authored_hints-0-text_ko": "가"}
    saved = admin.post(path, form | {"authored_hints-0-text_en": "a"}, headers=headers)
    assert saved.status_code == 302, saved.content.decode()
    assert exercise.authored_hints.get(level=6).text(language) in "가a"


@pytest.mark.parametrize(("language", "label", "about"), LANGUAGES)
def test_the_admins_list_of_hints_names_it(
    admin: Client, student: User, exercise: Exercise, language: str, label: str, about: str
) -> None:
    answered(student, exercise, 6)

    shown = admin.get("/admin/hints/hint/", headers={"Accept-Language": language})

    assert f"6 · {label}</td>" in shown.content.decode()
    assert f">6 · {label}</a>" in shown.content.decode()


@pytest.mark.parametrize(("language", "label", "about"), LANGUAGES)
def test_the_pages_offer_it(
    api: Caller, student: User, exercise: Exercise, language: str, label: str, about: str
) -> None:
    answered(student, exercise, 3)
    headers = {"Accept-Language": language}

    page = api.client.get("/c/basics/add/", headers=headers).content.decode()
    door = Client().get("/accounts/login/", headers=headers).content.decode()

    assert 'name="level" value="6" checked' in page
    assert f'<span class="number" aria-hidden="true">6</span>{label}' in page
    assert (about in page, about in door, f"<b>{label}</b>" in door) == (True, True, True)
    titles = {"ko": f"6단계 · {label}", "en": f"Level 6 · {label}"}
    data = page.split('<script id="page" type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["words"]["level_6"] == titles[language]


def test_a_seed_may_have_it_and_need_not(db: None, tmp_path: Path) -> None:
    for path in FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    first, second = sorted(tmp_path.glob("0*.toml"))[:2]
    text = first.read_text(encoding="utf-8")
    entry = '[hints.6]\nko = "견주어 보세요."\nen = "Compare them."\n\n[[wrong]]'
    first.write_text(text.replace("[[wrong]]", entry, 1), encoding="utf-8")

    course = seed.store_course(seeding.load(tmp_path))

    stored = [list(each.authored_hints.values_list("level", "text_en"))
              for each in Course.objects.get(pk=course.pk).exercises.all()[:2]]  # fmt: skip
    assert [[level for level, _ in levels] for levels in stored] == [[1, 2, 3, 6], [1, 2, 3]]
    assert stored[0][3][1] == "Compare them."
    second.write_text(second.read_text().replace("[hints.3]", "[hints.6]"), encoding="utf-8")
    with pytest.raises(seeding.BadSeed, match=r"hints\.3: missing"):
        seeding.load(tmp_path)


def test_the_author_is_asked_where_no_model_answers(student: User, exercise: Exercise) -> None:
    exercise.authored_hints.create(level=6, text_ko="여섯", text_en="Six")
    answered(student, exercise, 6)

    assert jobs.authored(Hint.objects.select_related("exercise").get(level=6)) == "여섯"


@pytest.mark.parametrize(
    ("language", "form"),
    [("ko", "두 실행을 8~12단어로 견주세요."), ("en", "Compare two runs in 8 to 12 words.")],
)
def test_the_prompt_asks_for_its_form(language: str, form: str) -> None:
    task = prompt.PromptTask(
        level=6, locale=language, statement="s", hint="h", mistakes="", result="r", code="c"
    )

    system, user = prompt.build(task, "nonce")

    assert form in system["content"]
    assert user["content"].endswith(form)
    third, fourth = (prompt.prefix_key("m", "c/e", 1, level, language) for level in (3, 4))
    assert third != fourth


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The first run stops early. Which line differs in the second?", True),
        ("Which line?", False),
        ("The first run stops early and the second does not.", False),
        (f"The first run {'and the second ' * 4}stops early. Which line differs?", False),
        ("Both runs reach `while`. Which line does the second one not reach?", False),
    ],
)
def test_the_gate_holds_its_bounds(text: str, shown: bool) -> None:
    gate = Gate(level=6, locale="en", student_code="x = 1", statement="", reference="while y: pass")
    gate.feed(text)

    assert gate.finish().ok is shown
    assert SIXTH.max_words == 14


def test_a_replay_may_ask_for_it(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command(replay.Command(), str(tmp_path / "none"), level=6)
    with pytest.raises(CommandError, match=r"invalid choice: 7 \(choose from 1, 2, 3, 4, 5, 6\)"):
        call_command(replay.Command(), str(tmp_path / "none"), "--level=7")
