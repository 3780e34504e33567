"""One request of an attempt to its engine, whatever for: sent, timed, counted and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from broker.contract.attempt import ModelCall, Purpose
from broker.contract.hint import Usage
from broker.contract.job import Dialect, Endpoint, HintJob, Message, Sampling
from broker.health import EngineFailure
from web.engines.client.answer import Answer
from web.engines.client.errors import EngineFailed
from web.engines.client.forms import in_forms
from web.engines.client.negotiation import Negotiation
from workers.attempt import telemetry

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

T = TypeVar("T")


class Endpoints(dict[str, Endpoint]):
    """The engines that an attempt asks, by name, each with what its answers have taught so far."""

    def __init__(self, job: HintJob) -> None:
        judge = {job.judge.engine: job.judge.endpoint} if job.judge else {}
        super().__init__(judge | {job.engine: job.endpoint})

    def learn(self, engine: str, dialect: Dialect) -> None:
        """From an engine's answer: a second call need not learn it again."""
        if dialect is not self[engine].dialect:
            self[engine] = replace(self[engine], dialect=dialect)

    async def in_forms(
        self, engine: str, forms: Sequence[Sampling], ask: Callable[[Sampling], Awaitable[T]]
    ) -> T:
        """As web.engines.client.forms.in_forms, of this engine."""
        learn = partial(self.learn, engine)
        return await in_forms(forms, lambda: self[engine].dialect, learn, ask)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What is asked of the model. version: of the template that the messages are made by.

    Messages of one purpose and version begin alike, which is what an engine's cache goes by.
    beginning: of the answer, which the model is to go on from; empty for a whole one. engine: that
    is asked, one of the attempt's; empty for the one that writes. within_s: for the whole answer.
    """

    purpose: Purpose
    version: str
    messages: Sequence[Message]
    sampling: Sampling
    beginning: str = ""
    engine: str = ""
    within_s: float = inf

    def prompt(self) -> list[Message]:
        begun: Message = {"role": "assistant", "content": self.beginning}
        return [*self.messages, begun] if self.beginning else [*self.messages]


async def ask(
    attempt: Attempt, asking: ModelRequest, answer: Answer, take: Callable[[str], object]
) -> None:
    """Sends the request and reads the answer; afterwards it is the last of the attempt's calls.

    That holds however it ends. Cancelling it closes the model's stream. answer: a new one, which
    tells the answer from the model's thoughts. take: gets the answer's text as it comes, and
    nobody else does; a true result stops the model.
    Raises: ModelError, also at the attempt's deadline.
    """
    job, model, prompt = attempt.job, attempt.runtime.model, asking.prompt()
    engine = asking.engine or job.engine
    endpoint = attempt.endpoints[engine]
    raw, usage, begun = [asking.beginning], Usage(), False
    stream = model.stream(endpoint, asking.sampling, prompt, f"{job.hint}-{job.attempt}", job.lane)
    # One deadline for all calls: a later one gets what the earlier ones have left.
    left_s = max(0.0, job.endpoint.deadline_s - (monotonic() - attempt.began_s))
    try:
        with telemetry.request(attempt, engine, asking.purpose) as first_chunk:
            async with asyncio.timeout(min(left_s, asking.within_s)), aclosing(stream) as chunks:
                async for chunk in chunks:
                    if chunk.alive and not begun:
                        begun = True
                        first_chunk()
                    raw.append(chunk.text)
                    usage = chunk.usage or usage
                    text = answer.feed(chunk)
                    attempt.endpoints.learn(engine, answer.dialect)
                    if text and take(text):
                        return
        if text := answer.finish():
            attempt.endpoints.learn(engine, answer.dialect)
            take(text)
    except TimeoutError:
        raise EngineFailed(EngineFailure.TIMEOUT, "not finished by the deadline") from None
    finally:
        # Also of a request that failed or was stopped: the engine has worked for it. The endpoint
        # has the dialect as this answer has taught it.
        request = Negotiation(attempt.endpoints[engine], asking.sampling, prompt, job.lane)
        call = ModelCall(
            purpose=asking.purpose,
            model=endpoint.model,
            template_version=asking.version,
            parameters=request.parameters,
            usage=usage,
            verdict="",
            text="".join(raw),
        )
        attempt.calls.append(call)
        telemetry.used(engine, call)


async def ask_whole(attempt: Attempt, asking: ModelRequest, answer: Answer) -> str:
    """All that the model answers, which is shown to nobody. Raises: as ask."""
    parts: list[str] = []
    await ask(attempt, asking, answer, parts.append)
    return "".join(parts)


def nonce(job: HintJob, purpose: Purpose) -> str:
    """Marks what the student wrote in every request for this hint and purpose; 8 hex digits.

    Nobody knew the hint's id when that text was written; and one prompt for all attempts is what
    their text can go on from, and what a cache may hold.
    """
    # Another one for each purpose: who writes has read its own, and the judge reads what it wrote.
    return blake2b(f"{purpose} {job.hint}".encode(), digest_size=4).hexdigest()


def usage(calls: Iterable[ModelCall]) -> Usage:
    """Tokens of all these calls."""
    used = [call.usage for call in calls]
    return Usage(
        prompt_tokens=sum(each.prompt_tokens for each in used),
        completion_tokens=sum(each.completion_tokens for each in used),
        cached_tokens=sum(each.cached_tokens for each in used),
    )
