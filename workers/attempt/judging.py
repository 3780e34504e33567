"""The judge's word on a text that the rules have passed: it fails closed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from broker.contract.attempt import LEAK, PASSED, Purpose
from broker.contract.job import HintJudge, Message, Sampling
from web.engines.client.errors import ModelError
from web.engines.client.judging import FirstToken, Judged, read
from web.tutor.gate import judge, wording
from web.tutor.gate.ruling import Ruling, blocked, unjudged
from web.tutor.writing.fault import Fault
from workers.attempt import telemetry
from workers.attempt.calls import ModelRequest, ask_whole, nonce

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 10.0
"""A judge that takes longer says nothing: a student waits for one word."""
FAILED = "failed"


async def judged(attempt: Attempt, ruling: Ruling) -> Ruling:
    """The gate's ruling on a whole text, or that the judge has not let it pass."""
    asked = attempt.job.judge
    if asked is None or not ruling.ok:
        return ruling
    try:
        said = await verdict(attempt, asked, ruling.text)
    except ModelError as error:
        # Its engine may be well enough to write: if it is not, the next turn will show that.
        attempt.error = f"the judge: {error}"
        said = Judged(FAILED)
    telemetry.judged(asked.engine, said.verdict)
    if said.verdict == PASSED:
        return ruling
    if said.verdict != LEAK:
        return unjudged(judge.RULE)
    # The judge does not say which sentence it is.
    return blocked(judge.RULE, Fault.LEAK, ruling.text)


async def verdict(attempt: Attempt, asked: HintJudge, text: str) -> Judged:
    """Raises: ModelError."""
    job = attempt.job
    messages = judge.messages(
        code=job.code,
        correction=judge.correction_of(job.code, attempt.fix or job.reference),
        hint=text,
        nonce=nonce(job, Purpose.JUDGE),
    )
    ask = partial(one, attempt, asked, messages, wording.log_odds(text, job.locale))
    return await attempt.endpoints.in_forms(asked.engine, judge.FORMS, ask)


async def one(
    attempt: Attempt, asked: HintJudge, messages: list[Message], worded: float, form: Sampling
) -> Judged:
    """One request; the last of the attempt's calls has the verdict then. Raises: ModelError."""
    request = ModelRequest(
        Purpose.JUDGE, judge.VERSION, messages, form, engine=asked.engine, within_s=WITHIN_S
    )
    answer = FirstToken(attempt.endpoints[asked.engine])
    said = read(answer, await ask_whole(attempt, request, answer), asked.threshold, worded)
    attempt.calls[-1] = replace(
        attempt.calls[-1], verdict=said.verdict, probability=said.probability
    )
    return said
