"""A model that has no licence for a hint is not asked, and the student has one without it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.contract.attempt import Purpose
from broker.contract.hint import Reason, Source
from tests.web.kit import forget, licensed
from tests.workers.kit import placed
from tests.workers.test_attempt import row, settled, told
from tests.workers.test_diagnosing import Doctor, diagnosed, makes
from tests.workers.test_judging import CLEAN, LONG, Both, judged_by
from web.courses.models import AuthoredHint, Course, Exercise
from web.engines import abilities, licences, roster
from web.engines.models import AIModelConfig, Engine, JudgedBy, Licence, Mode
from web.hints.models import ModelCall
from web.people.models import User
from workers.attempt import attempt
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
TEXTS = {1: CLEAN, 2: f"It goes wrong early, at the only line that it has. {CLEAN}", 3: LONG}
AUTHORS = {"ko": "저자가 쓴 힌트예요.", "en": "What the author wrote."}
NOBODY: dict[str, list[int]] = {}


def asked(student: User, exercise: Exercise, level: int, locale: str = "en") -> str:
    AuthoredHint.objects.update_or_create(
        {f"text_{locale}": text for locale, text in AUTHORS.items()}, exercise=exercise, level=3
    )
    return placed(student, exercise, locale=locale, level=level)


def lets(**granted: Any) -> None:
    """The engine's model has this licence; none at all without an argument."""
    Licence.objects.all().delete()
    if granted:
        licensed("fake", **granted)
    forget()


def trusts(**columns: bool) -> None:
    Course.objects.update(**columns)


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize(("level", "source"), [(1, "evidence"), (2, "evidence"), (3, "authored")])
@pytest.mark.parametrize("licence", [{}, {"levels": NOBODY}])
async def test_a_hint_without_a_licence_comes_without_the_model(
    runtime: Runtime, student: User, exercise: Exercise,
    level: int, source: str, locale: str, licence: dict[str, Any],
) -> None:  # fmt: skip
    await runtime.database.run(lambda: lets(**licence))
    hint = await runtime.database.run(asked, student, exercise, level, locale)
    model = runtime.model = Both([])  # type: ignore[assignment]

    result = await attempt.generate(runtime, hint)

    assert result
    assert (result.state, result.reason, result.calls) == ("failed", Reason.UNLICENSED, 0)
    final = await row(runtime, hint)
    assert (final.source, final.reason) == (source, "unlicensed")
    assert final.text == AUTHORS[locale] if level == 3 else final.text
    assert final.text
    assert (model.at, model.asked) == ([], [])
    assert not await runtime.database.run(ModelCall.objects.exists)
    assert "unlicensed" in json.dumps(await told(runtime, hint))
    assert await settled(runtime, hint)


WRITES_SOME = {"ko": [1], "en": [2, 3]}


