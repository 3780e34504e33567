"""Code that is to stand in a place of the program (R3): "put i in place of n", "if line 3 said ..."

No edit verb is needed to say what to write where. A value that is put in for a run is no edit.
"""

from __future__ import annotations

import re

from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.gate.orders import LINE
from web.tutor.gate.seen import BUILTINS, KEYWORDS, Seen

# All repetitions are bounded, so that a search takes linear time whatever the model writes.
PIECE = r"(?:`[^`\n]{1,80}`|[^\s`가-힣,;:.?!→=>-]{1,40})"
WRITES = r"(?:put|writ(?:e|ing)|typ(?:e|ing)|us(?:e|ing)|plac(?:e|ing)|set)"
WRITES_KO = r"(?:쓰|써|적|두|놓|사용)"
SWAP = re.compile(
    rf"\b{WRITES} (?:the )?(?P<new>{PIECE}) (?:in place of|instead of|rather than) (?:the )?"
    rf"(?P<old>{PIECE})"
    rf"|(?P<old_ko>{PIECE}) ?대신에? (?P<new_ko>{PIECE}|리턴 ?\S{{0,20}}|다른 \S{{1,9}}?)"
    rf" ?(?:을|를)? ?{WRITES_KO}"
    rf"|(?P<from>{PIECE}) ?(?:→|->|=>) ?(?P<into>{PIECE}) ?(?:이?라고|으?로) ?"
    rf"(?:{WRITES_KO}|해|하|바꾸|바꿔)",
    re.IGNORECASE,
)
PLACE = re.compile(
    rf"\b{WRITES} (?:a |the |just |only )?`(?!print\b)[^`\n]{{1,80}}` (?:right )?"
    r"(?:in front of|before|behind|after|at the (?:start|beginning|end|top) of|into|in|on|as) "
    r"(?:it\b|(?:the )?(?:first |last )?line\b|`|the (?:loop|function|condition|brackets))",
    re.IGNORECASE,
)
SAYS = re.compile(
    r"\b(?:if|make|let|suppose|imagine) (?:(?:the |your )?(?:condition|comparison) (?:said|looked)"
    r"|(?:the (?:first |last )?line|line \d{1,6}) (?:said|looked like|were to say|(?<=\d )says?"
    r"|(?:ended|ends?|began|begins?|started) with))\b",
    re.IGNORECASE,
)
STATEMENT_KO = re.compile(
    rf"(?:\breturn|리턴) ?`?\S{{1,20}}? ?(?:을|를)? ?{WRITES_KO}으?면"
    r"|[A-Za-z_]\w{0,40} ?=(?!=) ?\S{1,20}? ?(?:을|를) ?(?:하|두|놓|쓰|적)으?면"
)
GIVEN = r"[A-Za-z_]\w{0,40} ?=(?!=)[^`.?!\n]{1,30}"
STARTS = re.compile(
    rf"\b(?:start|beg[aiu]n)(?:s|ed|ning|ting)? (?:with|from|at|as) `?(?P<en>{GIVEN})"
    rf"|(?P<ko>{GIVEN}?)`? ?으?로 ?시작"
)
NUMBER_KO = re.compile(
    r"(?<![\d.])\d{1,9}`? ?(?:[을를] `?\d{1,9}`? ?으?로(?! ?나[누눈눠눌]| ?곱[하한해])"
    r"|[이가] `?\d{1,9}`? ?(?:이라면|라면|이면))"
)
DIGITS = re.compile(r"`?[\d.]+`?")


def puts_code(sentence: str, seen: Seen) -> bool:
    """Rule R3 where the level is strict: whether it says what to write in a place of the program.

    seen: gives the names of the student's program.
    """
    written = PLACE.search(sentence) or SAYS.search(sentence) or STATEMENT_KO.search(sentence)
    if written or (LINE.search(sentence) and NUMBER_KO.search(sentence)):
        return True
    started = (tokens(found["en"] or found["ko"]) for found in STARTS.finditer(sentence))
    if any(not seen.holds(its) for its in started):
        return True
    return any(_swaps(found, sentence, seen) for found in SWAP.finditer(sentence))


def _swaps(found: re.Match[str], sentence: str, seen: Seen) -> bool:
    pieces = [piece for piece in found.groups() if piece]
    if all(map(DIGITS.fullmatch, pieces)):
        # Without a line they may be two inputs.
        return bool(LINE.search(sentence))
    # In Korean what is put in is read with the words around it.
    code = pieces[:1] if found["old_ko"] else pieces
    return all(_is_code(piece, seen) for piece in code)


def _is_code(piece: str, seen: Seen) -> bool:
    if SPAN.fullmatch(piece) or piece[0].isdigit():
        return True
    return not (seen.names | KEYWORDS | BUILTINS).isdisjoint(tokens(piece))
