"""A draft read sentence by sentence knows what one read at once does."""

from __future__ import annotations

import itertools
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.gate.seen import Seen
from web.tutor.gate.sentences import Sentences
from web.tutor.gate.snippets import shows_snippet
from web.tutor.languages import HANGUL, LATIN

PARTS = st.sampled_from(
    ["Look at it.", "What is `s`?", "s += x", "`s +=`", "`x", "x`", "for x", "\n", " ", "``", "`",
     "? ", "! ", ". ", "3.5", "e.g. ", "x = 1\n", "\n\n    y", "안녕하세요. ", "무엇인가요? ", "é",
     "\u2028", "\u00a0", "\u3000", "\u0301", "ﬁ", "²", "中文 ", "“s” ", "(`", "`) ", "...", "word "]
)  # fmt: skip
CODE = [
    "s",
    "x",
    "xs",
    "2",
    "in",
    "for ",
    "if ",
    "return ",
    "print",
    "math",
    " ",
    "(",
    ")",
    "[",
    "]",
]
CODE += [".", ",", ":", ";", " = ", " + ", "-", "*", " == ", "++", "'", '"', "`"]
TEXTS = st.lists(PARTS, max_size=20).map("".join)


def by_sentences(text: str) -> tuple[list[Draft], Draft]:
    """The draft after each sentence, and one that read all of it at once."""
    text = text.strip()
    sentences = Sentences()
    growing, steps = Draft(HANGUL), []
    for sentence in [*sentences.feed(text), sentences.rest]:
        growing.read(sentence)
        steps.append(copy(growing))
    once = Draft(HANGUL)
    once.read(text)
    return steps, once


def copy(draft: Draft) -> Draft:
    """What the draft says now; reading on replaces its lists and does not change them."""
    same = Draft()
    same.__dict__.update(draft.__dict__)
    return same


def grams(run: list[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(run[at : at + size]) for at in range(len(run) - size + 1)}


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_counts_do_not_depend_on_where_sentences_end(text: str) -> None:
    steps, once = by_sentences(text)

    assert (steps[-1].text, steps[-1].words) == (once.text, once.words)
    assert steps[-1].prose == once.prose
    assert [span for step in steps for span in step.spans] == SPAN.findall(once.text)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_no_run_of_tokens_or_words_falls_between_two_sentences(text: str) -> None:
    steps, once = by_sentences(text)

    for number in range(3):
        seen = set().union(*(grams(step.readings[number], 3) for step in steps))
        assert seen == grams(once.readings[number], 3)
    assert set().union(*(grams(step.said, 8) for step in steps)) == grams(once.said, 8)
    assert once.readings[0] == tokens(once.text)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_each_two_lines_in_a_row_are_seen_together(text: str) -> None:
    steps, once = by_sentences(text)
    lines = [line for line in once.text.splitlines() if line.strip()]

    seen = {pair for step in steps for pair in zip(step.lines, step.lines[1:], strict=False)}
    assert set(itertools.pairwise(lines)) <= seen


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_the_word_before_a_sentence_is_within_reach(text: str) -> None:
    steps, _ = by_sentences(text)

    for before, step in itertools.pairwise(steps):
        word = before.text.split()[-1:] or [""]
        assert step.text[step.word_before : len(before.text)].endswith(word[0])


@settings(max_examples=300, deadline=None)
@given(
    word=st.sampled_from(["x", "s", "1", "for", "if", "mod", "return", "print", "1x", "합"]),
    mark=st.sampled_from([". ", "? ", "!\n"]),
    code=st.lists(st.sampled_from(CODE), min_size=1, max_size=8).map("".join),
    patterns=st.booleans(),
)
def test_a_plain_word_before_code_hides_none_of_it(
    word: str, mark: str, code: str, patterns: bool
) -> None:
    seen = Seen("def total(xs):\n    s = 0\n    return s", "")
    draft = Draft()
    draft.read(word + mark)
    draft.read(code)

    shown = shows_snippet(draft.rendered, seen, patterns)
    assert any(shows_snippet(text, seen, patterns) for text in draft.within_reach) or not shown


def test_every_latin_letter_is_one() -> None:
    latin = {chr(code) for code in range(0x250) if chr(code).isalpha()}

    assert latin == {chr(code) for code in range(sys.maxunicode + 1) if LATIN.match(chr(code))}
