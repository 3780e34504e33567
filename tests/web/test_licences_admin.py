"""Licences as an admin sees and grants them, and what a teacher loosens, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from tests.web.kit import Caller, forget, licensed
from tests.web.test_admin import text_of
from tests.web.test_engines import CONFIG
from web.courses.models import Course
from web.engines import abilities, licences
from web.engines.models import Engine, Licence
from web.people.models import User
from web.tutor.writing import prompt

pytestmark = pytest.mark.django_db
ADD = "/admin/engines/licence/add/"
MODEL = "Qwen/Qwen3.5-4B"
BARRED = {"en": "No model in use may write hints", "ko": "힌트를 써도 되는 모델이 없습니다"}


@pytest.fixture(autouse=True)
def writer(engine: Engine) -> Engine:
    Engine.objects.update(model_name=MODEL)
    forget()
    return engine


def form(**changes: Any) -> dict[str, Any]:
    """A licence's form as a browser sends it."""
    return {
        "model": MODEL, "levels": ["ko:1", "en:1", "en:2"], "judge_threshold": "",
        "note": "I read fifty of its hints.",
    } | changes  # fmt: skip


def pages(engine: Engine) -> tuple[str, str]:
    return CONFIG, f"/admin/engines/engine/{engine.pk}/change/"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "not evaluated yet: it writes no hints"), ("ko", "아직 평가하지 않아 힌트를 쓰지")],
)
def test_a_model_without_a_licence_is_named_with_what_to_do(
    admin: Client, writer: Engine, language: str, words: str
) -> None:
    for page in pages(writer):
        html = admin.get(page, headers={"Accept-Language": language}).content.decode()
        assert f"({MODEL}): {words}" in html
        assert f'href="{ADD}?model=Qwen/Qwen3.5-4B"' in html
    assert BARRED[language] in text_of(admin, CONFIG, language)


@pytest.mark.parametrize(
    ("granted", "en", "ko"),
    [
        (
            {"levels": {"ko": [1], "en": [1, 2]}, "judges_to": 2, "judge_threshold": 0.3},
            "writes level 1 in Korean; writes level 1, 2 in English; "
            "judges hints up to level 2 (threshold 0.3)",
            "한국어 1단계를 씀; 영어 1, 2단계를 씀; 2단계까지 힌트를 판정함(기준값 0.3)",
        ),
        ({"levels": {}, "judges_to": 0, "diagnoses": True}, "finds out what is wrong (by",
         "무엇이 틀렸는지 알아냄 ("),
        ({"levels": {}, "judges_to": 0, "diagnoses": False}, "it may do nothing (by",
         "아무것도 하지 않음 ("),
    ],
)  # fmt: skip
def test_a_licence_is_told_in_words(
    admin: Client, writer: Engine, granted: dict[str, Any], en: str, ko: str
) -> None:
    licensed(MODEL, **({"diagnoses": False, "evaluation": "e-7"} | granted))

    for page in pages(writer):
        assert en in text_of(admin, page)
        assert "by evaluation e-7, " in text_of(admin, page)
        assert ko in text_of(admin, page, "ko")
        assert "e-7 평가" in text_of(admin, page, "ko")
    assert (BARRED["en"] in text_of(admin, CONFIG)) is not any(granted["levels"].values())


