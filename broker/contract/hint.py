"""A hint's states, the arrows between them, and how an attempt at one ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a hint is on its way; the database row holds the truth."""

    QUEUED = "queued"
    """Accepted; waits for a slot, or for its worker to claim it."""
    RUNNING = "running"
    """An attempt holds the lease and generates."""
    ANSWERED = "answered"
    """The student has a hint from the model that passed the gate."""
    WITHHELD = "withheld"
    """The gate refused everything the model wrote; the student has a hint without a model."""
    FAILED = "failed"
    """No model answer could be had; the student has a hint without a model, and the reason."""
    CANCELLED = "cancelled"
    """The student took the request back."""


# No arrow leaves these: whoever comes later finds the row closed.
FINAL = frozenset({State.ANSWERED, State.WITHHELD, State.FAILED, State.CANCELLED})

ARROWS: dict[State, frozenset[State]] = {
    # FAILED without an attempt: nobody could serve the hint before its time to live was over.
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    # Back to QUEUED: the attempt was lost, or its engine failed.
    State.RUNNING: frozenset(
        {State.QUEUED, State.ANSWERED, State.WITHHELD, State.FAILED, State.CANCELLED}
    ),
}


class Reason(StrEnum):
    """Why a hint ended other than plainly answered; students read its translated sentence."""

    LEAK = "leak"
    """The model gave the solution away, twice."""
    OFF_TEMPLATE = "off_template"
    """The model's text broke the level's form or language, twice, or was empty."""
    UNJUDGED = "unjudged"
    """The judge of hints did not say whether the model's text gives the solution away, twice."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """No engine of the chosen mode could be reached."""
    MODEL_TIMEOUT = "model_timeout"
    """The engine went silent, or the attempt ran past its deadline."""
    MODEL_REFUSED = "model_refused"
    """The engine refuses every request: its key, model name or address is wrong."""
    REQUEST_REFUSED = "request_refused"
    """The engine refused this one request for good: it is too long, for instance."""
    OTHER_LANGUAGE = "other_language"
    """The engine writes no hints in the student's language."""
    UNLICENSED = "unlicensed"
    """The engine's model has no licence for this level and language, or its judge has none."""
    QUOTA = "quota"
    """The student, or the course, has no hint by AI left."""
    UNVERIFIED = "unverified"
    """No program is known that is right: above a low level a model's hint needs one."""
    ONLY_THOUGHTS = "only_thoughts"
    """The model spent its tokens on thoughts: nothing of what it wrote is known to be an answer."""
    TRUNCATED = "truncated"
    """The stream ended without a finish reason, on every attempt."""
    WORKER_LOST = "worker_lost"
    """Workers died, or a bug broke the attempt, three times under this hint."""
    EXPIRED = "expired"
    """Nobody could serve it before its time to live ran out."""
    CANCELLED = "cancelled"
    """The student took it back."""


class Lane(StrEnum):
    """How urgent a hint is."""

    INTERACTIVE = "interactive"
    """A student waits for it."""
    RETRY = "retry"
    """It had a slot and lost it through no fault of its own; goes before the others."""
    BATCH = "batch"
    """Nobody watches: it may wait until the fleet has room."""


class Source(StrEnum):
    """Who wrote the text the student sees."""

    MODEL = "model"
    """An engine, and the gate let it pass."""
    EVIDENCE = "evidence"
    """Composed of what the student's own program did, in sentences of ours."""
    AUTHORED = "authored"
    """The exercise's author, for this level."""
    L0 = "l0"
    """The test report in words: there was nothing else."""
    NONE = "none"
    """No text at all: cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the engine counted them; 0 where it did not say."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended: what the row, the final event and the task result are made from."""

    state: State
    text: str = ""
    source: Source = Source.NONE
    reason: Reason | None = None
    verified: bool | None = None  # of a model's text alone, as in web.hints.models.Hint
    usage: Usage = Usage()
