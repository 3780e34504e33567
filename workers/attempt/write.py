"""The step that writes the hint: the model's words go through the gate as they come.

Where a hint is judged it is shown when the judge has spoken; a course may want its longer ones
shown before, sentence by sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from broker.contract.attempt import PASSED
from broker.contract.hint import Outcome, Reason, Source, State
from broker.contract.job import HintJob
from web.engines.client.answer import Answer
from web.engines.client.errors import ModelRefused, Refusal
from web.hints import lookup
from web.tutor.gate.contradictions import claims, contradictions
from web.tutor.gate.gate import Gate
from web.tutor.gate.judge import RULE as JUDGE
from web.tutor.gate.ruling import Ruling, blocked
from web.tutor.gate.whole import repeats
from web.tutor.levels import LEVELS
from web.tutor.writing import prompt
from web.tutor.writing.fault import Fault
from workers.attempt.asking import asking
from workers.attempt.calls import ask, usage
from workers.attempt.ending import without_model
from workers.attempt.judging import judged
from workers.attempt.trying import EXAMPLE, SPANS, CodeTrial

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt

TURNS = 2
"""A model that is blocked gets one more try; then the student gets the author's hint."""
STREAMED_FROM = 3
"""The lowest level that a course may have shown before it is judged: shorter hints are read at
once, and what was read cannot be taken back."""
UNPROVED_UP_TO = 2
"""The highest level of a model's hint without a right program to hold it against."""
REPEATS = "R7"
"""The gate's rule for what an earlier hint has said."""
THOUGHTS = "R9"
"""The gate's rule for thoughts that stand where the answer should be."""
UNTRUE = "R9"
"""The same rule, for what the program did not do."""
OF_WHOLE = frozenset((REPEATS, SPANS, EXAMPLE, UNTRUE, JUDGE))
"""Rules that are asked of a whole text, of which parts may have been shown."""


@dataclass(slots=True)
class AnswerText:
    """What of a text is known to be the answer; ungated.

    begun_tokens: of the beginning that an earlier attempt left. thought: thoughts came before the
    answer, so the engine's count of tokens is not the answer's.
    """

    parts: list[str] = field(default_factory=list)
    begun_tokens: int = 0
    thought: bool = False

    @classmethod
    def begun(cls, job: HintJob) -> AnswerText:
        """What an earlier attempt has left, as far as this engine can go on from it."""
        tokens = job.partial.tokens if job.beginning and job.partial else 0
        return cls([job.beginning], tokens)

    @property
    def text(self) -> str:
        return "".join(self.parts)


async def write(attempt: Attempt) -> None:
    """Asks until the gate takes an answer, TURNS times at most. Raises: ModelError."""
    if unfit := attempt.job.unfit or unproved(attempt):
        attempt.outcome = without_model(attempt, State.FAILED, unfit)
        return
    for _ in range(TURNS):
        if attempt.blocked:
            attempt.screen.clear(attempt.blocked)
            ruling = await turn(attempt, "")
        else:
            ruling = await first_turn(attempt)
        if ruling.ok:
            attempt.outcome = Outcome(
                state=State.ANSWERED,
                text=ruling.text,
                source=Source.MODEL,
                verified=verified(attempt),
                usage=usage(attempt.calls),
            )
            return
        if ruling.reason is Reason.ONLY_THOUGHTS:
            # Asked again it would spend as many: only an admin can mend this.
            attempt.outcome = without_model(attempt, State.FAILED, Reason.ONLY_THOUGHTS)
            return
    assert attempt.blocked is not None
    if attempt.rulings[-1].rule in OF_WHOLE:
        attempt.screen.clear(attempt.blocked)
    attempt.outcome = without_model(attempt, State.WITHHELD, attempt.blocked)


def verified(attempt: Attempt) -> bool:
    """Whether a program that is right is known: this one mended, or the exercise's own."""
    return bool(attempt.fix or attempt.job.reference)


def unproved(attempt: Attempt) -> Reason | None:
    """Why no model may write so much of this program; None where it may."""
    low = attempt.job.level <= UNPROVED_UP_TO
    return None if low or verified(attempt) else Reason.UNVERIFIED


