"""Decides, while the model writes, what of its text a student may see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from broker.contract.hint import Reason
from web.tutor import form, rules
from web.tutor.draft import Draft
from web.tutor.ladder import LEVELS, Asking
from web.tutor.languages import Locale
from web.tutor.lexis import Gram, printable
from web.tutor.prompt import policy
from web.tutor.sentences import sentence_end


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
        self._student_code, self._statement, self._reference = student_code, statement, reference
        self._draft = Draft()
        self._text = ""
        self._judged = 0
        self._released = 0
        self._edit_told = self._unasked_edit = self._whole = False
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

    # What the rules compare with is made when the first sentence is there, not on the way of the
    # request to the model.
    @cached_property
    def _seen(self) -> rules.Seen:
        return rules.Seen(self._student_code, self._statement)

    @cached_property
    def _fix(self) -> tuple[frozenset[Gram], frozenset[str]]:
        """Runs of tokens, and names, that only the reference solution has."""
        grams, words = rules.fix_of(self._reference)
        return grams - self._seen.grams, words - self._seen.words

    def _sentence(self, end: int) -> str:
        """Judge the sentence that ends here; what may be shown now."""
        draft, start = self._draft, self._judged
        draft.read(self._text[:end].rstrip(), start)
        self._judged = end
        if draft.words > self._level.max_words:
            self._close()
            return ""
        self.rule = self._broken()
        if self.rule:
            return ""
        self._edit_told = self._edit_told or rules.tells_edit(draft.sentence)
        self._unasked_edit = self._edit_told and not draft.prose.asks
        if self._waits():
            return ""
        piece = draft.text[self._released :]
        self._released = len(draft.text)
        self._whole = form.is_whole(draft, self._level)
        self.satisfied = self._whole and self._level.asking is not Asking.FREELY
        return piece

    def _broken(self) -> str | None:
        """The first rule that the new sentence breaks and no later one can mend."""
        draft, level = self._draft, self._level
        only_fix, fix_words = self._fix
        checks = (
            ("R1", rules.shows_block(draft)),
            ("R2", rules.shows_fix(draft, only_fix)),
            ("R3", level.strict and rules.commands_edit(draft.sentence)),
            ("R4", level.strict and rules.spans_strange(draft, self._seen)),
            ("R4", not level.patterns and rules.spans_words(draft, fix_words)),
            ("R8", level.asking is Asking.ONCE and draft.prose.asks > 1),
            ("R8", form.echoes(draft, self._policy, self._locale)),
            ("R8", not form.speaks(draft.prose, self._locale)),
        )
        return next((rule for rule, broken in checks if broken), None)

    def _waits(self) -> bool:
        """Whether this text may only be shown once a later sentence asks.

        R3: telling an edit waits too: only a question with it makes the student think.
        """
        if self._level.asking is Asking.LAST and self._draft.prose.asks:
            return not form.ends_asking(self._draft.text)
        return self._unasked_edit

    def _close(self) -> None:
        """No more text counts: what was released is the hint, or a rule blocks it."""
        if self._unasked_edit:
            self.rule = "R3"
        elif self._whole:
            self.satisfied = True
        else:
            self.rule = "R8"
