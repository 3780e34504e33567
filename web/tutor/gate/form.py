"""What a hint must look like (R8): length, question, language, and nothing of the prompt."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from web.tutor.gate.draft import QUESTION, Draft, Prose
from web.tutor.gate.lexis import WORD, Gram, grams, runs, tokens
from web.tutor.gate.whole import GRADE_MAX, grade
from web.tutor.languages import Language, Locale
from web.tutor.levels import Level, QuestionRule
from web.tutor.writing.fault import Fault

TOOL_TOKEN = re.compile(
    r"<\|[^|>]{0,40}\|?>?|</?(?:student|think|tool_call|system|user|assistant|s)\b|\[/?INST\]"
    r"|###\s*(?:instruction|response|system)|^(?:system|user|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
"""What chat templates put around messages. A text with one of them repeats its prompt."""
HINT_LIMIT_CHARS = 4_000
HINT_LIMIT_SENTENCES = 60
FEWEST_CHARS = 12
"""A shorter sentence may well stand in a hint twice."""
CLOSERS = "\"'”’)]*_` \n\t"
"""What may stand behind the question mark at the end."""


def speaks(prose: Prose, language: Language) -> bool:
    """Whether the prose is in this language, as far as its letters tell; true where it has none.

    The language gives the share of letters, 0 to 1, that must be its own and that may be foreign.
    """
    return (
        prose.own >= language.own_min * prose.letters
        and prose.foreign <= language.foreign_max * prose.letters
    )


def is_hard(text: str, level: Level, locale: Locale) -> bool:
    """Whether the words are harder than who reads them; only of English a grade is known."""
    return level.patterns and locale == "en" and grade(text) > GRADE_MAX


def has_chat_mark(draft: Draft) -> bool:
    """Whether the new sentence ends a TOOL_TOKEN, which white space may cut in two."""
    return bool(TOOL_TOKEN.search(draft.text, draft.word_before))


def echoes(draft: Draft, told: Collection[str], size: int) -> bool:
    """Whether the new sentence repeats what the model was told.

    told: its rules and the answers that it was shown, the same for every student of an exercise.
    size: from this many words in a row on, a text repeats them.
    """
    said = set(runs(draft.said, size))
    return any(not _told_grams(text, size).isdisjoint(said) for text in told)


def goes_round(draft: Draft) -> bool:
    """Whether the new sentence stands in the hint before, as where a model does not find an end."""
    sentence = draft.sentence.strip()
    before = draft.text[: len(draft.text) - len(draft.sentence)]
    return len(sentence) >= FEWEST_CHARS and sentence in before


@lru_cache(maxsize=512)
def _told_grams(text: str, size: int) -> frozenset[Gram]:
    """Runs of `size` words. Kept: of the product's texts there is one for a level and language."""
    told = grams([token for token in tokens(text) if WORD.match(token)], size)
    # A number is of a program, and "in round 4 of the loop on line" is said of each.
    return frozenset(run for run in told if not any(part[0].isdigit() for part in run))


def ends_asking(text: str) -> bool:
    """Whether the text ends with a question mark, apart from CLOSERS behind it."""
    return bool(QUESTION.match(text.rstrip(CLOSERS)[-1:]))


def is_endless(draft: Draft) -> bool:
    """Whether it is longer than any hint, however few of its characters count as words."""
    return len(draft.text) > HINT_LIMIT_CHARS or draft.sentences > HINT_LIMIT_SENTENCES


def lacking(draft: Draft, level: Level) -> Fault | None:
    """What keeps this text, which is not too long, from standing as the hint of its level."""
    if not draft.prose.letters or draft.words < level.min_words:
        return Fault.SHORT
    if level.asking is QuestionRule.FREELY:
        return None
    if level.asking is QuestionRule.ONCE and not draft.prose.asks:
        return Fault.NO_QUESTION
    return None if ends_asking(draft.text) else Fault.NO_QUESTION
