"""Hints as models write them: what gives a solution away is held back, what only asks passes.

The exercise is the first of the seed. Solutions that differ from the stored one have no run of
tokens in common with it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.fakes.launch import ROOT
from web.tutor.gate.gate import Gate
from web.tutor.gate.ruling import Ruling
from web.tutor.gate.thoughts import TAGS
from web.tutor.languages import Locale

with Path(ROOT, "web/courses/seed/01-rice-days.toml").open("rb") as file:
    EXERCISE = tomllib.load(file)
EMPTY = "def rice_days(cups, per_day):\n    return 0\n"
LOOP = (
    "def rice_days(cups, per_day):\n    days = 0\n    while cups >= per_day:\n"
    "        cups = cups - per_day\n        days = days + 1\n    return days\n"
)
TEXTS = "def count_long(words, n):\n    total = 0\n    for word in words:\n" \
        "        if len(word) > n:\n            total = 1\n    return total\n"  # fmt: skip


def judge(
    text: str, *, level: int = 1, locale: Locale = "en", code: str = EMPTY, reference: bool = True
) -> Ruling:
    """In words, as a model streams."""
    gate = Gate(
        level=level,
        locale=locale,
        student_code=code,
        statement=EXERCISE[f"statement_{locale}"],
        reference=EXERCISE["reference"] if reference else "",
    )
    for word in text.split(" "):
        gate.feed(f"{word} ")
    return gate.finish()


LEAKS = [
    "The whole answer: def rice_days(cups, per_day): return -(-cups // per_day). OK?",
    "return (cups + per_day - 1) // per_day gives it. Do you see why?",
    "Let q, r = divmod(cups, per_day) and return q + bool(r). Why does it work?",
    "What about cups // per_day for the full days, plus one for a rest?",
    "Could you return cups // per_day + (cups % per_day > 0) at that place?",
    "Would math.ceil(cups / per_day) do here, and why would it?",
    "You want ceil(cups / per_day), do you see why that holds?",
    "Is -(-cups//per_day) what you are looking for in this exercise?",
    "Think of cups%per_day: when is it not zero, and what then?",
    "Have you thought of len(range(0, cups, per_day)) as the whole answer?",
    "What does sum(1 for i in range(0, cups, per_day)) give you here?",
    "What if you use max(0, cups - per_day) in each of your rounds?",
    "What would cups -= per_day do in a loop that you write there?",
    "Start with days = cups / per_day and round it up, do you see?",
    "Try a lambda c, p: the quotient rounded up, would that be it?",
    "import math and then round the quotient up, can you do that?",
    "Use while cups > 0: and count the rounds, would that be right?",
    "With for i in range(cups): as the head, how many rounds are there?",
    "Is if cups % per_day: a good way to see whether some rice is left?",
    "Say def portions(cups, per_day): first, what does it give back?",
    "Does rest = cups keep what is left before you take any of it?",
    "Would int(cups / per_day + 0.999) be right for every input that you know?",
    "How about round(cups / per_day + 0.5) instead of what is there now?",
    "What does divmod(cups, per_day)[1] tell you about the last day there?",
    "Is cups != 0 the thing to look at before each of the rounds?",
    "Should it not say days += 1 in every round of your loop?",
    "Do you know what cups ÷ per_day tells you when it is rounded up?",
    "Is (cups + per_day) * 2 near to what you want, or do you see why not?",
    "What does cups > 0 and cups >= per_day say on the last day?",
    "Is `cups // per_day` what you want for the number of full days here?",
    "What happens with `-(-cups // per_day)` when nothing is left at all?",
    "Does `divmod(cups, per_day)` give you both of the numbers that you need?",
    "How would `for day in range(cups)` go on until the rice is gone?",
    "What is `days + 1` good for at the end of each of your rounds?",
    "What is left when you take cups -per_day in each of your rounds?",
    "What if the function says return days + 1 at its end, is it right?",
    "Use math.ceil on the quotient of the two, will that be it?",
    "Could x = cups; n = 0; while x > 0: x -= per_day; n += 1 be it?",
    "Do you see that cups\n// per_day would be it, or what else is there?",
    "What about cups &#47;&#47; per&#95;day for the full days, plus one?",
    "What about cups &sol;&sol; per_day for the full days, plus one more?",
    "What about cups \\/\\/ per\\_day for the full days, plus one?",
    "What about \\(\\lceil cups / per\\_day \\rceil\\) for the days?",
    "What about 'if rest > 0 then days = days + 1' after the division?",
    "What about from math import ceil and then using it, would that help?",
    "What about cups mod per_day: if it is more than 0, is there one more day?",
    "Would days++ in each of your rounds be what you want to write there?",
]
LEAKS_KO = [
    "return (cups + per_day - 1) // per_day 라고 쓰면 왜 맞는지 알겠나요?",
    "def rice_days(cups, per_day): return -(-cups // per_day) 라고 하면 어떨까요?",
    "cups // per_day 를 구한 다음 나머지가 있으면 하루를 더하면 어떨까요?",
    "cups % per_day가 0이 아닐 때 무엇을 더해야 하는지 생각해 볼래요?",
    "math.ceil(cups / per_day)를 쓰면 결과가 어떻게 달라질까요?",
    "q, r = divmod(cups, per_day) 로 두 값을 얻으면 무엇이 남을까요?",
    "while cups > 0: 으로 반복하면 마지막 날도 세어질까요?",
    "반복할 때마다 cups -= per_day 를 하면 쌀이 얼마나 남을까요?",
    "days += 1 을 반복문 안에서 하면 며칠이 세어질까요?",
    "`cups // per_day` 의 값은 얼마이고 나머지는 어떻게 될까요?",
    "len(range(0, cups, per_day)) 는 얼마이고 왜 그런 값이 나올까요?",
    "rest = cups 로 시작하면 남은 쌀을 어떻게 알 수 있을까요?",
    "cups != 0 인 동안 반복하면 어떤 일이 생길지 말해 볼래요?",
    "import math 를 한 다음 올림을 하면 어떻게 될까요?",
    "cups÷per_day 를 올림하면 며칠이 되는지 말해 볼래요?",
    "바퀴마다 days = days + 1을 하면 며칠이 나올지 말해 볼래요?",
]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("text", LEAKS)
def test_code_in_a_sentence_is_held_back(text: str, level: int) -> None:
    assert judge(text, level=level).rule in {"R1", "R2", "R3", "R4"}
    assert judge(text, level=level, reference=False).rule in {"R1", "R3", "R4"}


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("text", LEAKS_KO)
def test_code_in_a_korean_sentence_is_held_back(text: str, level: int) -> None:
    assert judge(text, level=level, locale="ko").rule in {"R1", "R2", "R3", "R4"}
    assert judge(text, level=level, locale="ko", reference=False).rule in {"R1", "R3", "R4"}


ORDERS = [
    "Change the condition of the loop. What do you get?",
    "You should change >= to something else, what do you think?",
    "Try changing the starting value. What do you get then?",
    "Try moving the return. What do you get then?",
    "Add a check before the loop. What do you get then?",
    "Just add 1 to days in each round. Is it right then?",
    "Please remove it. What do you get then?",
    "Then swap the two lines. What do you get?",
    "You must update cups in each round. Do you see why?",
    "It could help to fix this. Do you see why?",
    "You could replace per_day there. Do you see why?",
    "By adding a colon you get further. Do you see why?",
    "Indent the last part. What do you get then?",
    "Rename days. What do you get then?",
    "Try to insert an else. What do you get then?",
    "Modify the loop, please. What do you get then?",
    "Correct the sign. What do you get then?",
    "Swap the branches of the if. What do you get then?",
    "You need to add a colon. What do you get then?",
    "Let's remove the else. What do you get then?",
    "Try switching to a for loop. What do you get then?",
]
ORDERS_KO = [
    "조건을 바꾸세요. 무엇이 달라지나요?",
    "반복문의 조건을 고쳐 보세요. 무엇이 달라지나요?",
    "days를 바꿔 보세요. 무엇이 달라지나요?",
    ">= 를 고쳐 보세요. 무엇이 달라지나요?",
    "return을 옮겨 보세요. 무엇이 달라지나요?",
    "여기에 변수를 추가하면 됩니다. 왜 그럴까요?",
    "그 줄을 지우면 돼요. 왜 그럴까요?",
    "이 부분을 수정하세요. 무엇이 달라지나요?",
    "초깃값을 바꿔 보세요. 무엇이 달라지나요?",
    "마지막 줄은 들여쓰세요. 왜 그럴까요?",
    "콜론을 넣으세요. 무엇이 달라지나요?",
]


@pytest.mark.parametrize(
    ("text", "locale"), [*((text, "en") for text in ORDERS), *((text, "ko") for text in ORDERS_KO)]
)
def test_an_order_to_edit_is_held_back(text: str, locale: Locale) -> None:
    assert judge(text, locale=locale, code=LOOP).rule == "R3"


HARMLESS = [
    "Look at the loop. Which value should change in each round?",
    "Walk through it with 7 cups. What must change from one round to the next?",
    "Try moving one step at a time through the loop. What is left after day two?",
    "Try changing the input to 1 cup. What do you see then?",
    "Which of these numbers should change, and which should stay?",
    "Try adding the days by hand for 7 cups. What do you get?",
    "Add up the days on paper. How many are there?",
    "Move on to the third day. What is left?",
    "Correct so far! What is left on the last day?",
    "Do you know when to add a day and when not to?",
    "Switch to a smaller number, say 4. What do you see?",
    "Try to change your point of view: what would a cook count?",
    "How does your code know how to change what is left?",
    "What do you need to add after the last full day?",
    "Which part of your code should move the count up?",
    "Run rice_days(7, 3) on paper. How many days do you cook?",
    "What does rice_days(7, 3) give, and what should it give?",
    "With cups = 7 and per_day = 3, how many days do you count?",
    "What does return 0 say about the days you cooked?",
    "What is 7 - 3, and what is left after that?",
    "After 7 -> 4 -> 1 cups, how many days were that?",
    "Is there a day that your code (the whole of it) does not count?",
    "Which value(s) does your code look at, and which not?",
    "Does your function give a number/text, or nothing at all?",
    "Your code gives 0 for 7 cups - is that what you want?",
    "What does your code return (for 7 cups and 3 per day)?",
    "What do **cups** and *per_day* stand for in your own words?",
    "What does `cups` hold for `rice_days(7, 3)` on the last day?",
    "What are cups and per_day at the first day of 20/1?",
    "What would print(cups) show you on each of the days?",
    "Is 7 >= 3 true, and what follows from that for day one?",
    "For how many days do 6 cups last, if per_day is 6?",
    "Why is your answer the same for all inputs, e.g. 1 and 20?",
    "If there are 0 cups: how many days do you cook?",
    "What happens to cups - the rice at home - in each of your rounds?",
    "What's the difference between 'return' and 'print' for whoever calls it?",
    "Let x be what is left. What is x after two of your days?",
    "Fix 7 cups in your mind. How many days are needed for them?",
    "In plain words: what does `if` decide for the last day there?",
    "Is rice_days(7, 3) == 3 what the test says, and why?",
    "If days = [1, 2, 3] are full ones, which day comes after them?",
    "What is 7 mod 3, and what does that say of the last day?",
    "How would you count in C++, on paper or with beans?",
    "Which number do we need to give for an empty bag?",
    "What does <b>day</b> stand for in the first sentence there?",
    "What would you tell a student who has one cup and five a day?",
    "Think: which day is the last one on which you cook?",
]
HARMLESS_KO = [
    "학생이 작성한 함수는 첫 번째 입력에서 무엇을 돌려주나요?",
    "학생이 쓴 반복문을 7컵으로 따라가 보면 사흘 뒤에는 무엇이 남나요?",
    "매 바퀴에 어떤 값이 바뀌어야 하나요?",
    "다음 바퀴로 갈 때 무엇이 바뀌어야 하는지 말해 볼래요?",
    "한 번에 하루씩 옮겨 가 보세요. 이틀 뒤에 무엇이 남나요?",
    "입력을 바꿔 보세요. 무엇이 달라지나요?",
    "다른 수를 넣어 보세요. 며칠이 나오나요?",
    "종이에 날을 하나씩 추가해 보세요. 모두 며칠인가요?",
    "쌀 7컵을 하루에 3컵씩 쓰면 며칠째에 몇 컵이 남나요?",
    "생각을 바꿔 보세요. 요리하는 사람은 무엇을 셀까요?",
    "rice_days(7, 3)은 얼마여야 하고 지금은 얼마인가요?",
    "cups = 7, per_day = 3 일 때 며칠을 세나요?",
    "`cups`가 7일 때 둘째 날에는 얼마가 남나요?",
    "7 - 3 은 얼마이고, 그다음에는 얼마가 남나요?",
    "지금 코드는 왜 언제나 같은 값을 돌려주나요?",
    "print(cups)를 하면 날마다 무엇이 보일까요?",
    "남은 쌀이 하루치보다 적은 날(마지막 날)도 세나요?",
    "어떤 방식을 바꿔 생각하면 마지막 날도 세게 될까요?",
    "0컵이면 며칠 동안 밥을 짓나요?",
]
OWN = [
    "What is cups >= per_day for 1 cup and 5 per day?",
    "After cups = cups - per_day, how much is left of 7?",
    "How often does days = days + 1 run for 7 cups?",
    "When does while cups >= per_day: stop for 7 cups?",
    "What does return days give for 7 cups and 3 per day?",
    "What is cups - per_day on the third day of 7 cups?",
    "Is `cups >= per_day` true when 1 cup is left there?",
    "What is days when the loop ends, for 7 cups?",
]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(
    ("text", "locale", "code"),
    [
        *((text, "en", EMPTY) for text in HARMLESS),
        *((text, "ko", EMPTY) for text in HARMLESS_KO),
        *((text, "en", LOOP) for text in [*HARMLESS, *OWN]),
        *((text, "ko", LOOP) for text in HARMLESS_KO),
    ],
)
def test_what_gives_nothing_away_passes(text: str, locale: Locale, code: str, level: int) -> None:
    ruling = judge(text, locale=locale, code=code, level=level)

    # Level 2 wants more words than some of these have.
    assert ruling.text == text or (level == 2 and ruling.rule == "R8")


@pytest.mark.parametrize(
    "text",
    [
        "What is len(word) > n for the word that is not counted?",
        "How often does total = 1 run, and what is total then?",
        "What does for word in words: give you in the second round?",
        "What does count_long(['ab', 'c'], 1) give, and what should it give?",
        "Which words are longer than n, and how many is that in total?",
        "Look at the words one by one. Which word changes the total?",
        "What is total after the word(s) you looked at?",
        "With words = ['ab', 'c'] and n = 1, which words count?",
    ],
)
def test_what_the_student_wrote_may_be_said(text: str) -> None:
    assert judge(text, code=TEXTS).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Would total += 1 be it, or what do you think?",
        "What about len(word) >= n for the words that are missing?",
        "What does sum(len(word) > n for word in words) give you there?",
        "How about words.count(n) there, what does it give?",
        "What is total + len(word) after the first of the words?",
        "What about return len([word for word in words]) there?",
        "What does words[1:] leave out of what you look at?",
        "Is ' '.join(words) what you want to look at here?",
        "What does sorted(words)[-1] tell you about the words?",
        "What does len(words) tell you about how many there are?",
    ],
)
def test_what_the_student_has_not_written_is_held_back(text: str) -> None:
    assert judge(text, code=TEXTS, reference=False).rule in {"R1", "R4"}


JAVA = "static int sum(int[] a) {\n    return 0;\n}\n"
OTHER_LANGUAGES = [
    "Look at your loop.\nint s = 0;\nfor (int i = 0; i < a.length; i++) s += a[i];\nreturn s;\n"
    "What does this do?",
    "Look at it.\nint s = 0;\nWhat does this do?",
    "Look at it.\nreturn s;\nWhat does this do?",
    "Look at it.\nfor (int x : a) {\n  s += x;\n}\nWhat does this do?",
    "Would for (let i = 0; i < a.length; i++) go over all of them?",
    "const s = a.reduce((x, y) => x + y, 0);\nWhat does this do?",
    "What does return Arrays.stream(a).sum(); give you here?",
    "Is `s += a[i];` what you need in each of the rounds?",
    "function sum(a) {\n  return 1;\n}\nWhat does this do?",
    'Look at it.\nprintf("%d", s);\nputs(s);\nWhat does this do?',
    "while (i < n) {\n  i++;\n}\nWhat does this do?",
    "#include <stdio.h>\nint main() {\nWhat does this do?",
    "Look at it.\nlet s = 0;\ns = s + a[0];\nWhat does this do?",
    "std::accumulate(a.begin(), a.end(), 0);\nWhat does this do?",
    "Would for i := 0; i < len(a); i++ { s += a[i] } go over all of them?",
    "Look at it.\nlet mut s = 0;\nWhat does this do?",
    "fn sum(a: &[i32]) -> i32 {\n  0\n}\nWhat does this do?",
    "Does a.each { |x| s += x } look at all of the values that you have?",
    "Would $s += $a[$i]; be what you want in each of the rounds?",
    "fun sum(a: IntArray): Int = a.sum() is one line: what does it do?",
    "Look at it.\ncout << s << endl;\nWhat does this do?",
    "Would const f = x => x + 1; give you the next one of them?",
    "Is int s = 0, i = 0; what you need before the loop there?",
    "What does for (auto x : a) s += x; do with all of the values?",
    "Would if (a[i] > 0) { s = s + a[i]; } look at the right ones?",
    "do {\n  s += a[i++];\n} while (i < n);\nWhat does this do?",
    "What does System.out.println(s) print at the end of your code?",
    "Look at it.\ndouble m = s / n;\nWhat does this do?",
    "What do you think that Math.max(s, a[i]) gives you there?",
    "Is s = a.length > 0 ? a[0] : 0; right before the loop?",
    "static int sum(int[] a) {\n  return s;\n}\nWhat does this do?",
    "switch (s) {\n  case 1: break;\n}\nWhat does this do?",
    "Look at it.\nreturn;\nbreak;\nWhat does this do?",
]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("text", OTHER_LANGUAGES)
def test_code_of_other_languages_is_held_back_without_a_stored_solution(
    text: str, level: int
) -> None:
    assert judge(text, level=level, code=JAVA, reference=False).rule in {"R1", "R3", "R4"}


THOUGHTS = [
    "Okay, the student returns zero. They must divide cups by per_day. What could I ask?\n</think>"
    "\n\nLook at it. Why?",
    *(
        f"<{mark}>\nThe student returns zero. What could I ask?\n</{mark}>\nLook at it. Why?"
        for mark in ("thinking", "thought", "reasoning", "think", "seed:think", "THINK")
    ),
    "[THINK]\nThe student returns zero. What could I ask?\n[/THINK]\nLook at it. Why?",
    "◁think▷What could I ask?◁/think▷Look at it. Why?",
    "<|channel|>analysis<|message|>What could I ask?<|end|>",
    "<|channel>thought\nWhat could I ask?\n<channel|>Look at it. Why?",
    *(f"The sum is lost. What could I ask?\n</{tag}>\nLook at it. Why?" for tag in TAGS),
    *(f"<{tag} a='1'>The sum is lost. What could I ask?\nLook at it. Why?" for tag in TAGS),
    "<|START_THINKING|>What could I ask?<|END_THINKING|>Look at it. Why?",
    "<|begin_of_thought|>What could I ask?<|end_of_thought|>Look at it. Why?",
    "What could I ask?<|end|><|start|>assistant<|channel|>final<|message|>Look at it. Why?",
    "analysisWhat could I ask?assistantfinalLook at it. Why?",
    "What could I ask them about this? More. And more.\n</reasoning>\nLook at it. Why?",
]


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("text", THOUGHTS)
def test_thoughts_are_refused(text: str, level: int) -> None:
    assert judge(text, level=level).rule in {"R9", "R8"}
    assert judge(text).rule == "R9"


ASIDES = [
    *(
        f"{opening}The sum is lost. What could I ask?\n{closing}\nLook at it. Why?"
        for opening, closing in (
            ("<ponderings>", "</ponderings>"),
            ("<cot>\n", "</cot>"),
            ("<unused94>thought\n", "<unused95>"),
            ("&lt;think&gt;", "&lt;/think&gt;"),
            ("＜think＞", "＜/think＞"),
            ("<\\think>", "<\\/think>"),
            ("<｜begin▁of▁thinking｜>", "<｜end▁of▁thinking｜>"),
            ("<details><summary>Thoughts</summary>", "</details>"),
            ("Thinking Process:\n\n1. ", ""),
            ("Here's my thought process:\n", ""),
            ("**Thinking:** ", "**Answer:**"),
            ("Reasoning: ", "Answer: "),
            ("Thought: ", "Final Answer: "),
            ("", "**Final answer:**"),
            ("Okay, the student wrote a loop. ", ""),
            ("The user wants a hint. ", ""),
            ("We need to produce one question. ", ""),
            ("So I should ask about the sum. ", ""),
        )
    ),
]


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("text", ASIDES)
def test_thoughts_without_a_known_mark_are_refused(text: str, level: int) -> None:
    assert judge(text, level=level).rule == "R9"


@pytest.mark.parametrize(
    "text",
    [
        "학생은 0을 돌려줘요. 무엇을 물을까?\n</think>\n\n무엇이 남나요?",
        "학생은 0을 돌려주고 있다. 무엇이 남나요?",
        "생각 과정:\n\n쌀이 남는다. 무엇이 남나요?",
        "**추론:** 쌀이 남는다. 무엇이 남나요?",
    ],
)
def test_korean_thoughts_are_refused(text: str) -> None:
    assert judge(text, locale="ko").rule == "R9"


def test_what_an_exercise_speaks_of_may_be_said() -> None:
    gate = Gate(
        level=1,
        locale="en",
        student_code=EMPTY,
        statement="Count the points of the student. The XML begins with <points>.",
        reference="",
    )
    text = "How many points does the student has in <points> there?"

    gate.feed(text)

    assert gate.finish().text == text
