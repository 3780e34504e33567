"""Diagnoses that run ahead: once a program, for nobody's sake longer than needed, none lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broker import dispatch, fleet, health, keys
from broker.dispatch import LOST_THRESHOLD, Phase
from broker.health import EngineFailure
from broker.keys import DOORBELLS, LEASES
from tests.broker.helpers import told
from tests.web.kit import RIGHT, WRONG, forget, licensed
from tests.workers.kit import submitted
from tests.workers.test_attempt import row
from tests.workers.test_diagnosing import CLEAN, Doctor, answer, kept, makes
from tests.workers.test_moving import join
from web.courses.models import Exercise, Membership
from web.database import ago
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.models import AIModelConfig, Engine
from web.hints import ahead, submissions
from web.hints.models import Diagnosis, Hint, ModelCall, Submission
from web.people.models import User
from web.runner.checker import checker
from workers import metrics
from workers.attempt import attempt
from workers.attempt.relay import CANCEL_CHECK_S
from workers.guard.rescue import Rescue
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "def add(a, b):\n    return a * b - 1\n"


def switch(**settings: Any) -> None:
    AIModelConfig.objects.update(**settings)
    forget()


def ran(student: User, exercise: Exercise, code: str = WRONG) -> Submission:
    """As /v1/checks leaves it."""
    program = submitted(student, exercise, code)
    ahead.begin(program)
    return program


def another(exercise: Exercise, name: str = "jun") -> User:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, course=exercise.course)
    return user


@pytest.fixture
async def ready(runtime: Runtime) -> Runtime:
    """Four slots, and the setting is on."""
    await runtime.broker.run(fleet.set_engines({"gpu0": 4}))
    await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 4, 60))
    await runtime.database.run(lambda: switch(diagnoses=True, runs_ahead=True, model_name="fake"))
    return runtime


@pytest.fixture
def rescue(ready: Runtime) -> Rescue:
    return Rescue(ready.broker, ready.database)


async def fails(runtime: Runtime, student: User, exercise: Exercise, code: str = WRONG) -> str:
    """The name of the job."""
    await runtime.database.run(ran, student, exercise, code)
    found = [each for each in await kept(runtime) if not each.done]
    return ahead.name(found[-1].pk)


async def phase(runtime: Runtime, job: str) -> Phase | None:
    standing = (await runtime.broker.run(dispatch.standing([job]))).get(job)
    return standing and standing.phase


async def rung(runtime: Runtime) -> list[str]:
    messages = await runtime.broker.client.lrange(DOORBELLS("gpu0"), 0, -1)
    return [f"{grant.hint} {grant.attempt}" for grant in told(messages)]


async def nothing_left(runtime: Runtime, job: str) -> bool:
    """Of the job, in Redis."""
    client = runtime.broker.client
    left = [key for key in await client.keys("*") if job in key]
    return not left and not await client.exists(
        LEASES("gpu0"), keys.AHEAD("gpu0"), keys.WAITING_AHEAD()
    )


class Holds:
    """Keeps a model from answering until it is told to."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.go.wait()


async def held(runtime: Runtime, job: str) -> tuple[Holds, asyncio.Task[Any]]:
    """The job, which a worker has claimed, and whose model does not answer."""
    holds = Holds()
    runtime.model = Doctor(before=holds)  # type: ignore[assignment]
    work = asyncio.create_task(attempt.generate(runtime, job))
    await asyncio.wait_for(holds.reached.wait(), 10)
    return holds, work


async def noticed(runtime: Runtime, work: asyncio.Task[Any]) -> None:
    """The worker has asked what was closed, and has stopped for it."""
    await asyncio.sleep(CANCEL_CHECK_S)
    await runtime.relay.flush()
    await asyncio.wait_for(work, 30)


