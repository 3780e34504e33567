"""Korean particles behind a piece of code, chosen as it is read aloud."""

from __future__ import annotations

import re

WIDE = {ord("！") + step: ord("!") + step for step in range(94)}
"""Wide digits, letters and signs, which are read as the narrow ones."""
LAST = re.compile(r"[가-힣ㄱ-ㅣ0-9A-Za-z%](?=[^가-힣ㄱ-ㅣ0-9A-Za-z%]*$)")
"""What is read last; `%` too, as a word that ends in a vowel, where other signs are passed over."""
ENDS_IN_CONSONANT = re.compile(
    r"(?:(?<![a-z])[lmnr]|(?<=[a-z])(?:[lmn]e?|ng|(?<![aeiou])[aeiou][pkt]|(?<!\bche)(?<=[aeiou])ck))$",
    re.IGNORECASE,
)
"""Latin words that end in a consonant where Korean borrows them, as `len`, `name`, `string`, `set`,
`stack`, and letters alone: `l`, `m`, `n`, `r`."""
WORD = re.compile(r"[A-Za-z]+")


def ends_in_consonant(text: str) -> bool:
    """Whether what this text is read as ends in a consonant; marks at its end are not read."""
    text = text.translate(WIDE)
    last = LAST.search(text)
    if not last or last[0] == "%":
        return False
    letter = last[0]
    if letter.isdigit():
        return letter in "013678"
    if letter.isascii():
        word = WORD.findall(text[: last.end()])[-1]
        return bool(ENDS_IN_CONSONANT.search(word))
    if letter <= "ㅣ":
        # Consonants that stand alone are read by their names, as 기역; behind them come the vowels.
        return letter <= "ㅎ"
    return (ord(letter) - ord("가")) % 28 > 0


class Said(str):
    """Text that fills a blank: `{blank:은|는}` adds one of the two, `{blank}` nothing."""

    __slots__ = ()

    def __format__(self, particles: str) -> str:
        after_consonant, _, after_vowel = particles.partition("|")
        return str(self) + (after_consonant if ends_in_consonant(self) else after_vowel)
