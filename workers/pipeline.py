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
from broker.contract.job import Endpoint, HintJob, Sampling
from broker.health import Failure
from web.tutor import prompt
from web.tutor.gate import Gate, Verdict
from workers import telemetry
from workers.chunk import Chunk
from workers.errors import EngineFailed, ModelRefused, Refusal
from workers.relay import Feed
from workers.screen import Screen

TURNS = 2
"""A model that is blocked gets one more try; then the student gets the author's hint."""
INCOMPLETE = frozenset({"length", "content_filter"})
"""Finish reasons after which the last sentence may be a half one."""
REASONS = {
    Failure.UNREACHABLE: Reason.MODEL_UNAVAILABLE,
    Failure.BUSY: Reason.MODEL_UNAVAILABLE,
    Failure.RATE_LIMITED: Reason.MODEL_UNAVAILABLE,
    Failure.TIMEOUT: Reason.MODEL_TIMEOUT,
    Failure.CUT: Reason.TRUNCATED,
}


class Streams(Protocol):
    """What the pipeline asks of workers.model.Model."""

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

    retry_after_s: when the engine may be asked again, if it says so.
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


@dataclass(slots=True)
class Record:
    """What an attempt leaves behind beside its ending; filled while it runs.

    writing: ungated, of the turn that runs; written: tokens of the text which that goes on from;
    spent: by the turns before; now: by the one that runs, as far as its engine has counted.
    """

    screen: Screen
    turns: list[Turn] = field(default_factory=list)
    writing: list[str] = field(default_factory=list)
    written: int = 0
    spent: Usage = field(default_factory=Usage)
    now: Usage = field(default_factory=Usage)
    refusal: Refusal | None = None
    error: str = ""

    @property
    def usage(self) -> Usage:
        return added(self.spent, self.now)

    @property
    def tokens(self) -> int:
        """Of what is being written, as far as engines counted them."""
        return self.written + self.now.completion_tokens


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
        return replace(
            elsewhere(job, failure_of(error, job), record), retry_after_s=error.retry_after_s
        )
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
        try:
            verdict = await turn(job, model, record, "" if blocked else job.beginning)
        except ModelRefused as error:
            if blocked or not job.beginning or error.cause is not Refusal.REQUEST:
                raise
            # This server, or this model's chat template, cannot go on from a beginning.
            record.screen.clear("attempt")
            verdict = await turn(job, model, record, "")
        if verdict.ok:
            return answered(verdict, record)
    blocked = refusal(record)
    assert blocked is not None
    return without_model(job, State.WITHHELD, blocked, record)


def refusal(record: Record) -> Reason | None:
    """Why the gate refused the last answer; None before the first one."""
    return record.turns[-1].verdict.reason if record.turns else None


def failure_of(error: EngineFailed, job: HintJob) -> Failure:
    """A vLLM server limits no rate: its 429 says that it has no room."""
    rate_limited = error.failure is Failure.RATE_LIMITED
    full = rate_limited and error.retry_after_s is None and job.endpoint.kind == "vllm"
    return Failure.BUSY if full else error.failure


def elsewhere(job: HintJob, failure: Failure, record: Record) -> Elsewhere:
    """If it ends here after all: withheld where the gate had refused an answer, else failed."""
    if blocked := refusal(record):
        return Elsewhere(failure, without_model(job, State.WITHHELD, blocked, record))
    return Elsewhere(failure, without_model(job, State.FAILED, REASONS[failure], record))


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
    record.writing = [beginning]
    record.written = job.partial.tokens if beginning and job.partial else 0
    record.spent, record.now = record.usage, Usage()
    record.screen.show(gate.feed(beginning))
    incomplete = False
    if not decided(gate):
        incomplete = await listen(job, model, record, beginning, gate)
    verdict = gate.finish(cut=incomplete)
    record.screen.show(verdict.piece)
    record.turns.append(Turn(len(record.turns) + 1, "".join(record.writing), verdict))
    record.writing = []
    if verdict.ok:
        record.screen.end()
    return verdict


def decided(gate: Gate) -> bool:
    return bool(gate.rule or gate.satisfied)


async def listen(job: HintJob, model: Streams, record: Record, beginning: str, gate: Gate) -> bool:
    """Feeds the gate while the model writes; whether the model's last sentence may be a half one.

    Raises: ModelError.
    """
    incomplete = False
    async with (
        telemetry.Request(job.engine, len(record.turns) + 1) as request,
        aclosing(ask(job, model, record, beginning)) as chunks,
    ):
        async for chunk in chunks:
            request.chunk()
            record.writing.append(chunk.text)
            record.screen.show(gate.feed(chunk.text))
            record.now = chunk.usage or record.now
            incomplete = incomplete or chunk.finish_reason in INCOMPLETE
            if decided(gate):
                break
    return incomplete


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
        sampling = replace(sampling, max_tokens=max(1, sampling.max_tokens - record.tokens))
    return model.stream(job.endpoint, sampling, messages, f"{job.hint}-{job.attempt}", job.lane)


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
