"""The rules that are asked of each sentence of a hint, in one list."""

from __future__ import annotations

from collections.abc import Collection

from web.tutor.gate import avoided, fixes, form, orders, rules
from web.tutor.gate.asides import names_absent_line, thinks_aloud
from web.tutor.gate.disguises import is_disguised, is_foreign
from web.tutor.gate.draft import Draft
from web.tutor.gate.literals import formats
from web.tutor.gate.pseudo import is_pseudo
from web.tutor.gate.ruling import Ruling, blocked
from web.tutor.gate.seen import Seen
from web.tutor.gate.snippets import shows_snippet
from web.tutor.gate.solution import Solutions
from web.tutor.gate.swaps import puts_code
from web.tutor.gate.thoughts import tells_thoughts
from web.tutor.languages import Language
from web.tutor.levels import Level, QuestionRule
from web.tutor.writing.fault import Fault


class Checks:
    """What no sentence of one hint may break.

    seen: what the student has before them; solutions: those that are known; told: what the model
    was told; avoid: the author's words.
    """

    def __init__(
        self, level: Level, language: Language, seen: Seen, solutions: Solutions,
        told: Collection[str], avoid: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._level, self._language = level, language
        self._seen, self._solutions = seen, solutions
        self._told, self._avoid = told, avoid
        # Without a solution nobody can tell a pattern, or the telling of a change, from a leak.
        self._patterns = level.patterns and bool(solutions)
        self.may_tell = level.tells and bool(solutions)
        """Whether the hint may say what to change."""

    def broken(self, draft: Draft, shown: Seen) -> Ruling | None:
        """By the first rule that the draft's new sentence breaks and no later one can mend.

        shown: what the student has before them with the hint's example.
        """
        level, seen, known, patterns = self._level, self._seen, self._solutions, self._patterns
        freely = patterns or self.may_tell
        asks = not freely and level.asking is not QuestionRule.FREELY
        reach = map(seen.without_lines, draft.within_reach)
        sentence, rendered = seen.without_lines(draft.sentence), draft.rendered
        # A block stands where the level's example should have been.
        block = Fault.EXAMPLE if level.example else Fault.CODE
        # Where several rules are broken, the first one here is named to staff, and told the model.
        checks = (
            ("R9", Fault.THOUGHTS, tells_thoughts(draft.added)),
            ("R1", block, rules.shows_block(draft)),
            ("R2", Fault.CODE, fixes.shows_fix(draft, known, seen)),
            ("R2", Fault.CODE, fixes.shows_literal(draft, known, seen)),
            ("R2", Fault.LEAK, fixes.tells_operator(draft, known, seen, patterns)),
            ("R3", Fault.LEAK, not freely and orders.commands_edit(sentence, seen)),
            ("R3", Fault.LEAK, not freely and puts_code(sentence, seen)),
            ("R3", Fault.LEAK, asks and orders.prescribes(draft.sentence)),
            ("R4", Fault.CODE, not patterns and rules.spans_strange(draft, known, shown)),
            ("R4", Fault.CODE, not patterns and rules.spans_fix(draft, known, shown)),
            ("R4", Fault.CODE, not freely and rules.names_keyword(draft, known, seen)),
            ("R1", Fault.CODE, any(shows_snippet(text, shown, patterns) for text in reach)),
            ("R1", Fault.CODE, is_pseudo(draft.added, seen)),
            ("R1", Fault.CODE, not patterns and formats(rendered)),
            ("R8", Fault.QUESTIONS, level.asking is QuestionRule.ONCE and draft.prose.asks > 1),
            ("R8", Fault.THOUGHTS, form.has_chat_mark(draft)),
            ("R8", Fault.ECHO, form.echoes(draft, self._told, self._language.echo_words)),
            ("R8", Fault.ECHO, form.goes_round(draft)),
            ("R8", Fault.LANGUAGE, not form.speaks(draft.prose, self._language)),
            ("R8", Fault.LANGUAGE, is_foreign(draft.added, seen, self._language.letters)),
            ("R1", Fault.CODE, is_disguised(rendered, draft.readings.rendered, known, seen)),
            (avoided.RULE, Fault.AVOID, avoided.says_avoided(rendered, self._avoid, seen)),
            ("R9", Fault.THOUGHTS, thinks_aloud(draft.added, seen)),
            ("R9", Fault.UNTRUE, names_absent_line(rendered, seen)),
        )
        said = draft.sentence.strip()
        return next((blocked(rule, fault, said) for rule, fault, broken in checks if broken), None)
