"""Words that an exercise's author wants in no hint, found in whatever form they are said."""

from __future__ import annotations

import re
from functools import lru_cache

from web.tutor.gate.lexis import folded
from web.tutor.gate.ruling import Ruling, blocked
from web.tutor.gate.seen import Seen
from web.tutor.languages import HANGUL
from web.tutor.writing.fault import Fault

RULE = "avoid"
"""Among the gate's rules, of a hint that says such a word."""
PARTICLE = (
    r"은|는|이|가|을|를|와|과|의|에|에서|에게|께|한테|으로|로|도|만|까지|부터|보다|처럼|같이|마다|대로|만큼|들|뿐"
    r"|이나|나|이든|든|이라도|라도|이랑|랑|하고|밖에|조차|마저|이란|란|이라는|라는|이라고|라고|요"
)
AS_VERB = r"하|한|할|함|합|해|했|되|된|될|됨|됩|돼|됐|시키|시켜|시킨|시킬"
"""What makes a verb of a noun: 정렬 is said in 정렬하면 and 정렬된 as well."""
AS_PREDICATE = r"이에|예|이었|였|입|인|일|이면|이고|이며|이지|이다"
# All repetitions are bounded, so that a search takes linear time whatever the model writes.
KOREAN_END = rf"(?:(?:{PARTICLE}){{0,3}}|(?:{AS_VERB}|{AS_PREDICATE})[가-힣]{{0,6}})(?!\w)"
# A Korean particle may stand right behind a Latin word.
LATIN_END = r"(?:e?s|e?d|ing)?(?![a-z0-9_])"


def ruling_on(code: str, words: tuple[str, ...], seen: Seen) -> Ruling | None:
    """The ruling on a line of an example's code, if it says one of the words."""
    said = says_avoided(code, words, seen)
    return blocked(RULE, Fault.AVOID, code.strip()) if said else None


def says_avoided(text: str, words: tuple[str, ...], seen: Seen) -> bool:
    """Whether a sentence says one of the words; what stands in the student's program is theirs.

    text: as a reader sees it. words: single ones or some in a row, in any language.
    """
    if not words:
        return False
    found = _pattern(words).finditer(folded(text))
    return any(said[said.lastindex or 0] not in seen.programmed for said in found)


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Kept: the words are the same for every hint of an exercise."""
    # The longest first: of "list comprehension" and "list" the student may have written one.
    parts = sorted(map(str.split, map(folded, words)), key=len, reverse=True)
    return re.compile("|".join(map(_said, filter(None, parts))) or r"(?!)")


def _said(parts: list[str]) -> str:
    """One of the words, with the endings that it may have."""
    # In Korean two words of one thing are written together as often as apart.
    blank = r"\s{0,3}" if HANGUL.search("".join(parts)) else r"\s{1,3}"
    word = blank.join(map(re.escape, parts))
    start = r"(?<!\w)" if re.match(r"\w", parts[0]) else ""
    last = parts[-1][-1]
    end = KOREAN_END if HANGUL.match(last) else LATIN_END if last.isalnum() else ""
    return rf"{start}({word}){end}"
