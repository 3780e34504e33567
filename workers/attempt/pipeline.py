"""One attempt at a hint: prompt → model → gate → pieces, and how it ended.

Knows neither Celery nor the database: what it needs comes in the job, what it did goes out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Protocol, cast

from openai.types.chat import ChatCompletionMessageParam

from broker.contract.events import Kind
from broker.contract.hint import Lane, Outcome, Reason, Source, State, Usage, fallback
from broker.contract.job import Dialect, Endpoint, HintJob, Sampling
from broker.health import Failure
from web.engines.client.answer import Answer
from web.engines.client.chunk import Chunk
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.tutor.gate.gate import Gate, Verdict
from web.tutor.writing import prompt
from workers.attempt import telemetry
from workers.attempt.relay import Feed
from workers.attempt.screen import Screen

TURNS = 2
"""A model that is blocked gets one more try; then the student gets the author's hint."""
THOUGHTS = "R9"
"""The gate's rule for thoughts that stand where the answer should be."""
REASONS = {
    Failure.UNREACHABLE: Reason.MODEL_UNAVAILABLE,
    Failure.BUSY: Reason.MODEL_UNAVAILABLE,
    Failure.RATE_LIMITED: Reason.MODEL_UNAVAILABLE,
    Failure.TIMEOUT: Reason.MODEL_TIMEOUT,
    Failure.CUT: Reason.TRUNCATED,
}


class Streams(Protocol):
    """What the pipeline asks of web.engines.client.model.Model."""

    def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[ChatCompletionMessageParam],
        request_id: str,
        lane: Lane,
    ) -> AsyncGenerator[Chunk, None]: ...


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """This engine failed under the hint. ending: what it comes to if no other one may try.

    retry_after_s: when the engine's server wants to be asked again; None: it does not say.
    """

    failure: Failure
    ending: Outcome
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one model answer came to. text: ungated, for staff."""

    number: int
    text: str
    verdict: Verdict
    usage: Usage


@dataclass(slots=True)
class Record:
    """What an attempt leaves behind beside its ending; filled while it runs."""

    screen: Screen
    turns: list[Turn] = field(default_factory=list)
    """Those that are over."""
    raw: list[str] = field(default_factory=list)
    """All text of the turn that runs: its beginning, thoughts, answer; ungated."""
    writing: list[str] = field(default_factory=list)
    """What of it is known to be the answer; ungated."""
    written: int = 0
    """Tokens of the beginning, which an earlier attempt left and this turn goes on from."""
    thought: bool = False
    """Thoughts came before the answer of this turn, so its tokens are not those of the answer."""
    spent: Usage = field(default_factory=Usage)
    """Of the turns that are over."""
    now: Usage = field(default_factory=Usage)
    """Of the turn that runs, as far as its engine has counted."""
    learned: Dialect | None = None
    """How the engine's server wants to be asked and what its model does; None: no answer yet."""
    refusal: Refusal | None = None
    error: str = ""
    failure: Failure | None = None

    @property
    def usage(self) -> Usage:
        return added(self.spent, self.now)

    @property
    def tokens(self) -> int:
        """Of what is being written, as far as engines counted them; those of thoughts are none."""
        return self.written + (0 if self.thought else self.now.completion_tokens)

    def reached(self, job: HintJob) -> Endpoint:
        """The endpoint, asked as its server wants it: a second turn need not learn it again."""
        return replace(job.endpoint, dialect=self.learned) if self.learned else job.endpoint


async def run(
    job: HintJob, model: Streams, feed: Feed, record: Record, shown: str | None = ""
) -> Outcome | Elsewhere:
    """The whole attempt. Cancelling the coroutine closes the model's stream.

    shown: what earlier attempts have shown to watchers; None: that is not known.
    """
    feed.put(Kind.STARTED, engine=job.engine)
    if job.attempt > 1:
        take_over(job, record.screen, shown)
    if job.locale not in job.endpoint.languages:
        return without_model(job, State.FAILED, Reason.OTHER_LANGUAGE, record)
    try:
        # One deadline for both turns: the second one gets what the first has left.
        async with asyncio.timeout(job.endpoint.deadline_s):
            return await turns(job, model, record)
    except EngineFailed as error:
        record.error = str(error)
        return elsewhere(job, error.failure, record, error.retry_after_s)
    except TimeoutError:
        record.error = "not finished by the deadline"
        return elsewhere(job, Failure.TIMEOUT, record)
    except ModelRefused as error:
        record.error, record.refusal = f"{error.cause}: {error}", error.cause
        this = error.cause is Refusal.REQUEST
        reason = Reason.REQUEST_REFUSED if this else Reason.MODEL_REFUSED
        return without_model(job, State.FAILED, reason, record)


def take_over(job: HintJob, screen: Screen, shown: str | None) -> None:
    """What is on the screen stays where this attempt goes on from it."""
    if not job.beginning or shown is None:
        screen.clear("attempt")
        return
    screen.keep(shown)


async def turns(job: HintJob, model: Streams, record: Record) -> Outcome:
    """Answers until the gate takes one. Raises: ModelError."""
    for _ in range(TURNS):
        if blocked := refusal(record):
            record.screen.clear(blocked)
            verdict = await turn(job, model, record, "")
        else:
            verdict = await first_turn(job, model, record)
        if verdict.ok:
            return answered(verdict, record)
        if verdict.reason is Reason.ONLY_THOUGHTS:
            # Asked again it would spend as many: only an admin can mend this.
            return without_model(job, State.FAILED, Reason.ONLY_THOUGHTS, record)
    blocked = refusal(record)
    assert blocked is not None
    return without_model(job, State.WITHHELD, blocked, record)


