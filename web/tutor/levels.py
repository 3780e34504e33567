"""The levels of help: all that each of them is, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from web.tutor.languages import Words


class QuestionRule(Enum):
    """What a level wants of questions."""

    ONCE = auto()
    """Exactly one question, at the end."""
    LAST = auto()
    """Questions are free, and the last sentence is one."""
    FREELY = auto()
    """No question is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One rung, for everybody who asks: the pages, the API, the admin, the prompt and the gate.

    name: as the API's description has it. label: as people see it; about: what a student may expect
    of it. form: what the prompt asks for, with the blanks low and high for aim_words.
    min_words, max_words: fewer or more are refused. strict: code spans hold only what the student
    wrote or was shown, and no edit is advised. patterns: code spans may hold syntax that the
    student has not used yet. by_author: without a model's text, the author's hint goes before one
    that is composed of facts, which cannot explain a rule. charge: as how many hints one by AI
    counts.
    """

    name: str
    label: Words
    about: Words
    form: Words
    aim_words: tuple[int, int]
    min_words: int
    max_words: int
    asking: QuestionRule
    strict: bool = False
    patterns: bool = False
    by_author: bool = False
    charge: int = 1


LEVELS: dict[int, Level] = {
    1: Level(
        name="notice",
        label={"ko": "알아차리기", "en": "Notice"},
        about={
            "ko": "무엇이 어긋나는지 보게 하는 질문이에요.",
            "en": "A question that makes you look at what goes wrong.",
        },
        form={
            "ko": "틀린 테스트를 다시 보게 하는 질문을 {high}단어 이내로 꼭 하나만 쓰세요. 다른 "
            "말은 쓰지 마세요.",
            "en": "Write exactly one question of at most {high} words that makes the student look "
            "at the failing test. Nothing else.",
        },
        aim_words=(8, 30),
        min_words=3,
        max_words=40,
        asking=QuestionRule.ONCE,
        strict=True,
    ),
    2: Level(
        name="locate",
        label={"ko": "찾아내기", "en": "Locate"},
        about={
            "ko": "내 생각과 프로그램이 갈라지는 곳을 짚어요.",
            "en": "The place where your idea and the program part ways.",
        },
        form={
            "ko": "{high}단어 이내로, 학생의 생각과 다르게 움직이는 부분(세 줄 이하)과 그때의 "
            "입력을 짚으세요. 학생이 따라가 보게 하는 질문 하나로 끝내세요.",
            "en": "In at most {high} words, name the part of the code (at most three lines) and "
            "the input for which it does something else than the student believes. End with one "
            "question that makes the student trace it.",
        },
        aim_words=(20, 50),
        min_words=8,
        max_words=60,
        asking=QuestionRule.LAST,
    ),
    3: Level(
        name="concept",
        label={"ko": "이해하기", "en": "Concept"},
        about={
            "ko": "그 뒤에 있는 규칙과 말로 된 계획이에요.",
            "en": "The rule behind it, and a plan in words.",
        },
        form={
            "ko": "{low}~{high}단어의 글로, 학생이 어긴 규칙과 풀어 갈 계획을 말로 설명하세요. "
            "목록도 코드 줄도 쓰지 마세요.",
            "en": "In {low} to {high} words of prose, explain the rule that the student broke and "
            "a plan in words. No lists, no code lines.",
        },
        aim_words=(80, 150),
        # Half of the 80 words that it should have still teaches; an empty phrase does not.
        min_words=40,
        max_words=160,
        asking=QuestionRule.FREELY,
        patterns=True,
        by_author=True,
    ),
}
"""By number, from 1 up, as web.tutor.ladder opens them; L0, the test report, is always there."""
