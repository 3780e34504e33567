"""What a Korean word would be if its keys were pressed on an English keyboard."""

from __future__ import annotations

import builtins
import keyword
import re

LEADS, VOWELS, TAILS, ALONE = (
    row.split(" ") for row in (
        "r R s e E f a q Q t T d w W c z x v g",
        "k o i O j p u P h hk ho hl y n nj np nl b m ml l",
        " r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g",
        "r R rt s sw sg e E f fr fa fq ft fx fv fg a q Q qt t T d w W c z x v g",
    )
)  # fmt: skip
"""Keys of the letters of a syllable, and of consonants that stand alone, in the order of Unicode.
Source: the layout of two sets, KS X 5002."""
KOREAN = re.compile(r"[ㄱ-ㅣ가-힣]+")
PYTHONS = frozenset((*keyword.kwlist, *dir(builtins)))


def keys(text: str) -> str:
    """The letters of an English keyboard on the keys by which the text is typed."""
    return "".join(map(_keys, text))


def is_pythons(text: str) -> bool:
    """Whether it is typed by the keys of one of Python's own names or words."""
    return bool(KOREAN.search(text)) and keys(text) in PYTHONS


def _keys(letter: str) -> str:
    if "가" <= letter <= "힣":
        rest, tail = divmod(ord(letter) - ord("가"), len(TAILS))
        lead, vowel = divmod(rest, len(VOWELS))
        return LEADS[lead] + VOWELS[vowel] + TAILS[tail]
    if "ㄱ" <= letter <= "ㅣ":
        return [*ALONE, *VOWELS][ord(letter) - ord("ㄱ")]
    return letter
