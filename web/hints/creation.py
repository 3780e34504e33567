"""A hint before it is a row, and what its creation may come to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from broker.contract.hint import Lane
from broker.contract.text import storable
from web.courses.models import Exercise
from web.engines import roster
from web.hints.models import Hint, Submission
from web.tutor.languages import Locale
from web.tutor.writing import prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHint:
    """A checked request.

    submission: need not be kept yet. idempotency_key: empty for none; prefix_tokens: as in Ticket.
    charge: of the student's quota; 0 for a hint that is free.
    """

    submission: Submission
    level: int
    locale: Locale
    question: str
    prefix: str
    prefix_tokens: int = 0
    lane: Lane = Lane.INTERACTIVE
    idempotency_key: str = ""
    charge: int = 0

    def hint(self, program: Submission) -> Hint:
        """Its row, not saved. program: its submission as it is kept."""
        return Hint(
            student=self.submission.student,
            exercise=self.submission.exercise,
            submission=program,
            level=self.level,
            locale=self.locale,
            question=storable(self.question),
            prefix=self.prefix,
            prefix_tokens=self.prefix_tokens,
            lane=self.lane,
            idempotency_key=storable(self.idempotency_key),
            request_hash=self.request_hash(),
            charge=self.charge,
        )

    def request_hash(self) -> str:
        """SHA-256 of what the student asked: tells a repeated request from another one."""
        program = self.submission
        # JSON shows where each part ends: two requests could be alike as joined texts.
        asked: list[Any] = [
            program.exercise_id,
            self.level,
            self.locale,
            program.code,
            self.question,
        ]
        if program.source == Submission.Source.PLATFORM:
            asked.append(program.report)
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def shared(exercise: Exercise, level: int, locale: Locale) -> tuple[str, int]:
    """What all prompts of an exercise, level and language begin with: its key, its tokens."""
    model, version = roster.model_of_prefix(), exercise.course.prompts
    key = prompt.prefix_key(model, exercise.path, exercise.revision, level, locale, version)
    texts = exercise.statement(locale), exercise.mistakes(locale)
    return key, prompt.shared_tokens(level, locale, *texts)


@dataclass(frozen=True, slots=True)
class Created:
    """A new row, queued and committed."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request under the same key came before: this is its hint."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key belongs to a request with another content."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The student already has a hint in flight for this exercise."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """The student's quota has no room for its charge."""


Creation = Created | Repeated | KeyReused | Waiting | NoneLeft
