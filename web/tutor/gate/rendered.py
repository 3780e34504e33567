"""A text as a reader sees it: without markup, and with one character for all that look alike."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from web.tutor.gate.lexis import composed, unwritten

# Each repetition is bounded, or reads characters that nothing after it could: a search is linear.
CODE_TAG = re.compile(r"</?(?:code|pre|kbd|samp|tt|var)(?:\s[^<>]{0,60})?>", re.IGNORECASE)
TAG = re.compile(
    r"</?(?:a|b|big|del|div|em|font|h[1-6]|i|img|ins|li|mark|ol|p|q|s|small|span|strong|su[bp]|table"
    r"|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]{0,60})?>|<!--[^<>]{0,60}-->",
    re.IGNORECASE,
)
BREAK = re.compile(r"<(?:br|hr|wbr)\s{0,3}/?>", re.IGNORECASE)
LINK = re.compile(r"!?\[([^\[\]\n]{1,200})\](?:\([^()\n]{0,200}\)|\[[^\[\]\n]{0,40}\])")
EMPHASIS = re.compile(r"(\*{1,3}|~~)(?=[^\s*~])([^*~\n]{1,200}?)(?<=[^\s*~])\1")
UNDERLINED = re.compile(r"(?<![^\W_])(_{1,3})(?=[^\s_])([^\n]{1,200}?)(?<=[^\s_])\1(?![^\W_])")
CODE_SPAN = re.compile(r"(`[^`]{1,600}`)")
LIST_MARK = re.compile(r"^\s{0,12}(?:(?:[-*+•·–>]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s{1,4}){1,3}")
CELL = re.compile(r"^\s{0,12}\||\|\s{0,12}$|\s\|(?=\s)")
RULE = re.compile(r"^[\s|:-]{3,}$")
ESCAPED = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2}))")
PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})")
TEX = {
    **dict.fromkeys(("le", "leq", "leqslant"), "<="), **dict.fromkeys(("ge", "geq"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="), **dict.fromkeys(("times", "cdot", "ast"), "*"),
    **dict.fromkeys(("bmod", "mod", "pmod"), "%"), "div": "/", "lt": "<", "gt": ">",
    **dict.fromkeys(("gets", "leftarrow", "coloneqq"), "="), "land": "and", "lor": "or",
    "lnot": "not", "backslash": "\\", "quad": " ",
}  # fmt: skip
TEX_WORD = re.compile(r"\\([a-zA-Z]{2,16})\s?(?:\{([^{}\n]{0,120})\})?")
FRACTION = re.compile(r"\\[dt]?frac\{([^{}\n]{0,80})\}\{([^{}\n]{0,80})\}")
DOLLARS = re.compile(r"\$\$?(?=\S)([^$\n]{1,200}?)\$\$?")
MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\ufe00-\ufe0f]+")
"""Combining marks which no letter has swallowed: `r̶e̶t̶u̶r̶n̶`."""
_CYRILLIC = ("аеорсухіјѕһԁԛԝɡвкмнтгпАВЕЅІЈКМНОРСТХУԌ", "aeopcyxijshdqwgbkmhtrnABESIJKMHOPCTXYG")
_GREEK = ("αεικνορτυχγωηΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeiknoptuxywnABEZHIKMNOPTYX")
_SIGNS = ("−–‐‑‒×∗⋅·÷∕⁄≤⩽≥⩾≠←⟵≔：∶꞉‹›⟨⟩❨❩❪❫⁅⁆｛｝¬∧∨", "-----****///≤≤≥≥≠===:::<>()()()[]{}¬∧∨")
_SPELLED = {"≤": "<=", "≥": ">=", "≠": "!=", "¬": " not ", "∧": " and ", "∨": " or ", "√": "sqrt"}
ALIKE: dict[int, str] = {
    **{ord(char): _SPELLED.get(as_, as_) for char, as_ in zip(*_SIGNS, strict=True)},
    **{ord(char): as_ for char, as_ in _SPELLED.items()},
    **{ord(char): as_ for pair in (_CYRILLIC, _GREEK) for char, as_ in zip(*pair, strict=True)},
    # Letters in squares and circles, and those of flags.
    **{
        first + number: chr(ord("a") + number)
        for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
        for number in range(26)
    },
}
"""Characters by the one of ASCII that they look like."""
MARKUP = re.compile(r"[&\\<*_~|%$\[=]|^\s*+(?:[-+•·–>]|\(?\w[.)]|\(?\d\d[.)])\s", re.MULTILINE)
"""Without one of these an ASCII text is rendered as it is written."""


def rendered(text: str) -> str:
    """The text of a sentence without markup, all characters that look alike as one.

    Code tags become backticks. Linear in the text; what is written in two ways at once, as an
    entity within an escape, is read twice.
    """
    if text.isascii() and not MARKUP.search(text):
        return text
    for _ in range(2):
        text = unwritten(text)
        text = ESCAPED.sub(_escaped, text)
    if len(PERCENT.findall(text)) > 1:
        text = unquote(text, errors="replace")
    text = text.replace("=<", "<=")
    # No markup is read within a code span, where `x[i][j]` is no link.
    parts = CODE_SPAN.split(text)
    return alike("".join(part if part[:1] == "`" else unmarked(part) for part in parts))


def unmarked(text: str) -> str:
    """The text without tags, links, emphasis, list marks, cells of tables and TeX."""
    if "<" in text:
        text = BREAK.sub(" ", TAG.sub("", CODE_TAG.sub("`", text)))
    if "[" in text:
        text = LINK.sub(r"\1", text)
    if "\\" in text:
        text = TEX_WORD.sub(_tex, FRACTION.sub(r"(\1)/(\2)", text))
    if "$" in text:
        text = DOLLARS.sub(r"\1", text)
    # Twice, for `**_a_**`.
    for _ in range(2):
        text = UNDERLINED.sub(r"\2", EMPHASIS.sub(r"\2", text))
    return "" if RULE.match(text) else CELL.sub(" ", LIST_MARK.sub("", text))


def alike(text: str) -> str:
    """The text with one character for all that look alike."""
    if text.isascii():
        return text
    return MARKS.sub("", composed(text.translate(ALIKE)))


def _escaped(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    known = code < 0x110000 and unicodedata.category(chr(code)) not in ("Cs", "Cn")
    return chr(code) if known else found[0]


def _tex(found: re.Match[str]) -> str:
    name, inside = found[1], found[2]
    return f" {TEX.get(name, '')} {inside or ''} " if name in TEX or inside is None else inside