async def test_what_is_found_ahead_needs_no_request_of_the_hint(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    model = ready.model = Doctor()  # type: ignore[assignment]
    assert await phase(ready, job) is Phase.GRANTED

    assert await attempt.generate(ready, job) is None

    [found] = await kept(ready)
    assert (found.done, found.verified, found.fix, found.submission_id) == (True, True, RIGHT, None)
    calls = await ready.database.run(
        lambda: list(ModelCall.objects.values_list("diagnosis", "attempt", "purpose", "verdict"))
    )
    assert calls == [(found.pk, None, "diagnose", "passed")]
    assert await nothing_left(ready, job)
    hint = await ready.database.run(makes, student, exercise)
    await attempt.generate(ready, hint)
    assert (await row(ready, hint)).text == CLEAN
    assert len(model.asked) == 1
    assert "believes that the sign joins" in str(model.written)


async def test_it_says_how_it_ended(ready: Runtime, student: User, exercise: Exercise) -> None:
    def count(outcome: str) -> float:
        return metrics.AHEAD.labels(outcome)._value.get()

    before = {outcome: count(outcome) for outcome in ("passed", "unverified")}
    hints = metrics.ATTEMPTS.labels("dropped")._value.get()
    ready.model = Doctor()  # type: ignore[assignment]
    await attempt.generate(ready, await fails(ready, student, exercise))
    ready.model = Doctor([answer(fixed_code="")])  # type: ignore[assignment]
    await attempt.generate(ready, await fails(ready, student, exercise, OTHER))

    assert [count(outcome) - was for outcome, was in before.items()] == [1, 1]
    assert metrics.ATTEMPTS.labels("dropped")._value.get() == hints


@pytest.mark.parametrize(
    "settings", [{"runs_ahead": False}, {"diagnoses": False}], ids=["ahead", "at all"]
)
async def test_it_is_off_unless_an_admin_wants_it(
    ready: Runtime, student: User, exercise: Exercise, settings: dict[str, bool]
) -> None:
    assert AIModelConfig().runs_ahead is False
    await ready.database.run(lambda: switch(**settings))

    await ready.database.run(ran, student, exercise)

    assert await kept(ready) == []
    assert await rung(ready) == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (RIGHT, {}),
        (f"{WRONG}x = '{'a' * 5000}'\n", {}),
        (WRONG, {"language": "java"}),
        (WRONG, {"tests": ""}),
    ],
    ids=["right", "long", "java", "no tests"],
)
async def test_where_there_is_nothing_to_find_out_nothing_runs(
    ready: Runtime, student: User, exercise: Exercise, code: str, changes: dict[str, Any]
) -> None:
    def asked() -> None:
        report = checker().check(code, exercise.tests_to_run(), exercise.limits())
        Exercise.objects.update(**changes)
        there = Exercise.objects.get()
        ahead.begin(submissions.keep(submissions.ran(student, there, code, report)))

    await ready.database.run(asked)

    assert await kept(ready) == []


