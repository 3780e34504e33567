"""Rules that are asked of a whole hint: R5 to R8."""

from __future__ import annotations

import pytest

from web.tutor.gate.seen import Seen
from web.tutor.gate.whole import (
    CANDIDATES_MAX,
    GRADE_MAX,
    READ_MAX,
    grade,
    mended,
    repeats,
    resembles,
)

CODE = "def total(xs):\n    s = 0\n    for x in xs:\n        s = x\n    return s\n"
FIX = CODE.replace("s = x", "s += x")
NAMES = {"total", "xs", "s", "x", "sum"}


@pytest.mark.parametrize(
    "text",
    [
        "What is `s` after the second round?",
        "So, what is `s` after the second round?",
        "What is s, after the second round of it?",
        "두 번째 바퀴가 끝나면 `s`는 얼마인가요?",
    ],
)
def test_a_hint_that_says_the_same_repeats(text: str) -> None:
    earlier = [
        "Look.",
        "What is `s` after the second round?",
        "두 번째 바퀴가 끝나면 s는 얼마인가요?",
    ]

    assert repeats(text, earlier)
    assert not repeats(text, ["Which line changes the list?", "어느 줄에서 리스트가 바뀌나요?", ""])
    assert not repeats(text, [])


def test_long_words_and_sentences_ask_for_a_higher_grade() -> None:
    plain = "The loop looks at each value in turn. It keeps one of them. " * 6
    hard = (
        "Notwithstanding the aforementioned considerations, the accumulator's initialisation "
        "necessitates additional deliberation regarding associativity and commutativity, "
    ) * 4

    assert grade(plain) < GRADE_MAX < grade(hard)
    assert grade("Why?") == 0.0
    assert grade("See `initialisation_of_accumulator` now. " * 40) < GRADE_MAX


@pytest.mark.parametrize(
    "example",
    [
        FIX.replace("total", "weigh").replace("xs", "bags").replace("x", "bag").replace("s ", "w "),
        "def count(a):\n    n = 1\n    for b in a:\n        n = n + b\n    return n\n",
        "total = 3\n",
        "Total = [1]\n",
        "def broken(:\n",
        "a = 1\n" * 2_000,
    ],
)
def test_an_example_that_is_the_exercise_resembles_it(example: str) -> None:
    assert resembles(example, [CODE, FIX], NAMES)


SHORT = "def raised(marks):\n    return [(mark + 1) for mark in marks]\n"


@pytest.mark.parametrize(
    "idle",
    [
        "    step = 0\n    step += 1\n    print(step)\n",
        "    old = {}\n    old['a'] = [1, 2]\n    if 3 > 4:\n        print('x', old)\n",
        "    for turn in (1, 2):\n        print(turn * 3 - 1)\n",
    ],
)
def test_lines_that_do_nothing_do_not_hide_a_program(idle: str) -> None:
    head, _, body = SHORT.replace("mark", "bag").replace("raised", "filled").partition("\n")

    assert resembles(f"{head}\n{idle}{body}", [SHORT.replace("1", "2"), SHORT], {"marks"})
    assert not resembles(f"def shown():\n{idle}", [SHORT], {"marks"})


@pytest.mark.parametrize(
    "example",
    [
        "words = input().split()\nprint(words[0].upper())\n",
        "price = 3\nif price > 2:\n    print('dear')\nelse:\n    print('cheap')\n",
        "doors = {'red': 1}\ndoors['blue'] = 2\nprint(sorted(doors))\n",
    ],
)
def test_an_example_of_another_domain_does_not(example: str) -> None:
    assert not resembles(example, [CODE, FIX], NAMES)


@pytest.mark.parametrize(
    ("code", "span", "fixed"),
    [
        (CODE, "s += x", FIX),
        ("def f(n):\n    return n\n", "n + 1", "def f(n):\n    return n + 1\n"),
        ("def f(n):\n    return n\n", "return -n", "def f(n):\n    return -n\n"),
        ("if n < 3:\n    n = 1\n", "n <= 3", "if n <= 3:\n    n = 1\n"),
        ("while n > 1:\n    n -= 1\n", "while n > 0", "while n > 0:\n    n -= 1\n"),
        ("a = b - c\nprint(a)\n", "abs(b - c)", "a = abs(b - c)\nprint(a)\n"),
        ("n = 1\nprint(n, 1)\n", "0", "n = 0\nprint(n, 1)\n"),
        ("n = 1\nprint(n, 1)\n", "-2", "n = 1\nprint(n, -2)\n"),
        ("n = 1\nprint(n)\n", "True", "n = True\nprint(n)\n"),
        ("ok = False\nprint(ok)\n", "None", "ok = None\nprint(ok)\n"),
        ("ok = False\nprint(ok)\n", "1", "ok = 1\nprint(ok)\n"),
        ("print(1, end=' ')  # a 'b'\n", "''", "print(1, end='')  # a 'b'\n"),
        ("def f():\n    return f'{1}'\n", '"a"', 'def f():\n    return "a"\n'),
    ],
)
def test_a_span_is_put_over_the_line_that_it_mends(code: str, span: str, fixed: str) -> None:
    assert fixed in (mended(f"What if it were `{span}`?", code, Seen(code, "")) or [])


@pytest.mark.parametrize(
    "form", ["<code>s += x</code>", "`s &#43;= x`", "`s \\+= x`", "`s ＋= x`", "`` s += x ``"]
)
def test_a_span_is_tried_as_it_is_rendered(form: str) -> None:
    assert FIX in (mended(f"What if it were {form}?", CODE, Seen(CODE, "")) or [])


def test_candidates_are_programs_that_differ() -> None:
    seen = Seen(CODE, "")

    assert mended("What is `s`? And `return s`?", "", seen) == []
    found = mended(
        "Is `s += 2` or `s+=2` or `(s) += 2` or `for x in`, `s = = 2` wrong?", CODE, seen
    )
    assert found is not None
    assert len({*found}) == len(found) == 3
    assert CODE not in found


def test_what_the_student_has_before_them_is_put_nowhere() -> None:
    seen = Seen(CODE, "`total([1, 2])` should be `3`.")

    text = "What is `x` when `s = x` ran? Is `total([1, 2])` still `3`, or `for x in xs`?"
    assert mended(text, CODE, seen) == []


def test_more_than_can_be_tried_is_not_tried_in_part() -> None:
    seen = Seen(CODE, "")
    few = " ".join(f"`s = x + {number}`" for number in range(CANDIDATES_MAX // 3))

    assert len(mended(few, CODE, seen) or []) == CANDIDATES_MAX
    assert mended(f"{few} `s += x`", CODE, seen) is None
    assert mended(" ".join(f"`{number}`" for number in range(100)), CODE, seen) is None
    assert mended("`s += x`", CODE + "s = 1\n" * 1_000, seen) is None
    assert mended("`s = x`", CODE + "s = 1\n" * 1_000, seen) == []


@pytest.mark.parametrize("value", ["7x", "0x1", "7e", "01", "0b1"])
def test_a_value_that_mends_nothing_is_not_put_in_the_place_of_every_other(value: str) -> None:
    """Each place costs a reading of the program, while other hints of the worker wait."""
    for lines, found in (READ_MAX, []), (READ_MAX + 1, None), (4 * READ_MAX, None):
        code = "a = 1\n" * lines
        assert mended(f"What does `{value}` do?", code, Seen(code, "")) == found
