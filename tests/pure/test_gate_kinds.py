"""Kinds of leaks that only what a right program has can tell apart, and good hints beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.bench.gate import PIECE_CHARS, pieces
from web.tutor.gate.gate import Gate
from web.tutor.gate.ruling import Ruling
from web.tutor.languages import Locale

CONCEPT = (
    "A result is only as good as the smallest step behind it. Every value that comes along has to "
    "be looked at once. Say aloud what each name means, and check that it means this at all times. "
)
CONCEPT_KO = (
    "결과는 그 뒤에 있는 가장 작은 걸음만큼만 옳아요. 지나가는 값은 모두 한 번씩 보아야 해요. "
    "이름마다 무엇을 뜻하는지 소리 내어 말하고, 언제나 그 뜻인지 확인해 보세요. 값이 없을 때와 "
    "하나뿐일 때, 그리고 여럿일 때에 무엇이 나와야 하는지 미리 적어 두면 "
    "어느 걸음에서 달라지는지 알 수 있어요. "
)


@dataclass(frozen=True)
class Wrong:
    """A program, its fix, and what its student has read."""

    statement: str
    code: str
    fix: str


PROGRAMS = {
    "vowels": Wrong(
        "Write `vowels(text)` so that it returns how many vowels `text` has. Upper case counts.\n"
        '`vowels("Apple")` should give `2`, but your code gives `1`.',
        "def vowels(text):\n    count = 0\n    for char in text:\n"
        '        if char in "aeiou":\n            count += 1\n    return count\n',
        "def vowels(text):\n    count = 0\n    for char in text:\n"
        '        if char.lower() in "aeiou":\n            count += 1\n    return count\n',
    ),
    "mean": Wrong(
        "Write `mean(numbers)`: the mean of the list, rounded down. An empty list gives `0`.\n"
        "`mean([])` should give `0`, but it stops with ZeroDivisionError.",
        "def mean(numbers):\n    total = 0\n    for number in numbers:\n"
        "        total = total + number\n    return total / len(numbers)\n",
        "def mean(numbers):\n    total = 0\n    if not numbers:\n        return 0\n"
        "    for number in numbers:\n        total = total + number\n"
        "    return total // len(numbers)\n",
    ),
    "second": Wrong(
        "Write `second(items)`: the second largest number.\n"
        "`second([5, 1, 4])` should give `4`, but your code gives `1`.",
        "def second(items):\n    items.sort()\n    return items[1]\n",
        "def second(items):\n    items.sort()\n    return items[-2]\n",
    ),
    "power": Wrong(
        "Write `power(base, exp)`. `power(2, 3)` should give `8`, but your code gives `6`.",
        "def power(base, exp):\n    result = 1\n    for _ in range(exp):\n"
        "        result = base * exp\n    return result\n",
        "def power(base, exp):\n    result = 1\n    for _ in range(exp):\n"
        "        result = result * base\n    return result\n",
    ),
    "words": Wrong(
        "Write `counts(text)`: a dictionary from each word to how often it comes up.\n"
        '`counts("a b a")` stops with `KeyError`.',
        "def counts(text):\n    found = {}\n    for word in text.split():\n"
        "        found[word] = found[word] + 1\n    return found\n",
        "def counts(text):\n    found = {}\n    for word in text.split():\n"
        "        found[word] = found.get(word, 0) + 1\n    return found\n",
    ),
    "join": Wrong(
        "Write `joined(parts)`: all parts, one after another.\n"
        "`joined(['a', 'b'])` should give `'ab'`, but your code gives `'a b'`.",
        "def joined(parts):\n    return ' '.join(parts)\n",
        "def joined(parts):\n    return ''.join(parts)\n",
    ),
    "triangle": Wrong(
        "Write `triangle(n)`: 1 + 2 + … + n.\n`triangle(4)` should give `10`, but gives `6`.",
        "def triangle(n):\n    total = 0\n    i = 1\n    while i < n:\n        total += i\n"
        "        i += 1\n    return total\n",
        "def triangle(n):\n    total = 0\n    i = 1\n    while i <= n:\n        total += i\n"
        "        i += 1\n    return total\n",
    ),
    "unique": Wrong(
        "Write `unique(items)`: the items without repeats, in order.\n"
        "`unique([1, 2, 1])` should give `[1, 2]`, but your code gives `[]`.",
        "def unique(items):\n    found = []\n    for item in items:\n"
        "        if item in found:\n            found.append(item)\n    return found\n",
        "def unique(items):\n    found = []\n    for item in items:\n"
        "        if item not in found:\n            found.append(item)\n    return found\n",
    ),
    "pay": Wrong(
        "A class `Account` whose `pay(amount)` takes money off.\n"
        "After `a.pay(50)` the balance should be `50`, but it is `100`.",
        "class Account:\n    def __init__(self):\n        self.balance = 100\n\n"
        "    def pay(self, amount):\n        balance = self.balance - amount\n",
        "class Account:\n    def __init__(self):\n        self.balance = 100\n\n"
        "    def pay(self, amount):\n        self.balance = self.balance - amount\n",
    ),
    "leap": Wrong(
        "Write `leap(year)`.\n`leap(1900)` should give `False`, but your code gives `True`.",
        "def leap(year):\n    return year % 4 == 0\n",
        "def leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n",
    ),
    "sorts": Wrong(
        "Write `first(a, b)`: the smaller one.\n`first(1, 2)` should give `1`, but gives `2`.",
        "def first(a, b):\n    return a if a < b is False else b\n",
        "def first(a, b):\n    return b if a > b else a\n",
    ),
    "largest": Wrong(
        "Write `largest(nums)`: the numbers, the largest first.\n`largest([1, 2])` gives `None`.",
        "def largest(nums):\n    nums = sorted(nums)\n    return nums.reverse()\n",
        "def largest(nums):\n    nums = sorted(nums)\n    nums.reverse()\n    return nums\n",
    ),
}


def judge(name: str, locale: Locale, level: int, text: str, *, known: bool = True) -> Ruling:
    """known: whether a right program is."""
    wrong = PROGRAMS[name]
    gate = Gate(
        level=level, locale=locale, student_code=wrong.code, statement=wrong.statement,
        reference=wrong.fix if known else "",
    )  # fmt: skip
    for piece in pieces(text, PIECE_CHARS):
        gate.feed(piece)
    return gate.finish()


LEAKS: dict[str, list[tuple[str, Locale, int, str]]] = {
    "a text in quotes, to the last blank": [
        ("join", "en", 1, "What would return ''.join(parts) give for the test?"),
        ("join", "en", 2, "You join with `' '` on line 2. With `''.join`, what would it say?"),
        ("join", "ko", 1, '`"".join(parts)` 라고 하면 무엇이 나올까요?'),
        ("join", "ko", 2, "2번째 줄에 return &quot;&quot;.join(parts) 라고 하면 무엇이 나오나요?"),
    ],
    "an operator by itself": [
        ("triangle", "en", 1, "Would <= be the sign that you need there?"),
        ("triangle", "en", 3, f"{CONCEPT}Use `<=` in the head of the loop."),
        ("triangle", "en", 1, "What about i =< n at the head of the loop there?"),
        ("triangle", "ko", 3, f"{CONCEPT_KO}반복문에는 <= 가 필요해요."),
        ("mean", "en", 3, f"{CONCEPT}Use // at the end of it."),
        ("mean", "en", 2, "Look at line 5. Slash slash is another operator. Which do you need?"),
        ("mean", "ko", 2, "마지막 줄을 보세요. 슬래시 두 개로 나누면 [1, 2]에서 무엇이 나오나요?"),
        ("mean", "ko", 3, f"{CONCEPT_KO}마지막에는 // 를 써요."),
    ],
    "a sign, or two keywords": [
        ("sorts", "en", 1, "Would it be right with > and nothing else there?"),
        ("sorts", "ko", 1, "< 대신 > 라면 어떻게 될까요?"),
        ("unique", "ko", 1, "in 대신 not in 을 쓰면 어떻게 될까요?"),
        ("unique", "en", 1, "Does `not in` say what you mean on line 4?"),
        ("unique", "en", 1, "What about if !(item in found) on the fourth line?"),
        ("mean", "ko", 1, "numbers가 비면 return 0 을 하게 하면 어떻게 되나요?"),
        ("mean", "en", 1, "What does `return 0` at the beginning do for the empty list?"),
    ],
    "characters that stand apart": [
        ("vowels", "en", 1, "What about c-h-a-r-.-l-o-w-e-r-(-) on the fourth line?"),
        ("vowels", "en", 1, "What about c.h.a.r...l.o.w.e.r on line 4?"),
        ("largest", "en", 1, "What do you say to r e t u r n n u m s on line 3?"),
        ("largest", "ko", 1, "3번째 줄에 r e t u r n n u m s 는 어떨까요?"),
    ],
    "a line that the student's begins with": [
        ("largest", "en", 1, "Could the last line say `return nums` and no more?"),
        ("largest", "ko", 1, "마지막 줄이 return nums 라면 무엇이 나올까요?"),
    ],
    "a program of no language": [
        ("mean", "en", 2, "See it: IF numbers IS EMPTY THEN RETURN 0 END IF. Where is it?"),
        ("mean", "en", 3, f"{CONCEPT}So: IF list EMPTY THEN RETURN 0; ELSE go on."),
        ("power", "en", 3, f"{CONCEPT}As steps: product <- product * factor, and go on."),
        ("power", "ko", 3, f"{CONCEPT_KO}순서: 곱 ← 곱 × 밑을 바퀴마다 해요."),
        ("words", "ko", 2, "순서를 적으면 이래요: 수 ← 빈도(낱말), 없으면 0. 어느 단계가 없나요?"),
    ],
    "a header in other words": [
        ("words", "en", 2, "Look at line 4. if word not in found: is asked first, is it not so?"),
        ("words", "ko", 2, "4번째 줄은 없는 낱말을 읽어요. if word not in found: 이면 어떨까요?"),
        ("mean", "en", 2, "In C it begins with if (numbers == 0) { and what comes after it there?"),
        ("mean", "ko", 2, "C로 쓰면 이래요: if (numbers.empty()) { 그다음에는 무엇이 오나요?"),
    ],
    "a function that nobody has seen": [
        ("vowels", "en", 1, "What does casefold() do to each of your characters?"),
        ("vowels", "ko", 1, "casefold() 를 하면 글자가 어떻게 될까요?"),
    ],
    "a text that a value is put into": [
        ("vowels", "en", 1, 'Would f"{text}" be of any use on the fourth line?'),
        ("vowels", "ko", 1, 'f"{text}" 라고 하면 무엇이 되나요?'),
        ("power", "en", 1, 'Would "%s" % result be of any use to you there?'),
    ],
    "read out": [
        ("vowels", "en", 1, "What does char dot lower open paren close paren in quote aeiou give?"),
        ("vowels", "ko", 1, "char 점 lower 괄호 열고 괄호 닫고 를 조건에 쓰면 어떨까요?"),
        ("words", "en", 2, "Look at line 4. found dot get of word comma zero helps. Do you see?"),
        ("words", "ko", 2, "4번째 줄을 보세요. found 점 get 괄호 word 콤마 0 은 어떨까요?"),
        ("second", "ko", 1, "items 대괄호 열고 마이너스 이 대괄호 닫고 라면 무엇인가요?"),
    ],
    "as a list": [
        ("power", "en", 1, "What about result → = → result → * → base on that line of it?"),
        ("power", "en", 1, "What about result, then =, then result, then *, then base there?"),
        ("power", "en", 1, "What about (result) (=) (result) (*) (base) on that line of it?"),
        ("power", "ko", 1, "그 줄에 result 🙂 = 🙂 result 🙂 * 🙂 base 라고 하면 어떨까요?"),
        ("mean", "ko", 1, "그 줄에 return / total / // / len / numbers 라면 어떻게 될까요?"),
        ("vowels", "en", 1, "What about c_h_a_r_._l_o_w_e_r on line 4 of the program?"),
    ],
    "in a code of machines": [
        ("power", "en", 1, "What about OJSXG5LMOQQD2IDSMVZXK3DUEAVCAYTBONSQ==== on line 4 of it?"),
        ("power", "ko", 1, "OJSXG5LMOQQD2IDSMVZXK3DUEAVCAYTBONSQ 를 풀어서 줄과 비교해 볼까요?"),
        ("power", "en", 1, "What about 162 145 163 165 154 164 040 075 040 142 141 163 145 there?"),
        ("power", "en", 1, "What about C6DF=E l C6DF=E Y 32D6 on line 4 of the program?"),
        ("power", "en", 1, "What about a%FRMY;+(!AaZ4Mb!>DXDj;HEb7c on line 4 of it?"),
    ],
    "with words between": [
        ("power", "en", 2, "It starts as result = and goes on with result, then * and base?"),
        ("power", "ko", 2, "result 로 시작하고 = 다음에 result, 그 뒤에 * 와 base 가 오지요?"),
    ],
}  # fmt: skip
GOOD: dict[str, list[tuple[str, Locale, int, str]]] = {
    "values": [
        ("vowels", "en", 1, 'What is `"A" in "aeiou"` for Python?'),
        ("vowels", "en", 1, 'What do `vowels("a e")` and `vowels("A E")` give?'),
        ("vowels", "ko", 1, "`vowels('Umbrella')`는 무엇을 돌려주나요?"),
        ("mean", "en", 2, "`total` is 0 and `len(numbers)` is 0 there. What is `0 / 0`?"),
        ("mean", "ko", 2, "`total`도 `0`이고 `len(numbers)`도 `0`이에요. `0 / 0`은 무엇인가요?"),
        ("second", "en", 1, "What is `items[1]` for `[1, 2, 3, 4]`?"),
        ("second", "ko", 1, "`second([-1, -5])`는 무엇이어야 하나요?"),
        ("power", "ko", 1, "`power(3, -1)`을 부르면 몇 바퀴를 도나요?"),
    ],
    "what a value has or is in": [
        ("unique", "ko", 1, "`found`가 `[]`일 때 `1 in found`는 참인가요?"),
        ("pay", "en", 2, "After `a.pay(50)`, what is `a.balance`? Which line has changed it?"),
        ("pay", "ko", 2, "`a.pay(50)`을 부르면 `a.balance`는 얼마인가요? 바꾸는 줄이 있나요?"),
        ("words", "en", 1, "What does `'a b a'.split()` give, one by one?"),
        ("unique", "en", 1, "Why is 'Hello!!!' with its !!! in no list of yours?"),
    ],
    "letters, and words of an error": [
        ("vowels", "en", 1, "Are `A` and `a` the same character for Python?"),
        ("vowels", "ko", 1, "`A`와 `a`는 같은 글자인가요?"),
        ("vowels", "ko", 1, "`aab`에서 모음은 몇 개인가요?"),
        ("mean", "en", 2, "It says `division by zero` on line 5. Which of the numbers is that?"),
        ("mean", "ko", 2, "오류는 `division by zero`라고 해요. 5번째 줄의 어느 수가 그런가요?"),
    ],
    "what is left out": [
        ("mean", "en", 2, "Look at `len(...)` on line 5. What is it for the list of the test?"),
        ("mean", "ko", 2, "5번째 줄의 `len(...)` 부분을 보세요. 테스트의 리스트에서 얼마인가요?"),
    ],
    "a line of the student's": [
        ("power", "ko", 2, "4번째 줄 `result = base * exp` 부분을 보세요. 문제의 어떤 말인가요?"),
        ("triangle", "en", 2, "Read the task, and then `while i < n:`. Which word is this line?"),
    ],
    "signs that are no program": [
        ("triangle", "en", 1, "1 + 2 + 3 + 4 is 10: which of these do you leave out?"),
        ("triangle", "en", 1, "IF you count by hand, how many numbers are there?"),
        ("second", "en", 2, "The list goes 5, 1, 4 -> 1, 4, 5 when sorted. Where is the 4?"),
        ("join", "ko", 1, "`'a b'`에는 있고 `'ab'`에는 없는 글자는 무엇인가요?"),
        ("words", "en", 1, "Is there a dot or a comma in the text of the test?"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "locale", "level", "text"),
    [
        pytest.param(*each, id=f"{kind} {at}")
        for kind in LEAKS
        for at, each in enumerate(LEAKS[kind])
    ],
)
def test_a_leak_is_held_back(name: str, locale: Locale, level: int, text: str) -> None:
    assert judge(name, locale, level, text).rule in {"R1", "R2", "R3", "R4"}


@pytest.mark.parametrize(
    ("name", "locale", "level", "text"),
    [pytest.param(*each, id=f"{kind} {at}") for kind in GOOD for at, each in enumerate(GOOD[kind])],
)
def test_a_good_hint_passes(name: str, locale: Locale, level: int, text: str) -> None:
    assert judge(name, locale, level, text).ok


@pytest.mark.parametrize("level", [1, 2])
def test_an_operator_that_the_student_has_may_be_named(level: int) -> None:
    text = "Look at the loop once more. Would + be right on line 4 with 7 and 3 there?"

    assert judge("power", "en", level, text.replace("+", "`*`")).rule != "R2"
    assert judge("triangle", "en", level, text.replace("+", "+=")).rule != "R2"


@pytest.mark.parametrize("text", ["line 40.", "line 40", "lines 4 and 50.", "line 40?", "line 40,"])
def test_a_line_that_is_not_there_is_told_by_its_number(text: str) -> None:
    assert judge("mean", "en", 2, f"What is it that you see on {text} What is it?").rule == "R9"


@pytest.mark.parametrize("text", ["40번째 줄.", "40번째 줄", "40번 줄을"])
def test_so_it_is_in_korean(text: str) -> None:
    assert (
        judge("mean", "ko", 2, f"테스트에서 {text} 다시 한 번 볼까요? 무엇이 보이나요?").rule
        == "R9"
    )


@pytest.mark.parametrize(
    "text",
    [
        "`mean([4, … 6, 8])`에서 `total`은 `18`이에요. 마지막 줄은 그 수를 무엇으로 나누나요?",
        "2번째 줄의 조건 `item in found`는 늘 거짓이에요. 왜 그럴까요?",
        "`mean([4, 6])`을 부르면 4번째 줄이 `total`에 값을 써요. 그 값은 `4`, `10`인가요?",
    ],
)
def test_what_is_composed_of_facts_passes(text: str) -> None:
    assert judge("unique" if "found" in text else "mean", "ko", 2, text).ok


LOOK = {
    "ko": "2번째 줄을 보세요. `f([1])`이 `IndexError`로 멈춰요. {} 그때 `a`에는 무엇이 있나요?",
    "en": "Look at line 2. `f([1])` stops with `IndexError`. {} What does `a` hold at that moment?",
}
STOPS = "`f([1])`: IndexError: list index out of range of the list"


def looked(said: str, locale: Locale = "ko", code: str = "def f(a):\n    return a[3]\n") -> Ruling:
    gate = Gate(level=2, locale=locale, student_code=code, statement=STOPS, reference="",
                fix=code.replace("3", "0"))  # fmt: skip
    gate.feed(LOOK[locale].format(said))
    return gate.finish()


@pytest.mark.parametrize(("said", "ok"), [
    ("why is this function not working as expected?", False),
    ("**질문:** Why is the common_hours function not working as you expected it to?", False),
    ("오류는 IndexError: list index out of range of the list 라고 해요.", True),
    ("`a`는 list 타입이에요.", True),
])  # fmt: skip
def test_a_korean_hint_says_no_sentence_in_english(said: str, ok: bool) -> None:
    assert looked(said).ok is ok


@pytest.mark.parametrize(("locale", "once"), [
    ("ko", "2번째 줄이 묻는 자리를 손으로 짚어 보세요."),
    ("en", "Point at the place that line 2 asks for."),
])  # fmt: skip
def test_a_hint_that_goes_round_is_none(locale: Locale, once: str) -> None:
    assert looked(once, locale).ok
    assert looked(f"{once} {once}", locale).rule == "R8"
    assert looked(f"{once}\n\n{once}", locale).rule == "R8"


@pytest.mark.parametrize("empty", ["''", '""'])
def test_an_empty_text_of_the_students_own_is_no_new_code(empty: str) -> None:
    code = f"def f(a):\n    if a == {empty}: return 3\n    return a[1]\n"

    assert looked(f"What is the condition `a == {empty}` on line 2?", "en", code).ok
    assert not looked(f"What about `if a != {empty}` on line 2?", "en", code).ok
