"""Words that an exercise's author wants in no hint are found in every form, and nothing else is."""

from __future__ import annotations

import re

import pytest

from broker.contract.hint import Reason
from web.tutor.gate.avoided import RULE, says_avoided
from web.tutor.gate.gate import Gate
from web.tutor.gate.rendered import rendered
from web.tutor.gate.ruling import Ruling
from web.tutor.gate.seen import Seen
from web.tutor.languages import Locale

CODE = """\
def total(xs):
    # sorted, recursion, 정렬
    s = 'set'
    for x in xs:
        s = x
"""
SAYS = [
    ("sorted", "Would `sorted(xs)` do?"),
    ("sorted", "`sorted`를 떠올려 보면 어떨까요?"),
    ("sorted", "sorted를 떠올려 보면 어떨까요?"),
    ("sort", "What if you sorted them first?"),
    ("sort", "What does sorting mean here?"),
    ("Set", "Have you heard of a SET?"),
    ("set", "Are sets of use here?"),
    ("list comprehension", "Could a list  comprehension help?"),
    ("list comprehension", "Are list comprehensions known to you?"),
    ("recursion", "Is *recursion* of use?"),
    ("recursion", "Is recur&#115;ion of use?"),
    ("recursion", "Is ｒｅｃｕｒｓｉｏｎ of use?"),
    ("[::-1]", "What does `xs[::-1]` give?"),
    ("//", "What does `x // 2` give?"),
    ("정렬", "정렬을 해 볼까요?"),
    ("정렬", "정렬하면 어떻게 되나요?"),
    ("정렬", "정렬된 순서일까요?"),
    ("정렬", "먼저 정렬해 볼까요?"),
    ("정렬", "답은 정렬이에요, 그렇죠?"),
    ("정렬", "정렬에서는 무엇이 달라지나요?"),
    ("정렬", "정렬까지만이라도 생각해 볼까요?"),
    ("딕셔너리", "딕셔너리들로 할 수 있을까요?"),
    ("합", "합은 얼마인가요?"),
    ("합", "둘을 합하면 얼마인가요?"),
    ("이중 반복문", "이중반복문이 필요할까요?"),
    ("이중반복문", "이중반복문을 쓰면 어떨까요?"),
    ("누적 합", "누적합으로 풀 수 있을까요?"),
]
CODED = re.compile(r"`[^`]*\W[^`]*`|[\uff00-\uffef]")
SAYS_NOT = [
    ("sorted", "What is the order of the words?"),
    ("sort", "Which resort is that?"),
    ("set", "Where is the offset?"),
    ("set", "Which setter is that?"),
    ("sum", "Is `summary` right?"),
    ("sum", "Is `my_sum` right?"),
    ("in", "What is inside?"),
    ("list comprehension", "What is in the list? Comprehension takes time."),
    ("정렬", "재정렬 없이 볼까요?"),
    ("합", "답이 나와야 합니다. 맞나요?"),
    ("합", "무엇이 적합할까요?"),
    ("합", "합당한 값인가요?"),
    ("값", "값싼 것은 무엇인가요?"),
    ("반복", "반복문은 몇 번 도나요?"),
    ("사전", "사전트라는 이름은 무엇인가요?"),
]


@pytest.mark.parametrize(("word", "text"), SAYS)
def test_a_word_is_found_in_every_form(word: str, text: str) -> None:
    locale = "ko" if any("가" <= char <= "힣" for char in text) else "en"

    ruling = ruled(text, (word,), locale)

    assert says_avoided(rendered(text), (word,), Seen(CODE, ""))
    assert (ruling.ok, ruling.text, ruling.sentence) == (False, "", text)
    # Where several rules are broken, another one may be named.
    if not CODED.search(text):
        assert (ruling.rule, ruling.reason) == (RULE, Reason.LEAK)
        assert ruled(text, ("nothing such",), locale).rule != RULE


@pytest.mark.parametrize(("word", "text"), SAYS_NOT)
def test_another_word_is_none(word: str, text: str) -> None:
    assert not says_avoided(text, (word,), Seen(CODE, ""))


def test_what_the_students_program_has_may_be_named() -> None:
    seen = Seen("ys = sorted(xs)\nwhile ys:\n    pass\n", "Use `reverse`.")

    assert not says_avoided("What does `sorted` give? And while?", ("sorted", "while"), seen)
    assert says_avoided("What does `sorted` reverse?", ("sorted", "reverse"), seen)
    # Neither a comment nor a text opens a word.
    for word in ("sorted", "recursion", "정렬", "set"):
        assert says_avoided(f"Try {word}?", (word,), Seen(CODE, ""))


def test_of_two_words_the_longer_one_counts() -> None:
    seen = Seen("list(xs)\n", "")

    assert says_avoided("a list comprehension?", ("list", "list comprehension"), seen)
    assert not says_avoided("a list?", ("list", "list comprehension"), seen)


def test_no_word_is_no_rule() -> None:
    for words in ((), ("",), ("  ",)):
        assert not says_avoided("Anything at all?", words, Seen(CODE, ""))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_word_is_found_however_the_text_was_cut(size: int) -> None:
    text = "Look at the loop. Would recursion help you here?"
    assert ruled(text, ("recursion",), "en", size).rule == RULE


@pytest.mark.parametrize(("word", "rule"), [("sorted", RULE), ("정렬", RULE), ("sum", None)])
def test_an_example_of_code_says_none_either(word: str, rule: str | None) -> None:
    gate = Gate(level=4, locale="en", student_code=CODE, statement="", reference="x", avoid=(word,))
    gate.feed(
        "Here is a shelf of books in some order, and what a librarian does with it each day:\n"
        "```python\nshelf = ['b', 'a', '정렬']\nprint(sorted(shelf))\n```\n"
        "What would that be like for your own values, one by one, before the loop ends?"
    )

    assert gate.finish().rule == rule


def test_a_pattern_of_ours_is_no_pattern() -> None:
    assert not says_avoided("What is abc?", ("a.c", "(a", "x|y", "\\w+"), Seen("", ""))
    assert says_avoided("What is a.c now?", ("a.c",), Seen("", ""))


def ruled(text: str, words: tuple[str, ...], locale: Locale, size: int = 1000) -> Ruling:
    gate = Gate(level=2, locale=locale, student_code=CODE, statement="", reference="", avoid=words)
    for at in range(0, len(text), size):
        gate.feed(text[at : at + size])
    return gate.finish()
