"""Text as tokens that do not depend on its formatting: spacing, quotes, backticks, letter case."""

from __future__ import annotations

import html
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from web.tutor.parsing import lexemes_of

Gram = tuple[str, ...]

GRAM = 3
TOKEN = re.compile(
    r"[a-z_][a-z0-9_]*|\d+(?:\.\d+)?|[^\W\d_a-z]+"
    r"|\*\*=|//=|>>=|<<=|\*\*|//|>>|<<|->|:=|[-+*/%&|^=!<>]=|&&|\|\||\+\+|--|[^\w\s]"
)
EVERYDAY = frozenset(("in", "is", "and", "or", "not", "as", "from", "with"))
"""Keywords of Python that English prose is full of, so that they do not show code."""
OPERATORS = frozenset(
    (
        *("+", "-", "*", "/", "%", "<", ">", "=", "**", "//", "==", "!=", "<=", ">=", ">>", "<<"),
        *("&", "|", "^", "+=", "-=", "*=", "/=", "%=", "//=", "**=", "&=", "|=", "^=", ":=", "->"),
    )
)
POINTS = frozenset("()[]{},:;.")
"""Brackets and points, which code and prose have both, and which nobody reads out."""
WORD = re.compile(r"\w")
QUOTES = re.compile("[`'\"‘’“”]")
EMPTY = re.compile(r"""(?<![\w'"])(?:''|"")(?!['"])""")
"""A text without a character, which has to stand for something where quotes are left out."""
STRAIGHT = str.maketrans("‘’“”'", '"' * 5, "`")
SPAN = re.compile(r"(?<!`)`++([^`]++)`++")
# A run of combining marks is sorted in quadratic time, so a word is folded in parts of this size.
PART = re.compile(r"\S{1,64}|\s+")
EXPANSION_MAX = 4
WRITTEN = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,31});|\\([!-/:-@\[-`{-~])")
"""Characters as Markdown and HTML also write them: `&#47;`, `&sol;`, `\\_`."""
UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    "\U000f0000-\U000ffffd\U00100000-\U0010fffd]+"
)
"""Unicode's categories Cc, Cf, Co and Cs, without tab and line feed."""


def printable(text: str) -> str:
    """The text without control, invisible and half characters; tabs and line breaks stay."""
    if text.isprintable():
        return text
    return UNPRINTABLE.sub("", text)


def tokens(text: str) -> list[str]:
    """Words, numbers and operators in order, folded; a Korean particle is a token of its own."""
    return TOKEN.findall(unquoted(folded(text)))


def unquoted(text: str) -> str:
    """Without quotes, so that a text in them is read as code is; an empty one is a sign."""
    if "''" in text or '""' in text:
        text = EMPTY.sub(" ∅ ", text)
    return QUOTES.sub(" ", text)


# Each rule reads a sentence anew, and few sentences are read at a time.
@lru_cache(maxsize=64)
def folded(text: str) -> str:
    """The text in one form for all ways to write a character, without letter case."""
    return composed(unwritten(text)).casefold()


def unwritten(text: str) -> str:
    """The text with the characters that its entities and escapes stand for."""
    return WRITTEN.sub(_character, text) if "&" in text or "\\" in text else text


def composed(text: str) -> str:
    """The text with one character for all that look alike, in linear time."""
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return text
    return "".join(map(_composed, PART.findall(text)))


def _character(found: re.Match[str]) -> str:
    return found[1] or html.unescape(found[0])


def _composed(part: str) -> str:
    """The part's NFKC; the part itself if that is far longer: some ligatures have 18 letters."""
    composed = unicodedata.normalize("NFKC", part)
    return composed if len(composed) <= EXPANSION_MAX * len(part) else part


def without_blanks(text: str) -> str:
    """The text without blanks and backticks, with one form of quotes."""
    return "".join(text.translate(STRAIGHT).split())


def operated(parts: Sequence[str]) -> set[Gram]:
    """Runs of four with an operator and a name; without EVERYDAY, brackets and points."""
    told = [part for part in parts if part not in EVERYDAY and part not in POINTS]
    return {
        run
        for run in runs(told, GRAM + 1)
        if not OPERATORS.isdisjoint(run) and any(map(is_name, run))
    }


def is_name(token: str) -> bool:
    """Whether it is an identifier, a keyword or a word."""
    return token[:1].isalpha() or token[:1] == "_"


def runs(parts: Sequence[str], size: int) -> Iterator[Gram]:
    """Every run of `size` tokens, in order."""
    return zip(*[parts[start:] for start in range(size)], strict=False)


def grams(parts: Sequence[str], size: int) -> set[Gram]:
    """Every run of `size` tokens that holds at least one word or number."""
    return {run for run in set(runs(parts, size)) if WORD.search("".join(run))}


def uncommented(code: str) -> str:
    """Python without comments and docstrings; other text comes back unchanged."""
    found = lexemes_of(code)
    if found is None:
        # Not Python, or only a part of it: with its comments kept, the gate is stricter, no laxer.
        return code
    kept: list[str] = []
    starts_statement = True
    for token in found:
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and starts_statement):
            continue
        kept.append(token.string)
        if token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            starts_statement = token.type == tokenize.NEWLINE
    return " ".join(kept)
