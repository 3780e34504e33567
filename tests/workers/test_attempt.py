"""One attempt against the real dispatcher and database: what holds whoever comes late."""

from __future__ import annotations

import asyncio
import gc
import json
import traceback
from dataclasses import asdict
from typing import Any

import pytest

from broker import dispatch, fleet, health, streams
from broker.connect import AsyncBroker
from broker.contract import events
from broker.contract.events import EventKind
from broker.contract.hint import Outcome, Reason, State
from broker.contract.text import storable
from broker.dispatch import LOST_THRESHOLD
from broker.health import EngineFailure, EngineState
from broker.keys import LEASES, TICKET
from tests.fakes.launch import BadServer
from tests.web.kit import forget, queued
from tests.workers.conftest import ScriptedModel
from tests.workers.kit import admitted
from tests.workers.test_model import until
from web.courses.models import Course, Exercise
from web.database import ago
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.models import AIModelConfig, Engine
from web.hints import attempts, store
from web.hints.models import Hint, ModelCall, Submission
from web.people import access
from web.people.models import User
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.report import Report, Verdict
from workers.attempt import attempt
from workers.attempt.mishap import Broke
from workers.guard.rescue import Rescue
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
LOOPING = "def add(a, b):\n    for i in range(0):\n        a += 1\n    return a - b\n"
FIX = ("Write `return a + b` there.",)


@pytest.fixture
async def hint(runtime: Runtime, student: User, exercise: Exercise) -> str:
    """In English, granted to gpu0, not claimed yet."""
    return await runtime.database.run(make, student, exercise)


def make(student: User, exercise: Exercise) -> str:
    hint = queued(student, exercise, locale="en")
    placement = admitted(hint)
    assert placement.grant is not None
    return str(hint.pk)


async def row(runtime: Runtime, hint: str) -> Hint:
    return await runtime.database.run(Hint.objects.get, pk=hint)


async def told(runtime: Runtime, hint: str) -> list[tuple[EventKind, dict[str, Any]]]:
    """What watchers of the hint have seen."""
    log = await runtime.broker.run(streams.after(hint))
    return [(event.kind, json.loads(event.data)) for event in log]


async def settled(runtime: Runtime, hint: str) -> bool:
    return not await runtime.broker.client.exists(LEASES("gpu0"), TICKET(hint))


async def test_an_answer_reaches_row_stream_and_result(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(good)

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.text) == ("answered", "".join(good))
    seen = await told(runtime, hint)
    assert [seen[0][0], seen[-1][0]] == [EventKind.STARTED, EventKind.DONE]
    assert "".join(data["text"] for kind, data in seen if kind is EventKind.PIECE) == final.text
    assert result is not None
    assert (result.state, result.attempt) == ("answered", 1)
    assert final.text not in json.dumps(asdict(result))
    assert await settled(runtime, hint)


@pytest.mark.parametrize("bad", ["\0", "\ud83d", "\udfff\0\ud800"])
async def test_a_character_that_cannot_be_stored_costs_no_hint(
    runtime: Runtime, hint: str, bad: str
) -> None:
    runtime.model = ScriptedModel(("Look at ", f"the{bad} sign. ", "What does ", "it do?"))

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    seen = await told(runtime, hint)
    raw = await runtime.database.run(ModelCall.objects.get)
    assert raw.text == f"Look at the{storable(bad)} sign. What does it do?"
    assert (final.state, final.text) == ("answered", "Look at the sign. What does it do?")
    assert "".join(data["text"] for kind, data in seen if kind is EventKind.PIECE) == final.text
    assert result is not None
    assert await settled(runtime, hint)


