"""How a hint is worded: the odds that it is a leak by its words alone, whatever it is about.

Learned from labelled hints of several authors; tests/bench/wording.py makes the weights. It blocks
nothing: it is weighed together with what a judge says.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from web.tutor.languages import Locale

WEIGHTS = Path(__file__).with_name("wording.json.gz")
CODE = "`"
"""Stands for a code span, whatever is in it: which code it is does not tell."""
SPAN = re.compile(r"`[^`\n]*+`")
DIGITS = re.compile(r"\d+")
# Without marks: at most levels a hint ends with a question mark, be it a leak or not.
WORD = re.compile(r"`|\w+(?:'\w+)?")
MOST_WORDS = 3
"""Of words in a row."""
CHARACTERS = (2, 3, 4, 5)
"""Of a piece of a word: Korean puts its endings on a word, and a stem may be new."""
WORD_CHARS = 40
"""No word is longer; of a longer one the rest is left out, so that the cost is linear."""


@dataclass(frozen=True, slots=True)
class Weights:
    """bias: of a text without a known piece. of: what a piece adds, before the sum is divided."""

    bias: float
    of: Mapping[str, float]


UNKNOWN = Weights(0.0, {})


def log_odds(text: str, locale: Locale) -> float:
    """Natural logarithm of the odds that a text is a leak; 0 in a language that nobody learned."""
    return by(learned().get(locale, UNKNOWN), text)


def by(weights: Weights, text: str) -> float:
    found = pieces(text)
    known = sum(weights.of.get(piece, 0.0) for piece in found)
    return weights.bias + known / sqrt(len(found) or 1)


def pieces(text: str) -> set[str]:
    """Words in a row, and pieces of words with `_` for their ends and `#` before them."""
    plain = DIGITS.sub("0", SPAN.sub(f" {CODE} ", text.lower()))
    words = [word[:WORD_CHARS] for word in WORD.findall(plain)]
    return {*_rows(words), *_parts(set(words))}


def _rows(words: list[str]) -> Iterator[str]:
    for length in range(1, MOST_WORDS + 1):
        for at in range(len(words) - length + 1):
            yield " ".join(words[at : at + length])


def _parts(words: set[str]) -> Iterator[str]:
    for word in words:
        whole = f"_{word}_"
        for length in CHARACTERS:
            for at in range(len(whole) - length + 1):
                yield f"#{whole[at : at + length]}"


@cache
def learned() -> Mapping[Locale, Weights]:
    with gzip.open(WEIGHTS, "rt", encoding="utf-8") as file:
        found = json.load(file)["weights"]
    return {locale: Weights(**weights) for locale, weights in found.items()}
