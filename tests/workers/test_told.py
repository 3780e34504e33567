"""What a model is told of a hint: a server's side of a real worker's request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.web.kit import WRONG, forget, queued
from tests.workers.conftest import ScriptedModel
from tests.workers.kit import admitted, written
from tests.workers.test_attempt import row
from tests.workers.test_judging import JOB
from web.courses.models import Exercise
from web.database import ago
from web.engines.client.model import Model
from web.engines.models import AIModelConfig, Engine
from web.hints import submissions
from web.hints.models import Hint, ModelCall
from web.people.models import User
from web.runner.cases import Asserts
from web.runner.checker import JudgedRun, checker
from web.tutor.gate.avoided import RULE as AVOID
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.writing.fault import Fault
from web.tutor.writing.prompt import TEMPLATE_VERSION
from web.tutor.writing.versions import version
from workers.attempt import attempt, recalling
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
SIGN = {
    "en": "Line 2 gives what reaches the answer, step by step. Which value is there, and why?",
    "ko": "2번째 줄이 결과로 나가는 값을 하나씩 만들어요. 그 값은 얼마이고 왜 그럴까요?",
}
QUESTION = "What does the minus do? 마이너스는 뭐예요?"


@pytest.fixture(scope="module")
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
async def site(runtime: Runtime, engine: FakeEngine) -> Runtime:
    """Its worker asks the fake engine over HTTP."""
    runtime.model = Model()
    engine.script()
    await runtime.database.run(lambda: Engine.objects.update(url=engine.url))
    forget()
    return runtime


def says(engine: FakeEngine, *texts: str) -> None:
    engine.script(*(Behaviour(pieces=(text,), gap_s=0) for text in texts))


def asked(engine: FakeEngine) -> list[dict[str, Any]]:
    return [each["body"] for each in engine.stats()["requests"]]


def ask(
    student: User, exercise: Exercise, locale: Locale, *, explained: bool = True, **changes: Any
) -> tuple[str, JudgedRun]:
    """As the API does: the program runs, the hint is placed; and its run, to be explained."""

    code = changes.pop("code", WRONG)
    tests, limits = exercise.tests_to_run(), exercise.limits()
    with checker().running(code, tests, limits, exercise.language) as run:
        program = submissions.ran(student, exercise, code, run.report)
        asks: dict[str, Any] = {"submission": program, "locale": locale, "level": 2} | changes
        hint = queued(student, exercise, **asks)
        if explained:
            submissions.explain(hint.submission, run.explained())
        admitted(hint)
        return str(hint.pk), run


async def generate(
    site: Runtime, student: User, exercise: Exercise, locale: Locale = "en", **changes: Any
) -> Hint:
    hint, _ = await site.database.run(lambda: ask(student, exercise, locale, **changes))
    await attempt.generate(site, hint)
    return await row(site, hint)


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_it_is_told_all_that_helps_and_nothing_that_tells(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise, locale: Locale
) -> None:
    says(engine, SIGN[locale])

    final = await generate(site, student, exercise, locale, question=QUESTION)

    assert (final.source, final.text) == ("model", SIGN[locale])
    body = asked(engine)[-1]
    system, *_, user = (message["content"] for message in body["messages"])
    headings = version().words[locale].headings
    own = user[user.index(headings["question"]) :]
    order = [own.index(f"{headings[part]}:\n") for part in ("question", "result", "code", "facts")]
    assert order == sorted(order)
    assert QUESTION in own
    assert "1| def add(a, b):\n2|     return a - b" in own
    assert "add(1, 2)" in own, "the failing case"
    line = {"ko": "2번째 줄", "en": "ine 2"}[locale]
    assert line in own[own.index(headings["facts"]) :]
    assert headings["earlier"] not in user
    # Neither the reference, nor who asks.
    assert "a + b" not in json.dumps(body)
    assert student.username not in json.dumps(body)
    assert str(final.pk) not in system + user
    call = await site.database.run(ModelCall.objects.get)
    assert call.template_version == TEMPLATE_VERSION


async def test_of_a_hidden_case_it_is_told_no_value(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise
) -> None:
    case = {"name": "1", "stdin": "8675309\n", "expected": "17350618", "visible": False,
            "note_ko": "", "note_en": ""}  # fmt: skip
    code = "n = int(input())\nm = n\nprint(m)\n"

    def hidden() -> None:
        exercise.tests, exercise.cases = "", [case]
        exercise.save()

    await site.database.run(hidden)
    says(engine, SIGN["en"])

    await generate(site, student, exercise, code=code)

    told = json.dumps(asked(engine)[-1])
    assert "print(m)" in told
    assert version().words["en"].headings["facts"] in told
    assert "8675309" not in told
    assert "17350618" not in told


async def test_it_is_told_the_last_hints_that_the_student_has_had_here(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise
) -> None:
    def before() -> None:
        other = Exercise.objects.create(course=exercise.course, slug="other", title_en="Other")
        somebody = User.objects.create_user("somebody")
        rows = [
            *((student, exercise, f"Old {n}?", "model") for n in range(1, 5)),
            (student, exercise, "It said `3`.", "l0"), (student, exercise, "", "none"),
            (student, other, "Other exercise?", "model"),
            (somebody, exercise, "Not mine?", "model"),
            (student, exercise, "Old 5?", "evidence"), (student, exercise, "Old 6?", "authored"),
        ]  # fmt: skip
        for age_s, (who, of, text, source) in enumerate(reversed(rows), start=1):
            Hint.objects.filter(pk=queued(who, of).pk).update(
                state="answered", text=text, source=source, created_at=ago(age_s)
            )

    await site.database.run(before)
    says(engine, SIGN["en"])

    await generate(site, student, exercise)

    content = asked(engine)[-1]["messages"][-1]["content"]
    assert "- Old 6?\n- Old 5?\n- Old 4?\n</student" in content
    for text in ("Old 3?", "It said", "Other exercise?", "Not mine?"):
        assert text not in content


@pytest.mark.parametrize(
    ("level", "setting", "sent"),
    [(1, 400, 200), (2, 400, 200), (3, 400, 400), (3, 4096, 400), (3, 120, 120), (1, 120, 120),
     (3, None, None)],
)  # fmt: skip
async def test_a_level_asks_for_the_room_that_it_needs(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise, level: int,
    setting: int | None, sent: int | None,
) -> None:  # fmt: skip
    def set_room() -> None:
        AIModelConfig.objects.update(max_tokens=setting)
        forget()

    await site.database.run(set_room)
    says(engine, "Look at it?", "Look at it?")

    await generate(site, student, exercise, level=level)

    assert asked(engine)[-1].get("max_tokens") == sent


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_it_is_told_what_the_author_wants_of_hints(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise, locale: Locale
) -> None:
    def wants() -> None:
        Exercise.objects.filter(pk=exercise.pk).update(
            examples=[{"level": level, "ko": f"보기 {level}예요.", "en": f"Like {level}."}
                      for level in (1, 2)],
            avoid="negation\n 부호  바꾸기 \n\n",
            revision=2,
        )  # fmt: skip

    await site.database.run(wants)
    says(engine, SIGN[locale])

    await generate(site, student, await site.database.run(exercise_now), locale)

    content = asked(engine)[-1]["messages"][-1]["content"]
    own = content.index("<student-")
    assert {"ko": "- 보기 2예요.", "en": "- Like 2."}[locale] in content[:own]
    assert {"ko": "보기 1", "en": "Like 1"}[locale] not in content
    assert {"en": "보기 2", "ko": "Like 2"}[locale] not in content
    assert "negation, 부호 바꾸기" in content[:own]


def exercise_now() -> Exercise:
    return Exercise.objects.select_related("course").get()


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_the_second_try_is_told_what_the_program_did_not_do(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise, locale: Locale
) -> None:
    untrue = {
        "en": "Line 2 runs once, and `add(1, 2)` gives `77` there. Which value did you expect?",
        "ko": "2번째 줄이 한 번 실행되고, `add(1, 2)`의 결과는 `77`이에요. 왜 그럴까요?",
    }[locale]
    says(engine, untrue, SIGN[locale])

    final = await generate(site, student, exercise, locale)

    assert final.text == SIGN[locale]
    told = asked(engine)[-1]["messages"][-1]["content"]
    words = version().words[locale]
    assert words.faults[Fault.UNTRUE] in told
    assert untrue in told


async def test_a_word_that_the_author_avoids_reaches_no_student(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise
) -> None:
    await site.database.run(lambda: Exercise.objects.update(avoid="부호\nsign", revision=3))
    said = "2번째 줄의 부호를 보세요. 그 값은 어떻게 나왔을까요?"
    says(engine, said, SIGN["ko"])

    final = await generate(site, student, await site.database.run(exercise_now), "ko")

    assert final.text == SIGN["ko"]
    calls = await site.database.run(lambda: list(ModelCall.objects.order_by("pk")))
    assert [call.verdict for call in calls] == [AVOID, "passed"]
    told = asked(engine)[-1]["messages"][-1]["content"]
    assert said.partition(". ")[0] in told
    assert version().words["ko"].faults[Fault.AVOID] in told


async def test_an_example_of_the_author_is_not_repeated(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise
) -> None:
    like = "Follow both of the numbers with a finger until they meet. Where do they part again?"
    examples = [{"level": 2, "ko": "", "en": like}]
    await site.database.run(lambda: Exercise.objects.update(examples=examples, revision=4))
    says(engine, like, SIGN["en"])

    final = await generate(site, student, await site.database.run(exercise_now))

    assert final.text == SIGN["en"]
    calls = await site.database.run(lambda: list(ModelCall.objects.order_by("pk")))
    assert [call.verdict for call in calls] == ["R8", "passed"]


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_the_second_try_is_told_the_sentence_that_failed_and_no_more(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise, locale: Locale
) -> None:
    leak = {
        "en": "Look at line 2 first. Write `return a + b` there. What does it give you then?",
        "ko": "먼저 2번째 줄을 보세요. 거기에 `return a + b`라고 쓰세요. 그러면 무엇이 나오나요?",
    }[locale]
    says(engine, leak, SIGN[locale])

    final = await generate(site, student, exercise, locale)

    assert final.text == SIGN[locale]
    first, second = (body["messages"][-1]["content"] for body in asked(engine)[-2:])
    words = version().words[locale]
    part = second[second.index(words.headings["refused"]) :]
    assert leak.split(". ")[1] in part
    assert leak.split(". ")[0] not in part
    assert words.faults[Fault.CODE] in part
    assert words.headings["refused"] not in first


async def test_what_a_request_finds_out_late_is_told_too(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise
) -> None:
    """The hint is placed first, and its program is explained a moment later."""
    says(engine, SIGN["en"])
    hint, run = await site.database.run(lambda: ask(student, exercise, "en", explained=False))
    claimed = asyncio.create_task(attempt.generate(site, hint))
    await asyncio.sleep(0.05)

    def explain() -> None:
        report = checker().explain(run.report, WRONG, Asserts(exercise.tests), exercise.limits())
        submissions.explain(
            Hint.objects.select_related("submission").get(pk=hint).submission, report
        )

    await site.database.run(explain)
    await claimed

    headings = version().words["en"].headings
    content = asked(engine)[-1]["messages"][-1]["content"]
    assert "ine 2" in content[content.index(headings["facts"]) :]


async def test_nobody_waits_long_for_facts_that_do_not_come(
    site: Runtime, engine: FakeEngine, student: User, exercise: Exercise,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(recalling, "WITHIN_S", 0.05)
    says(engine, SIGN["en"])
    hint, _ = await site.database.run(lambda: ask(student, exercise, "en", explained=False))

    await attempt.generate(site, hint)

    assert (await row(site, hint)).text == SIGN["en"]


async def test_a_hint_may_be_asked_for_by_another_version_of_the_prompts(
    more_prompts: Callable[[str], Path], good: tuple[str, ...]
) -> None:
    form = "Ask what the student sees there when they look at it once more, and nothing else."
    (more_prompts("v9") / "en" / "1.toml").write_text(f'tokens = 60\nform = "{form}"\n')
    model = ScriptedModel((form,), good)

    found = await written(replace(JOB, prompt="v9", judge=None), model)

    assert form in model.requests[0][1][0]["content"]
    assert [call.verdict for call in found.calls] == ["R8", "passed"], "nor may it be repeated"
    assert {call.template_version for call in found.calls} == {version("v9").label}
    assert version("v9").label != TEMPLATE_VERSION