async def test_the_row_is_final_before_the_final_event(
    runtime: Runtime, hint: str, good: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.model = ScriptedModel(good)
    states = []
    send = AsyncBroker.run_many

    async def watched(broker: AsyncBroker, calls: list[Any]) -> list[Any]:
        if any(EventKind.DONE in call.args for call in calls):
            states.append((await row(runtime, hint)).state)
        return await send(broker, calls)

    monkeypatch.setattr(AsyncBroker, "run_many", watched)
    await attempt.generate(runtime, hint)

    assert states == ["answered"]


@pytest.mark.parametrize("script", ["good", "leak"])
async def test_an_attempt_that_is_over_leaves_nothing_in_memory(
    runtime: Runtime, hint: str, good: tuple[str, ...], script: str
) -> None:
    """What holds itself is found so late that a busy worker would grow by 2 KB a hint."""
    runtime.model = ScriptedModel(*([good] if script == "good" else [FIX, FIX]))
    gc.collect()
    # Those of other tests, which their fixtures may still hold.
    others = {id(one) for one in kept()}
    gc.disable()
    try:
        assert await attempt.generate(runtime, hint)

        # What the loop has still to do for it holds it for a moment.
        await until(lambda: {id(one) for one in kept()} <= others)
    finally:
        gc.enable()


def kept() -> list[attempt.Attempt]:
    return [one for one in gc.get_objects() if isinstance(one, attempt.Attempt)]


async def test_of_two_deliveries_one_generates(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(good, good)

    results = await asyncio.gather(attempt.generate(runtime, hint), attempt.generate(runtime, hint))

    assert sorted(result is None for result in results) == [False, True]
    assert len(runtime.model.requests) == 1
    assert await attempt.generate(runtime, hint) is None


async def test_a_zombie_changes_neither_row_nor_stream(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    """Its lease went to attempt 2 while it generated; what it writes afterwards is refused."""

    async def lose_the_lease(piece: str) -> None:
        if piece == good[1]:
            assert await runtime.database.run(store.requeue, hint, 1)
            assert await runtime.broker.run(dispatch.requeue_lost(hint, 1))

    runtime.model = ScriptedModel(good, gate=lose_the_lease)

    assert await attempt.generate(runtime, hint) is None

    waiting = await row(runtime, hint)
    assert (waiting.state, waiting.attempt, waiting.text) == ("queued", 1, "")
    kinds = [kind for kind, _ in await told(runtime, hint)]
    assert kinds[-1] is EventKind.QUEUED
    assert EventKind.DONE not in kinds
    runtime.model = ScriptedModel(good)
    # The slot that the zombie freed went to the hint again.
    assert await attempt.generate(runtime, hint) is not None
    assert (await row(runtime, hint)).attempt == 2


async def test_a_cancel_closes_the_model_stream_and_frees_the_slot(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    started = asyncio.Event()

    async def wait_for_ever(piece: str) -> None:
        started.set()
        await asyncio.Event().wait()

    runtime.model = ScriptedModel(good, gate=wait_for_ever)
    relay = asyncio.create_task(runtime.relay.run())
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await started.wait()
    await runtime.relay.flush()

    # From here on the worker writes nothing: only asking tells it of the cancel.
    assert await runtime.database.run(store.cancel, hint)
    data = events.done(State.CANCELLED, Reason.CANCELLED)
    await runtime.broker.run(streams.close(hint, 1, data))

    assert await asyncio.wait_for(work, 10) is None
    assert runtime.model.open == 0
    assert await settled(runtime, hint)
    assert (await row(runtime, hint)).state == "cancelled"
    relay.cancel()


@pytest.mark.parametrize("late", ["cancel", "finish"])
async def test_a_final_hint_stays_as_it_is(
    runtime: Runtime, hint: str, good: tuple[str, ...], late: str
) -> None:
    """A cancel that comes between the last word and the final row wins; one after it loses."""

    async def cancel_at_the_end(piece: str) -> None:
        if late == "finish" and piece == good[-1]:
            await runtime.database.run(store.cancel, hint)

    runtime.model = ScriptedModel(good, gate=cancel_at_the_end)
    result = await attempt.generate(runtime, hint)

    if late == "finish":
        assert result is None
        assert (await row(runtime, hint)).state == "cancelled"
    else:
        assert not await runtime.database.run(store.cancel, hint)
        assert (await row(runtime, hint)).state == "answered"
    assert await settled(runtime, hint)


async def test_nothing_ungated_is_where_a_student_can_read_it(
    runtime: Runtime, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    runtime.model = ScriptedModel(FIX, FIX)

    result = await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("withheld", "leak", "evidence")
    assert final.text.endswith("?")
    shown = json.dumps([await told(runtime, hint), str(result)]) + caplog.text
    assert "return a + b" not in shown
    raw = await runtime.database.run(lambda: list(ModelCall.objects.values_list("text", "verdict")))
    assert [text for text, _ in raw] == [FIX[0], FIX[0]]
    assert all(rule.startswith("R") for _, rule in raw)


@pytest.mark.parametrize(
    ("answer", "rule", "fault"),
    [
        ("Use `return a + b` here. Does it pass?", "R2", "code"),
        ("Look at the value that comes back.", "R8", "no_question"),
        ("어떤 값이 나오나요?", "R8", "language"),
        ("What is in line 40?", "R9", "untrue"),
    ],
)
async def test_what_was_wrong_with_an_answer_is_kept_for_staff(
    runtime: Runtime, hint: str, answer: str, rule: str, fault: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel((answer,), good)

    await attempt.generate(runtime, hint)

    kept = await runtime.database.run(
        lambda: list(ModelCall.objects.order_by("pk").values_list("verdict", "fault"))
    )
    assert kept == [(rule, fault), ("passed", "")]


async def test_raw_output_is_not_kept_where_it_may_not_be(
    runtime: Runtime, hint: str, settings: Any
) -> None:
    settings.RAW_DAYS = 0
    runtime.model = ScriptedModel(FIX, FIX)

    await attempt.generate(runtime, hint)

    texts = await runtime.database.run(
        lambda: list(ModelCall.objects.values_list("text", flat=True))
    )
    assert texts == ["", ""]


async def test_a_refused_first_answer_is_taken_back_and_asked_again(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(("Look at the end. ", *FIX), good)

    await attempt.generate(runtime, hint)

    seen = await told(runtime, hint)
    after = seen[[kind for kind, _ in seen].index(EventKind.RESET) :]
    assert after[0][1] == {"reason": "leak"}
    text = "".join(data["text"] for kind, data in after if kind is EventKind.PIECE)
    assert (await row(runtime, hint)).text == text == "".join(good)
    assert [request_id for request_id, _ in runtime.model.requests] == [f"{hint}-1"] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineFailed(EngineFailure.UNREACHABLE, "no connection"), "model_unavailable"),
        (EngineFailed(EngineFailure.TIMEOUT, "silent"), "model_timeout"),
        (EngineFailed(EngineFailure.CUT, "no finish reason"), "truncated"),
        (ModelRefused(Refusal.KEY, "no"), "model_refused"),
    ],
)
async def test_without_another_engine_the_hint_ends_with_one_of_evidence(
    runtime: Runtime, hint: str, error: Exception, reason: str
) -> None:
    runtime.model = ScriptedModel(("Look at ", error))

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", reason, "evidence")
    assert await settled(runtime, hint)


def judged(hint: str, verdict: Verdict, **report: Any) -> None:
    """Its program has this report."""
    told = Report(verdict=verdict, passed=0, total=2, **report)
    Submission.objects.filter(hints=hint).update(code=LOOPING, report=told.as_json())


async def test_what_a_program_did_is_told_though_the_engine_refuses_sooner(
    runtime: Runtime, hint: str
) -> None:
    await runtime.database.run(judged, hint, Verdict.FAILED)
    runtime.model = ScriptedModel((ModelRefused(Refusal.KEY, "no"),))
    fact = Fact(kind=FactKind.NO_ROUND, line=2, score=0.9, values={"loop": "for i in range(0)"})

    ending = asyncio.create_task(attempt.generate(runtime, hint))
    await until(lambda: bool(runtime.model.requests))  # type: ignore[attr-defined]
    await asyncio.sleep(0.3)
    still = (await row(runtime, hint)).state
    await runtime.database.run(judged, hint, Verdict.FAILED, facts=(fact,))
    await ending

    final = await row(runtime, hint)
    refused = Outcome(state=State.FAILED, reason=Reason.MODEL_REFUSED)
    told = await runtime.database.run(store.without_model, hint, refused)
    assert still == "running"
    assert (final.state, final.text, final.source) == ("failed", told.text, "evidence")


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.SYNTAX, Verdict.NOT_RUN])
async def test_a_hint_ends_though_nothing_is_found_of_its_program(
    runtime: Runtime, hint: str, verdict: Verdict
) -> None:
    await runtime.database.run(judged, hint, verdict)
    runtime.model = ScriptedModel((ModelRefused(Refusal.KEY, "no"),))

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.reason) == ("failed", "model_refused")
    assert await settled(runtime, hint)


async def test_an_exercise_may_move_to_another_course_while_its_hint_runs(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    def move() -> None:
        away = Course.objects.create(slug="away", title_ko="", title_en="")
        Exercise.objects.filter(hints=hint).update(course=away)

    async def moves(piece: str) -> None:
        if piece == good[1]:
            await runtime.database.run(move)

    runtime.model = ScriptedModel(good, gate=moves)

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.text) == ("answered", "".join(good))
    assert await settled(runtime, hint)
    # Who is not in that course reads it no longer.
    student = await runtime.database.run(User.objects.get)
    assert await runtime.database.run(access.hint, student, final.pk) is None


@pytest.mark.parametrize("then", ["waits", "is lost"])
async def test_an_exercise_may_move_before_its_hint_is_served(
    runtime: Runtime, hint: str, good: tuple[str, ...], then: str
) -> None:
    def move() -> None:
        away = Course.objects.create(slug="away", title_ko="", title_en="")
        Exercise.objects.filter(hints=hint).update(course=away, slug="moved")

    await runtime.database.run(move)
    if then == "is lost":
        await runtime.broker.client.flushall()
        await runtime.broker.run(fleet.set_engines({"gpu0": 2}))
        await runtime.broker.run(fleet.beat("gpu0", runtime.worker, 2, 60))
        await runtime.database.run(Hint.objects.update, created_at=ago(60))
        await Rescue(runtime.broker, runtime.database).tick()
    runtime.model = ScriptedModel(good)

    await attempt.generate(runtime, hint)

    assert (await row(runtime, hint)).state == "answered"
    assert await settled(runtime, hint)


async def test_another_engine_gets_a_hint_that_failed_here(runtime: Runtime, hint: str) -> None:
    await runtime.broker.run(fleet.set_engines({"gpu0": 2, "gpu1": 2}))
    await runtime.broker.run(fleet.beat("gpu1", "gpu1@test", 2, 60))
    runtime.model = ScriptedModel((EngineFailed(EngineFailure.UNREACHABLE, "no connection"),))

    result = await attempt.generate(runtime, hint)

    assert result is not None
    assert result.state == "queued"
    standing = (await runtime.broker.run(dispatch.standing([hint])))[hint]
    assert (standing.phase, standing.engine) == (dispatch.Phase.GRANTED, "gpu1")
    assert (await row(runtime, hint)).state == "queued"


async def test_an_engine_that_does_not_write_the_language_is_not_asked(
    runtime: Runtime, hint: str
) -> None:
    await runtime.database.run(Engine.objects.update, languages="ko")
    runtime.model = ScriptedModel()

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.reason, final.source) == ("other_language", "evidence")


