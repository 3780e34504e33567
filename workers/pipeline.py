"""One attempt at a hint: prompt → model → gate → pieces, and how it ended.

Knows neither Celery nor the database: what it needs comes in the job, what it did goes out.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, cast

from openai.types.chat import ChatCompletionMessageParam

from broker.contract.events import Kind
from broker.contract.hint import Outcome, Reason, Source, State, Usage, fallback
from broker.contract.job import Endpoint, HintJob, Sampling
from web.tutor import prompt
from web.tutor.gate import Gate, Verdict
from workers import telemetry
from workers.chunk import Chunk
from workers.errors import ModelCut, ModelRefused, ModelTimeout, ModelUnavailable
from workers.relay import Feed

TURNS = 2
"""A model that is blocked gets one more try; then the student gets the author's hint."""


class Streams(Protocol):
    """What the pipeline asks of workers.model.Model."""

    def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[ChatCompletionMessageParam],
        request_id: str,
    ) -> AsyncGenerator[Chunk, None]: ...


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """This engine failed under the hint. reason: what to say if there is no other one to try."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Turn:
    """What one model answer came to. text: ungated, for staff."""

    number: int
    text: str
    verdict: Verdict


@dataclass(slots=True)
class Record:
    """What an attempt leaves behind beside its ending; filled while it runs."""

    first_piece_at: datetime | None = None
    turns: list[Turn] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    error: str = ""


async def run(job: HintJob, model: Streams, feed: Feed, record: Record) -> Outcome | Elsewhere:
    """The whole attempt. Cancelling the coroutine closes the model's stream."""
    feed.put(Kind.STARTED, engine=job.engine)
    if job.attempt > 1:
        feed.put(Kind.RESET, reason="attempt")
    if job.locale not in job.endpoint.languages:
        return without_model(job, State.FAILED, Reason.OTHER_LANGUAGE, record)
    try:
        # One deadline for both turns: the second one gets what the first has left.
        async with asyncio.timeout(job.endpoint.deadline_s):
            for number in range(1, TURNS + 1):
                if blocked := refusal(record):
                    feed.put(Kind.RESET, reason=blocked)
                verdict = await turn(job, model, feed, record, number, blocked)
                if verdict.ok:
                    return answered(verdict, record)
    except (ModelUnavailable, ModelTimeout, ModelCut, TimeoutError) as error:
        record.error = str(error) or "not finished by the deadline"
        if not record.turns:
            return Elsewhere(REASONS[type(error)])
    except ModelRefused as error:
        record.error = f"{error.cause}: {error}"
        return without_model(job, State.FAILED, Reason.MODEL_REFUSED, record)
    blocked = refusal(record)
    assert blocked is not None
    return without_model(job, State.WITHHELD, blocked, record)


def refusal(record: Record) -> Reason | None:
    """Why the gate refused the last answer; None before the first one."""
    return record.turns[-1].verdict.reason if record.turns else None


def answered(verdict: Verdict, record: Record) -> Outcome:
    return Outcome(state=State.ANSWERED, text=verdict.text, source=Source.MODEL, usage=record.usage)


REASONS: dict[type[Exception], Reason] = {
    ModelUnavailable: Reason.MODEL_UNAVAILABLE,
    ModelTimeout: Reason.MODEL_TIMEOUT,
    ModelCut: Reason.TRUNCATED,
    TimeoutError: Reason.MODEL_TIMEOUT,
}


async def turn(
    job: HintJob, model: Streams, feed: Feed, record: Record, number: int, blocked: Reason | None
) -> Verdict:
    """One model answer through the gate; the model is stopped as soon as the gate has decided."""
    gate = Gate(
        level=job.level,
        locale=job.locale,
        student_code=job.code,
        statement=f"{job.statement}\n{job.l0}",
        reference=job.reference,
    )
    raw: list[str] = []
    cut = False
    messages = cast(
        list[ChatCompletionMessageParam],
        prompt.build(prompt_task(job, blocked), nonce=secrets.token_hex(4)),
    )
    request_id = f"{job.hint}-{job.attempt}"
    async with (
        telemetry.Request(job.engine, number) as request,
        aclosing(model.stream(job.endpoint, job.sampling, messages, request_id)) as chunks,
    ):
        async for chunk in chunks:
            request.chunk()
            raw.append(chunk.text)
            release(gate.feed(chunk.text), feed, record)
            if chunk.usage:
                record.usage = added(record.usage, chunk.usage)
            cut = cut or chunk.finish_reason == "length"
            if gate.rule or gate.satisfied:
                break
    verdict = gate.finish(cut=cut)
    release(verdict.piece, feed, record)
    record.turns.append(Turn(number, "".join(raw), verdict))
    return verdict


def release(text: str, feed: Feed, record: Record) -> None:
    if text:
        record.first_piece_at = record.first_piece_at or datetime.now(UTC)
        feed.piece(text)


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
