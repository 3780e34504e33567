"""Code as it is dictated: "n minus one slash slash k", "n 빼기 1", "abs of a minus b"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from web.tutor.gate.lexis import POINTS, tokens

CHARACTERS = frozenset({
    "slash", "slashes", "double", "two", "star", "asterisk", "equals", "equal", "sign", "signs",
    "percent", "plus", "minus", "bang", "mark", "exclamation", "슬래시", "슬래시를", "별", "별표",
    "두", "개", "번", "등호", "이퀄", "퍼센트", "느낌표", "플러스", "마이너스", "더하기", "빼기",
})  # fmt: skip
"""Names of characters, where other words for a sign name what it does."""
SIGNS = {
    "+": "plus|added to|더하기|플러스", "-": "minus|빼기|마이너스",
    "*": "times|star|asterisk|multiplied by|곱하기|별표|별",
    "/": "divided by|slash|over|나누기|슬래시",
    "//": "slash slash|double slash|two slashes|floor divided by|integer divided by|floor division"
    "|슬래시 슬래시|슬래시 두 개|슬래시를 두 개|슬래시 두 번|정수 나누기|몫 나누기",
    "**": "star star|double star|to the power of|raised to|별 별|별표 별표|별표 두 개|거듭제곱",
    "%": "percent|percent sign|modulo|modulus|mod|퍼센트|모듈로|나머지 연산",
    "=": "equals|equal|equals sign|equal sign|equals equals|double equals|two equals signs"
    "|is equal to|equal to|is set to|becomes|gets|등호|등호 등호|등호 두 개"
    "|이퀄|이퀄 이퀄|이퀄 두 개|같다",
    "!=": "not equal to|is not equal to|not equals|does not equal|bang equals"
    "|exclamation mark equals|느낌표 등호|느낌표 이퀄|같지 않다",
    "<=": "less than or equal to|is less than or equal to|less than or equals|less or equal"
    "|less than equals|smaller than or equal to|smaller or equal|작거나 같다|작거나 같은",
    ">=": "greater than or equal to|is greater than or equal to|greater than or equals"
    "|greater or equal|greater than equals|larger than or equal to|bigger than or equal to"
    "|more than or equal to|크거나 같다|크거나 같은",
    "<": "less than|is less than|smaller than|is smaller than|left angle bracket|작다|보다 작다",
    ">": "greater than|is greater than|larger than|bigger than|is larger than|is bigger than"
    "|right angle bracket|크다|보다 크다",
    "+=": "plus equals|plus equal|플러스 이퀄|더하기 등호|더하기 이퀄",
    "-=": "minus equals|minus equal|마이너스 이퀄|빼기 등호|빼기 이퀄",
    "*=": "times equals|star equals|곱하기 등호|곱하기 이퀄",
    "_": "underscore|밑줄|언더바|언더스코어",
    "0": "zero|영", "1": "one|일|원", "2": "two|이|투", "3": "three|삼|쓰리", "4": "four|사",
    "5": "five|오", "6": "six|육", "7": "seven|칠", "8": "eight|팔", "9": "nine|구", "10": "ten|십",
    "11": "eleven|십일", "12": "twelve|십이", "15": "fifteen|십오", "20": "twenty|이십",
    "100": "hundred|a hundred|one hundred|백",
}  # fmt: skip
DROPPED = (
    r"(?:open(?:ing)?|clos(?:e|ed|ing)|left|right|square|curly|round) (?:square |curly |round )?"
    r"(?:paren(?:thesis|theses|s)?|brackets?|braces?)|paren(?:thesis|theses|s)?|brackets?|braces?"
    r"|colon|semicolon|comma|dot|period|quotes?|quotation marks?|of|the|sub|at|call|called with"
    r"|(?:대|중|소)?괄호(?: ?(?:를|을))? ?(?:열고|닫고|열기|닫기|열어|닫아|안에)|(?:대|중|소)?괄호"
    r"|세미콜론|콜론|쉼표|콤마|점|쩜|닷|마침표|따옴표"
)
"""Words for what a skeleton leaves out, and such as people put between."""
BLANKS = r"[\s-]{1,3}"
_SIGN = {words: sign for sign, spoken in SIGNS.items() for words in spoken.split("|")}


def _by_first_letter(phrases: Iterable[str]) -> str:
    """A pattern of one of the phrases, of each letter the longest one first.

    Python tries one branch after another, and so looks at each first letter once.
    """
    written = sorted(phrases, key=lambda words: (words[0], -len(words)))
    return "|".join(
        f"{letter}(?:{'|'.join(words[1:].replace(' ', BLANKS) for words in its)})"
        for letter, its in groupby(written, key=itemgetter(0))
    )


WORDS = re.compile(rf"(?<!\w)(?:(?P<sign>{_by_first_letter(_SIGN)})|{DROPPED})(?![a-z0-9_])")
# One such word is said of texts and lists too, as in "how many commas are there".
POINT = re.compile(
    r"(?<!\w)(?:paren(?:thesis|theses|s)?|brackets?|braces?|colon|comma|dot|period|quotes?|underscore"
    r"|(?:대|중|소)?괄호|콜론|쉼표|콤마|점|쩜|닷|따옴표|언더바|밑줄)(?![a-z0-9_])"
)
"""Of DROPPED, what is a character of code. So many of them dictate a line:"""
LEAST_POINTS = 2


# Longer phrases stand first in the pattern, so that "less than or equal to" is no "less than".
def spoken(text: str) -> list[str]:
    """Tokens of a text whose words for signs are read as signs, without brackets and points."""
    return skeleton(tokens(WORDS.sub(_written, text.casefold())))


def dictates(text: str) -> bool:
    """Whether a text reads out characters of code."""
    return len(POINT.findall(text.casefold())) >= LEAST_POINTS


def operators(text: str) -> set[str]:
    """The signs that a text names by their characters: `//` of "slash slash"."""
    named = (found["sign"] for found in WORDS.finditer(text.casefold()))
    words = (" ".join(sign.replace("-", " ").split()) for sign in named if sign)
    return {_SIGN[sign] for sign in words if CHARACTERS.issuperset(sign.split())}


def skeleton(parts: list[str]) -> list[str]:
    """What of these tokens is said when they are dictated."""
    return ["=" if part == "==" else part for part in parts if part not in POINTS]


def _written(found: re.Match[str]) -> str:
    words = found["sign"]
    return f" {_SIGN[' '.join(words.replace('-', ' ').split())]} " if words else " "
