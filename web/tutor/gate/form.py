"""What a hint must look like (R8): length, question, language, and nothing of the prompt."""

from __future__ import annotations

import re
from functools import cache

from web.tutor.gate.draft import QUESTION, Draft, Prose
from web.tutor.gate.lexis import WORD, Gram, grams, tokens
from web.tutor.languages import Locale
from web.tutor.levels import Asking, Level

HANGUL_SHARE_MIN = 0.2
FOREIGN_SHARE_MAX = 0.1
LATIN_SHARE_MIN = 0.8
TOOL_TOKEN = re.compile(
    r"<\|[^|>]{0,40}\|?>?|</?(?:student|think|tool_call|system|user|assistant|s)\b|\[/?INST\]"
    r"|###\s*(?:instruction|response|system)|^(?:system|user|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
ECHO_TOKENS = {"ko": 5, "en": 8}
CLOSERS = "\"'”’)]*_` \n\t"


def speaks(prose: Prose, locale: Locale) -> bool:
    """Whether the prose is in this language, as far as its letters tell; true without letters."""
    if locale == "en":
        return prose.latin >= LATIN_SHARE_MIN * prose.letters
    foreign = prose.letters - prose.hangul - prose.latin
    return (
        prose.hangul >= HANGUL_SHARE_MIN * prose.letters
        and foreign <= FOREIGN_SHARE_MAX * prose.letters
    )


def echoes(draft: Draft, policy: str, locale: Locale) -> bool:
    """Whether the text holds a tool token or a run of words from the prompt's own rules."""
    if TOOL_TOKEN.search(draft.text, draft.word_before):
        return True
    size = ECHO_TOKENS[locale]
    runs = zip(*(draft.said[start:] for start in range(size)), strict=False)
    return not _policy_grams(policy, size).isdisjoint(runs)


@cache
def _policy_grams(policy: str, size: int) -> frozenset[Gram]:
    """Six policies in all: three levels in two languages."""
    return frozenset(grams([token for token in tokens(policy) if WORD.match(token)], size))


def ends_asking(text: str) -> bool:
    """Whether the last thing but closing marks is a question mark."""
    return bool(QUESTION.match(text.rstrip(CLOSERS)[-1:]))


def is_whole(draft: Draft, level: Level) -> bool:
    """Whether this text could stand as the hint: prose of enough words with its question."""
    if not draft.prose.letters:
        return False
    if not level.min_words <= draft.words <= level.max_words:
        return False
    if level.asking is Asking.ONCE and draft.prose.asks != 1:
        return False
    return level.asking is Asking.FREELY or ends_asking(draft.text)