async def first_turn(job: HintJob, model: Streams, record: Record) -> Verdict:
    """Goes on from what an earlier attempt left, unless this engine cannot. Raises: ModelError."""
    try:
        verdict = await turn(job, model, record, job.beginning)
    except ModelRefused as error:
        if not job.beginning or error.cause is not Refusal.REQUEST:
            raise
    else:
        # A server's reasoning parser may take the rest of an answer for thoughts.
        if not job.beginning or verdict.reason is not Reason.ONLY_THOUGHTS:
            return verdict
    record.screen.clear("attempt")
    record.error = ""
    return await turn(job, model, record, "")


def refusal(record: Record) -> Reason | None:
    """Why the gate refused the last answer that it got; None before the first one."""
    reasons = (turn.verdict.reason for turn in reversed(record.turns))
    return next((reason for reason in reasons if reason is not Reason.ONLY_THOUGHTS), None)


def elsewhere(
    job: HintJob, failure: Failure, record: Record, retry_after_s: float | None = None
) -> Elsewhere:
    """If it ends here after all: withheld where the gate had refused an answer, else failed."""
    record.failure = failure
    blocked = refusal(record)
    state = State.WITHHELD if blocked else State.FAILED
    ending = without_model(job, state, blocked or REASONS[failure], record)
    return Elsewhere(failure, ending, retry_after_s)


def answered(verdict: Verdict, record: Record) -> Outcome:
    return Outcome(state=State.ANSWERED, text=verdict.text, source=Source.MODEL, usage=record.usage)


async def turn(job: HintJob, model: Streams, record: Record, beginning: str) -> Verdict:
    """One model answer through the gate; the model is stopped as soon as the gate has decided.

    beginning: what of the answer is written already.
    """
    gate = Gate(
        level=job.level,
        locale=job.locale,
        student_code=job.code,
        statement=f"{job.statement}\n{job.l0}",
        reference=job.reference,
    )
    answer = Answer(record.reached(job), begun=bool(beginning))
    record.raw, record.writing = [beginning], [beginning]
    record.written = job.partial.tokens if beginning and job.partial else 0
    record.spent, record.now, record.thought = record.usage, Usage(), False
    record.screen.show(gate.feed(beginning))
    if not decided(gate):
        await listen(job, model, record, beginning, answer, gate)
    verdict = gate.finish(cut=answer.incomplete)
    if answer.only_thoughts:
        record.error = answer.advice
        verdict = Verdict(ok=False, rule=THOUGHTS, reason=Reason.ONLY_THOUGHTS)
    record.screen.show(verdict.piece)
    record.turns.append(Turn(len(record.turns) + 1, "".join(record.raw), verdict, record.now))
    record.raw, record.writing = [], []
    if verdict.ok:
        record.screen.end()
    return verdict


def decided(gate: Gate) -> bool:
    return bool(gate.rule or gate.satisfied)


async def listen(
    job: HintJob, model: Streams, record: Record, beginning: str, answer: Answer, gate: Gate
) -> None:
    """Feeds the gate, with answers alone, until it has decided or the model has finished.

    Raises: ModelError.
    """
    async with (
        telemetry.Request(job.engine, len(record.turns) + 1) as request,
        aclosing(ask(job, model, record, beginning)) as chunks,
    ):
        async for chunk in chunks:
            if chunk.alive:
                request.chunk()
            record.raw.append(chunk.text)
            record.now = chunk.usage or record.now
            show(answer.feed(chunk), record, answer, gate)
            if decided(gate):
                return
    show(answer.finish(), record, answer, gate)


def show(text: str, record: Record, answer: Answer, gate: Gate) -> None:
    """What the gate lets through of the answer's next text, and what the answer has taught."""
    record.learned = answer.dialect
    if text:
        record.thought = answer.thought > 0
        record.writing.append(text)
        record.screen.show(gate.feed(text))


def ask(
    job: HintJob, model: Streams, record: Record, beginning: str
) -> AsyncGenerator[Chunk, None]:
    """The model's answer, or the rest of the one that is begun."""
    # Nobody knew the hint's id when the student's text was written; and one prompt for all
    # attempts is what their text can go on from, and what a cache may hold.
    nonce = blake2b(job.hint.encode(), digest_size=4).hexdigest()
    messages = cast(
        list[ChatCompletionMessageParam],
        prompt.build(prompt_task(job, refusal(record)), nonce=nonce),
    )
    sampling = job.sampling
    if beginning:
        messages.append({"role": "assistant", "content": beginning})
        if sampling.max_tokens is not None:
            sampling = replace(sampling, max_tokens=max(1, sampling.max_tokens - record.tokens))
    return model.stream(
        record.reached(job), sampling, messages, f"{job.hint}-{job.attempt}", job.lane
    )


def prompt_task(job: HintJob, blocked: Reason | None) -> prompt.PromptTask:
    return prompt.PromptTask(
        level=job.level,
        locale=job.locale,
        statement=job.statement,
        hint=job.authored,
        mistakes=job.mistakes,
        result=job.l0,
        code=job.code,
        question=job.question,
        retry=blocked,
    )


def without_model(job: HintJob, state: State, reason: Reason, record: Record) -> Outcome:
    return fallback(state, reason, job.authored, job.l0, record.usage)


def added(one: Usage, two: Usage) -> Usage:
    return Usage(
        prompt_tokens=one.prompt_tokens + two.prompt_tokens,
        completion_tokens=one.completion_tokens + two.completion_tokens,
        cached_tokens=one.cached_tokens + two.cached_tokens,
    )
