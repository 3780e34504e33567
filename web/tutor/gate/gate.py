"""Decides, while the model writes, what of its text a student may see."""

from __future__ import annotations

from web.tutor.gate import avoided, fixes, form, orders, rules
from web.tutor.gate.asides import ends_thoughts, names_absent_line, thinks_aloud
from web.tutor.gate.disguises import is_disguised, is_foreign
from web.tutor.gate.draft import Draft
from web.tutor.gate.example import WorkedExample
from web.tutor.gate.lexis import printable
from web.tutor.gate.literals import formats
from web.tutor.gate.pseudo import is_pseudo
from web.tutor.gate.ruling import Ruling, refused
from web.tutor.gate.seen import Seen
from web.tutor.gate.sentences import Sentences
from web.tutor.gate.snippets import shows_snippet
from web.tutor.gate.solution import solutions_of
from web.tutor.gate.thoughts import tells_thoughts
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS, QuestionRule
from web.tutor.writing import prompt
from web.tutor.writing.versions import Fault

SENTENCE_LIMIT_CHARS = 600
LEAK = Fault.LEAK


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
        self._level, self._locale = LEVELS[level], locale
        self._language = LANGUAGES[locale]
        self._told, self._avoid = {prompt.told(level, locale), *examples}, avoid
        self._seen = Seen(student_code, statement)
        self._known = solutions_of(reference, fix)
        self._draft = Draft(self._language.letters)
        self._sentences = Sentences()
        self._began, self._released = False, 0
        self._after: list[str] = []
        """Text after a whole hint: not shown, but a mark in it tells that the hint was thoughts."""
        self.example = WorkedExample(self._level.example, student_code, self._known, self._seen)
        # What is told of a change, nobody knows without a solution.
        self._may_tell = self._level.tells and bool(self._known)
        self._unasked_edit = self._whole = False
        self._edit = ""
        """The sentence that told an edit, and may come to break a rule."""
        self._refusal: Ruling | None = None
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
            self._refusal = refused("R8", Fault.LONG)
        return "".join(pieces)

    def finish(self, *, cut: bool = False) -> Ruling:
        """The model wrote its last piece.

        cut: it stopped at its token limit, so a half sentence is dropped.
        """
        piece = ""
        rest = printable("".join(self._after)) if self.satisfied else self._sentences.rest
        ended = self.satisfied and ends_thoughts(rest, self._seen)
        if not self._refusal and (ended or tells_thoughts(rest)):
            self._refusal = refused("R9", Fault.THOUGHTS)
        # What half a sentence would have told once it was whole, nobody can judge.
        if not (self.decided or cut) and rest.strip():
            piece = self._sentence(rest)
        if not self.decided:
            self._close(Fault.LONG if cut else None)
        return self._refusal or Ruling(ok=True, text=self._shown, piece=piece)

    @property
    def decided(self) -> bool:
        """Whether nothing that the model may still write changes what is shown."""
        return bool(self._refusal or self.satisfied)

    @property
    def _shown(self) -> str:
        return self.example.put_into(self._draft.text)[: self._released]

    def _sentence(self, sentence: str) -> str:
        """Judge the sentence that ends here; what may be shown now."""
        draft = self._draft
        if len(sentence.removesuffix("\n")) > SENTENCE_LIMIT_CHARS:
            self._refusal = refused("R8", Fault.LONG)
            return ""
        if self.example.takes(sentence, len(draft.text)):
            unsaid = avoided.refusal(sentence, self._avoid, self._seen)
            self._refusal = self.example.refusal or unsaid
            return ""
        draft.read(sentence)
        if draft.words > self._level.max_words or form.is_endless(draft):
            self._close(Fault.LONG)
            return ""
        if broken := self._broken():
            self._refusal = refused(*broken, draft.sentence.strip())
            return ""
        if not (self._may_tell or self._edit) and orders.tells_edit(draft.sentence):
            self._edit = draft.sentence.strip()
        self._unasked_edit = bool(self._edit) and not draft.prose.asks
        if self._waits():
            return ""
        text = self.example.put_into(draft.text)
        piece, self._released = text[self._released :], len(text)
        self._whole = form.lacks(draft, self._level) is None and self.example.is_whole
        self.satisfied = self._whole and self._level.asking is not QuestionRule.FREELY
        return piece

    def _broken(self) -> tuple[str, Fault] | None:
        """The first rule that the new sentence breaks and no later one can mend."""
        draft, level, seen, shown = self._draft, self._level, self._seen, self.example.seen
        # What a solution would tell apart from a pattern is not known without one.
        patterns = level.patterns and bool(self._known)
        freely = patterns or self._may_tell
        asks = not freely and level.asking is not QuestionRule.FREELY
        reach = map(seen.without_lines, draft.within_reach)
        unlined = seen.without_lines(draft.sentence)
        # Where several rules are broken, the first one here is named to staff.
        checks = (
            ("R9", Fault.THOUGHTS, tells_thoughts(draft.added)),
            ("R1", LEAK, rules.shows_block(draft)),
            ("R2", LEAK, fixes.shows_fix(draft, self._known, seen)),
            ("R2", LEAK, fixes.shows_literal(draft, self._known, seen)),
            ("R2", LEAK, fixes.tells_operator(draft, self._known, seen, patterns)),
            ("R3", LEAK, not freely and orders.commands_edit(unlined, seen)),
            ("R3", LEAK, asks and orders.prescribes(draft.sentence)),
            ("R4", LEAK, not patterns and rules.spans_strange(draft, self._known, shown)),
            ("R4", LEAK, not patterns and rules.spans_fix(draft, self._known, shown)),
            ("R1", LEAK, any(shows_snippet(text, shown, patterns) for text in reach)),
            ("R1", LEAK, is_pseudo(draft.added, seen)),
            ("R1", LEAK, not patterns and formats(draft.rendered)),
            ("R8", Fault.QUESTIONS, level.asking is QuestionRule.ONCE and draft.prose.asks > 1),
            ("R8", Fault.ECHO, form.echoes(draft, self._told, self._language.echo_words)),
            ("R8", Fault.ECHO, form.goes_round(draft)),
            ("R8", Fault.LANGUAGE, not form.speaks(draft.prose, self._language)),
            ("R8", Fault.LANGUAGE, is_foreign(draft.added, seen, self._language.letters)),
            ("R1", LEAK, is_disguised(draft.rendered, draft.readings.rendered, self._known, seen)),
            (avoided.RULE, Fault.AVOID, avoided.says_avoided(draft.rendered, self._avoid, seen)),
            ("R9", Fault.THOUGHTS, thinks_aloud(draft.added, seen)),
            ("R9", Fault.UNTRUE, names_absent_line(draft.rendered, seen)),
        )
        return next(((rule, fault) for rule, fault, broken in checks if broken), None)

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
            self._refusal = refused("R3", LEAK, self._edit)
        elif not self._whole:
            whole = self.example.is_whole
            lacks = form.lacks(self._draft, self._level) if whole else Fault.EXAMPLE
            self._refusal = refused("R8", fault or lacks)
        elif form.is_hard(self._shown, self._level, self._locale):
            self._refusal = refused("R8", Fault.HARD)
        else:
            self.satisfied = True
