"""The judge of hints: nothing is shown before it, and whatever it does, no leak gets past it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Any

import pytest

from broker.contract.attempt import LEAK, PASSED, Purpose
from broker.contract.events import EventKind
from broker.contract.hint import Lane, Reason, State, Usage
from broker.contract.job import Dialect, Endpoint, HintJob, HintJudge, Sampling, Thinking
from broker.health import EngineFailure
from tests.web.kit import forget, licensed
from tests.workers.conftest import Stopper
from tests.workers.kit import to_be_sent, written
from tests.workers.test_attempt import hint, make, row, settled, told
from tests.workers.test_metrics import Counted, counted
from web.courses.models import Course, Exercise
from web.engines.client.chunk import Chunk
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.models import AIModelConfig, Engine, JudgedBy
from web.hints.models import ModelCall
from web.people.models import User
from web.tutor.gate import judge, wording
from workers.attempt import attempt, judging
from workers.attempt.attempt import Attempt
from workers.runtime import Runtime

__all__ = ["counted", "hint"]
HERE = Endpoint(base_url="http://e/v1", model="writer", thinking=Thinking.NEVER)
THERE = Endpoint(base_url="http://j/v1", model="judge", thinking=Thinking.NEVER)
CLEAN = "Look at the sign. What does it do?"
WORDS = "What would happen if the two numbers were put together instead of taken apart?"
"""A leak that no rule knows."""
KOREAN = "두 수를 빼지 말고 합치면 어떻게 될까요?"
LONG = (
    "A result is only as good as the smallest step behind it. Every value that comes along has to "
    "be looked at once. Say aloud what each name means, and check that it means this at all times. "
    "A plan on paper with three short rows shows more than a long look at a program. "
)
JOB = HintJob(
    hint="h", student="s", attempt=1, engine="gpu0", level=1, locale="en", licensed=True,
    statement="Work out the result for two numbers.",
    reference="def add(a, b):\n    return a + b", mistakes="", authored="", l0="",
    code="def add(a, b):\n    return a - b", question="", endpoint=HERE, sampling=Sampling(),
    judge=HintJudge(engine="gpu0", endpoint=HERE, threshold=0.5),
)  # fmt: skip
ELSEWHERE = replace(JOB, judge=HintJudge(engine="small", endpoint=THERE, threshold=0.5))
Said = Sequence[Chunk | str | Exception]


def says(yes: float, no: float) -> list[Chunk]:
    word = "Yes" if yes > no else "No"
    return [Chunk(word, chances={"Yes": log(yes), "No": log(no)})]


YES, NO = says(0.98, 0.02), says(0.02, 0.98)


def weighed(said: float, text: str) -> float:
    return judge.weighed(said, wording.log_odds(text, "en"))


@dataclass
class Both:
    """Writes by its script, and judges: honestly by a table of leaks, or as it is told to."""

    scripts: list[Said]
    leaks: tuple[str, ...] = (WORDS, KOREAN)
    judges: Callable[[str, dict[str, Any]], Said] | None = None
    asked: list[tuple[Endpoint, Sampling, list[Any]]] = field(default_factory=list)
    at: list[Endpoint] = field(default_factory=list)
    chunks: int = 0

    async def stream(
        self, endpoint: Endpoint, sampling: Sampling, messages: Sequence[Any], request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:  # fmt: skip
        text = messages[-1]["content"]
        if messages[0]["content"] != judge.SYSTEM:
            said: Said = self.scripts.pop(0)
            self.at.append(endpoint)
        else:
            self.asked.append((endpoint, sampling, list(messages)))
            asked = text[text.index("Hint:") :]
            honest = YES if any(leak in asked for leak in self.leaks) else NO
            said = self.judges(asked, dict(sampling.more)) if self.judges else honest
        for piece in said:
            if isinstance(piece, Exception):
                raise piece
            yield Chunk(piece) if isinstance(piece, str) else piece
        yield Chunk("", "stop", Usage(prompt_tokens=10, completion_tokens=5))

    async def aclose(self) -> None:
        pass


def run(job: HintJob, model: Both) -> Attempt:
    return asyncio.run(written(job, model))


def shown(found: Attempt) -> list[str]:
    events = to_be_sent(found.outgoing)
    return [json.loads(each.data)["text"] for each in events if each.kind is EventKind.PIECE]


def kinds(found: Attempt) -> list[EventKind]:
    return [each.kind for each in to_be_sent(found.outgoing)]


@pytest.mark.parametrize("job", [JOB, ELSEWHERE], ids=["same engine", "another"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_hint_is_shown_whole_after_the_judge(job: HintJob, level: int) -> None:
    text = {1: CLEAN, 2: f"It goes wrong early, at the only line that it has. {CLEAN}", 3: LONG}
    model = Both([[f"{word} " for word in text[level].split()]])

    found = run(replace(job, level=level), model)

    assert found.outcome
    assert (found.outcome.state, found.outcome.text) == (State.ANSWERED, text[level].strip())
    assert shown(found) == [text[level].strip()]
    write, judged = found.calls
    assert (write.purpose, write.verdict, write.probability) == (Purpose.WRITE, PASSED, None)
    assert (judged.purpose, judged.verdict, judged.template_version) == (
        Purpose.JUDGE, PASSED, judge.VERSION,
    )  # fmt: skip
    assert judged.probability == pytest.approx(weighed(0.02, text[level].strip()))
    assert job.judge
    assert judged.model == job.judge.endpoint.model
    [(endpoint, sampling, messages)] = model.asked
    assert endpoint == job.judge.endpoint
    assert (sampling.temperature, sampling.more["logprobs"]) == (0.0, True)
    assert "+     return a + b" in messages[-1]["content"]


@pytest.mark.parametrize("job", [JOB, ELSEWHERE], ids=["same engine", "another"])
@pytest.mark.parametrize(("locale", "leak"), [("en", WORDS), ("ko", KOREAN)])
def test_what_the_judge_calls_a_leak_is_asked_for_once_more_and_shown_to_nobody(
    job: HintJob, locale: str, leak: str
) -> None:
    found = run(replace(job, locale=locale), Both([[leak], [leak]]))

    assert found.outcome
    assert (found.outcome.state, found.outcome.reason) == (State.WITHHELD, Reason.LEAK)
    assert (found.outcome.text, shown(found)) == ("", [])
    assert [call.verdict for call in found.calls] == ["judge", LEAK, "judge", LEAK]
    assert [call.fault for call in found.calls] == ["leak", "", "leak", ""]
    assert [ruling.rule for ruling in found.rulings] == ["judge", "judge"]


def test_a_second_answer_that_is_no_leak_is_shown() -> None:
    model = Both([[WORDS], [CLEAN]])
    found = run(JOB, model)

    assert found.outcome
    assert (found.outcome.state, shown(found)) == (State.ANSWERED, [CLEAN])
    assert [call.verdict for call in found.calls] == ["judge", LEAK, PASSED, PASSED]


def test_what_the_rules_block_is_not_judged() -> None:
    model = Both([["Write `return a + b` there."], [CLEAN]])
    run(JOB, model)

    assert len(model.asked) == 1


BROKEN: dict[str, Said] = {
    "refuses": [ModelRefused(Refusal.KEY, "no")],
    "refuses the request": [ModelRefused(Refusal.REQUEST, "no")],
    "500": [EngineFailed(EngineFailure.UNREACHABLE, "status 500")],
    "busy": [EngineFailed(EngineFailure.BUSY, "status 503")],
    "is asked too often": [EngineFailed(EngineFailure.RATE_LIMITED, "status 429", 7.0)],
    "breaks off": ["N", EngineFailed(EngineFailure.CUT, "the stream broke")],
    "is late": [EngineFailed(EngineFailure.TIMEOUT, "no first chunk in time")],
    "is empty": [],
    "talks": ["I think that this is a fine hint, so no."],
    "doubts": ["Maybe"],
    "doubts in its chances": [Chunk("Well", chances={"Well": -0.1, "No": -3.0})],
    "writes JSON of its own": ['{"verdict": "fine"}'],
    "writes garbage": ["\ufffd\x00{{{"],
    "thinks alone": [Chunk(thoughts=90)],
}


@pytest.mark.parametrize("job", [JOB, ELSEWHERE], ids=["same engine", "another"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_judge_that_does_not_say_no_blocks(job: HintJob, name: str) -> None:
    model = Both([[CLEAN], [CLEAN]], judges=lambda *_: BROKEN[name])

    found = run(job, model)

    assert found.outcome
    assert (found.outcome.state, found.outcome.reason) == (State.WITHHELD, Reason.UNJUDGED)
    assert shown(found) == []
    assert {call.verdict for call in found.calls if call.purpose is Purpose.WRITE} == {"judge"}
    assert not {call.verdict for call in found.calls} & {PASSED}
    assert not model.scripts, "it was asked for a second answer"


@pytest.mark.parametrize(("more", "passes"), [(-0.1, False), (0, False), (0.01, True), (0.3, True)])
def test_a_threshold_decides(more: float, passes: bool) -> None:
    asked = HintJudge(engine="gpu0", endpoint=HERE, threshold=weighed(0.3, CLEAN) + more)
    model = Both([[CLEAN], [CLEAN]], judges=lambda *_: says(0.3, 0.7))

    assert bool(shown(run(replace(JOB, judge=asked), model))) is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Which value does `a` have when line 2 runs, and which one has `b`?", True),
        ("What if you subtracted the two the other way around instead?", False),
    ],
)
def test_of_a_judge_that_is_not_sure_the_wording_decides(text: str, passes: bool) -> None:
    model = Both([[text], [text]], judges=lambda *_: says(0.5, 0.5))

    assert bool(shown(run(JOB, model))) is passes


@pytest.mark.parametrize("sure", [YES, NO])
@pytest.mark.parametrize("text", [CLEAN, "What if you subtracted the other way around instead?"])
def test_no_wording_overrules_a_judge_that_is_sure(sure: Said, text: str) -> None:
    model = Both([[text], [text]], judges=lambda *_: sure)

    assert bool(shown(run(JOB, model))) is (sure is NO)


def unable(*names: str) -> Callable[[str, dict[str, Any]], Said]:
    """A server that refuses these parameters with a 400 of some wording; else it says a word."""

    def judges(asked: str, more: dict[str, Any]) -> Said:
        if set(names) & more.keys():
            return [ModelRefused(Refusal.REQUEST, "status 400: that is not to be had here")]
        leaks = WORDS in asked
        if "response_format" in more:
            return [json.dumps({"leaks": "yes" if leaks else "no"})]
        return ["Yes" if leaks else "No"]

    return judges


@pytest.mark.parametrize(
    ("names", "requests", "left_out"),
    [
        ((), 1, set()),
        (("logprobs",), 2, {"logprobs", "top_logprobs"}),
        (("logprobs", "response_format"), 3, {"logprobs", "top_logprobs", "response_format"}),
    ],
)
def test_a_judge_without_probabilities_or_schema_is_asked_for_a_word_and_that_is_learned(
    names: tuple[str, ...], requests: int, left_out: set[str]
) -> None:
    for text, state in ((CLEAN, State.ANSWERED), (WORDS, State.WITHHELD)):
        model = Both([[text], [text]], judges=unable(*names))

        found = run(ELSEWHERE, model)

        assert found.outcome
        assert found.outcome.state is state
        turns = 1 if state is State.ANSWERED else 2
        assert len(model.asked) == requests + turns - 1
        assert found.endpoints["small"].dialect.left_out == left_out
        assert found.endpoint.dialect == Dialect()
        said = 0.0 if state is State.ANSWERED else 1.0
        assert found.calls[-1].probability == pytest.approx(weighed(said, text))


def test_a_judge_that_takes_no_form_teaches_nothing() -> None:
    refuses = BROKEN["refuses the request"]
    found = run(ELSEWHERE, Both([[CLEAN], [CLEAN]], judges=lambda *_: refuses))

    assert found.endpoints["small"].dialect == Dialect()


def test_a_thinking_judges_thoughts_are_not_its_word() -> None:
    thinks = [Chunk("<think>"), *NO, Chunk(" or yes?</think>"), Chunk("Yes")]
    there = replace(THERE, thinking=Thinking.UNKNOWN, reasoning_tokens=500)
    job = replace(JOB, judge=HintJudge(engine="small", endpoint=there, threshold=0.5))

    found = run(job, Both([[CLEAN], [CLEAN]], judges=lambda *_: thinks))

    assert found.outcome
    assert found.outcome.reason is Reason.LEAK


def test_a_judge_that_is_late_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "WITHIN_S", 0.1)

    class Late(Both):
        async def stream(self, *asked: Any) -> AsyncGenerator[Chunk, None]:
            if asked[2][0]["content"] == judge.SYSTEM:
                await asyncio.sleep(60)
            async for chunk in super().stream(*asked):
                yield chunk

    found = run(JOB, Late([[CLEAN], [CLEAN]]))

    assert found.outcome
    assert (found.outcome.reason, shown(found)) == (Reason.UNJUDGED, [])


STREAMED = replace(JOB, level=3, streams=True)
LONG_PIECES = [f"{word} " for word in LONG.split()]


def test_a_course_may_show_long_hints_while_they_are_written() -> None:
    seen: list[list[str]] = []

    class Watched(Both):
        async def stream(self, *asked: Any) -> AsyncGenerator[Chunk, None]:
            if asked[2][0]["content"] == judge.SYSTEM:
                seen.append(shown(attempt_of[0]))
            async for chunk in super().stream(*asked):
                yield chunk

    attempt_of: list[Attempt] = []
    begun = Attempt.__init__

    def noted(self: Attempt, *given: Any) -> None:
        begun(self, *given)
        attempt_of.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Attempt, "__init__", noted)
        found = run(STREAMED, Watched([LONG_PIECES]))

    assert found.outcome
    assert found.outcome.state is State.ANSWERED
    assert "".join(seen[0]) == LONG.strip()


@pytest.mark.parametrize("second", [LONG_PIECES, ["`return a + b`"], LONG_PIECES[:2]])
def test_a_long_hint_that_was_shown_before_the_judge_is_taken_back(second: Said) -> None:
    model = Both([LONG_PIECES, second], judges=lambda *_: YES)

    found = run(STREAMED, model)

    assert found.outcome
    assert (found.outcome.state, found.outcome.text) == (State.WITHHELD, "")
    told = kinds(found)
    assert EventKind.PIECE in told
    assert told[::-1].index(EventKind.RESET) < told[::-1].index(EventKind.PIECE)


def test_a_course_that_streams_holds_short_hints_all_the_same() -> None:
    found = run(replace(JOB, streams=True), Both([[WORDS], [WORDS]]))

    assert shown(found) == []


def judged_by(choice: JudgedBy, judge_engine: Engine | None = None, **more: Any) -> None:
    AIModelConfig.objects.update(judged_by=choice, judge_engine=judge_engine, **more)
    forget()


@pytest.mark.django_db(transaction=True)
async def test_verdict_and_probability_are_kept_for_staff_and_counted(
    runtime: Runtime, hint: str, counted: Counted
) -> None:
    await runtime.database.run(judged_by, JudgedBy.SAME)
    runtime.model = Both([[WORDS], [CLEAN]])  # type: ignore[assignment]

    result = await attempt.generate(runtime, hint)

    assert result
    assert (result.state, result.calls) == ("answered", 4)
    final = await row(runtime, hint)
    assert (final.text, final.prompt_tokens) == (CLEAN, 40)
    calls = await runtime.database.run(
        lambda: list(ModelCall.objects.values_list("purpose", "verdict", "probability"))
    )
    assert [call[:2] for call in calls] == [
        ("write", "judge"), ("judge", "leak"), ("write", "passed"), ("judge", "passed"),
    ]  # fmt: skip
    assert [call[2] for call in calls] == [
        None, pytest.approx(weighed(0.98, WORDS)), None, pytest.approx(weighed(0.02, CLEAN)),
    ]  # fmt: skip
    seen = await told(runtime, hint)
    assert WORDS not in json.dumps(seen)
    assert counted["hint_judged_total", "gpu0", "leak"] == 1
    assert counted["hint_judged_total", "gpu0", "passed"] == 1
    assert counted["hint_ttft_seconds_count", "unknown", "gpu0", "judge"] == 1
    assert await settled(runtime, hint)


@pytest.mark.django_db(transaction=True)
async def test_another_engine_judges_and_what_it_refuses_is_kept_for_it(
    runtime: Runtime, hint: str
) -> None:
    def set_up() -> None:
        small = Engine.objects.create(
            name="small", kind="api", url="http://j/v1", model_name="judge", enabled=False,
            api_key="sk-judge",
        )  # fmt: skip
        licensed("judge")
        judged_by(JudgedBy.OTHER, small, judge_threshold=0.2)

    await runtime.database.run(set_up)
    model = Both([[CLEAN]], judges=unable("logprobs"))
    runtime.model = model  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    assert (await row(runtime, hint)).state == "answered"
    endpoint, sampling, _ = model.asked[-1]
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == (
        "http://j/v1", "judge", "sk-judge",
    )  # fmt: skip
    assert "response_format" in sampling.more
    found = await runtime.database.run(lambda: {e.name: e.dialect for e in Engine.objects.all()})
    assert found["small"]["left_out"] == ["logprobs", "top_logprobs"]
    assert found["gpu0"] == {}


@pytest.mark.django_db(transaction=True)
async def test_the_courses_switch_reaches_the_attempt(
    runtime: Runtime, student: User, exercise: Exercise
) -> None:
    def asked() -> str:
        judged_by(JudgedBy.SAME)
        Course.objects.update(streams=True)
        return make(student, exercise)

    hint = await runtime.database.run(asked)
    claimed = await attempt.claim(runtime, hint)

    assert claimed
    assert claimed.job.streams
    assert claimed.job.judge
    await runtime.settle(hint, 1)


@pytest.mark.django_db(transaction=True)
async def test_a_student_who_cancels_stops_the_judge(runtime: Runtime, hint: str) -> None:
    await runtime.database.run(judged_by, JudgedBy.SAME)
    stopper = Stopper()

    class Waits(Both):
        async def stream(self, *asked: Any) -> AsyncGenerator[Chunk, None]:
            if asked[2][0]["content"] == judge.SYSTEM:
                await stopper("stop here")
            async for chunk in super().stream(*asked):
                yield chunk

    runtime.model = Waits([[CLEAN]])  # type: ignore[assignment]
    work = asyncio.create_task(attempt.generate(runtime, hint))
    await stopper.reached.wait()
    runtime.held[hint][1]()

    assert await asyncio.wait_for(work, 30) is None
    assert CLEAN not in json.dumps(await told(runtime, hint))
    assert await settled(runtime, hint)
