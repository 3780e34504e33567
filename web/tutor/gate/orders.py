"""Orders to edit a program (R3): a verb such as "replace" or "바꾸세요" whose object is code."""

from __future__ import annotations

import re

from web.tutor.gate.lexis import EVERYDAY, SPAN
from web.tutor.gate.seen import KEYWORDS, Seen

VERB = (
    r"(?:replac(?:e|ing)|substitut(?:e|ing)|chang(?:e|ing)|swap(?:ping)?|switch(?:ing)?"
    r"|remov(?:e|ing)|delet(?:e|ing)|add(?:ing)?|insert(?:ing)?|mov(?:e|ing)|renam(?:e|ing)"
    r"|(?:un|de)?indent(?:ing)?|modify(?:ing)?|updat(?:e|ing)|correct(?:ing)?|fix(?:ing)?"
    r"|wrap(?:ping)?|should (?:be|read|look like))"
)
VERB_KO = (
    r"(?:바꾸|바꿔|바꿀|바꾼|고치|고쳐|고칠|교체|대체|추가|삭제|제거|지우|지워|지울|빼|뺀|뺄"
    r"|붙이|붙여|붙일|옮기|옮겨|옮길|들여\s?쓰|들여\s?써|변경|수정|넣으|넣어|넣을)"
)
EDIT = re.compile(rf"\b{VERB}\b|{VERB_KO}", re.IGNORECASE)
LINE = re.compile(
    r"\blines?\s++\d|(?<!\d)\d++\s{0,3}+(?:번째|번)?\s{0,3}+(?:줄|행|라인)|(?:줄|라인)\s{0,3}+\d",
    re.IGNORECASE,
)
DIGIT = re.compile(r"\d")
# "Think about how to change it" makes the student think, and commands no change.
COMMAND = re.compile(
    r"(?:^|[,;:]\s{1,3}|\b(?:should|must|to|try|please|let's|could|then|by|just)\s{1,3})"
    rf"(?<!\bhow to )(?<!when to )(?<!here to )(?<!what to )(?<!hich to )(?P<verb>{VERB}\b)",
    re.IGNORECASE | re.MULTILINE,
)
COMMAND_KO = re.compile(
    rf"(?P<verb>{VERB_KO})\S{{0,8}}(?:\s{{0,3}}(?:야|보|주))?"
    r"(?:세요|십시오|시오|야|면 (?:되|돼|됩)|봐요?|보자|하자|라)"
)

OBJECT_CHARS = 60
"""So far the object is looked for: before a Korean verb, after an English one."""
CLAUSE_END = re.compile(
    r"[,;:.!?。？…\n]|\b(?:so|if|when|while|until|because|then|through|along|across|over|from|by"
    r"|with|for(?! loop)|as)\b",
    re.IGNORECASE,
)
CLAUSE_START = re.compile(r"[,;:.!?。？…\n]|[고면서]\s")
ASKED = re.compile(r"\b(?:which|what|who|how|where|when|why)\b|어떤|어느|무엇|무슨|언제|어디", re.I)
PART = re.compile(r"`[^`]*+`|\w+|[<>=+*/%]+")
"""A code span, a word or an operator."""
ON_ONES_WAY = re.compile(r"up|on|along|around|back|forward|ahead|through|over|your")
"""Behind a verb, words that make it one about the reader: move on, add up, change your mind."""
PUTS_IN = re.compile(r"add|insert|추가|넣|붙", re.IGNORECASE)
PRINTS = re.compile(r"\s{1,3}(?:an?|the|one|another|such an?)?\s{0,3}`?print\b")
PRINTS_KO = re.compile(r"\bprint\([^\n]{0,60}\)`?\s?(?:문|을|를)?\s?$")
SYMBOL = re.compile(r"[<>=+*/%]")
NAME = re.compile(r"[a-z_][a-z0-9_]*+")
# What can be renamed, indented or wrapped in a hint is code, so no object is looked for.
ALWAYS = re.compile(r"rename|renaming|indent|wrap|들여", re.IGNORECASE)
DETERMINER = re.compile(
    r"\d+|the|an?|each|every|all|both|your|these|those|any|some|one|two|three|first|next|last|other|i"
)
"""After one, as in "the numbers", a name of the student's is a word of prose. `a` and `i` are words
even if the student has variables of that name."""
NOUN = re.compile(
    r"lines?|loops?|conditions?|variables?|operators?|comparisons?|signs?|index(?:es)?|indices"
    r"|ranges?|indentation|statements?|expressions?|parameters?|arguments?|assignments?|code"
    r"|program|functions?|methods?|calls?|name|body|bounds?|boundary|branch(?:es)?|brackets?"
    r"|parenthes[ie]s|colons?|quotes?|semicolon|keyword|initial|starting|initiali[sz]ation"
    r"|counter|accumulator|limit|guard|bug|mistake|error|typo|check|it|them|there|here"
)
"""What a hint calls a part of a program, or a mistake in it."""
NOUNS_KO = re.compile(
    r"조건|반복문|변수|연산자|비교|부등호|등호|부호|범위|인덱스|들여쓰기|초[기깃]\s?값|시작\s?값|수식|코드"
    r"|함수|반환|괄호|콜론|따옴표|매개\s?변수|인자|본문|이것|그것|여기|거기|부분|구문|오류|실수"
    r"|(?<![가-힣])(?:줄|행|식|이름)(?![가-힣]{3})"
)


