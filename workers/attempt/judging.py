"""The judge's word on a text that the rules have passed: it fails closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from broker.contract.attempt import LEAK, PASSED, UNDECIDED, Purpose
from broker.contract.hint import Reason
from broker.contract.job import HintJudge, Sampling
from web.engines.client.answer import Answer
from web.engines.client.chunk import Chunk
from web.engines.client.errors import ModelError, ModelRefused, Refusal
from web.tutor.gate import judge
from web.tutor.gate.gate import Ruling
from workers.attempt import telemetry
from workers.attempt.calls import ModelRequest, ask

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

WITHIN_S = 10.0
"""A judge that takes longer says nothing: a student waits for one word."""
FAILED = "failed"


class FirstToken(Answer):
    """An answer of which the chances of its first token are kept, unless thoughts come before."""

    chances: Mapping[str, float] | None = None

    def feed(self, chunk: Chunk) -> str:
        text = super().feed(chunk)
        # What a server puts before the first word, such as a blank, is no answer yet.
        if self.chances is None and chunk.text.strip() and not self.thought:
            self.chances = chunk.chances or {}
        return text


@dataclass(frozen=True, slots=True)
class Judged:
    """verdict: as in ModelCall, or FAILED. probability: of a leak; None where it did not say."""

    verdict: str
    probability: float | None = None


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
    reason = Reason.LEAK if said.verdict == LEAK else Reason.UNJUDGED
    return Ruling(ok=False, rule=judge.RULE, reason=reason)


async def verdict(attempt: Attempt, asked: HintJudge, text: str) -> Judged:
    """Asks in the most telling form that the judge's server takes. Raises: ModelError."""
    left_out = attempt.endpoints[asked.engine].dialect.left_out
    forms = [form for form in judge.FORMS if left_out.isdisjoint(form.needs)]
    for form in forms[:-1]:
        try:
            return await one(attempt, asked, text, form)
        except ModelRefused as error:
            if error.cause is not Refusal.REQUEST:
                raise
            # It did not say which parameter it minds: this form needs one that hints do not.
            without(attempt, asked.engine, form)
    return await one(attempt, asked, text, forms[-1])


def without(attempt: Attempt, engine: str, form: judge.AskedForm) -> None:
    """From now on this engine is asked in another form; the admin reads what is left out."""
    dialect = attempt.endpoints[engine].dialect
    left_out = dialect.left_out | form.needs.keys()
    attempt.endpoints.learn(engine, replace(dialect, left_out=left_out))


async def one(attempt: Attempt, asked: HintJudge, text: str, form: judge.AskedForm) -> Judged:
    """One request; the last of the attempt's calls has the verdict then. Raises: ModelError."""
    job = attempt.job
    right = attempt.fix or job.reference
    messages = judge.messages(
        code=job.code,
        correction=judge.correction_of(job.code, right),
        hint=text,
        nonce=blake2b(f"judge {job.hint}".encode(), digest_size=4).hexdigest(),
    )
    sampling = Sampling(max_tokens=form.max_tokens, temperature=0.0, top_p=None, more=form.needs)
    request = ModelRequest(
        Purpose.JUDGE, judge.VERSION, messages, sampling, engine=asked.engine, within_s=WITHIN_S
    )
    answer, parts = FirstToken(attempt.endpoints[asked.engine]), list[str]()
    await ask(attempt, request, answer, parts.append)
    said = read(answer, "".join(parts), asked.threshold)
    attempt.calls[-1] = replace(
        attempt.calls[-1], verdict=said.verdict, probability=said.probability
    )
    return said


def read(answer: FirstToken, text: str, threshold: float) -> Judged:
    found = judge.of_chances(answer.chances) if answer.chances else None
    if found is None:
        found = judge.of_text(text)
    if found is None:
        return Judged(UNDECIDED)
    return Judged(PASSED if found < threshold else LEAK, found)
