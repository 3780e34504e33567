"""Decides, while the model writes, what of its text a student may see."""

from __future__ import annotations

from dataclasses import dataclass

from broker.contract.hint import Reason
from web.tutor import form, rules
from web.tutor.ladder import LEVELS, Asking
from web.tutor.languages import Locale
from web.tutor.lexis import printable, uncommented
from web.tutor.prompt import policy
from web.tutor.sentences import sentence_end, sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's last word. text: all that was released; empty when a rule blocked it.

    piece: what finishing released. rule: R1 to R4 or R8.
    """

    ok: bool
    rule: str | None = None
    reason: Reason | None = None
    text: str = ""
    piece: str = ""


class Gate:
    """Releases one hint sentence by sentence; fails closed: after a block nothing more comes.

    statement: everything else that the student sees: exercise and test result.
    What is released does not depend on how the text was cut into pieces.
    """

    def __init__(
        self, *, level: int, locale: Locale, student_code: str, statement: str, reference: str
    ) -> None:
        self._level = LEVELS[level]
        self._locale = locale
        self._policy = policy(level, locale)
        self._only_fix = rules.fix_grams(reference, student_code, statement)
        self._seen = f"{student_code}\n{statement}"
        self._fix_words = rules.words_of(uncommented(reference)) - rules.words_of(self._seen)
        self._text = ""
        self._passed = ""
        self._judged = 0
        self._released = 0
        self.rule: str | None = None
        """The rule that blocked the hint; None while it may still pass."""
        self.satisfied = False
        """The hint is whole: whatever else the model writes is dropped, so it may be stopped."""

    def feed(self, text: str) -> str:
        """Take the model's next piece; return what may be shown now, often nothing."""
        self._text = (self._text + printable(text)).lstrip()
        pieces = []
        while self._open and (end := sentence_end(self._text, self._judged)) is not None:
            pieces.append(self._sentence(end))
        return "".join(pieces)

    def finish(self, *, cut: bool = False) -> Verdict:
        """The model wrote its last piece.

        cut: it stopped at its token limit, so a half sentence is dropped.
        """
        piece = ""
        if self._open and not cut and self._text[self._judged :].strip():
            piece = self._sentence(len(self._text))
        if self._open:
            self._close()
        if self.rule:
            reason = Reason.OFF_TEMPLATE if self.rule == "R8" else Reason.LEAK
            return Verdict(ok=False, rule=self.rule, reason=reason)
        return Verdict(ok=True, text=self._shown, piece=piece)

    @property
    def _open(self) -> bool:
        return not (self.rule or self.satisfied)

    @property
    def _shown(self) -> str:
        return self._text[: self._released]

    def _sentence(self, end: int) -> str:
        """Judge the text up to here; the part of it that may be shown now."""
        text = self._text[:end].rstrip()
        self._judged = end
        if form.count_words(text) > self._level.max_words:
            self._close()
            return ""
        self.rule = self._broken(text)
        if self.rule:
            return ""
        self._passed = text
        if self._waits(text):
            return ""
        piece = text[self._released :]
        self._released = len(text)
        asked = self._level.asking is not Asking.FREELY
        self.satisfied = asked and form.is_whole(text, self._level)
        return piece

    def _broken(self, text: str) -> str | None:
        """The first rule that no later sentence can mend."""
        checks = (
            ("R1", rules.shows_block(text)),
            ("R2", rules.shows_fix(text, self._only_fix)),
            ("R3", self._level.strict and rules.commands_edit(sentences(text))),
            ("R4", self._level.strict and rules.spans_strange(text, self._seen)),
            ("R4", not self._level.patterns and rules.spans_words(text, self._fix_words)),
            ("R8", self._level.asking is Asking.ONCE and rules.asks(text) > 1),
            ("R8", form.echoes(text, self._policy, self._locale)),
            ("R8", not form.speaks(text, self._locale)),
        )
        return next((rule for rule, broken in checks if broken), None)

    def _edits(self, text: str) -> bool:
        """R3: tells to edit, and no question makes the student think."""
        return not rules.asks(text) and rules.tells_edit(sentences(text))

    def _waits(self, text: str) -> bool:
        """Whether this text may only be shown once a later sentence asks."""
        if self._level.asking is Asking.LAST and rules.asks(text):
            return not form.ends_asking(text)
        return self._edits(text)

    def _close(self) -> None:
        """No more text counts: what was released is the hint, or a rule blocks it."""
        if self._edits(self._passed):
            self.rule = "R3"
        elif form.is_whole(self._shown, self._level):
            self.satisfied = True
        else:
            self.rule = "R8"