PRESCRIBED = re.compile(
    r"\b(?:lines? \d{1,6}|(?:the|your) (?:code|program|function|loop|condition|comparison|check"
    r"|variable|index|range)(?: (?:on|in|of) line \d{1,6})?)\b[^.?!\n]{0,40}?"
    r"\b(?<!as it )(?:should|must|ought to|(?:needs?|has|have|is supposed|are supposed) to)\b"
    r"(?= \S)(?! (?:you|we|the|it|look|see)\b)",
    re.IGNORECASE,
)
PRESCRIBED_KO = re.compile(
    r"(?:줄|코드|조건|반복|함수|프로그램|변수)[^.?!\n]{0,60}(?!봐)[가-힣]야 "
    r"(?:해요|합니다|돼요|됩니다)"
    r"|것이 맞(?:아요|습니다)"
)


def prescribes(sentence: str) -> bool:
    """Rule R3 where the level is strict: it says what a part of the program should do.

    "Line 7 should add one" is an order too; what a call should give is the task's own word.
    """
    if sentence.rstrip().endswith(("?", "？")):
        return False
    # What stands in a span may be an error's text, in which something "must" be so.
    words = SPAN.sub("``", sentence)
    return bool(PRESCRIBED.search(words) or PRESCRIBED_KO.search(words))


def tells_edit(sentence: str) -> bool:
    """Rule R3, unless the hint asks something: an edit verb beside a code span or a line number."""
    # The verbs are looked for last, as that takes longest.
    code = SPAN.search(sentence) or (DIGIT.search(sentence) and LINE.search(sentence))
    return bool(code and EDIT.search(sentence))


def commands_edit(sentence: str, seen: Seen) -> bool:
    """Rule R3 where the level is strict: an edit verb as a command or advice, with code as object.

    "What changes in the loop?" is no command, and "add 3 and 4" has no code as its object.
    seen: gives the names of the student's program.
    """
    return any(
        not (_asks_which(found) or _prints(found))
        and (ALWAYS.match(found["verb"]) or aims_at_code(found, seen))
        for command, aims_at_code in ((COMMAND, _aims_at_code), (COMMAND_KO, _aims_at_code_ko))
        for found in command.finditer(sentence)
    )


def _asks_which(found: re.Match[str]) -> bool:
    """Whether the clause before asks for what is edited: "Which value should change here?"."""
    before = found.string[max(0, found.start() - OBJECT_CHARS) : found.start("verb")]
    return bool(ASKED.search(CLAUSE_START.split(before)[-1]))


def _prints(found: re.Match[str]) -> bool:
    """Whether what is to be put in is a call of `print`, which changes no result."""
    if not PUTS_IN.match(found["verb"]):
        return False
    before = found.string[max(0, found.start() - OBJECT_CHARS) : found.start("verb")]
    rest = found.string[found.end("verb") : found.end("verb") + OBJECT_CHARS]
    return bool(PRINTS.match(rest) or PRINTS_KO.search(before))


def _aims_at_code(found: re.Match[str], seen: Seen) -> bool:
    """Whether what stands behind the verb, up to the end of its clause, names code."""
    rest = found.string[found.end() : found.end() + OBJECT_CHARS]
    parts = PART.findall(CLAUSE_END.split(rest, maxsplit=1)[0].casefold())
    if parts and ON_ONES_WAY.fullmatch(parts[0]):
        return False
    # "Add 1 to it" changes the program; "add 3 and 4" is arithmetic for the reader.
    if found["verb"].casefold().startswith("add") and parts[:1] and parts[0].isdigit():
        return len(parts) > 1 and parts[1] != "and"
    return any(_is_code(parts, at, seen) for at in range(len(parts)))


def _is_code(parts: list[str], at: int, seen: Seen) -> bool:
    """Whether this one of the PARTs behind a verb names a piece of a program."""
    part = parts[at]
    if not part[0].isalpha():
        return not part[0].isdigit()
    if part in ("this", "that"):
        # At the end it stands for code, and otherwise before the word that tells.
        return at + 1 == len(parts)
    if NOUN.fullmatch(part) or part in KEYWORDS - EVERYDAY:
        return True
    if part not in seen.names or DETERMINER.fullmatch(part):
        return False
    return not (at and DETERMINER.fullmatch(parts[at - 1]))


def _aims_at_code_ko(found: re.Match[str], seen: Seen) -> bool:
    """Whether what stands before the verb, from the start of its clause on, names code."""
    before = found.string[max(0, found.start() - OBJECT_CHARS) : found.start()]
    before = CLAUSE_START.split(before)[-1]
    if "`" in before or SYMBOL.search(before) or LINE.search(before) or NOUNS_KO.search(before):
        return True
    return any(name in seen.names | KEYWORDS for name in NAME.findall(before.casefold()))
