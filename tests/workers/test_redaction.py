"""Redaction takes the prompt out of a server's words, however it is repeated there."""

from __future__ import annotations

import base64
import html
import json
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.engines.client.redaction import (
    READ_CHARS,
    RUN_BYTES,
    SHOWN_CHARS,
    Redaction,
    flattened,
    skeleton,
)
from web.tutor.gate.lexis import composed

PROMPT = 'The exercise.\n\ndef rice(cups):\n    my_secret = "zebra crossing"\n    return cups\n'
QUESTION = "왜 제 함수는 안 되나요? 이름은 김철수예요."
SENTENCE = "This server does not take: "


def redacted(words: str, most: int = READ_CHARS) -> str:
    return Redaction("sk-very-secret", (PROMPT, QUESTION)).of(words, most)


@pytest.mark.parametrize(
    "echo",
    [
        PROMPT,
        repr(PROMPT),
        json.dumps(PROMPT),
        json.dumps({"input": [{"role": "user", "content": QUESTION + PROMPT}]}),
        json.dumps(json.dumps(QUESTION)),
        " ".join(PROMPT.upper()),
        QUESTION,
        'my_secret = "zebra crossing"',
        "왜 제 함수는",
        "김철수예요",
        quote(QUESTION + PROMPT),
        quote_plus(PROMPT),
        html.escape(PROMPT),
        "".join(f"&#{ord(char)};" for char in QUESTION),
        "".join(f"&#x{ord(char):X};" for char in PROMPT),
        "".join(f"\\u{{{ord(char):x}}}" for char in QUESTION),
        "".join(f"\\U{ord(char):08x}" for char in PROMPT),
        repr(QUESTION.encode()),
        unicodedata.normalize("NFD", QUESTION),
        "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in PROMPT),
        base64.b64encode(PROMPT.encode()).decode(),
        base64.urlsafe_b64encode(QUESTION.encode()).decode(),
        PROMPT.encode().hex(),
    ],
)
def test_what_is_repeated_of_the_prompt_is_blanked(echo: str) -> None:
    shown = redacted(f"{SENTENCE}{echo} Bye.")

    assert shown.startswith(SENTENCE)
    assert "…" in shown
    for encoded in (b"secret", "함수".encode()):
        assert encoded.hex() not in shown.replace("\\x", "").replace("%", "").casefold()
    for word in ("secret", "zebra", "crossing", "rice", "exercise", "함수", "김철수", "uae40"):
        assert word not in shown.casefold()


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'.",
        "'temperature' does not support 0.7 with this model.",
        "This model's maximum context length is 2048 tokens.",
        "지원하지 않는 매개변수입니다: top_p",
        "No model Qwen/Qwen2.5-Coder-32B-Instruct-GPTQ-Int4 at http://10.0.0.1:8000/v1/models.",
        "Request 0f8fad5b-d9cb-469f-a165-70867728950e: UnsupportedParameterValueError",
        "",
    ],
)
def test_a_servers_own_sentence_stays(words: str) -> None:
    assert redacted(words) == words


@pytest.mark.parametrize(
    "write", [str, str.upper, quote, repr, lambda key: key.replace("/", "\\/")]
)
def test_the_key_is_masked_however_it_is_written(write: Callable[[str], str]) -> None:
    shown = Redaction("sk-proj/Ab12+Cd34=Ef56", ()).of(f"no key {write('sk-proj/Ab12+Cd34=Ef56')}")

    assert shown.startswith("no key ")
    assert "proj" not in shown.casefold()
    assert "ef56" not in shown.casefold()


def test_the_key_is_masked_and_the_words_are_one_short_line() -> None:
    assert redacted("no\n key  sk-very-secret, sorry") == "no key …, sorry"
    assert len(redacted("no " * 1000, SHOWN_CHARS)) == SHOWN_CHARS


@given(
    prompt=st.text(alphabet="abc 가나\n_'", max_size=60),
    parts=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), max_size=3),
    own=st.text(alphabet="xyz :", max_size=10),
)
def test_no_long_run_of_the_prompt_is_left(
    prompt: str, parts: list[tuple[int, int]], own: str
) -> None:
    words = own.join(prompt[start : start + size] for start, size in parts)
    shown = Redaction("", (prompt,)).of(words, READ_CHARS)

    flat = flattened(prompt)
    for piece in shown.split("…"):
        left = bytes(byte for *_, byte in skeleton(piece))
        starts = range(len(left) - RUN_BYTES + 1)
        assert not any(left[at : at + RUN_BYTES] in flat for at in starts)


@given(st.text() | st.text(alphabet="\\nu0a1가ß", max_size=30))
def test_a_prompt_and_a_servers_words_are_flattened_alike(text: str) -> None:
    assert flattened(text) == bytes(byte for *_, byte in skeleton(composed(text)))
