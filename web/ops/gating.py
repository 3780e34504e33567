"""Asks the gate of texts that are no rows: what of each a student would see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, BinaryIO

from broker.contract.attempt import PASSED, UNDECIDED
from broker.contract.job import Endpoint
from web import jsonl
from web.courses.checks import AVOIDED_CHARS, MOST_AVOIDED, avoided
from web.engines.client.errors import ModelError
from web.engines.client.judging import Judged, JudgedTexts
from web.jsonl import Unusable
from web.tutor.gate import judge, wording
from web.tutor.gate.gate import Gate
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

WITHIN_S = 10.0
TEXTS = ("code", "statement", "reference", "fix")
Asks = Callable[[str, str, str, Locale], Judged]
"""Of a program, a right one, and a hint in a language: what a judge says."""


def answers(lines: BinaryIO, asks: Asks | None = None) -> Iterator[dict[str, Any]]:
    """An object for each line that is not blank, in their order.

    A line is JSON with the keys id, level, locale, code, statement (what else the student sees),
    reference, fix, avoid (a list of words), text, and pieces: the text as it streams, a list of
    texts or their size. Only level, locale and text are needed. Its object has id, shown (empty
    where a rule blocked the text), ok and rule; that of a line that cannot be used has id, line
    and error.
    asks: a judge, who is asked of each text, also of one that a rule has blocked: then the object
    has probability too, of a leak, None where the judge did not say.
    """
    return jsonl.answers(lines, partial(gated, asks=asks))


def gated(entry: Mapping[str, Any], asks: Asks | None) -> dict[str, Any]:
    level = jsonl.one_of(entry, "level", LEVELS)
    locale = jsonl.one_of(entry, "locale", LANGUAGES)
    code, statement, reference, fix = (text_of(entry, name) for name in TEXTS)
    gate = Gate(
        level=level,
        locale=locale,
        student_code=code,
        statement=statement,
        reference=reference,
        fix=fix,
        avoid=avoid_of(entry),
    )
    for piece in pieces_of(entry):
        gate.feed(piece)
    ruling = gate.finish()
    found = {"shown": ruling.text, "ok": ruling.ok, "rule": ruling.rule}
    if asks is None:
        return found
    said = asks(code, fix or reference, ruling.text or text_of(entry, "text"), locale)
    if ruling.ok and level <= judge.HIGHEST and said.verdict != PASSED:
        found = {"shown": "", "ok": False, "rule": judge.RULE}
    return {**found, "probability": said.probability}


@contextmanager
def judging(endpoint: Endpoint, threshold: float) -> Iterator[Asks]:
    """Asks this judge. Who does not answer, or fails, does not say."""
    with closing(JudgedTexts(endpoint, threshold, WITHIN_S)) as texts:

        def ask(code: str, right: str, hint: str, locale: Locale) -> Judged:
            try:
                return texts.judged(code, right, hint, wording.log_odds(hint, locale))
            except ModelError:
                return Judged(UNDECIDED)

        yield ask


def text_of(entry: Mapping[str, Any], name: str) -> str:
    """Raises: Unusable unless it is a text, or left out."""
    found = entry.get(name) or ""
    if not isinstance(found, str):
        raise Unusable(f"`{name}` must be a text")
    return found


def avoid_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Raises: Unusable unless they are words as an author may give them."""
    words = entry.get("avoid") or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Unusable("`avoid` must be a list of texts")
    if len(words) > MOST_AVOIDED or any(len(word) > AVOIDED_CHARS for word in words):
        raise Unusable(f"`avoid` has {MOST_AVOIDED} words at most, of {AVOIDED_CHARS} characters")
    return avoided(words)


def pieces_of(entry: Mapping[str, Any]) -> list[str]:
    """Raises: Unusable unless the pieces make up the text."""
    text, pieces = text_of(entry, "text"), entry.get("pieces")
    if pieces is None:
        return [text]
    if type(pieces) is int and pieces > 0:
        return [text[at : at + pieces] for at in range(0, len(text), pieces)]
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise Unusable("`pieces` must be a list of texts, or a size")
    if "".join(pieces) != text:
        raise Unusable("`pieces` must make up `text`")
    return pieces
