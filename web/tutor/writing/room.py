"""How much room a text takes in a prompt, in tokens, before any tokenizer has seen it."""

from __future__ import annotations

from web.tutor.languages import HANGUL

ASCII_A_TOKEN = 3
"""Characters a token. Qwen 2.5 has 3.7 of a beginner's Python, 4.2 of English prose, and 0.8 to 0.9
of Hangul: code with many marks comes near 3."""


def tokens(text: str) -> float:
    """About how many tokens it is, rather too many: of other letters than these, their bytes."""
    plain = ascii_chars(text)
    if plain == len(text):
        return plain / ASCII_A_TOKEN
    hangul = len(HANGUL.findall(text))
    return plain / ASCII_A_TOKEN + hangul + len(text.encode()) - plain - 3 * hangul


def ascii_chars(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("ascii", "ignore"))


def most_chars(most: float) -> int:
    """No text of so many tokens has more characters."""
    return int(most * ASCII_A_TOKEN)


def cut(text: str, most: float, notice: str) -> str:
    """Its beginning, of at most so many tokens; below a cut one stands the notice, if it has room.

    text: without half characters.
    """
    if len(text) <= most_chars(most) and tokens(text) <= most:
        return text
    notice = f"\n{notice}"
    if tokens(notice) >= most:
        notice = ""
    most -= tokens(notice)
    # Twelve looks at a part of it are quicker than one at each of its characters.
    low, high = 0, most_chars(most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tokens(text[:middle]) <= most else (low, middle - 1)
    return text[:low].rstrip() + notice
