"""Where a sentence of growing text ends, the same for any split of the text into pieces."""

from __future__ import annotations

import re

# A mark counts once white space follows, so that `3.5` or half of `...` does not end a sentence.
END = re.compile(r"\n|[.!?？。…]+[\"'”’)\]*_]*(?=\s)")
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf)\.$", re.IGNORECASE)


def sentence_end(text: str, start: int) -> int | None:
    """Index just past the first complete sentence from start; None while there is none.

    A line break always ends one; a mark inside an open code span or an abbreviation does not.
    """
    for found in END.finditer(text, start):
        sentence = text[start : found.end()]
        if found[0] == "\n":
            return found.end()
        if sentence.count("`") % 2 == 0 and not ABBREVIATION.search(sentence):
            return found.end()
    return None
