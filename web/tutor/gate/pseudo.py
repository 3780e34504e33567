"""Programs of no language (R1): keywords in capitals, and arrows that give a name a value."""

from __future__ import annotations

import re

from web.tutor.gate.lexis import composed
from web.tutor.gate.seen import Seen

ARROW = re.compile(r"[\w\])][ `]{0,3}(?:[←⟵⇐]|<--?(?= ))[ `]{0,3}[\w\"'(\[#-]")
CAPITALS = re.compile(
    r"\b(?:END ?(?:IF|FOR|WHILE)?|FOR(?: EACH)?|IF|THEN|ELSE|WHILE|DO|RETURN|REPEAT|UNTIL|PRINT|SET"
    r"|INPUT|OUTPUT|FUNCTION|BEGIN|APPEND|INCREMENT)\b"
)
LEAST = 2
"""One word in capitals may be said with stress."""


def is_pseudo(text: str, seen: Seen) -> bool:
    """Whether a text tells a program by such words or arrows; not one that the student has seen."""
    text = composed(text)
    # Values that turn into others, as in "7 -> 4", have the arrow the other way round.
    arrow = ARROW.search(text) if "<-" in text or not text.isascii() else None
    if arrow and arrow[0] not in seen.text:
        return True
    return len([word for word in CAPITALS.findall(text) if word not in seen.text]) >= LEAST
