"""What an attempt leaves behind for staff: each request to an engine, and how the attempt ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.contract.hint import Reason, State, Usage

PASSED = "passed"
"""The verdict on a text that no rule blocked."""
LEAK, UNDECIDED = "leak", "undecided"
"""What else a judge's verdict can be."""
UNVERIFIED = "unverified"
"""The verdict on a diagnosis without a program that was run and passes every test."""


class Purpose(StrEnum):
    """Why an engine was asked."""

    DIAGNOSE = "diagnose"
    """To find out what is wrong with the program."""
    WRITE = "write"
    """For the text that the student is to read."""
    JUDGE = "judge"
    """Whether such a text is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One request to an engine within an attempt.

    parameters: of the request, without its messages. verdict: `passed`, the rule that blocked the
    text, or empty where nobody judged it; of a judge's own call, what it says: `passed`, `leak` or
    `undecided`, with the probability of a leak; of a diagnosis `passed` or `unverified`. fault: of
    a blocked text, as web.tutor.writing.fault, where one was found. text: as the model wrote it,
    ungated.
    """

    purpose: Purpose
    model: str
    template_version: str
    parameters: Mapping[str, Any]
    usage: Usage
    verdict: str
    text: str
    fault: str = ""
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended, beside what became of its hint.

    seen_s: since it showed the student its first words, None if it has shown none. failure: of the
    engine, as broker.health.EngineFailure, else empty. error: in words, for staff. calls: what it
    asked of its engine. kept_diagnosis: what is wrong with the program had been found out before.
    """

    seen_s: float | None = None
    # Not an EngineFailure: that one lives beside its script, and this room knows nothing of Redis.
    failure: str = ""
    error: str = ""
    calls: Sequence[ModelCall] = ()
    kept_diagnosis: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the task of an attempt tells Celery's log, for staff: small, and without any text.

    state: of the hint now, `queued` if it waits for another attempt. calls: requests to engines.
    refusal: as web.engines.client.errors.Refusal. Tokens are those of all calls.
    """

    hint: str
    attempt: int
    engine: str
    state: State
    reason: Reason | None
    calls: int
    error: str
    refusal: str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