@pytest.mark.parametrize("level", [1, 2, 3])
async def test_a_licence_counts_for_its_levels_alone(
    runtime: Runtime, student: User, exercise: Exercise, level: int
) -> None:
    await runtime.database.run(lambda: lets(levels=WRITES_SOME))
    hint = await runtime.database.run(asked, student, exercise, level)
    runtime.model = Both([[f"{word} " for word in TEXTS[level].split()]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    wanted = Source.MODEL if level in WRITES_SOME["en"] else Source.EVIDENCE
    assert (await row(runtime, hint)).source == wanted


async def test_a_licence_for_one_language_is_none_for_the_other(
    runtime: Runtime, student: User, exercise: Exercise
) -> None:
    await runtime.database.run(lambda: lets(levels=WRITES_SOME))
    hint = await runtime.database.run(asked, student, exercise, 2, "ko")

    await attempt.generate(runtime, hint)

    assert (await row(runtime, hint)).reason == "unlicensed"


EVERY = {"levels": {"ko": [1, 2, 3], "en": [1, 2, 3]}}
JUDGES = EVERY | {"judges_to": 4, "diagnoses": False}
NO_JUDGE = EVERY | {"judges_to": 0, "diagnoses": False}
NOTHING = {"levels": {}, "judges_to": 0, "diagnoses": False}
TRUSTS, TRIES = {"trusts_unlicensed": True}, {"tries_models": True}


@pytest.mark.parametrize(
    ("licence", "judge", "chosen", "switches", "source"),
    [
        (JUDGES, None, JudgedBy.SAME, {}, "model"),
        (NO_JUDGE, None, JudgedBy.SAME, {}, "evidence"),
        (NO_JUDGE, None, JudgedBy.SAME, TRUSTS, "evidence"),
        (NO_JUDGE, None, JudgedBy.SAME, TRIES, "model"),
        (NO_JUDGE, None, JudgedBy.NOBODY, {}, "model"),
        (NO_JUDGE, JUDGES, JudgedBy.OTHER, {}, "model"),
        (NO_JUDGE, None, JudgedBy.OTHER, {}, "evidence"),
        (NO_JUDGE, None, JudgedBy.OTHER, TRUSTS, "model"),
        (NO_JUDGE, NO_JUDGE, JudgedBy.OTHER, TRUSTS, "evidence"),
        (None, None, JudgedBy.SAME, {}, "evidence"),
        (None, None, JudgedBy.SAME, TRUSTS, "model"),
        (None, JUDGES, JudgedBy.OTHER, {}, "evidence"),
        (None, JUDGES, JudgedBy.OTHER, TRUSTS, "model"),
        (None, None, JudgedBy.NOBODY, TRUSTS, "model"),
        (NOTHING, JUDGES, JudgedBy.OTHER, TRUSTS, "evidence"),
        (NOTHING, None, JudgedBy.SAME, TRIES, "model"),
    ],
)
async def test_who_writes_and_who_judges_must_both_be_allowed_to(
    runtime: Runtime, student: User, exercise: Exercise, licence: dict[str, Any] | None,
    judge: dict[str, Any] | None, chosen: JudgedBy, switches: dict[str, bool], source: str,
) -> None:  # fmt: skip
    def set_up() -> str:
        lets(**licence or {})
        small = Engine.objects.create(
            name="small", kind=Mode.API, url="http://j/v1", model_name="judge", enabled=False
        )
        if judge:
            licensed("judge", **judge)
        judged_by(chosen, small if chosen == JudgedBy.OTHER else None)
        trusts(**switches)
        return asked(student, exercise, 1)

    hint = await runtime.database.run(set_up)
    model = runtime.model = Both([[CLEAN]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert (await row(runtime, hint)).source == source
    assert bool(model.at) is (source == "model")
    assert bool(model.asked) is (source == "model" and chosen != JudgedBy.NOBODY)


@pytest.mark.parametrize(
    ("licence", "switches", "wanted"),
    [
        (EVERY | {"diagnoses": True}, {}, True),
        (EVERY | {"diagnoses": False}, {}, False),
        (None, TRUSTS, False),
        (EVERY | {"diagnoses": False}, TRIES, True),
        (None, TRIES, True),
    ],
)
async def test_a_model_finds_out_what_is_wrong_by_licence_alone(
    runtime: Runtime, student: User, exercise: Exercise,
    licence: dict[str, Any] | None, switches: dict[str, bool], wanted: bool,
) -> None:  # fmt: skip
    def set_up() -> str:
        lets(**licence or {})
        diagnosed()
        trusts(**switches)
        return makes(student, exercise)

    hint = await runtime.database.run(set_up)
    model = runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert bool(model.asked) is wanted
    calls = await runtime.database.run(lambda: {*ModelCall.objects.values_list("purpose")})
    assert ((Purpose.DIAGNOSE,) in calls) is wanted
    assert (Purpose.WRITE,) in calls


@pytest.mark.parametrize(("measured", "counts"), [(0.2, 0.2), (None, 0.6)])
async def test_a_judge_judges_at_the_threshold_that_was_measured(
    runtime: Runtime, measured: float | None, counts: float
) -> None:
    def found() -> Any:
        lets(**JUDGES, judge_threshold=measured)
        judged_by(JudgedBy.SAME, judge_threshold=0.6)
        return roster.serving("gpu0")

    serving = await runtime.database.run(found)

    assert serving.judge.threshold == counts
    assert (serving.judge.engine, serving.judge.endpoint) == ("gpu0", serving.endpoint)


async def test_what_the_engines_in_use_may_write_is_known_by_language(
    runtime: Runtime, course: Course
) -> None:
    def found(**trust: bool) -> list[set[int]]:
        forget()
        return [
            set(abilities.written(each, licences.Trust(**trust))) for each in ("ko", "en", "de")
        ]

    def by_two() -> list[list[set[int]]]:
        lets(levels=WRITES_SOME)
        Engine.objects.create(name="gpu1", kind=Mode.VLLM, model_name="new", languages="ko")
        Engine.objects.create(name="off", kind=Mode.VLLM, model_name="able", enabled=False)
        licensed("able", levels={"ko": [1, 2, 3]})
        one = found()
        licensed("new", levels={"ko": [3], "en": [1]})
        both = found()
        Licence.objects.filter(model="new").delete()
        trusted = found(unlicensed=True)
        AIModelConfig.objects.update(mode=Mode.API)
        return [one, both, trusted, found(unlicensed=True)]

    one, both, trusted, none = await runtime.database.run(by_two)

    assert one == [{1}, {2, 3}, set()]
    assert both == [{1, 3}, {2, 3}, set()]
    assert trusted[0] >= {1, 2, 3}
    assert trusted[1:] == [{2, 3}, set()]
    assert none == [set(), set(), set()]
