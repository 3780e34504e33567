"""Code that is told to stand in a place of the program, and code without backticks (R1, R3)."""

from __future__ import annotations

import pytest

from web.tutor.gate.gate import Gate

STATEMENT = (
    "Write `odd_total(numbers)`, the sum of the odd numbers.\n"
    "`odd_total([1, 2, 3])` should give `4`, but your code gives `2`."
)
CODE = (
    "def odd_total(numbers):\n    total = 0\n    for i, n in enumerate(numbers):\n"
    "        if n % 2 == 0:\n            total += n\n        else:\n            return total\n"
    "    return total\n"
)
FIX = (
    "def odd_total(numbers):\n    total = 0\n    for i, n in enumerate(numbers):\n"
    "        if n % 2 == 1:\n            total += n\n    return total\n"
)


def rule(text: str, locale: str, level: int = 1) -> str | None:
    gate = Gate(
        level=level, locale=locale, student_code=CODE, statement=STATEMENT, reference=FIX, fix=FIX
    )  # fmt: skip
    gate.feed(text)
    return gate.finish().rule


WRITTEN = [
    ("en", "Line 4 asks something. Put 1 in place of 0 on line 4. What comes out?"),
    ("en", "Use i instead of n there. What comes out?"),
    ("en", "Try writing `n` rather than `i`. What comes out?"),
    ("en", "Write `not` in front of it. What does the test say?"),
    ("en", "Type `continue` on the last line. What does the test say?"),
    ("en", "What would happen if line 7 said continue?"),
    ("en", "Suppose the last line said something else. Which result comes out?"),
    ("en", "What if line 4 ended with one more sign?"),
    ("en", "What would come out if it began with `total = 1`?"),
    ("ko", "`total = 1`로 시작하면 무엇이 나올까요?"),
    ("ko", "`n` 앞에 `not`을 붙여 보세요. 무엇이 나오나요?"),
    ("en", "Replace the `print` on line 3 with `return`. What does the test get?"),
    ("en", "Remove the print on line 3. What does the test get?"),
    ("ko", "3번째 줄의 print(total)를 지우세요. 무엇이 나오나요?"),
    ("ko", "4번째 줄의 0을 1로 바꾼다면 무엇이 나올까요?"),
    ("ko", "4번째 줄의 0이 1이라면 무엇이 나올까요?"),
    ("ko", "4번째 줄에서 n → i 라고 해 보세요. 무엇이 나오나요?"),
    ("ko", "`n` -> `i`로 바꾸면 무엇이 나오나요?"),
    ("ko", "return 대신 다른 말을 쓰면 무엇이 나오나요?"),
    ("ko", "7번째 줄에 리턴 n 을 쓰면 무엇이 나오나요?"),
    ("ko", "반복 다음에 return total을 두면 무엇이 나오나요?"),
    ("ko", "맨 앞에 total = 1 을 두면 무엇이 나오나요?"),
]
ASKED = [
    ("en", "Use 5 instead of 3 as the last number. What comes out then?"),
    ("en", "Your code gives `2` instead of `4`. Which numbers went into it?"),
    ("en", "Write down `n` after each round. Which one do you not expect?"),
    ("en", "Put `print(n)` before line 4. What do you see?"),
    ("en", "Add a print of `n` inside the loop. What do you see?"),
    ("en", "Add `print(type(n))` before line 4. What do you see?"),
    ("en", "Print `type(n)` and `type(total)` after line 3. Are the two alike?"),
    ("en", "What do `id(n)` and `id(total)` give after line 3? Are the two alike?"),
    ("en", "After line 3, what does `n is total` say?"),
    ("en", "Try `bool(3)` and then `bool(0)` in the shell. What do they say of line 4?"),
    ("en", "What do you expect from `[4, 5, 6][1]` in the shell?"),
    ("ko", "3번째 줄 다음에서 `n is total`을 출력하면 무엇이 나오나요?"),
    ("en", "Your program starts with `total = 0`. What is it after the first round?"),
    ("en", "Try odd_total([5, 7]) and then odd_total([5, 7, 9]). Which of them is right?"),
    ("ko", "`total = 0`으로 시작하는데, 첫 바퀴 뒤에는 무엇인가요?"),
    ("ko", "4번째 줄 앞에 `print(n, total)`을 넣어 보세요. 무엇이 보이나요?"),
    ("ko", "`print(type(n))`을 추가해 보세요. 무엇이 보이나요?"),
    ("ko", "`==`는 `+=`와 어떻게 다른가요?"),
    ("ko", "`total` 대신 바퀴마다 무엇이 보이는지 적어 보세요. 어느 것이 다른가요?"),
    ("en", "What does line 4 say about the number 3?"),
    ("en", "Type `odd_total([3])` in the shell. What do you see?"),
    ("en", "Suppose line 4 is true for 2. Which line runs next?"),
    ("en", "Use your finger on the list, and set it one further in each round. Where is it now?"),
    ("ko", "3 대신 5를 넣으면 무엇이 나오나요?"),
    ("ko", "3번째 줄에서 7을 2로 나누면 몫은 얼마인가요?"),
    ("en", "What does `total` hold if the first line says 5?"),
    ("en", "Can you enumerate the values that `n` takes, round by round?"),
    ("ko", "`numbers`에 3이 하나만 있다면 무엇이 나오나요?"),
    ("ko", "n이 3이라면 4번째 줄은 참인가요?"),
    ("ko", "1 → 2 → 3 차례로 볼 때 `total`은 어떻게 바뀌나요?"),
    ("ko", "`return total`을 만나면 반복은 어떻게 되나요?"),
    ("ko", "손으로 따라가며 `n`을 적으면 어떤 값들이 보이나요?"),
]


