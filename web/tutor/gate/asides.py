"""Thoughts in a hint without a known mark around them (R9).

A model that thinks aloud writes a heading such as "Thinking:", an element that HTML does not have,
a plan such as "I should ask", or words about the student, to whom a hint speaks. What stands in the
student's code or in the exercise may be named.
"""

from __future__ import annotations

import re

from web.tutor.gate.lexis import folded, is_name, tokens
from web.tutor.gate.seen import Seen

ELEMENT = re.compile(
    r"(?<![\w\"'`])<[ \t]{0,3}[/\\]{0,2}[ \t]{0,3}([a-z][a-z0-9:_-]{0,40})[ \t]{0,3}/?>"
)
HTML = frozenset({
    "a", "b", "br", "code", "div", "em", "i", "kbd", "li", "ol", "p", "pre", "s", "span", "strong",
    "sub", "sup", "u", "ul",
})  # fmt: skip
"""Elements with which models format a text. Any other one stands around thoughts."""
# All repetitions are bounded, so that a search takes linear time whatever the model writes.
HEADING = re.compile(
    r"^[^\w\n]{0,8}(?:(?:here['’]?s|here is|my|the|a|internal|inner|initial)[ ]{1,3}){0,3}"
    r"(?:(?:thinking|thoughts?|reasoning|analysis|monologue|chain[ -]of[ -]thought)"
    r"(?:[ ]{1,3}(?:process|steps?))?"
    r"|(?:생각|사고|추론|분석)(?:[ ]{0,3}과정)?)[^\w\n:]{0,4}:",
    re.MULTILINE,
)
ANSWER = re.compile(
    r"^[^\w\n]{0,8}(?:the |my )?final (?:answer|response|output|hint)[^\w\n:]{0,4}:", re.MULTILINE
)
"""A heading of the answer: what stands before it is no part of it."""
STUDENT = re.compile(
    r"\b(?:the|this) (?P<en>user\b|student(?= (?:wrote|writes|wants|needs|must|has|is|was|asks"
    r"|asked|did|forgot|should|returns|returned|does|uses|used|might|may|thinks|believes)\b))"
    r"|(?P<ko>학생|사용자)(?:은|는|이|가) [^.?!\n]{0,80}?(?<!니)다(?=[.\s]|$)"
)
"""Words about the student. A polite Korean sentence may hold them; one in the plain style, whose
verb ends in 다 and not in 니다, is written for somebody else."""
SPOKEN_OF = re.compile("student|user|학생|사용자")
"""Without one of these STUDENT, which takes longer, is not looked for."""
NUMBERED = re.compile(
    r"\blines? \d{1,6}(?:(?: ?[-–,] ?| (?:and|or|to|through) )\d{1,6}){0,3}(?!\w|\.\d)"
    r"(?! (?:of|in|from) (?:the |your |its )?(?:input|output|file|test|statement|example))"
    r"|(?<!입력 )(?<!출력 )(?<!입력의 )(?<!출력의 )\b\d{1,6} ?(?:번째|번) ?(?:줄|행|라인)"
)
DIGIT = re.compile(r"\d")
PLAN = re.compile(
    r"\b(?:i|we) (?:should|need to|must|have to) (?:ask|produce|respond|reply|craft|guide|hint"
    r"|provide|not (?:give|reveal|show|tell))\b"
)


def thinks_aloud(text: str, seen: Seen) -> bool:
    """Rule R9: whether a part of a hint is thoughts or holds some. text: a sentence or more."""
    text = folded(text)
    return bool(
        (":" in text and HEADING.search(text))
        or PLAN.search(text)
        or _speaks_of_student(text, seen)
        or ends_thoughts(text, seen)
    )


def _speaks_of_student(text: str, seen: Seen) -> bool:
    if not SPOKEN_OF.search(text):
        return False
    return any((found["en"] or found["ko"]) not in seen.line for found in STUDENT.finditer(text))


def names_absent_line(text: str, seen: Seen) -> bool:
    """Rule R9: whether it names a line of the program which is not there, as line 40 of 12.

    Lines of the input, and those which an error's message names, are another thing.
    """
    # Most sentences name no number at all, and the pattern takes longer to see that.
    if not DIGIT.search(text):
        return False
    return any(
        int(number) > len(seen.lines) and not seen.names_line(number)
        for found in NUMBERED.finditer(folded(text))
        for number in re.findall(r"\d+", found[0])
    )


def ends_thoughts(text: str, seen: Seen) -> bool:
    """Rule R9: whether the text shows that it, or what was written before it, is thoughts."""
    text = folded(text)
    if not ("<" in text or "final" in text):
        return False
    # The student may be told of an element of the program or the exercise.
    elements = " ".join(found[1] for found in ELEMENT.finditer(text) if found[1] not in HTML)
    names = set(filter(is_name, tokens(elements)))
    return bool((names and names - seen.words) or "<|" in text or ANSWER.search(text))