async def test_one_program_of_many_runs_once(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    def thirty() -> None:
        for number in range(30):
            ran(another(exercise, f"s{number}"), exercise, f"# {number}\n{WRONG}")

    await ready.database.run(thirty)

    [only] = await kept(ready)
    assert await rung(ready) == [f"{ahead.name(only.pk)} 1"]


async def test_a_hint_takes_over_what_only_waits(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    model = ready.model = Doctor()  # type: ignore[assignment]
    hint = await ready.database.run(makes, student, exercise)

    await asyncio.wait_for(attempt.generate(ready, hint), 30)
    await attempt.generate(ready, job)

    assert len(model.asked) == 1
    [found] = await kept(ready)
    assert (found.done, found.submission_id) == (True, None)
    assert await nothing_left(ready, job)


async def test_a_hint_waits_for_what_runs(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    holds, work = await held(ready, job)
    hint = await ready.database.run(makes, student, exercise)

    asked = asyncio.create_task(attempt.generate(ready, hint))
    await asyncio.sleep(0.3)
    assert not ready.model.written  # type: ignore[attr-defined]
    holds.go.set()
    await asyncio.wait_for(asyncio.gather(work, asked), 30)

    assert len(ready.model.asked) == 1  # type: ignore[attr-defined]
    assert (await row(ready, hint)).text == CLEAN


async def test_what_a_hint_waits_for_gives_way_to_no_other(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    holds, work = await held(ready, job)
    hint = await ready.database.run(makes, student, exercise)
    asked = asyncio.create_task(attempt.generate(ready, hint))
    await asyncio.sleep(0.3)

    def more() -> list[str]:
        return [makes(another(exercise, f"s{n}"), exercise, OTHER) for n in range(3)]

    hints = await ready.database.run(more)
    assert [await phase(ready, each) for each in hints] == [
        Phase.GRANTED, Phase.GRANTED, Phase.WAITING
    ]  # fmt: skip
    assert await phase(ready, job) is Phase.CLAIMED
    holds.go.set()
    await asyncio.wait_for(asyncio.gather(work, asked), 30)
    assert len(ready.model.asked) == 1  # type: ignore[attr-defined]


async def test_it_gives_way_to_a_hint_and_goes_on_when_there_is_room(
    ready: Runtime, exercise: Exercise, student: User
) -> None:
    job = await fails(ready, student, exercise)
    _, work = await held(ready, job)

    def four() -> list[str]:
        return [makes(another(exercise, f"s{n}"), exercise, OTHER) for n in range(4)]

    hints = await ready.database.run(four)

    assert [await phase(ready, hint) for hint in hints] == [Phase.GRANTED] * 4
    assert await phase(ready, job) is Phase.WAITING
    await noticed(ready, work)
    [found] = await kept(ready)
    assert (found.done, found.waits, found.attempt) == (False, True, 1)
    await ready.database.run(lambda: switch(runs_ahead=True))
    ready.model = Doctor()  # type: ignore[assignment]
    for hint in hints:
        await attempt.generate(ready, hint)
    assert f"{job} 2" in await rung(ready)
    await attempt.generate(ready, job)
    assert {found.done for found in await kept(ready)} == {True}


async def test_a_newer_program_ends_what_waits_or_runs_for_an_earlier_one(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    _, work = await held(ready, job)

    newer = await fails(ready, student, exercise, OTHER)
    await noticed(ready, work)

    assert [ahead.name(each.pk) for each in await kept(ready)] == [newer]
    assert await phase(ready, job) is None
    await ready.database.run(ran, student, exercise, RIGHT)
    assert await kept(ready) == []
    assert await nothing_left(ready, newer)


async def test_what_another_student_needs_too_goes_on(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    other = await ready.database.run(another, exercise)
    await ready.database.run(ran, other, exercise, f"# mine\n{WRONG}")

    await ready.database.run(ran, student, exercise, RIGHT)
    assert await phase(ready, job) is Phase.GRANTED

    await ready.database.run(ran, other, exercise, RIGHT)
    assert await phase(ready, job) is None


async def test_it_ends_when_the_setting_goes_off(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    _, work = await held(ready, job)

    await ready.database.run(lambda: switch(runs_ahead=False))
    await rescue.tick()
    await noticed(ready, work)

    assert await kept(ready) == []
    assert await nothing_left(ready, job)


async def test_a_model_without_the_licence_is_not_asked_ahead(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    def barred() -> None:
        licensed("fake", diagnoses=False)
        switch()

    job = await fails(ready, student, exercise)
    await ready.database.run(barred)
    model = ready.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(ready, job)
    await ready.database.run(ran, student, exercise, OTHER)

    assert model.asked == []
    assert not [each for each in await kept(ready) if each.code == OTHER]


async def test_it_ends_when_it_has_waited_too_long(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    await rescue.tick()
    assert await phase(ready, job) is Phase.GRANTED
    await ready.database.run(lambda: Diagnosis.objects.update(asked_at=ago(3600)))

    await rescue.tick()

    assert await kept(ready) == []
    assert await nothing_left(ready, job)


async def lose(runtime: Runtime, job: str) -> None:
    """A worker claims it and is not heard of again."""
    claim = await runtime.broker.run(dispatch.claim(job, "gpu0", "w"))
    assert claim
    assert await runtime.database.run(ahead.claim, job, claim.attempt, "gpu0")
    await runtime.broker.client.zadd(LEASES("gpu0"), {job: 1})


async def test_it_survives_its_worker(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    await lose(ready, job)

    await rescue.tick()

    assert await rung(ready) == [f"{job} 1", f"{job} 2"]
    ready.model = Doctor()  # type: ignore[assignment]
    await attempt.generate(ready, job)
    [found] = await kept(ready)
    assert (found.verified, found.attempt) == (True, 2)


async def test_one_that_kills_its_workers_ends(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)

    for _ in range(LOST_THRESHOLD):
        await lose(ready, job)
        await rescue.tick()

    assert await kept(ready) == []
    assert await phase(ready, job) is None


async def test_a_zombie_changes_nothing_of_what_is_found_out(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    holds, zombie = await held(ready, job)
    await ready.broker.client.zadd(LEASES("gpu0"), {job: 1})
    await rescue.tick()
    [only] = await kept(ready)
    assert (only.waits, only.attempt) == (True, 1)
    assert await ready.database.run(ahead.claim, job, 1, "gpu0") is None, "its number is burned"
    later = Doctor()
    ready.model = later  # type: ignore[assignment]
    await attempt.generate(ready, job)
    was = await kept(ready)

    holds.go.set()
    await asyncio.wait_for(zombie, 30)

    assert await kept(ready) == was
    assert was[0].verified


async def test_a_grant_nobody_claims_is_given_again(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    await ready.broker.client.zadd(LEASES("gpu0"), {job: 1})

    await rescue.tick()

    assert await rung(ready) == [f"{job} 1", f"{job} 2"]
    assert await ready.database.run(ahead.claim, job, 1, "gpu0") is None


@pytest.mark.parametrize("runs", [True, False], ids=["runs", "waits"])
async def test_a_wiped_redis_loses_none(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise, runs: bool
) -> None:
    job = await fails(ready, student, exercise)
    work = (await held(ready, job))[1] if runs else None
    await ready.broker.client.flushall()
    await ready.broker.run(fleet.set_engines({"gpu0": 4}))
    await ready.broker.run(fleet.beat("gpu0", ready.worker, 4, 60))
    if work:
        await noticed(ready, work)
    await ready.database.run(lambda: Diagnosis.objects.update(asked_at=ago(5)))

    await rescue.tick()

    assert await rung(ready) == [f"{job} {2 if runs else 1}"]
    ready.model = Doctor()  # type: ignore[assignment]
    await attempt.generate(ready, job)
    [found] = await kept(ready)
    assert found.verified


async def test_an_engine_that_fails_under_it_leaves_it_to_another(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    await join(ready, "gpu1")
    job = await fails(ready, student, exercise)
    standing = await ready.broker.run(dispatch.standing([job]))
    failed = EngineFailed(EngineFailure.UNREACHABLE, "a test")
    ready.model = Doctor([[failed]])  # type: ignore[assignment]
    assert standing[job].engine == "gpu0"

    await attempt.generate(ready, job)

    [found] = await kept(ready)
    assert (found.done, found.waits, found.attempt) == (False, True, 1)
    assert await ready.broker.run(dispatch.excluded([job])) == {job: {"gpu0"}}


@pytest.mark.parametrize(
    "error",
    [
        EngineFailed(EngineFailure.UNREACHABLE, "a test"),
        EngineFailed(EngineFailure.TIMEOUT, "a test"),
        ModelRefused(Refusal.REQUEST, "too long"),
        ModelRefused(Refusal.KEY, "no"),
    ],
    ids=str,
)
async def test_where_no_engine_can_it_ends_without_a_word(
    ready: Runtime, student: User, exercise: Exercise, error: Exception
) -> None:
    job = await fails(ready, student, exercise)
    ready.model = Doctor([[error]])  # type: ignore[assignment]

    assert await attempt.generate(ready, job) is None

    assert await kept(ready) == []
    assert await nothing_left(ready, job)


async def test_a_worker_that_is_stopped_gives_it_back(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    job = await fails(ready, student, exercise)
    _, work = await held(ready, job)

    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    [found] = await kept(ready)
    assert (found.done, found.waits) == (False, True)
    assert await phase(ready, job) in (Phase.WAITING, Phase.GRANTED)


async def test_an_engine_with_a_model_of_its_own_finds_it_out_under_that_name(
    ready: Runtime, student: User, exercise: Exercise
) -> None:
    await ready.database.run(lambda: switch(model_name="another"))
    job = await fails(ready, student, exercise)
    [before] = await kept(ready)
    ready.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(ready, job)

    [found] = await kept(ready)
    assert (before.model, found.model, found.verified) == ("another", "fake", True)
    await ready.database.run(ran, await ready.database.run(another, exercise), exercise)
    again = [each for each in await kept(ready) if not each.done]
    await attempt.generate(ready, ahead.name(again[0].pk))
    assert len(ready.model.asked) == 1
    assert await kept(ready) == [found]


async def test_a_mode_that_changes_while_it_waits_has_it_found_out_by_the_new_one(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise
) -> None:
    await ready.broker.run(fleet.leave("gpu0", ready.worker))
    job = await fails(ready, student, exercise)

    def change() -> None:
        switch(mode="api")
        Engine.objects.create(name="hosted", kind="api", model_name="big", thinking="never")
        licensed("big")

    await ready.database.run(change)
    await ready.broker.run(fleet.beat("hosted", "hosted@test", 4, 60))
    await rescue.tick()

    standing = (await ready.broker.run(dispatch.standing([job])))[job]
    assert standing.engine == "hosted"
    ready.engine = "hosted"
    ready.model = Doctor()  # type: ignore[assignment]
    await attempt.generate(ready, job)
    [found] = await kept(ready)
    assert (found.verified, found.model) == (True, "big")


@pytest.mark.parametrize("why", ["paused", "drained"])
async def test_an_engine_that_takes_nothing_gets_none(
    ready: Runtime, rescue: Rescue, student: User, exercise: Exercise, why: str
) -> None:
    if why == "paused":
        await ready.broker.run(health.pause("gpu0", 30))
    else:
        await ready.database.run(lambda: Engine.objects.update(draining=True))
        await rescue.tick()

    job = await fails(ready, student, exercise)
    await rescue.tick()

    assert await phase(ready, job) is Phase.WAITING
    assert not await rung(ready)


async def test_nobody_is_told_of_it(ready: Runtime, student: User, exercise: Exercise) -> None:
    """No event, no task's result, no hint."""
    job = await fails(ready, student, exercise)
    ready.model = Doctor()  # type: ignore[assignment]

    await attempt.generate(ready, job)

    assert await ready.broker.client.keys(f"*{job}*") == []
    assert await ready.database.run(Hint.objects.count) == 0
