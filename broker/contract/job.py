"""The frozen input of one attempt: all a worker needs, read once when the hint is claimed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from broker.contract.hint import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One OpenAI-compatible server. base_url ends in /v1; the key is in no repr and no log."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    languages: tuple[str, ...] = ("ko", "en")
    connect_s: float = 5.0
    first_chunk_s: float = 30.0
    idle_s: float = 10.0
    deadline_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the model picks tokens."""

    max_tokens: int = 200
    temperature: float = 0.7
    top_p: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class HintJob:
    """A claimed hint. authored, l0: what the student gets if the model's text may not be shown.

    asked_s: Unix time of the student's request.
    """

    hint: str
    student: str
    attempt: int
    engine: str
    level: int
    locale: Literal["ko", "en"]
    statement: str
    reference: str = field(repr=False)
    mistakes: str
    authored: str
    l0: str
    code: str
    question: str
    endpoint: Endpoint
    sampling: Sampling
    lane: Lane = Lane.INTERACTIVE
    asked_s: float = 0.0
