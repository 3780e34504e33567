"""The door to the gate: lines in, what of each hint a student would see out."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from web.jsonl import LINE_BYTES
from web.ops import gating

CODE = "def add(a, b):\n    return a - b\n"
FIX = "def add(a, b):\n    return a + b\n"
ASKS = "What does your function give for 1 and 2?"
LEAKS = "What if it said a + b in the last line?"
GOOD = {"id": "good", "level": 1, "locale": "en", "code": CODE, "statement": "Add.",
        "reference": "", "fix": FIX, "text": ASKS}  # fmt: skip


def answered(*lines: object) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(gating.answers(BytesIO(b"\n".join(texts))))


def test_a_good_hint_is_shown() -> None:
    assert answered(GOOD) == [{"id": "good", "shown": ASKS, "ok": True, "rule": None}]


@pytest.mark.parametrize("fixes", [{"fix": FIX}, {"reference": FIX, "fix": ""}])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_of_a_hint_that_leaks_nothing_is_shown(fixes: dict[str, str], level: int) -> None:
    [answer] = answered(GOOD | fixes | {"level": level, "text": LEAKS})

    assert (answer["shown"], answer["ok"]) == ("", False)
    assert answer["rule"].startswith("R")


@pytest.mark.parametrize("pieces", [1, 7, [ASKS[:5], ASKS[5:6], "", ASKS[6:]], None])
def test_the_text_may_come_in_pieces(pieces: object) -> None:
    [answer] = answered(GOOD | {"pieces": pieces})

    assert answer["shown"] == ASKS


def test_only_level_locale_and_text_are_needed() -> None:
    [answer] = answered({"level": 1, "locale": "ko", "text": "첫 번째 값은 무엇인가요?"})

    assert answer == {"id": None, "shown": "첫 번째 값은 무엇인가요?", "ok": True, "rule": None}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no JSON object"),
        (b'{"text": "' + b"a" * LINE_BYTES + b'"}', "bytes"),
        (GOOD | {"level": 0}, "`level`"),
        (GOOD | {"level": True}, "`level`"),
        (GOOD | {"level": "1"}, "`level`"),
        (GOOD | {"locale": "fr"}, "`locale`"),
        (GOOD | {"locale": ["en"]}, "`locale`"),
        (GOOD | {"code": 3}, "`code`"),
        (GOOD | {"statement": ["a"]}, "`statement`"),
        (GOOD | {"reference": {"a": 1}}, "`reference`"),
        (GOOD | {"fix": 1.5}, "`fix`"),
        (GOOD | {"text": [ASKS]}, "`text`"),
        (GOOD | {"pieces": "What"}, "`pieces`"),
        (GOOD | {"pieces": 0}, "`pieces`"),
        (GOOD | {"pieces": [1]}, "`pieces`"),
        (GOOD | {"pieces": [ASKS, "!"]}, "`pieces`"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_rest_goes_on(line: object, said: str) -> None:
    first, bad, last = answered(GOOD, line, GOOD | {"id": 7})

    assert (first["ok"], last["ok"], last["id"]) == (True, True, 7)
    assert bad.keys() == {"id", "line", "error"}
    assert bad["line"] == 2
    assert said in bad["error"]


def test_half_characters_and_long_texts_are_answered() -> None:
    odd, long = answered(GOOD | {"text": "What is \ud800 it?"}, GOOD | {"text": "`f(" * 60_000})

    assert odd["ok"]
    assert (long["ok"], long["shown"]) == (False, "")
