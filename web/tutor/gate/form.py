"""What a hint must look like (R8): length, question, language, and nothing of the prompt."""

from __future__ import annotations

import re
from functools import cache

from web.tutor.gate.draft import QUESTION, Draft, Prose
from web.tutor.gate.lexis import WORD, Gram, grams, tokens
from web.tutor.languages import Language
from web.tutor.levels import Level, QuestionRule

TOOL_TOKEN = re.compile(
    r"<\|[^|>]{0,40}\|?>?|</?(?:student|think|tool_call|system|user|assistant|s)\b|\[/?INST\]"
    r"|###\s*(?:instruction|response|system)|^(?:system|user|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
CLOSERS = "\"'”’)]*_` \n\t"


def speaks(prose: Prose, language: Language) -> bool:
    """Whether the prose is in this language, as far as its letters tell; true without letters."""
    return (
        prose.own >= language.own_min * prose.letters
        and prose.foreign <= language.foreign_max * prose.letters
    )


def echoes(draft: Draft, policy: str, size: int) -> bool:
    """Whether the text holds a tool token, or `size` words in a row of the prompt's own rules."""
    # From the last word before the sentence on: white space may cut a token in two.
    if TOOL_TOKEN.search(draft.text, draft.word_before):
        return True
    runs = zip(*(draft.said[start:] for start in range(size)), strict=False)
    return not _policy_grams(policy, size).isdisjoint(runs)


@cache
def _policy_grams(policy: str, size: int) -> frozenset[Gram]:
    """There is one policy for each level in each language."""
    return frozenset(grams([token for token in tokens(policy) if WORD.match(token)], size))


def ends_asking(text: str) -> bool:
    """Whether the last thing but closing marks is a question mark."""
    return bool(QUESTION.match(text.rstrip(CLOSERS)[-1:]))


def is_whole(draft: Draft, level: Level) -> bool:
    """Whether this text could stand as the hint: prose of enough words with its question."""
    enough = level.min_words <= draft.words <= level.max_words
    if not (draft.prose.letters and enough):
        return False
    if level.asking is QuestionRule.ONCE and draft.prose.asks != 1:
        return False
    return level.asking is QuestionRule.FREELY or ends_asking(draft.text)
