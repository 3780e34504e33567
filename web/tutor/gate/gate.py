"""Decides, while the model writes, what of its text a student may see."""

from __future__ import annotations

from broker.contract.hint import Reason
from web.tutor.gate import avoided, fixes, form, orders, rules
from web.tutor.gate.asides import ends_thoughts, names_absent_line, thinks_aloud
from web.tutor.gate.disguises import is_disguised, is_foreign
from web.tutor.gate.draft import Draft
from web.tutor.gate.example import WorkedExample
from web.tutor.gate.lexis import printable
from web.tutor.gate.literals import formats
from web.tutor.gate.pseudo import is_pseudo
from web.tutor.gate.ruling import Ruling as Ruling
from web.tutor.gate.seen import Seen
from web.tutor.gate.sentences import Sentences
from web.tutor.gate.snippets import shows_snippet
from web.tutor.gate.solution import solutions_of
from web.tutor.gate.thoughts import tells_thoughts
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS, QuestionRule
from web.tutor.writing import prompt

SENTENCE_LIMIT_CHARS = 600
HINT_LIMIT_CHARS = 4_000
HINT_LIMIT_SENTENCES = 60


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
        self._began = False
        self._after: list[str] = []
        """Text after a whole hint: not shown, but a mark in it tells that the hint was thoughts."""
        self._released = 0
        self.example = WorkedExample(self._level.example, student_code, self._known, self._seen)
        # What is told of a change, nobody knows without a solution.
        self._may_tell = self._level.tells and bool(self._known)
        self._unasked_edit = self._whole = False
        self._failed = self._edit = ""
        """The sentence that broke the rule; the one that told an edit, and may come to break it."""
        self.rule: str | None = None
        """The rule that blocked the hint; None while it may still pass."""
        self.satisfied = False
        """The hint is whole: whatever else the model writes is dropped, so it may be stopped."""

    def feed(self, text: str) -> str:
        """Take the model's next piece; return what may be shown now, often nothing."""
        if self.satisfied:
            self._after.append(text)
        if not self._open:
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
            if not self._open:
                self._after = [*ended[number:], self._sentences.rest]
                break
        if self._open and self._sentences.open_chars > SENTENCE_LIMIT_CHARS:
            self.rule = "R8"
        return "".join(pieces)

    def finish(self, *, cut: bool = False) -> Ruling:
        """The model wrote its last piece.

        cut: it stopped at its token limit, so a half sentence is dropped.
        """
        piece = ""
        rest = printable("".join(self._after)) if self.satisfied else self._sentences.rest
        ended = self.satisfied and ends_thoughts(rest, self._seen)
        if not self.rule and (ended or tells_thoughts(rest)):
            self.rule = "R9"
        # What half a sentence would have told once it was whole, nobody can judge.
        if self._open and not cut and rest.strip():
            piece = self._sentence(rest)
        if self._open:
            self._close()
        if self.rule:
            reason = Reason.OFF_TEMPLATE if self.rule in ("R8", "R9") else Reason.LEAK
            return Ruling(ok=False, rule=self.rule, reason=reason, sentence=self._failed)
        return Ruling(ok=True, text=self._shown, piece=piece)

    @property
    def _open(self) -> bool:
        return not (self.rule or self.satisfied)

    @property
    def _shown(self) -> str:
        return self.example.put_into(self._draft.text)[: self._released]

    def _sentence(self, sentence: str) -> str:
        """Judge the sentence that ends here; what may be shown now."""
        draft = self._draft
        if len(sentence.removesuffix("\n")) > SENTENCE_LIMIT_CHARS:
            self.rule = "R8"
            return ""
        if self.example.takes(sentence, len(draft.text)):
            self.rule = self.example.rule or avoided.broken(sentence, self._avoid, self._seen)
            return ""
        draft.read(sentence)
        if draft.words > self._level.max_words or self._is_endless():
            self._close()
            return ""
        self.rule = self._broken()
        if self.rule:
            self._failed = draft.sentence.strip()
            return ""
        if not (self._may_tell or self._edit) and orders.tells_edit(draft.sentence):
            self._edit = draft.sentence.strip()
        self._unasked_edit = bool(self._edit) and not draft.prose.asks
        if self._waits():
            return ""
        text = self.example.put_into(draft.text)
        piece, self._released = text[self._released :], len(text)
        self._whole = form.is_whole(draft, self._level) and self.example.is_whole
        self.satisfied = self._whole and self._level.asking is not QuestionRule.FREELY
        return piece

    def _is_endless(self) -> bool:
        """Whether it is longer than any hint, however few of its characters count as words."""
        draft = self._draft
        return len(draft.text) > HINT_LIMIT_CHARS or draft.sentences > HINT_LIMIT_SENTENCES

    def _broken(self) -> str | None:
        """The first rule that the new sentence breaks and no later one can mend."""
        draft, level, seen, shown = self._draft, self._level, self._seen, self.example.seen
        # What a solution would tell apart from a pattern is not known without one.
        patterns = level.patterns and bool(self._known)
        freely = patterns or self._may_tell
        asks = not freely and level.asking is not QuestionRule.FREELY
        reach = map(seen.without_lines, draft.within_reach)
        # Where several rules are broken, the first one here is named to staff.
        checks = (
            ("R9", tells_thoughts(draft.added)),
            ("R1", rules.shows_block(draft)),
            ("R2", fixes.shows_fix(draft, self._known, seen)),
            ("R2", fixes.shows_literal(draft, self._known, seen)),
            ("R2", fixes.tells_operator(draft, self._known, seen, patterns)),
            ("R3", not freely and orders.commands_edit(seen.without_lines(draft.sentence), seen)),
            ("R3", asks and orders.prescribes(draft.sentence)),
            ("R4", not patterns and rules.spans_strange(draft, self._known, shown)),
            ("R4", not patterns and rules.spans_fix(draft, self._known, shown)),
            ("R1", any(shows_snippet(text, shown, patterns) for text in reach)),
            ("R1", is_pseudo(draft.added, seen)),
            ("R1", not patterns and formats(draft.rendered)),
            ("R8", level.asking is QuestionRule.ONCE and draft.prose.asks > 1),
            ("R8", form.echoes(draft, self._told, self._language.echo_words)),
            ("R8", form.goes_round(draft)),
            ("R8", not form.speaks(draft.prose, self._language)),
            ("R8", is_foreign(draft.added, seen, self._language.letters)),
            ("R1", is_disguised(draft.rendered, draft.readings.rendered, self._known, seen)),
            (avoided.RULE, avoided.says_avoided(draft.rendered, self._avoid, seen)),
            ("R9", thinks_aloud(draft.added, seen) or names_absent_line(draft.rendered, seen)),
        )
        return next((rule for rule, broken in checks if broken), None)

    def _waits(self) -> bool:
        """Whether this text may only be shown once a later sentence asks.

        R3: telling an edit waits too: only a question with it makes the student think.
        """
        if self._level.asking is QuestionRule.LAST and self._draft.prose.asks:
            return not form.ends_asking(self._draft.text)
        return self._unasked_edit

    def _close(self) -> None:
        """No more text counts: what was released is the hint, or a rule blocks it."""
        if self._unasked_edit:
            self.rule, self._failed = "R3", self._edit
        elif self._whole and not form.is_hard(self._shown, self._level, self._locale):
            self.satisfied = True
        else:
            self.rule = "R8"
