"""Decides, while the model writes, what of its text a student may see."""

from __future__ import annotations

from web.tutor.gate import avoided, form, orders
from web.tutor.gate.asides import ends_thoughts
from web.tutor.gate.checks import Checks
from web.tutor.gate.draft import Draft
from web.tutor.gate.example import WorkedExample
from web.tutor.gate.lexis import printable
from web.tutor.gate.ruling import Ruling, blocked
from web.tutor.gate.seen import Seen
from web.tutor.gate.sentences import Sentences
from web.tutor.gate.solution import solutions_of
from web.tutor.gate.thoughts import tells_thoughts
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS, QuestionRule
from web.tutor.writing import prompt
from web.tutor.writing.fault import Fault

SENTENCE_LIMIT_CHARS = 600


class Gate:
    """Releases one hint sentence by sentence; fails closed: after a block nothing more comes.

    statement: everything else that the student sees: exercise and result. reference: a solution
    of the exercise; fix: the student's own program, mended and verified. Empty where there is none.
    avoid: words that no hint may say. examples: hints that the model was shown and may not repeat.
    What is released does not depend on how the text was cut into pieces. The cost is linear in the
    text: a sentence has a limit of length, and the hint one of sentences and length.
    """

    def __init__(
        self, *, level: int, locale: Locale, student_code: str, statement: str, reference: str,
        fix: str = "", avoid: tuple[str, ...] = (), examples: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self._level, self._locale, self._avoid = LEVELS[level], locale, avoid
        self._seen, known = Seen(student_code, statement), solutions_of(reference, fix)
        told, language = {prompt.told(level, locale), *examples}, LANGUAGES[locale]
        self._checks = Checks(self._level, language, self._seen, known, told, avoid)
        self._draft = Draft(language.letters, self._seen)
        self._sentences = Sentences()
        self._began, self._released = False, 0
        self._after: list[str] = []
        """Text after a whole hint: not shown, but a mark in it tells that the hint was thoughts."""
        self.example = WorkedExample(self._level.example, student_code, known, self._seen)
        self._unasked_edit = self._whole = False
        self._edit = ""
        """The sentence that told an edit, and may come to break a rule."""
        self._blocked: Ruling | None = None
        """What blocked the hint; None while it may still pass."""
        self.satisfied = False
        """The hint is whole: whatever else the model writes is dropped, so it may be stopped."""

    def feed(self, text: str) -> str:
        """Take the model's next piece; return what may be shown now, often nothing."""
        if self.satisfied:
            self._after.append(text)
        if self.decided:
            return ""
        text = printable(text)
        if not self._began:
            text = text.lstrip()
            self._began = bool(text)
        if len(text) > SENTENCE_LIMIT_CHARS:
            # A long piece is not read to its end once the gate has closed.
            steps = range(0, len(text), SENTENCE_LIMIT_CHARS)
            return "".join([self.feed(text[at : at + SENTENCE_LIMIT_CHARS]) for at in steps])
        pieces, ended = [], self._sentences.feed(text)
        for number, sentence in enumerate(ended, start=1):
            pieces.append(self._sentence(sentence))
            if self.decided:
                self._after = [*ended[number:], self._sentences.rest]
                break
        if not self.decided and self._sentences.open_chars > SENTENCE_LIMIT_CHARS:
            self._blocked = blocked("R8", Fault.LONG)
        return "".join(pieces)

    def finish(self, *, cut: bool = False) -> Ruling:
        """The model wrote its last piece.

        cut: it stopped at its token limit, so a half sentence is dropped.
        """
        piece = ""
        rest = printable("".join(self._after)) if self.satisfied else self._sentences.rest
        ended = self.satisfied and ends_thoughts(rest, self._seen)
        if not self._blocked and (ended or tells_thoughts(rest)):
            self._blocked = blocked("R9", Fault.THOUGHTS)
        # What half a sentence would have told once it was whole, nobody can judge.
        if not (self.decided or cut) and rest.strip():
            piece = self._sentence(rest)
        if not self.decided:
            self._close(Fault.LONG if cut else None)
        return self._blocked or Ruling(ok=True, text=self._shown, piece=piece)

    @property
    def decided(self) -> bool:
        """Whether no more text is taken: a rule blocks the hint, or it is whole.

        A mark of thoughts after a whole hint blocks it all the same.
        """
        return bool(self._blocked or self.satisfied)

    @property
    def _shown(self) -> str:
        return self.example.put_into(self._draft.text)[: self._released]

    def _sentence(self, sentence: str) -> str:
        """Judge the sentence that ends here; what may be shown now."""
        draft = self._draft
        if len(sentence.removesuffix("\n")) > SENTENCE_LIMIT_CHARS:
            self._blocked = blocked("R8", Fault.LONG)
            return ""
        if self.example.takes(sentence, len(draft.text)):
            unwanted = avoided.ruling_on(sentence, self._avoid, self._seen)
            self._blocked = self.example.blocked or unwanted
            # What follows the block may be nothing, so that it is released with its end.
            return self._release() if self.example.code and not self._blocked else ""
        draft.read(sentence)
        if draft.words > self._level.max_words or form.is_endless(draft):
            self._close(Fault.LONG)
            return ""
        self._blocked = self._checks.broken(draft, self.example.seen)
        if self._blocked:
            return ""
        if not (self._checks.may_tell or self._edit) and orders.tells_edit(draft.sentence):
            self._edit = draft.sentence.strip()
        self._unasked_edit = bool(self._edit) and not draft.prose.asks
        return self._release()

    def _release(self) -> str:
        """What may be shown of the text so far, unless a later sentence must come first."""
        if self._waits():
            return ""
        text = self.example.put_into(self._draft.text)
        piece, self._released = text[self._released :], len(text)
        self._whole = self._lacking is None
        self.satisfied = self._whole and self._level.asking is not QuestionRule.FREELY
        return piece

    @property
    def _lacking(self) -> Fault | None:
        """What keeps the text so far from standing as the hint."""
        return form.lacking(self._draft, self._level) if self.example.is_whole else Fault.EXAMPLE

    def _waits(self) -> bool:
        """Whether this text may only be shown once a later sentence asks.

        R3: telling an edit waits too: only a question with it makes the student think.
        """
        if self._level.asking is QuestionRule.LAST and self._draft.prose.asks:
            return not form.ends_asking(self._draft.text)
        return self._unasked_edit

    def _close(self, fault: Fault | None) -> None:
        """No more text counts: what was released is the hint, or a rule blocks it.

        fault: why nothing more counts; None where the model has ended.
        """
        if self._unasked_edit:
            self._blocked = blocked("R3", Fault.LEAK, self._edit)
        elif not self._whole:
            # What waits wants the question that it waits for.
            self._blocked = blocked("R8", fault or self._lacking or Fault.NO_QUESTION)
        elif form.is_hard(self._shown, self._level, self._locale):
            self._blocked = blocked("R8", Fault.HARD)
        else:
            self.satisfied = True
