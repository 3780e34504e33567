"""What a hint must look like (R8): length, question, language, and nothing of the prompt."""

from __future__ import annotations

import re
from functools import cache

from web.tutor.ladder import Asking, Level
from web.tutor.languages import Locale
from web.tutor.lexis import WORD, grams, prose, tokens
from web.tutor.rules import QUESTION, asks

HANGUL = re.compile(r"[가-힣ㄱ-ㆎ]")
# A Korean word carries its particles; more syllables than this are counted as more words.
SYLLABLES_PER_WORD = 4
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


def count_words(text: str) -> int:
    """Words as the length limits count them; a long Korean word counts for several."""
    return sum(
        max(1, -(-len(HANGUL.findall(word)) // SYLLABLES_PER_WORD))
        for word in text.split()
        if WORD.search(word)
    )


def speaks(text: str, locale: Locale) -> bool:
    """Whether the prose is in this language, as far as its letters tell; true without letters."""
    letters = [char for char in prose(text) if char.isalpha()]
    hangul = sum(1 for char in letters if HANGUL.match(char))
    latin = sum(1 for char in letters if char < "ɐ")
    foreign = len(letters) - hangul - latin
    if locale == "en":
        return latin >= LATIN_SHARE_MIN * len(letters)
    share_min, share_max = HANGUL_SHARE_MIN * len(letters), FOREIGN_SHARE_MAX * len(letters)
    return hangul >= share_min and foreign <= share_max


def echoes(text: str, policy: str, locale: Locale) -> bool:
    """Whether the text holds a tool token or a run of words from the prompt's own rules."""
    if TOOL_TOKEN.search(text):
        return True
    size = ECHO_TOKENS[locale]
    return not grams(_words(text), size).isdisjoint(_policy_grams(policy, size))


@cache
def _policy_grams(policy: str, size: int) -> frozenset[tuple[str, ...]]:
    """Six policies in all: three levels in two languages."""
    return frozenset(grams(_words(policy), size))


def _words(text: str) -> list[str]:
    return [token for token in tokens(text) if WORD.match(token)]


def ends_asking(text: str) -> bool:
    """Whether the last thing but closing marks is a question mark."""
    return bool(QUESTION.match(text.rstrip(CLOSERS)[-1:]))


def is_whole(text: str, level: Level) -> bool:
    """Whether this text could stand as the hint: prose of enough words with its question."""
    if not any(char.isalpha() for char in prose(text)):
        return False
    if not level.min_words <= count_words(text) <= level.max_words:
        return False
    if level.asking is Asking.ONCE and asks(text) != 1:
        return False
    return level.asking is Asking.FREELY or ends_asking(text)
