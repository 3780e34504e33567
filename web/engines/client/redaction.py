"""Takes out of a server's words what no log and no result may hold: the key, and the prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from web.engines.client.complaint import READ_CHARS

SHOWN_CHARS = 200
RUN_BYTES = 12
"""A run of letters and digits so long, 4 Korean syllables, is taken for a piece of the prompt."""
ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])")


class Redaction:
    """texts: of the prompt, the student's words among them."""

    def __init__(self, key: str, texts: Iterable[str]) -> None:
        self._key, self._texts = key, texts

    def of(self, words: str, most: int = SHOWN_CHARS) -> str:
        """The words on one line, cut, `…` in place of the key and of each piece of the prompt."""
        words = " ".join(words[:READ_CHARS].split())
        if self._key:
            words = words.replace(self._key, "…")
        return self._without_prompt(words)[:most]

    @cached_property
    def _known(self) -> frozenset[bytes]:
        return frozenset(run for text in self._texts for run in runs(text))

    def _without_prompt(self, words: str) -> str:
        letters = list(skeleton(words))
        flat = b"".join(letter for _, _, letter in letters)
        if len(flat) < RUN_BYTES:
            return words
        owners = [index for index, (_, _, letter) in enumerate(letters) for _ in letter]
        covered: set[int] = set()
        for start in range(len(flat) - RUN_BYTES + 1):
            if flat[start : start + RUN_BYTES] in self._known:
                covered.update(owners[start : start + RUN_BYTES])
        return blanked(words, [letters[index][:2] for index in sorted(covered)])


def runs(text: str) -> Iterator[bytes]:
    flat = flattened(text)
    return (flat[start : start + RUN_BYTES] for start in range(len(flat) - RUN_BYTES + 1))


def flattened(text: str) -> bytes:
    """The letters of skeleton, many times faster: a prompt is long."""
    if "\\" in text:
        text = ESCAPED.sub(unescaped, text)
    return "".join(filter(str.isalnum, text)).casefold().encode(errors="replace")


def unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "


def skeleton(text: str) -> Iterator[tuple[int, int, bytes]]:
    r"""Letters and digits with their places, `\n` and `\uac00` read as JSON and repr write them.

    Blanks, marks and case are left out: whoever repeats a text changes them.
    """
    start = 0
    while start < len(text):
        escaped = ESCAPED.match(text, start) if text[start] == "\\" else None
        end = escaped.end() if escaped else start + 1
        char = unescaped(escaped) if escaped else text[start]
        if char.isalnum():
            yield start, end, char.casefold().encode(errors="replace")
        start = end


def blanked(text: str, spots: list[tuple[int, int]]) -> str:
    """The text with `…` for the spots, and for what stands between two that touch."""
    parts: list[str] = []
    at = 0
    for start, end in spots:
        # Between two letters of one piece stand only blanks and marks.
        if not parts or any(char.isalnum() for char in text[at:start]):
            parts += [text[at:start], "…"]
        at = end
    return "".join([*parts, text[at:]])