@pytest.mark.parametrize(("locale", "text"), WRITTEN)
def test_what_to_write_in_a_place_is_told_at_no_level_that_asks(locale: str, text: str) -> None:
    assert {rule(text, locale, level) for level in (1, 2)} == {"R3"}


@pytest.mark.parametrize(("locale", "text"), ASKED)
def test_a_value_for_a_run_and_what_the_program_says_may_be_told(locale: str, text: str) -> None:
    assert rule(text, locale) is None


def test_a_word_of_python_that_only_the_fix_has_is_told_by_its_letters() -> None:
    fix = FIX.replace("if n % 2 == 1:", "if isinstance(n, int) and n % 2 == 1:")
    for text in ("Do you know isinstance? What does line 4 ask?", "isinstance는 무엇을 묻나요?"):
        gate = Gate(
            level=1, locale="ko" if "무엇" in text else "en", student_code=CODE,
            statement=STATEMENT, reference=FIX, fix=fix,
        )  # fmt: skip
        gate.feed(text)
        assert gate.finish().rule == "R4"


def test_a_call_that_is_part_of_more_code_is_code() -> None:
    fix = FIX.replace("return total\n", "return total + odd_total([1, 3])\n")
    gate = Gate(
        level=1, locale="en", student_code=CODE, statement=STATEMENT, reference=fix, fix=fix
    )  # fmt: skip
    gate.feed("What would come out for total + odd_total([1, 3]) there?")
    assert gate.finish().rule


def test_a_korean_explanation_of_two_short_sentences_is_long_enough() -> None:
    text = (
        "나머지는 나누고 남은 수예요. 홀수는 2로 나누면 1이 남고 짝수는 아무것도 남지 않아요. "
        "어떤 수를 고르는지 먼저 말로 적고, 조건이 그 말과 같은지 하나씩 비교해 보세요."
    )

    assert rule(text, "ko", 3) is None
    assert rule("나머지를 다시 생각해 보세요.", "ko", 3) == "R8"


@pytest.mark.parametrize(
    "code",
    [
        "n % 3 != 1", "n % 2 >= 1", "if not n % 2", "while not i - 1", "n if i else total",
        "n, i = i, n", "a, b = b, a", "except ValueError", "except (KeyError, ValueError):",
        "except Exception", "except:",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "Line 4 is worth a look. Is {} what you mean?"),
        ("ko", "4번째 줄을 보세요. {} 같은 말을 들어 봤나요?"),
    ],
)
def test_code_without_backticks_is_code(code: str, locale: str, text: str) -> None:
    assert rule(text.format(code), locale) in {"R1", "R2"}


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "Is `n % 2 == 0` true for 3, and what follows from n % 2 == 0?"),
        ("en", "If not all numbers are odd, which of them does line 5 see?"),
        ("en", "All of them are even, except the first. What does line 4 say of each?"),
        ("en", "For i, n = 0, 1 line 4 runs once. What is `total` then?"),
        ("en", "If the number is odd or else zero, where does your program go?"),
        ("en", "A number is an `int`, and a `list` holds several. Which of them is `n`?"),
        ("ko", "`str`과 `int` 가운데 `n`은 어느 쪽인가요?"),
        ("en", "After the loop, `total` is 2, as it should be. What is it before?"),
    ],
)
def test_what_only_looks_like_it_is_none(locale: str, text: str) -> None:
    assert rule(text, locale) is None


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "Both `total += n` and `return total` are in the loop. Which one runs for 1?"),
        ("en", "Line 5 says `total += n`. Line 7 says `return total`. Which one runs for 1?"),
        ("ko", "`total += n`과 `return total`이 반복 안에 있어요. 1일 때 어느 것이 실행되나요?"),
    ],
)
def test_spans_of_the_student_are_not_read_in_a_row(locale: str, text: str) -> None:
    assert rule(text, locale) is None


def test_a_fix_that_is_cut_into_spans_is_read_in_a_row() -> None:
    assert rule("You have `if n % 2`. Behind it comes `==`, and then `1`. What is it?", "en", 2)
    assert rule("You have `if n % 2`. Behind it comes `== 1`. What is it then?", "en", 2)