def test_a_licence_for_templates_of_before_is_told_to_count_no_longer(
    admin: Client, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    licensed(MODEL)
    monkeypatch.setattr(prompt, "TEMPLATE_VERSION", "99")
    forget()

    assert "the templates have changed since" in text_of(admin, CONFIG)
    assert "템플릿이 바뀌어" in text_of(admin, CONFIG, "ko")
    assert BARRED["en"] in text_of(admin, CONFIG)


def test_an_admin_grants_by_hand_with_a_note(admin: Client, writer: Engine) -> None:
    assert f'value="{MODEL}"' in admin.get(f"{ADD}?model={MODEL}").content.decode()
    assert admin.post(ADD, form(judges_to="4")).status_code == 302

    found = licences.of(MODEL)
    assert found
    assert found.levels == {"ko": [1], "en": [1, 2]}
    assert (found.judges_to, found.diagnoses, found.evaluation) == (4, False, "")
    assert found.granted_by == User.objects.get(username="root")
    assert "by hand, not evaluated: root" in text_of(admin, CONFIG)
    assert "평가 없이 직접 허가: root" in text_of(admin, CONFIG, "ko")
    assert abilities.written("en") == {1, 2}


@pytest.mark.parametrize(
    ("changes", "en", "ko"),
    [
        ({"note": ""}, "This field is required.", "필수 항목"),
        ({"levels": ["de:1"]}, "de:1", "de:1"),
        ({"levels": ["ko:99"]}, "ko:99", "ko:99"),
        ({"judge_threshold": "1.5"}, "less than or equal to 1", "1 이하"),
        ({"judge_threshold": "0"}, "0.0001", "0.0001"),
        ({"model": ""}, "This field is required.", "필수 항목"),
    ],
)
def test_what_cannot_be_granted_is_named(
    admin: Client, changes: dict[str, Any], en: str, ko: str
) -> None:
    for language, words in (("en", en), ("ko", ko)):
        answer = admin.post(ADD, form(**changes), headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert words in answer.content.decode()
    assert not Licence.objects.exists()


def test_a_second_licence_of_a_model_is_refused(admin: Client) -> None:
    licensed(MODEL)

    assert "This model has a licence" in admin.post(ADD, form()).content.decode()
    korean = admin.post(ADD, form(), headers={"Accept-Language": "ko"}).content.decode()
    assert "이 모델에는 이미 허가가 있습니다" in korean
    assert Licence.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({}, True),
        ({"note": "another"}, True),
        ({"levels": ["ko:1"]}, False),
        ({"judges_to": "0"}, False),
    ],
)
def test_who_changes_what_an_evaluation_granted_takes_it_over(
    admin: Client, changes: dict[str, Any], stays: bool
) -> None:
    row = licensed(MODEL, levels={"en": [1]}, diagnoses=False, evaluation="e-7", note="x")
    sent = form(levels=["en:1"], judges_to="4", note="x") | changes

    assert admin.post(f"/admin/engines/licence/{row.pk}/change/", sent).status_code == 302

    row.refresh_from_db()
    assert (row.evaluation == "e-7") is stays
    assert (row.granted_by is None) is stays


def course_form(teacher: Caller, course: Course, **changes: str) -> dict[str, Any]:
    rows = course.memberships.order_by("pk")
    sent = {
        "slug": course.slug, "title_ko": "기초", "title_en": "Basics", "ladder": "on",
        "memberships-TOTAL_FORMS": rows.count(), "memberships-INITIAL_FORMS": rows.count(),
    }  # fmt: skip
    for number, row in enumerate(rows):
        sent |= {
            f"memberships-{number}-id": row.pk, f"memberships-{number}-role": row.role,
            f"memberships-{number}-course": course.pk,
        }  # fmt: skip
    return sent | changes


def test_a_teacher_lets_unevaluated_models_write_knowingly_and_it_is_logged(
    teacher: Caller, course: Course
) -> None:
    page = f"/admin/courses/course/{course.pk}/"
    shown = text_of(teacher.client, f"{page}change/")
    assert "though nobody knows how often it is wrong or gives the solution away" in shown
    assert "얼마나 자주 틀리거나 답을 알려 주는지" in text_of(
        teacher.client, f"{page}change/", "ko"
    )

    for switch, wanted in (({"trusts_unlicensed": "on"}, True), ({}, False)):
        sent = course_form(teacher, course, **switch)
        assert teacher.client.post(f"{page}change/", sent).status_code == 302
        course.refresh_from_db()
        assert course.trusts_unlicensed is wanted
        entry = LogEntry.objects.latest("action_time", "pk")
        assert (entry.user.get_username(), entry.object_id) == ("teacher", str(course.pk))
        word = "yes" if wanted else "no"
        said = f"let models write that nobody has evaluated: {word}"
        assert said in text_of(teacher.client, f"{page}history/")
        korean = "아무도 평가하지 않은 모델도 쓰게 하기: " + ("예" if wanted else "아니요")
        assert korean in text_of(teacher.client, f"{page}history/", "ko")


def test_what_was_not_switched_is_not_logged(teacher: Caller, course: Course) -> None:
    page = f"/admin/courses/course/{course.pk}/"
    teacher.client.post(f"{page}change/", course_form(teacher, course, title_en="Basics 2"))

    assert "evaluated: " not in text_of(teacher.client, f"{page}history/")


def test_only_an_evaluation_sets_the_other_switch(teacher: Caller, course: Course) -> None:
    page = f"/admin/courses/course/{course.pk}/change/"
    teacher.client.post(page, course_form(teacher, course, tries_models="on"))

    course.refresh_from_db()
    assert not course.tries_models
