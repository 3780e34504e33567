"""A model's answer as its chunks come, told from its thoughts: only of an answer may be shown."""

from __future__ import annotations

from dataclasses import replace

from broker.contract.job import Endpoint, Thinking
from web.engines.client.chunk import Chunk
from web.tutor.gate.thoughts import Thoughts

INCOMPLETE = frozenset({"length", "content_filter"})
"""Finish reasons after which the last sentence may be a half one."""
EATEN = "all tokens went into thoughts: raise max tokens, or turn thinking off"
UNCLEAR = "cut at its limit, and it may be thoughts: raise max tokens, or turn thinking off"


class Answer:
    """The answer of one stream. begun: it goes on from an answer, so no thoughts come first."""

    def __init__(self, endpoint: Endpoint, *, begun: bool = False) -> None:
        self.finish_reason: str | None = None
        self.dialect = endpoint.dialect
        """The endpoint's, with what this answer has taught so far."""
        self._endpoint, self._begun = endpoint, begun
        self._never = endpoint.thinking is Thinking.NEVER
        self._apart = 0
        """Characters of thoughts that the server kept apart."""
        self._thoughts: Thoughts | None = None
        self._unclear = False

    def feed(self, chunk: Chunk) -> str:
        """Takes the next chunk; returns the text that is now known to be answer, often none."""
        self.dialect = chunk.learned or self.dialect
        self._apart += chunk.thoughts
        self.finish_reason = chunk.finish_reason or self.finish_reason
        early = self._thoughts is None and not self._begun
        # Some servers send a blank before the thoughts that they keep apart.
        if not chunk.text or (early and not chunk.text.strip()):
            return ""
        if self._thoughts is None:
            self._thoughts = Thoughts(may_think=self._may_think)
        return self._learned(self._thoughts.feed(chunk.text), self._thoughts.seen)

    def finish(self) -> str:
        """The rest of the answer, once the stream ended; cut text that may be thoughts is none."""
        if self._thoughts is None:
            return ""
        self._unclear = self._thoughts.thinking and self.incomplete
        return "" if self._unclear else self._learned(self._thoughts.finish(), self._thoughts.seen)

    @property
    def incomplete(self) -> bool:
        """Whether the server cut the answer."""
        return self.finish_reason in INCOMPLETE

    @property
    def thought(self) -> int:
        """Characters of thoughts that were dropped."""
        return self._apart + (self._thoughts.chars if self._thoughts else 0)

    @property
    def only_thoughts(self) -> bool:
        """Whether all tokens went into thoughts, and nothing is an answer; known after `finish`."""
        # A filter's cut says nothing about where the tokens went; only the limit does.
        cut = self._unclear and self.finish_reason == "length"
        answered = self._thoughts is not None and self._thoughts.answered
        return not answered and (cut or bool(self.thought))

    @property
    def advice(self) -> str:
        """For the admin, where it is only thoughts."""
        return EATEN if self.thought else UNCLEAR

    @property
    def _may_think(self) -> bool:
        """Whether this text may be thoughts without an opening mark.

        A server that keeps thoughts apart leaves none in the text. What an admin sends to turn them
        off has no effect where the server refuses it.
        """
        refused = self.dialect.left_out & set(self._endpoint.extra_body)
        unknown = not self._never or self.dialect.thinks or bool(refused)
        return unknown and not self._begun and not self._apart

    def _learned(self, text: str, thinks: bool) -> str:
        """The text. That a model thinks which was said never to think is remembered."""
        if thinks and self._never and not self.dialect.thinks:
            self.dialect = replace(self.dialect, thinks=True)
        return text
