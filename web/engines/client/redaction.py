"""Takes out of a server's words what no log and no result may hold: the key, and the prompt."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property

from web.engines.client.complaint import READ_CHARS
from web.tutor.gate.lexis import composed

SHOWN_CHARS = 200
RUN_BYTES = 12
"""This many bytes of letters and digits in a row, 4 Korean syllables, are a quote of the prompt."""
ESCAPED = re.compile(
    r"(?P<bytes>(?:(?:%|\\x)[0-9a-fA-F]{2})+)"
    r"|(?:\\u|%u)(?P<four>[0-9a-fA-F]{4})|\\U(?P<eight>[0-9a-fA-F]{8})"
    r"|\\u\{(?P<braced>[0-9a-fA-F]{1,6})\}|&#[xX](?P<hex>[0-9a-fA-F]{1,6});|&#(?P<number>[0-9]{1,7});"
    r"|&[a-zA-Z]{2,8};|\\[nrtbf]"
)
"""As JSON, Python, JavaScript, URLs and HTML write characters. What is not named is a mark."""
ESCAPES = re.compile(r"[\\%&]")
PACKED = re.compile(
    r"(?<![\w+/=])(?=[A-Za-z+/_=]*[0-9])(?=[\w+/]*?[A-Za-z0-9+]{16})"
    r"[A-Za-z0-9+/_]{24,}={0,2}(?![\w+/=])"
)
"""Base64 or hexadecimal digits, which nobody reads: it may be a piece of the prompt, or the key.
The path of a URL has shorter parts between its slashes."""


class Redaction:
    """What may not be repeated in one request. texts: of its prompt, with the student's words."""

    def __init__(self, key: str, texts: Iterable[str]) -> None:
        self._key, self._texts = key, texts

    def of(self, words: str, most: int = SHOWN_CHARS) -> str:
        """The words on one line, cut, `…` in place of the key and of each piece of the prompt."""
        words = composed(" ".join(words[:READ_CHARS].split()))
        # Whole, a key is found even if it is shorter than a run.
        if self._key:
            words = words.replace(self._key, "…")
        return PACKED.sub("…", self._without_prompt(words))[:most]

    @cached_property
    def _known(self) -> frozenset[bytes]:
        texts = (self._key, *self._texts)
        return frozenset(run for text in texts for run in runs(flattened(text)))

    def _without_prompt(self, words: str) -> str:
        found = list(skeleton(words))
        covered: set[int] = set()
        for start, run in enumerate(runs(bytes(byte for _, _, byte in found))):
            if run in self._known:
                covered.update(range(start, start + RUN_BYTES))
        return blanked(words, [found[index][:2] for index in sorted(covered)])


def runs(flat: bytes) -> Iterator[bytes]:
    """Every RUN_BYTES in a row."""
    return (flat[start : start + RUN_BYTES] for start in range(len(flat) - RUN_BYTES + 1))


def flattened(text: str) -> bytes:
    """The letters of skeleton, many times faster: a prompt is long."""
    text = composed(text)
    if ESCAPES.search(text):
        text = ESCAPED.sub(unescaped, text)
    return "".join(filter(str.isalnum, text)).casefold().encode(errors="replace")


def unescaped(escape: re.Match[str]) -> str:
    """The characters that a match of ESCAPED stands for; a blank for one that has no letter."""
    if escape["bytes"]:
        return bytes.fromhex(re.sub(r"%|\\x", "", escape["bytes"])).decode(errors="replace")
    digits = escape["four"] or escape["eight"] or escape["braced"] or escape["hex"]
    code = int(digits, 16) if digits else int(escape["number"] or 0)
    return chr(code) if 0 < code <= sys.maxunicode else " "


def skeleton(text: str) -> Iterator[tuple[int, int, int]]:
    r"""The bytes of `flattened`, each with the start and the end of what wrote it in the text.

    `\n`, `\uac00`, `%EA%B0%80` and the like are read. Blanks, marks and case are left out: whoever
    repeats a text changes them. text: composed.
    """
    end = 0
    for escape in ESCAPED.finditer(text):
        yield from letters(text[end : escape.start()], end)
        end = escape.end()
        for _, _, byte in letters(unescaped(escape), 0):
            yield escape.start(), end, byte
    yield from letters(text[end:], end)


def letters(text: str, start: int) -> Iterator[tuple[int, int, int]]:
    for at, char in enumerate(text, start):
        if char.isalnum():
            # A folded letter may be several bytes.
            for byte in char.casefold().encode(errors="replace"):
                yield at, at + 1, byte


def blanked(text: str, spots: list[tuple[int, int]]) -> str:
    """The text with `…` for the spots, and for what stands between two that touch."""
    parts: list[str] = []
    at = 0
    for start, end in spots:
        # Between two letters of one piece stand only blanks and marks.
        if not parts or any(skeleton(text[at:start])):
            parts += [text[at:start], "…"]
        at = end
    return "".join([*parts, text[at:]])
