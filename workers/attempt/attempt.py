"""One attempt at a hint: what it has and has done, and the whole way that it goes.

claim → STEPS → finish; where the engine fails, the hint may move to another one instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from broker import dispatch
from broker.contract.attempt import ModelCall, Result
from broker.contract.hint import Outcome, Reason, State
from broker.contract.job import Endpoint, HintJob, JobKind, kind_of
from web.engines.client.errors import ModelError, Refusal
from web.tutor.gate.ruling import Ruling
from workers.attempt import telemetry
from workers.attempt.calls import Endpoints
from workers.attempt.diagnosing import AHEAD, diagnose
from workers.attempt.ending import fail, finish, learn, result
from workers.attempt.mishap import Broke, passes, where
from workers.attempt.moving import interrupted, moved
from workers.attempt.recalling import recall
from workers.attempt.rows import ROWS
from workers.attempt.screen import Screen, begin
from workers.attempt.write import AnswerText, write
from workers.runtime import Runtime


class Attempt:
    """A claimed hint on its way. claim: what the dispatcher said of it."""

    def __init__(self, runtime: Runtime, job: HintJob, claim: dispatch.Claim) -> None:
        self.runtime, self.job, self.claim = runtime, job, claim
        self.began_s = monotonic()
        self.outgoing = runtime.relay.open(job.hint, job.attempt, job.student, self.stop)
        self.screen = Screen(self.outgoing)
        self.endpoints = Endpoints(job)
        self.fix = ""
        """The student's own program put right, if somebody did and every case passes; hidden."""
        self.diagnosis, self.kept_diagnosis = "", False
        """What is wrong, for who writes the hint, without anything of the fix; known before."""
        self.facts = job.facts
        """What the program did, in sentences for who writes the hint."""
        self.draft = AnswerText.begun(job)
        """The answer that is being written, or was begun; the gate has not judged it as a whole."""
        self.rulings: list[Ruling] = []
        """The gate's, on each answer that came to its end."""
        self.calls: list[ModelCall] = []
        """Its requests to the engine that are over, however they ended."""
        self.outcome: Outcome | None = None
        """What the hint comes to, unless it moves."""
        self.left: State | None = None
        """The state in which this attempt has left the row; None: the row was not its to change."""
        self.failure = ""
        """Of the engine, as broker.health.EngineFailure."""
        self.refusal: Refusal | None = None
        self.error = ""
        """What went wrong in words, for staff."""
        self.work: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """The student took the hint back, or another attempt has it: no further step is taken."""
        if self.work:
            self.work.cancel()

    @property
    def endpoint(self) -> Endpoint:
        """The engine that writes, asked as its answers have taught."""
        return self.endpoints[self.job.engine]

    @property
    def blocked(self) -> Reason | None:
        """Why the gate refused the last answer that it got; None before the first one."""
        reasons = (ruling.reason for ruling in reversed(self.rulings))
        return next((reason for reason in reasons if reason is not Reason.ONLY_THOUGHTS), None)


Step = Callable[[Attempt], Awaitable[None]]
STEPS: tuple[Step, ...] = (begin, diagnose, recall, write)
"""What is done between the claim and the end, in this order; the last step leaves an outcome.

A step may stream to the student, ask the model in hiding, or run a program. The student can stop
it, and it may raise ModelError.
"""


async def generate(runtime: Runtime, hint: str, steps: Sequence[Step] = STEPS) -> Result | None:
    """Answers the doorbell; None if the hint was not ours to finish.

    Raises: Broke after an exception that nobody expected; BrokerDown, DatabaseError.
    """
    attempt = await claim(runtime, hint)
    if attempt is None:
        return None
    with telemetry.attempt(attempt):
        await serve(attempt, steps if attempt.job.kind is JobKind.HINT else AHEAD)
    return result(attempt)


async def claim(runtime: Runtime, hint: str) -> Attempt | None:
    """The lease first, then the row; None if either is not to be had. Raises: as generate."""
    claim = await runtime.broker.run(dispatch.claim(hint, runtime.engine, runtime.worker))
    if claim is None:
        return None
    try:
        rows = ROWS[kind_of(hint)]
        job = await runtime.database.run(rows.claim, hint, claim.attempt, runtime.engine)
    except Exception as error:
        if passes(error):
            raise
        # Its text may hold a student's words, and Celery would log it.
        await runtime.call_in(hint, claim.attempt)
        raise Broke(where(error)) from None
    if job is None:
        # It was cancelled, or another writer has it: only the slot is ours to give back.
        await runtime.settle(hint, claim.attempt)
        return None
    return Attempt(runtime, job, claim)


async def serve(attempt: Attempt, steps: Sequence[Step]) -> None:
    """From the first step to the end; whatever happens, the slot is free afterwards."""
    runtime, hint, number = attempt.runtime, attempt.job.hint, attempt.job.attempt
    # A task of its own, as a student who stops the hint must not stop how it ends.
    attempt.work = asyncio.create_task(take(attempt, steps))
    runtime.hold(hint, number, attempt.outgoing.refused)
    broke = False
    try:
        try:
            await attempt.work
        except ModelError as error:
            fail(attempt, error)
            if await moved(attempt, error):
                return
        await finish(attempt)
    except asyncio.CancelledError:
        # A hint that was taken back has its end already; else the worker is being stopped.
        if not attempt.outgoing.closed:
            await interrupted(attempt)
            raise
    except Exception as error:
        broke = not passes(error)
        if broke:
            raise Broke(where(error)) from None
        raise
    finally:
        attempt.work.cancel()
        last = runtime.relay.leave(attempt.outgoing)
        if broke:
            await runtime.call_in(hint, number)
        else:
            # A failing engine is quick: its times would make it look like the best one.
            served = attempt.outcome and not attempt.failure
            service_s = monotonic() - attempt.began_s if served else None
            await runtime.settle(hint, number, service_s, last, worked=bool(attempt.rulings))


async def take(attempt: Attempt, steps: Sequence[Step]) -> None:
    try:
        for step in steps:
            await step(attempt)
    finally:
        await learn(attempt)
