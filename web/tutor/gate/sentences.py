"""Growing text cut into sentences, the same for any split of the text into pieces."""

from __future__ import annotations

import re

MARKS = frozenset(".!?？。…")
CLOSERS = frozenset("\"'”’)]*_")
"""What may stand between a mark and the white space after it."""
TURN = re.compile(r"[.!?？。…`\n]")
"""Without one of these a text ends no sentence and opens no code; unless a mark stood before it."""
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf)\.$", re.IGNORECASE)
LONGEST_ABBREVIATION = len(" e.g.")


class Sentences:
    """Cuts a text that comes in pieces, and looks at each character once.

    A line break always ends a sentence. One of MARKS ends it where white space follows, so neither
    the point of `3.5` does nor the first of `...`; nor does one in an open code span, or at the end
    of an abbreviation.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        """Of the sentence that has not ended."""
        self._end = ""
        """The last characters of what was read, across pieces."""
        self._marked = self._in_code = False
        self.open_chars = 0
        """Length of the sentence that has not ended."""

    @property
    def rest(self) -> str:
        """The sentence that has not ended."""
        return "".join(self._parts)

    def feed(self, text: str) -> list[str]:
        """The sentences that end in this piece; white space after a mark begins the next one."""
        ended, start = [], 0
        for at, char in enumerate(text if self._marked or TURN.search(text) else ""):
            if self._marked and char.isspace():
                self._marked = False
                if not (self._in_code or self._abbreviates(text, at)):
                    ended.append(self._take(text[start:at]))
                    start = at
            if char == "\n":
                ended.append(self._take(text[start : at + 1]))
                start = at + 1
            elif char in MARKS:
                self._marked = True
            elif char not in CLOSERS:
                self._marked = False
                self._in_code ^= char == "`"
        self._parts.append(text[start:])
        self.open_chars += len(text) - start
        self._end = (self._end + text)[-LONGEST_ABBREVIATION:]
        return ended

    def _abbreviates(self, text: str, at: int) -> bool:
        # Its first letters may have come with the piece before.
        near = self._end + text[max(0, at - LONGEST_ABBREVIATION) : at]
        return bool(ABBREVIATION.search(near[-LONGEST_ABBREVIATION:]))

    def _take(self, end: str) -> str:
        sentence = "".join([*self._parts, end])
        self._parts, self.open_chars, self._in_code = [], 0, False
        return sentence
