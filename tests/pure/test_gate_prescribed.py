"""What a part of the program should do is told at no level that only asks (R3)."""

from __future__ import annotations

import pytest

from tests.bench.corpus import labelled
from tests.bench.gatekeeping import by_rules
from web.tutor.gate.gate import Gate
from web.tutor.gate.orders import prescribes

CODE = (
    "def total(prices):\n    result = 1\n    for price in prices:\n        result += price\n"
    "    return result\n"
)
TOLD = {
    "en": [
        "Line 4 should make `result` bigger. What is it after the loop?",
        "The condition on line 3 must hold for the last one too. What does it see?",
        "Your code should check whether it is empty. What happens then?",
        "The loop has to go one round further. Which rounds do you see?",
        "Line 2 is supposed to begin with nothing. What does it begin with?",
    ],
    "ko": [
        "4번째 줄은 `price`를 하나씩 더해야 해요. 반복이 끝나면 `result`는 무엇인가요?",
        "반복이 마지막 값까지 돌아야 합니다. 지금은 몇 바퀴를 도나요?",
        "2번째 줄은 아무것도 없이 시작하는 것이 맞습니다. 지금은 무엇으로 시작하나요?",
    ],
}
ASKED = {
    "en": [
        "What should line 4 do with the last `price`?",
        "`total([2])` should give `2`, but it gives `3`. What is `result` before the loop?",
        "You should look at line 3 once more. Which rounds does it go?",
        "Three come in, and lines 3 to 4 should look at each. Which does `price` hold?",
        "It is not what the test expects, while `total([])` gives just what it should. Why?",
        "The test expects `2`. Which line decides about that?",
        "Line 3 ended with `TypeError: it must be a list`. What is `prices` then?",
    ],
    "ko": [
        "4번째 줄은 마지막 `price`를 어떻게 해야 할까요?",
        "`total([2])`의 결과는 `2`여야 하는데 `3`이 나와요. 반복 전에 `result`는 무엇인가요?",
        "3번째 줄을 다시 보세요. 몇 바퀴를 도나요?",
        "셋이 들어가고 3~4번째 줄이 하나씩 봐야 해요. `price`에는 무엇이 들어가나요?",
    ],
}


def ruled(text: str, locale: str, level: int) -> str | None:
    gate = Gate(
        level=level, locale=locale, student_code=CODE, statement="Add. total([2])", reference=""
    )
    gate.feed(text)
    return gate.finish().rule


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(("locale", "text"), [(k, t) for k, texts in TOLD.items() for t in texts])
def test_what_the_program_should_do_is_not_told(locale: str, text: str, level: int) -> None:
    assert ruled(text, locale, level) == "R3"


@pytest.mark.parametrize(("locale", "text"), [(k, t) for k, texts in ASKED.items() for t in texts])
def test_to_ask_it_or_to_say_what_a_call_should_give_is_fine(locale: str, text: str) -> None:
    assert ruled(text, locale, 2) != "R3"


def test_no_good_hint_of_the_half_that_may_be_looked_at_is_taken_for_one() -> None:
    good = [hint for hint in labelled("seen") if not hint.leak and hint.level <= 2]

    assert len(good) > 500
    assert [hint.id for hint in good if by_rules(hint)] == []
    told = [hint for hint in labelled("seen") if hint.leak and prescribes(hint.text)]
    assert len(told) > 5
