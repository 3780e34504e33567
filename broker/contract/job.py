"""The frozen input of one attempt: all a worker needs, read once when the hint is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypedDict

from broker.base.times import CONNECT_S, DEADLINE_S, FIRST_CHUNK_S, IDLE_S
from broker.contract.hint import Lane, Reason


class JobKind(StrEnum):
    """What a job of the dispatcher is for; its name says it."""

    HINT = "hint"
    """Somebody has asked for it. Its name is the hint's id."""
    DIAGNOSIS = "diagnosis"
    """It runs ahead of hints that may be asked for, while engines have nothing better to do."""


DIAGNOSIS = f"{JobKind.DIAGNOSIS}-"
"""Begins the name of such a job; the number of its row follows. Scripts in Redis know it too."""


def kind_of(job: str) -> JobKind:
    """By the name that the dispatcher has for it."""
    return JobKind.DIAGNOSIS if job.startswith(DIAGNOSIS) else JobKind.HINT


class Message(TypedDict):
    """One chat message as OpenAI endpoints take it."""

    role: Literal["system", "user", "assistant"]
    content: str


class Thinking(StrEnum):
    """Whether a model may write its thoughts where its answer should be."""

    UNKNOWN = "unknown"
    """It may: text is held until it is clear that no closing mark of thoughts follows."""
    NEVER = "never"
    """It does not think, or its server keeps thoughts apart: text is shown as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server's refusals and answers have taught about asking it and reading it.

    left_out: parameters that it takes in no form; `system` is the role, whose text then opens the
    user's message. renamed: from OpenAI's older name to the one this server takes. thinks: thoughts
    stood in an answer, though nobody said that this model may think.
    """

    left_out: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    thinks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server has or does otherwise than OpenAI's API, which is the default.

    metrics: /health and /metrics beside /v1, as vLLM has them. continuation: it goes on from a text
    that the assistant has begun. priority: a request may say how urgent it is. running_usage: it
    counts tokens in every chunk. rate_limit: its 429 means that it is asked too often, else want
    of room.
    """

    metrics: bool = False
    continuation: bool = False
    priority: bool = False
    running_usage: bool = False
    rate_limit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One OpenAI-compatible server. base_url ends in /v1; the key is in no repr and no log.

    has: a parameter beyond OpenAI's API is sent only to a server that has what it is for.
    languages: those that the model writes; empty for every one.
    extra_body: what an admin wants sent with each request, JSON; reasoning_tokens: room for
    thoughts on top of the answer's max_tokens.
    """

    base_url: str
    model: str
    has: Capabilities = Capabilities()
    # Logs and tracebacks print reprs.
    api_key: str = field(default="", repr=False)
    languages: tuple[str, ...] = ()
    connect_s: float = CONNECT_S
    first_chunk_s: float = FIRST_CHUNK_S
    idle_s: float = IDLE_S
    deadline_s: float = DEADLINE_S
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    thinking: Thinking = Thinking.UNKNOWN
    reasoning_tokens: int = 0
    dialect: Dialect = Dialect()

    def writes(self, locale: str) -> bool:
        """Whether the model can write a hint in this language."""
        return not self.languages or locale in self.languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the model picks tokens; what is None is not sent.

    more: parameters of this one request, such as the schema that its answer must have.
    """

    max_tokens: int | None = 200
    temperature: float | None = 0.7
    top_p: float | None = 0.9
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HintJudge:
    """Who says whether a hint tells the correction. engine: its name, perhaps that of the writer.

    threshold: from this probability of a leak on, 0 to 1, the hint is not shown.
    """

    engine: str
    endpoint: Endpoint
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What attempts that were cut left for the next one. text: ungated, so it is in no log.

    model: whose text it is; tokens: of the text, as far as engines counted them; cuts: how often
    an engine fell silent or broke off.
    """

    model: str
    text: str = field(default="", repr=False)
    tokens: int = 0
    cuts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HintJob:
    """A claimed hint, or a diagnosis that runs ahead: then hint is its name in the dispatcher.

    licensed: the model may write hints of this level in this language, and its judge may judge.
    authored, l0: the author's hint and the test report, which the model is told; facts: what the
    program did, as far as it was known by then; explaining: more may be found out soon; earlier:
    hints that the student has had here, the oldest first; examples, avoid: answers as the author
    would write them, and words that they want in no hint. prompt: version of the prompt's words;
    empty for the one in use. judge: None where the rules alone decide. streams: the course shows
    longer hints while they are written. diagnoses: the engine finds out first what is wrong.
    """

    hint: str
    student: str
    attempt: int
    engine: str
    level: int
    locale: str
    licensed: bool
    statement: str
    reference: str = field(repr=False)
    mistakes: str
    authored: str
    l0: str
    code: str
    question: str
    endpoint: Endpoint
    sampling: Sampling
    facts: tuple[str, ...] = ()
    explaining: bool = False
    earlier: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    prompt: str = ""
    lane: Lane = Lane.INTERACTIVE
    partial: Partial | None = None
    judge: HintJudge | None = None
    streams: bool = False
    diagnoses: bool = False

    @property
    def kind(self) -> JobKind:
        return kind_of(self.hint)

    @property
    def unfit(self) -> Reason | None:
        """Why this engine cannot write the hint at all; None where it can."""
        if not self.endpoint.writes(self.locale):
            return Reason.OTHER_LANGUAGE
        return None if self.licensed else Reason.UNLICENSED

    @property
    def beginning(self) -> str:
        """Text to go on from, if an earlier attempt left some that this engine can continue.

        Without white space at its end: chat templates drop it, and the model writes it again.
        """
        left, here = self.partial, self.endpoint
        # Another model counts tokens otherwise, and goes on in another voice.
        continues = left and here.has.continuation and here.model == left.model
        return left.text.rstrip() if left and continues else ""
