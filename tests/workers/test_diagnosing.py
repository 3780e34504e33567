"""What is wrong with a program is found out once, and believed only when its fix has passed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.contrib import admin
from django.urls import get_resolver

from broker.contract.attempt import Purpose
from broker.contract.hint import Lane, Usage
from broker.contract.job import Endpoint, Sampling
from broker.health import EngineFailure
from tests.web.kit import RIGHT, WRONG, forget
from tests.workers.kit import placed, submitted
from tests.workers.test_attempt import row, settled, told
from tests.workers.test_moving import join
from web.courses.models import Exercise, Membership
from web.engines.client.chunk import Chunk
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.models import AIModelConfig, Engine
from web.hints import diagnoses
from web.hints.models import Attempt, Diagnosis, Hint, ModelCall, Submission
from web.people.models import User
from web.tutor.diagnosis import finding
from workers import metrics
from workers.attempt import attempt, diagnosing
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
CLEAN = "Look at the sign. What does it do?"
SAID = {
    "fact": "add(1, 2) gives -1", "misconception": "The student believes that the sign joins.",
    "lines": [2], "contradiction": "It gives -1 and 3 was expected.", "fixed_code": RIGHT,
}  # fmt: skip
Said = Sequence[Chunk | str | Exception]


def answer(**changes: Any) -> list[str]:
    return [json.dumps(SAID | changes)]


@dataclass
class Doctor:
    """Diagnoses by its script, the last of which it says again and again; and writes CLEAN."""

    scripts: list[Said] = field(default_factory=lambda: [answer()])
    writes: list[Said] = field(default_factory=list)
    schema: bool = True
    asked: list[list[Any]] = field(default_factory=list)
    written: list[list[Any]] = field(default_factory=list)
    sampled: list[Sampling] = field(default_factory=list)
    before: Callable[[], Any] | None = None
    chunks: int = 0

    async def stream(
        self, endpoint: Endpoint, sampling: Sampling, messages: Sequence[Any], request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:  # fmt: skip
        said: Said = [CLEAN]
        if messages[0]["content"] == finding.SYSTEM:
            self.asked.append(list(messages))
            self.sampled.append(sampling)
            if self.before:
                await self.before()
            if sampling.more and not self.schema:
                raise ModelRefused(Refusal.REQUEST, "status 400: not here")
            said = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        else:
            self.written.append(list(messages))
            said = self.writes.pop(0) if self.writes else said
        for piece in said:
            if isinstance(piece, Exception):
                raise piece
            yield Chunk(piece) if isinstance(piece, str) else piece
        yield Chunk("", "stop", Usage(prompt_tokens=10, completion_tokens=5))

    async def aclose(self) -> None:
        pass


def makes(student: User, exercise: Exercise, code: str = WRONG) -> str:
    """A hint for a program that was run."""
    program = submitted(student, exercise, code)
    return placed(student, exercise, locale="en", submission=program)


def diagnosed() -> None:
    AIModelConfig.objects.update(diagnoses=True)
    forget()


@pytest.fixture
async def hint(runtime: Runtime, student: User, exercise: Exercise) -> str:
    await runtime.database.run(diagnosed)
    return await runtime.database.run(makes, student, exercise)


async def kept(runtime: Runtime) -> list[Diagnosis]:
    return await runtime.database.run(lambda: list(Diagnosis.objects.order_by("pk")))


async def calls(runtime: Runtime) -> list[tuple[str, str]]:
    return await runtime.database.run(
        lambda: list(ModelCall.objects.order_by("pk").values_list("purpose", "verdict"))
    )


async def test_a_fix_that_passes_is_kept_and_the_writer_is_told_all_but_it(
    runtime: Runtime, hint: str
) -> None:
    model = runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert (found.done, found.verified, found.fix, found.model) == (True, True, RIGHT, "fake")
    assert (await row(runtime, hint)).text == CLEAN
    assert await calls(runtime) == [("diagnose", "passed"), ("write", "passed")]
    prompt = json.dumps(model.written)
    assert "believes that the sign joins" in prompt
    assert "a + b" not in prompt
    asked = json.dumps(model.asked)
    assert "2|     return a - b" in asked
    assert "a + b" not in asked, "nor is the reference sent"
    assert "response_format" in model.sampled[0].more
    assert "a + b" not in json.dumps(await told(runtime, hint))
    assert await settled(runtime, hint)


async def test_the_fix_tells_where_the_runs_part(runtime: Runtime, hint: str) -> None:
    runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    program = await runtime.database.run(Submission.objects.get, hints=hint)
    assert "first_difference" in {fact["kind"] for fact in program.report["facts"]}


async def test_the_gate_knows_the_fix(runtime: Runtime, student: User, exercise: Exercise) -> None:
    """A course without a reference: only the fix tells that this is one."""

    def asked() -> str:
        diagnosed()
        Exercise.objects.update(reference="", revision=7)
        return makes(student, Exercise.objects.get())

    hint = await runtime.database.run(asked)
    leak = "What does it do if `a + b` stands there?"
    runtime.model = Doctor(writes=[[leak], [leak]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("withheld", "leak", "evidence")


NOT_VERIFIED = {
    "fails a case": answer(fixed_code="def add(a, b):\n    return a * b\n"),
    "does not run": answer(fixed_code="def add(a, b):\n    return a +\n"),
    "never ends": answer(fixed_code="def add(a, b):\n    while a: a = a + 0\n    return a - b\n"),
    "is another program": answer(
        fixed_code="import operator\n\nplus = operator.add\n\ndef add(*args):\n"
        "    total = 0\n    for arg in args:\n        total = plus(total, arg)\n    return total\n"
    ),
    "is no JSON": ["I think that the sign is wrong."],
    "is empty": [],
    "is an object of another kind": ['{"answer": 42}'],
}


@pytest.mark.parametrize("name", NOT_VERIFIED)
async def test_a_fix_that_does_not_pass_is_tried_twice_more_and_never_believed(
    runtime: Runtime, hint: str, name: str
) -> None:
    model = runtime.model = Doctor([NOT_VERIFIED[name]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert (found.done, found.verified, found.fix) == (True, False, "")
    assert [len(messages) for messages in model.asked] == [2, 4, 6]
    assert (await row(runtime, hint)).state == "answered"
    assert "believes" not in json.dumps(model.written)
    assert {verdict for purpose, verdict in await calls(runtime) if purpose == "diagnose"} == {
        "unverified"
    }


async def test_the_failing_result_is_told_and_a_later_try_may_pass(
    runtime: Runtime, hint: str
) -> None:
    model = runtime.model = Doctor([NOT_VERIFIED["fails a case"], answer()])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert (found.verified, len(model.asked)) == (True, 2)
    assert "3" in model.asked[1][-1]["content"]
    assert "add(1, 2)" in model.asked[1][-1]["content"]


async def test_a_model_that_gives_up_is_not_asked_again(runtime: Runtime, hint: str) -> None:
    model = runtime.model = Doctor([answer(fixed_code="")])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert (found.done, found.verified, len(model.asked)) == (True, False, 1)


async def test_a_server_without_schemas_is_asked_by_words_and_that_is_learned(
    runtime: Runtime, hint: str
) -> None:
    model = runtime.model = Doctor(schema=False)  # type: ignore[assignment]
    counted = metrics.DIAGNOSED.labels("gpu0", "words", "passed")._value
    before = counted.get()

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert found.verified
    assert counted.get() == before + 1, "who runs the site sees that it is asked without one"
    assert [bool(sampling.more) for sampling in model.sampled] == [True, False]
    engine = await runtime.database.run(Engine.objects.get)
    assert engine.dialect["left_out"] == ["response_format"]


SAME = "# mine\n\ndef add( a, b ):\n\n    return a-b   # right\n"


async def test_the_same_program_of_another_student_needs_no_second_one(
    runtime: Runtime, hint: str, exercise: Exercise
) -> None:
    model = runtime.model = Doctor()  # type: ignore[assignment]
    await attempt.generate(runtime, hint)

    def other() -> str:
        user = User.objects.create_user("jun")
        Membership.objects.create(user=user, course=exercise.course)
        return makes(user, exercise, SAME)

    await attempt.generate(runtime, await runtime.database.run(other))

    assert len(model.asked) == 1
    assert len(await kept(runtime)) == 1
    prompt = json.dumps(model.written[-1])
    assert "believes that the sign joins" in prompt
    assert "Lines: 2" not in prompt, "the other one's lines have other numbers"


async def test_another_program_model_or_revision_is_found_out_anew(
    runtime: Runtime, hint: str, exercise: Exercise
) -> None:
    runtime.model = Doctor()  # type: ignore[assignment]
    asked = await runtime.database.run(diagnoses.subject, hint, "fake")
    assert asked

    def take(**changes: Any) -> Any:
        return diagnoses.take(replace(asked, **changes), WRONG)

    for changes in ({}, {"model": "b"}, {"revision": 9}, {"fingerprint": "0" * 32}):
        there = await runtime.database.run(take, **changes)
        assert there.row is not None
        assert (await runtime.database.run(take, **changes)).row is None


async def test_thirty_at_once_have_it_found_out_once(
    runtime: Runtime, student: User, exercise: Exercise
) -> None:
    def thirty() -> list[str]:
        diagnosed()
        made = []
        for number in range(30):
            user = User.objects.create_user(f"s{number}")
            Membership.objects.create(user=user, course=exercise.course)
            made.append(makes(user, exercise, f"# {number}\n{WRONG}"))
        return made

    hints = await runtime.database.run(thirty)
    model = runtime.model = Doctor(before=lambda: asyncio.sleep(0.2))  # type: ignore[assignment]
    claimed = [await attempt.claim(runtime, hint) for hint in hints[:2]]
    works = [attempt.serve(each, attempt.STEPS) for each in claimed if each]
    await asyncio.gather(*works)
    for hint in hints[2:]:
        await attempt.generate(runtime, hint)

    final = await runtime.database.run(
        lambda: list(Hint.objects.filter(pk__in=hints).values_list("state", flat=True))
    )
    assert len(model.asked) == 1
    assert len(await kept(runtime)) == 1
    assert final.count("answered") + final.count("queued") == 30

    def spared() -> list[int]:
        ended = Attempt.objects.exclude(finished_at=None)
        return [ended.filter(kept_diagnosis=each).count() for each in (False, True)]

    # Those that found it there, and the one that waited for it.
    assert await runtime.database.run(spared) == [1, final.count("answered") - 1]


async def test_who_waits_for_another_one_goes_on_when_it_is_there(
    runtime: Runtime, hint: str, exercise: Exercise
) -> None:
    asked = await runtime.database.run(diagnoses.subject, hint, "fake")
    assert asked
    mine = await runtime.database.run(diagnoses.take, asked, WRONG)
    model = runtime.model = Doctor()  # type: ignore[assignment]
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await asyncio.sleep(0.3)
    assert not model.asked
    assert not model.written

    known = diagnoses.Known(verified=True, fix=RIGHT, said=SAID)
    await runtime.database.run(diagnoses.keep, mine.row, known)
    await asyncio.wait_for(work, 30)

    assert not model.asked
    assert "believes that the sign joins" in json.dumps(model.written)


async def test_who_waits_too_long_writes_without_it(
    runtime: Runtime, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "WAIT_S", 0.2)
    asked = await runtime.database.run(diagnoses.subject, hint, "fake")
    assert asked
    await runtime.database.run(diagnoses.take, asked, WRONG)
    model = runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert not model.asked
    assert (await row(runtime, hint)).state == "answered"


async def test_an_attempt_that_was_lost_under_it_leaves_it_to_the_next(
    runtime: Runtime, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await runtime.database.run(diagnoses.subject, hint, "fake")
    assert asked
    await runtime.database.run(diagnoses.take, asked, WRONG)
    monkeypatch.setattr(diagnoses, "OVERDUE_S", 0.0)
    runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    [found] = await kept(runtime)
    assert found.verified


@pytest.mark.parametrize("failure", [EngineFailure.CUT, EngineFailure.UNREACHABLE])
async def test_an_engine_that_fails_under_it_is_left_for_another_and_nothing_is_kept(
    runtime: Runtime, hint: str, failure: EngineFailure
) -> None:
    await join(runtime, "gpu1")
    runtime.model = Doctor([['{"fact"', EngineFailed(failure, "a test")]])  # type: ignore[assignment]

    result = await attempt.generate(runtime, hint)

    assert result
    assert result.state == "queued"
    assert await kept(runtime) == []


@pytest.mark.parametrize(
    "error",
    [ModelRefused(Refusal.REQUEST, "too long"), EngineFailed(EngineFailure.TIMEOUT, "silent")],
)
async def test_a_model_that_cannot_be_asked_costs_no_hint(
    runtime: Runtime, hint: str, error: Exception
) -> None:
    runtime.model = Doctor([[error]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert (await row(runtime, hint)).state == "answered"
    assert await kept(runtime) == []


async def test_a_student_who_cancels_leaves_it_to_the_next(runtime: Runtime, hint: str) -> None:
    reached = asyncio.Event()

    async def waits() -> None:
        reached.set()
        await asyncio.Event().wait()

    runtime.model = Doctor(before=waits)  # type: ignore[assignment]
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await reached.wait()
    runtime.held[hint][1]()

    assert await asyncio.wait_for(work, 30) is None
    assert await kept(runtime) == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (RIGHT, {}),
        ("", {}),
        (f"{WRONG}x = '{'a' * 5000}'\n", {}),
        (WRONG, {"language": "java"}),
        (WRONG, {"tests": ""}),
    ],
    ids=["right", "empty", "long", "java", "no tests"],
)
async def test_where_there_is_nothing_to_find_out_nobody_is_asked(
    runtime: Runtime, student: User, exercise: Exercise, code: str, changes: dict[str, Any]
) -> None:
    def asked() -> str:
        diagnosed()
        made = makes(student, exercise, code)
        Exercise.objects.update(**changes)
        return made

    hint = await runtime.database.run(asked)
    model = runtime.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert not model.asked
    assert {purpose for purpose, _ in await calls(runtime)} == {Purpose.WRITE}


async def test_no_page_shows_what_was_found_out() -> None:
    import web.urls  # noqa: F401  # it registers all that the admin has

    assert Diagnosis not in admin.site._registry
    routes = json.dumps([str(each) for each in get_resolver().reverse_dict])
    assert "diagnos" not in routes
