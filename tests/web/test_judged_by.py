"""Who judges hints, as an admin chooses and reads it, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import ProtectedError
from django.test import Client

from tests.web.kit import forget, licensed
from tests.web.test_engines import CONFIG, form
from web.engines import roster
from web.engines.models import AIModelConfig, Engine, JudgedBy, Licence, Mode

pytestmark = pytest.mark.django_db


@pytest.fixture
def small() -> Engine:
    return Engine.objects.create(
        name="small", kind=Mode.API, url="http://j/v1", model_name="judge", api_key="sk-judge",
        enabled=False,
    )  # fmt: skip


@pytest.fixture
def writer(engine: Engine) -> Engine:
    Engine.objects.update(model_name="Qwen/Qwen3.5-4B")
    licensed("Qwen/Qwen3.5-4B")
    return Engine.objects.get()


def page(admin: Client, language: str = "en") -> str:
    return admin.get(CONFIG, headers={"Accept-Language": language}).content.decode()


def test_hints_are_judged_by_the_engine_that_wrote_them_unless_somebody_chooses(
    admin: Client, writer: Engine
) -> None:
    assert AIModelConfig.current().judged_by == JudgedBy.SAME
    assert "gpu0: by gpu0" in page(admin)
    assert "gpu0: gpu0 엔진이 판정" in page(admin, "ko")


def test_another_engine_is_chosen_with_its_threshold(
    admin: Client, writer: Engine, small: Engine
) -> None:
    licensed("judge")
    answer = admin.post(CONFIG, form(judged_by="other", judge_engine=small.pk, judge_threshold=0.2))

    assert answer.status_code == 302
    judge = roster.judge_of(writer, AIModelConfig.current())
    assert judge
    assert (judge.engine, judge.endpoint.base_url, judge.threshold) == ("small", "http://j/v1", 0.2)
    assert "gpu0: by small" in page(admin)
    assert "sk-judge" not in page(admin)
    assert "sk-judge" not in repr(judge)


@pytest.mark.parametrize(
    ("changes", "sentence", "korean"),
    [
        ({"judged_by": "other"}, "Choose the engine that judges.", "판정할 엔진을 고르세요."),
        ({"judge_threshold": "0"}, "0.01", "0.01"),
        ({"judge_threshold": "1"}, "0.99", "0.99"),
        ({"judge_threshold": "nan"}, "number", "숫자"),
        ({"judged_by": "me"}, "me", "me"),
    ],
)
def test_a_choice_that_cannot_be_is_named(
    admin: Client, writer: Engine, changes: dict[str, Any], sentence: str, korean: str
) -> None:
    for language, words in (("en", sentence), ("ko", korean)):
        answer = admin.post(CONFIG, form(**changes), headers={"Accept-Language": language})

        assert answer.status_code == 200
        assert words in answer.content.decode()
    assert AIModelConfig.current().judged_by == JudgedBy.SAME


@pytest.mark.parametrize("mode", [Mode.LOCAL, Mode.VLLM])
@pytest.mark.parametrize("granted", [None, {"judges_to": 0}, {"judges_to": 4}])
def test_who_has_no_licence_to_judge_is_named(
    admin: Client, writer: Engine, mode: Mode, granted: dict[str, int] | None
) -> None:
    Licence.objects.all().delete()
    Engine.objects.create(name="local", kind=Mode.LOCAL)
    AIModelConfig.objects.update(mode=mode)
    name, model = {
        Mode.LOCAL: ("local", "SmolLM2-135M-Instruct"), Mode.VLLM: ("gpu0", "Qwen/Qwen3.5-4B"),
    }[mode]  # fmt: skip
    if granted:
        licensed(model, **granted)
    judges = bool(granted and granted["judges_to"])

    assert f"{name}: by {name}" in page(admin)
    assert ("no licence to judge" in page(admin)) is not judges
    assert ("판정 허가가 없어서" in page(admin, "ko")) is not judges


@pytest.mark.parametrize("granted", [None, {"judges_to": 0}, {"judges_to": 4}])
def test_so_is_another_judge(
    admin: Client, writer: Engine, small: Engine, granted: dict[str, int] | None
) -> None:
    AIModelConfig.objects.update(judged_by=JudgedBy.OTHER, judge_engine=small)
    if granted:
        licensed("judge", **granted)

    assert ("by small, whose model has no licence" in page(admin)) is not (
        granted == {"judges_to": 4}
    )


def test_a_judge_that_only_says_words_is_named(
    admin: Client, writer: Engine, small: Engine
) -> None:
    licensed("judge")
    AIModelConfig.objects.update(judged_by=JudgedBy.OTHER, judge_engine=small)
    small.dialect = {
        "of": roster.identity_of(small, AIModelConfig.current()), "renamed": {},
        "left_out": ["logprobs", "response_format", "top_logprobs"],
    }  # fmt: skip
    small.save()

    assert "by its word alone" in page(admin)
    assert "낱말로만" in page(admin, "ko")


def test_an_engine_that_judges_cannot_be_deleted(
    admin: Client, writer: Engine, small: Engine
) -> None:
    AIModelConfig.objects.update(judged_by=JudgedBy.OTHER, judge_engine=small)

    with pytest.raises(ProtectedError):
        small.delete()
    answer = admin.post(f"/admin/engines/engine/{small.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 200
    assert Engine.objects.filter(name="small").exists()


def test_a_writer_whose_judges_key_cannot_be_read_gets_no_hints(
    writer: Engine, small: Engine, settings: Any
) -> None:
    AIModelConfig.objects.update(judged_by=JudgedBy.OTHER, judge_engine=small)
    forget()
    roster.tell.cache_clear()
    settings.SECRET_KEY = "another"

    assert roster.active() == {}
    assert roster.serving("gpu0") is None
    forget()
