"""What the fake vLLM writes: fixed by the prompt, fit for the gate at the prompt's level.

As a judge it knows of no leak. Two fakes of another voice write other words for one prompt, so
that a text mixed from two of them is told from a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from tests.fakes.judging import GIVES_UP, asks, diagnoses

VOICES = range(4)
NONCE = re.compile(r"student-[0-9a-f]{8}")
"""Hintline marks the student's text anew for each attempt; the answer must not depend on it."""
HANGUL = re.compile(r"[가-힣]")
WORD = re.compile(r"\s*\S{1,7}")
"""About a token."""
Messages = Sequence[Mapping[str, str]]


def answer(messages: Messages, voice: int) -> str:
    """The whole answer; a last assistant message is not part of the question."""
    if asks(messages):
        return "No"
    if diagnoses(messages):
        return GIVES_UP
    asked = [message for message in messages if message["role"] != "assistant"]
    text = NONCE.sub("student", "\n".join(f"{m['role']}:{m['content']}" for m in asked))
    digest = blake2b(f"{voice}\0{text}".encode(), digest_size=16).digest()
    locale = "ko" if HANGUL.search(asked[0]["content"]) else "en"
    form = asked[0]["content"]
    level = 1 if ONE[locale] in form else 2 if ENDING[locale] in form else 3
    opening, middle, ending = SENTENCES[locale][level]
    parts = [opening[digest[0] % len(opening)].format(10_000 + digest[1] * 256 + digest[2])]
    start = digest[3]
    parts += [middle[(start + step) % len(middle)] for step in range(MIDDLE[level])]
    parts.append(ending[digest[4] % len(ending)])
    return " ".join(parts)


def rest(messages: Messages, voice: int) -> str:
    """What comes after a last assistant message (continue_final_message); else the answer."""
    if messages[-1]["role"] != "assistant":
        return answer(messages, voice)
    said = messages[-1]["content"]
    for one in (voice, *VOICES):
        whole = answer(messages, one)
        if whole.startswith(said):
            return whole[len(said) :]
    return f" {answer(messages, voice)}"


def tokens(text: str) -> list[str]:
    return WORD.findall(text)


ONE = {"en": "exactly one question", "ko": "꼭 하나만"}
ENDING = {"en": "End with one question", "ko": "질문 하나로"}
MIDDLE = {1: 0, 2: 2, 3: 6}

Bank = dict[str, dict[int, tuple[list[str], list[str], list[str]]]]
SENTENCES: Bank = {
    "en": {
        1: (
            ["Walk through the failing test with note {} at hand,"],
            [],
            [
                "what does your code give there and what did you expect?",
                "which value surprises you there and when does it first appear?",
                "how far do you get before the values differ from your own count?",
            ],
        ),
        2: (
            ["The part that decides the result goes wrong early (note {})."],
            [
                "It works on some inputs and stops short on others.",
                "Small inputs hide this well.",
                "One step there happens once too seldom.",
                "The first and the last value are treated alike.",
                "Nothing there looks at the empty case.",
            ],
            [
                "What do you get when you trace the failing input by hand?",
                "Which value does it hold right before the result leaves the function?",
            ],
        ),
        3: (
            ["A result is only as good as the smallest step behind it (note {})."],
            [
                "Every value that comes along has to be looked at exactly once.",
                "Before the first value arrives there is already a state, and it counts.",
                "After the last value nothing may be left over without a place.",
                "Two values that look alike may still need two different answers.",
                "Say aloud what each name means, and check that it means this at all times.",
                "A plan on paper with three short rows shows more than a long look at code.",
                "Think of the smallest input that still has an answer, then the next one.",
                "When a rule has an exception, the exception needs its own place and moment.",
            ],
            [
                "Put the plan into words first, and only then go back to your code.",
                "Take the failing test as a guide and follow the plan row by row.",
            ],
        ),
    },
    "ko": {
        1: (
            ["쪽지 {}번과 함께 틀린 테스트를 처음부터 따라가 보면"],
            [],
            ["어디에서 값이 예상과 달라질까요?", "어떤 값이 언제 처음 나타날까요?"],
        ),
        2: (
            ["결과를 정하는 부분이 일찍 어긋납니다 (쪽지 {}번)."],
            [
                "어떤 입력에서는 맞고 어떤 입력에서는 모자랍니다.",
                "작은 입력에서는 잘 보이지 않습니다.",
                "처음 값과 마지막 값이 똑같이 다뤄집니다.",
                "비어 있는 경우는 아무도 살피지 않습니다.",
            ],
            [
                "틀린 입력을 손으로 따라가면 무엇이 나오나요?",
                "결과가 나오기 직전의 값은 무엇인가요?",
            ],
        ),
        3: (
            ["결과는 그 뒤의 가장 작은 걸음만큼만 믿을 수 있습니다 (쪽지 {}번)."],
            [
                "들어오는 값은 하나도 빠짐없이 꼭 한 번씩 살펴야 합니다.",
                "첫 값이 오기 전에도 이미 상태가 있고, 그 상태도 의미가 있습니다.",
                "마지막 값이 지나간 뒤에는 자리 없이 남는 것이 없어야 합니다.",
                "비슷해 보이는 두 값도 서로 다른 답이 필요할 수 있습니다.",
                "이름마다 무엇을 뜻하는지 소리 내어 말하고 늘 그 뜻인지 확인하세요.",
                "종이에 적은 짧은 계획이 코드를 오래 보는 것보다 많은 것을 알려 줍니다.",
                "답이 있는 가장 작은 입력을 생각하고 그다음 입력을 생각하세요.",
                "규칙에 예외가 있다면 그 예외에는 따로 자리가 필요합니다.",
            ],
            ["먼저 계획을 말로 정리한 다음 코드로 돌아가세요."],
        ),
    },
}
