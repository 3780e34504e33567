"""Text as tokens that do not depend on its formatting: spacing, quotes, backticks, letter case."""

from __future__ import annotations

import io
import re
import tokenize
import unicodedata
from collections.abc import Sequence

Gram = tuple[str, ...]

TOKEN = re.compile(
    r"[a-z_][a-z0-9_]*|\d+(?:\.\d+)?|[^\W\d_a-z]+"
    r"|\*\*=|//=|>>=|<<=|\*\*|//|>>|<<|->|:=|[-+*/%&|^=!<>]=|&&|\|\||\+\+|--|[^\w\s]"
)
WORD = re.compile(r"\w")
QUOTES = re.compile("[`'\"‘’“”]")
SPAN = re.compile(r"`+([^`]+)`+")
UNPRINTABLE = frozenset({"Cc", "Cf", "Co", "Cs"})


def printable(text: str) -> str:
    """The text without control, invisible and half characters; tabs and line breaks stay."""
    if text.isprintable():
        return text
    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in UNPRINTABLE
    )


def tokens(text: str) -> list[str]:
    """Words, numbers and operators in order, folded; a Korean particle is a token of its own."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return TOKEN.findall(QUOTES.sub(" ", folded))


def grams(parts: Sequence[str], size: int) -> set[Gram]:
    """Every run of `size` tokens that holds at least one word or number."""
    runs = (tuple(parts[start : start + size]) for start in range(len(parts) - size + 1))
    return {run for run in runs if WORD.search("".join(run))}


def uncommented(code: str) -> str:
    """Python without comments and docstrings; other text comes back unchanged."""
    try:
        found = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
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
