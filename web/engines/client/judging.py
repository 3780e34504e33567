"""How an engine is asked to judge a hint, and how its answer is read; it fails closed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from broker.contract.attempt import LEAK, PASSED, UNDECIDED
from broker.contract.hint import Lane
from broker.contract.job import Dialect, Endpoint, Message, Sampling
from web.engines.client.answer import Answer
from web.engines.client.chunk import Chunk
from web.engines.client.forms import in_forms
from web.engines.client.model import Model
from web.tutor.gate import judge

FIRST_S = 60.0
"""Of the first answer: a server reads the examples, the same for every text, only once."""


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
    """verdict: as in ModelCall of a judge. probability: of a leak; None where it did not say.

    alone: the same by its answer alone, before the wording was weighed.
    """

    verdict: str
    probability: float | None = None
    alone: float | None = None


def read(answer: FirstToken, text: str, threshold: float, wording: float) -> Judged:
    """text: the whole answer. wording: of the hint, as judge.weighed has it."""
    found = judge.of_chances(answer.chances) if answer.chances else None
    if found is None:
        found = judge.of_text(text)
    if found is None:
        return Judged(UNDECIDED)
    weighed = judge.weighed(found, wording)
    return Judged(PASSED if weighed < threshold else LEAK, weighed, alone=found)


class JudgedTexts:
    """Judges texts that belong to no hint, one after the other; its engine is asked directly.

    Hints go before, where the engine knows of urgency: nobody waits for these. Belongs to one
    thread, whose loop it runs. within_s: of one answer; the first may take FIRST_S.
    """

    def __init__(self, endpoint: Endpoint, threshold: float, within_s: float) -> None:
        self._endpoint, self._threshold, self._within_s = endpoint, threshold, within_s
        self._limit_s = max(within_s, FIRST_S)
        self._model, self._runner = Model(), asyncio.Runner()

    def judged(self, code: str, right: str, hint: str, wording: float) -> Judged:
        """right: a right program; empty if none is known. Who is late does not say.

        wording: of the hint, as judge.weighed has it.

        Raises: ModelError.
        """
        messages = judge.messages(
            code=code,
            correction=judge.correction_of(code, right),
            hint=hint,
            nonce=secrets.token_hex(4),
        )
        return self._runner.run(self._in_time(messages, wording))

    def close(self) -> None:
        self._runner.run(self._model.aclose())
        self._runner.close()

    async def _in_time(self, messages: list[Message], wording: float) -> Judged:
        limit_s, self._limit_s = self._limit_s, self._within_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._asked(messages, wording)
        except TimeoutError:
            return Judged(UNDECIDED)

    async def _asked(self, messages: list[Message], wording: float) -> Judged:
        async def ask(form: Sampling) -> Judged:
            answer, parts = FirstToken(self._endpoint), list[str]()
            stream = self._model.stream(self._endpoint, form, messages, "judge", Lane.BATCH)
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    parts.append(answer.feed(chunk))
            parts.append(answer.finish())
            self._learn(answer.dialect)
            return read(answer, "".join(parts), self._threshold, wording)

        return await in_forms(judge.FORMS, lambda: self._endpoint.dialect, self._learn, ask)

    def _learn(self, dialect: Dialect) -> None:
        self._endpoint = replace(self._endpoint, dialect=dialect)