async def first_turn(attempt: Attempt) -> Ruling:
    """Goes on from what an earlier attempt left, unless this engine cannot. Raises: ModelError."""
    beginning = attempt.job.beginning
    try:
        ruling = await turn(attempt, beginning)
    except ModelRefused as error:
        if not beginning or error.cause is not Refusal.REQUEST:
            raise
    else:
        # A server's reasoning parser may take the rest of an answer for thoughts.
        if not beginning or ruling.reason is not Reason.ONLY_THOUGHTS:
            return ruling
    attempt.screen.clear("attempt")
    attempt.error = ""
    return await turn(attempt, "")


async def turn(attempt: Attempt, beginning: str) -> Ruling:
    """One answer; the model is stopped as soon as the gate has decided. Raises: ModelError.

    beginning: what of the answer is written already.
    """
    job = attempt.job
    trial, held, whole = CodeTrial(attempt), list[str](), is_held(job)
    gate = Gate(
        level=job.level,
        locale=job.locale,
        student_code=job.code,
        statement=f"{job.statement}\n{job.l0}",
        reference=job.reference,
        fix=attempt.fix,
        avoid=job.avoid,
        # Also of another version than the one in use, which the gate knows.
        examples=(*job.examples, prompt.told(job.level, job.locale, job.prompt)),
    )
    answer = Answer(attempt.endpoint, begun=bool(beginning))
    draft = attempt.draft = AnswerText.begun(job) if beginning else AnswerText()

    def show(text: str) -> None:
        # After a piece that is held back, none may be shown before it.
        if whole or held or trial.holds(text):
            held.append(text)
        else:
            attempt.screen.show(text)

    def take(text: str) -> bool:
        # Read with every piece: an attempt may be cut off after any of them.
        draft.thought = answer.thought > 0
        draft.parts.append(text)
        show(gate.feed(text))
        return gate.decided

    # The beginning alone may be enough, or too much, by the rules of today.
    show(gate.feed(beginning))
    asked = not gate.decided
    if asked:
        await ask(attempt, asking(attempt, beginning), answer, take)
    ruling = gate.finish(cut=answer.incomplete)
    if answer.only_thoughts:
        attempt.error = answer.advice
        ruling = Ruling(ok=False, rule=THOUGHTS, reason=Reason.ONLY_THOUGHTS)
    show(ruling.piece)
    written = len(attempt.calls) - 1
    ruling = await trial.tried(differing(job, ruling), gate.example.code)
    ruling = await judged(attempt, await held_to_facts(attempt, ruling))
    if asked:
        verdict, fault = ruling.rule or PASSED, ruling.fault or ""
        attempt.calls[written] = replace(attempt.calls[written], verdict=verdict, fault=fault)
    attempt.rulings.append(ruling)
    if ruling.ok:
        attempt.screen.show("".join(held))
        attempt.screen.end()
    return ruling


async def held_to_facts(attempt: Attempt, ruling: Ruling) -> Ruling:
    """The gate's ruling on a whole text, or that the program did something else (R9)."""
    level = LEVELS[attempt.job.level]
    # Another program's values are no claims about this one, nor is what has to change.
    if not ruling.ok or level.example or level.tells or not claims(ruling.text):
        return ruling
    report = await attempt.runtime.database.run(lookup.report_of, attempt.job.hint)
    if report is None or not contradictions(ruling.text, attempt.job.code, report):
        return ruling
    return blocked(UNTRUE, Fault.UNTRUE, ruling.text)


def is_held(job: HintJob) -> bool:
    """Whether nothing of the hint is shown before its example is tried and the judge has spoken."""
    streams = job.streams and job.level >= STREAMED_FROM
    return LEVELS[job.level].example or (job.judge is not None and not streams)


def differing(job: HintJob, ruling: Ruling) -> Ruling:
    """The gate's ruling on a whole text, or that it says what an earlier hint has said (R7)."""
    if ruling.ok and repeats(ruling.text, job.earlier):
        return blocked(REPEATS, Fault.REPEATS, ruling.text)
    return ruling