async def test_both_turns_share_one_deadline(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    await runtime.database.run(AIModelConfig.objects.update, deadline_s=0.5)

    async def dawdle(piece: str) -> None:
        if len(runtime.model.requests) == 2:
            await asyncio.Event().wait()

    runtime.model = ScriptedModel(FIX, good, gate=dawdle)

    await asyncio.wait_for(attempt.generate(runtime, hint), 30)

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("withheld", "leak", "evidence")


DEFECT = ZeroDivisionError("SECRET of the student")


async def test_a_defect_ends_a_hint_after_three_attempts(
    runtime: Runtime, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time rescue has it at once, and no text of what broke gets into a log or a result."""
    rescue = Rescue(runtime.broker, runtime.database)
    runtime.model = ScriptedModel(*[("Look at ", DEFECT)] * LOST_THRESHOLD)

    for number in range(1, LOST_THRESHOLD + 1):
        with pytest.raises(Broke, match="ZeroDivisionError at ") as broke:
            await attempt.generate(runtime, hint)
        assert "SECRET" not in "".join(traceback.format_exception(broke.value))
        await rescue.tick()
        assert (await row(runtime, hint)).attempt == number

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "worker_lost", "evidence")
    assert (await told(runtime, hint))[-1] == (
        EventKind.DONE, {"state": "failed", "reason": "worker_lost"}
    )  # fmt: skip
    assert await settled(runtime, hint)
    assert "SECRET" not in caplog.text


async def test_a_defect_that_passes_costs_one_attempt(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    runtime.model = ScriptedModel(("Look at ", DEFECT), good)
    with pytest.raises(Broke):
        await attempt.generate(runtime, hint)

    await Rescue(runtime.broker, runtime.database).tick()
    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.attempt) == ("answered", 2)


@pytest.mark.parametrize("broken", [{"partial": "[]"}, {"report": []}, {"partial": '{"a": 1}'}])
async def test_a_row_that_cannot_be_read_ends_and_stops_nobody(
    runtime: Runtime, hint: str, student: User, good: tuple[str, ...], broken: dict[str, Any]
) -> None:
    model: Any = Submission if "report" in broken else Hint
    await runtime.database.run(model.objects.update, **broken)
    rescue = Rescue(runtime.broker, runtime.database)

    for _ in range(LOST_THRESHOLD):
        with pytest.raises(Broke):
            await attempt.generate(runtime, hint)
        await rescue.tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason) == ("failed", "worker_lost")
    assert await settled(runtime, hint)


async def test_a_defect_at_the_very_end_is_a_defect_too(
    runtime: Runtime, hint: str, good: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")

    monkeypatch.setattr(store, "finish", fail)
    runtime.model = ScriptedModel(good)

    with pytest.raises(Broke):
        await attempt.generate(runtime, hint)

    (lease,) = await runtime.broker.run(dispatch.expired())
    assert (lease.hint, lease.lost) == (hint, 1)


async def test_raw_text_that_cannot_be_kept_costs_no_attempt(
    runtime: Runtime, hint: str, good: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    monkeypatch.setattr(attempts, "keep", fail)
    runtime.model = ScriptedModel(good)

    result = await attempt.generate(runtime, hint)

    assert result is not None
    assert (await row(runtime, hint)).state == "answered"
    assert (await told(runtime, hint))[-1][0] is EventKind.DONE


def limited(retry_after_s: float | None = None) -> tuple[Exception]:
    return (EngineFailed(EngineFailure.RATE_LIMITED, "status 429: slow down", retry_after_s),)


async def test_a_rate_limit_is_waited_out(
    runtime: Runtime, hint: str, good: tuple[str, ...]
) -> None:
    """However often: no failure of hint or engine, and nobody is excluded."""
    runtime.model = ScriptedModel(*[limited(0.0)] * 6, good)

    for _ in range(6):
        result = await attempt.generate(runtime, hint)
        assert result is not None
        assert result.state == "queued"
        assert not await runtime.broker.run(dispatch.excluded([hint]))
        await runtime.broker.run(dispatch.pull("gpu0"))
    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.state, final.attempt, final.text) == ("answered", 7, "".join(good))
    assert (await runtime.broker.run(health.state()))["gpu0"].state is EngineState.UP


async def test_an_engine_that_pauses_gets_no_hint_until_then(runtime: Runtime, hint: str) -> None:
    runtime.model = ScriptedModel(limited(7.0))
    rescue = Rescue(runtime.broker, runtime.database)

    await attempt.generate(runtime, hint)
    await rescue.tick()

    paused = (await runtime.broker.run(health.state()))["gpu0"]
    assert 6 < paused.paused_s <= 7
    load = (await runtime.broker.run(fleet.snapshot()))["gpu0"]
    assert (load.limit, load.alive) == (0, True)
    waits = await row(runtime, hint)
    assert (waits.state, waits.attempt) == ("queued", 1)
    assert (await runtime.broker.run(dispatch.standing([hint])))[hint].queue_position == 1


async def test_rate_limits_end_with_the_time_to_live(runtime: Runtime, hint: str) -> None:
    runtime.model = ScriptedModel(limited(60.0))
    await attempt.generate(runtime, hint)
    await runtime.database.run(Hint.objects.filter(pk=hint).update, created_at=ago(3600))

    await Rescue(runtime.broker, runtime.database).tick()

    final = await row(runtime, hint)
    assert (final.state, final.reason, final.source) == ("failed", "expired", "evidence")


async def test_what_a_server_refuses_is_kept_for_its_engine(runtime: Runtime, hint: str) -> None:
    """The next request starts as this one ended, also in another worker."""

    def use(url: str) -> None:
        Engine.objects.update(url=url, kind="api")
        AIModelConfig.objects.update(mode="api")
        forget()

    with BadServer() as server:
        await runtime.database.run(use, server.at("gpt5"))

        await attempt.generate(runtime, hint)

        bodies = [request["body"] for request in server.log()]
    found = await runtime.database.run(Engine.objects.get, name="gpu0")
    assert found.dialect["left_out"] == ["temperature"]
    assert found.dialect["renamed"] == {"max_tokens": "max_completion_tokens"}
    assert [("max_tokens" in body, "temperature" in body) for body in bodies] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert (await row(runtime, hint)).state == "answered"
