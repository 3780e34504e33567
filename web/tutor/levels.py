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
    of it. min_words, max_words: fewer or more are refused; what a model is asked for is in
    web/tutor/writing. strict: code spans hold only what the student wrote or was shown, and no edit
    is advised. patterns: code spans may hold syntax that the student has not used yet. by_author:
    without a model's text, the author's hint goes before one that is composed of facts, which
    seldom explain a rule: unless the level has sentences for these. charge: as how many hints one
    by AI counts.
    """

    name: str
    label: Words
    about: Words
    min_words: int
    max_words: int
    asking: QuestionRule
    strict: bool = False
    patterns: bool = False
    example: bool = False
    tells: bool = False
    by_author: bool = False
    by_facts: bool = True
    charge: int = 1


LEVELS: dict[int, Level] = {
    1: Level(
        name="notice",
        label={"ko": "알아차리기", "en": "Notice"},
        about={
            "ko": "무엇이 어긋나는지 보게 하는 질문이에요.",
            "en": "A question that makes you look at what goes wrong.",
        },
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
        # Half of the 80 words that it should have still teaches; an empty phrase does not.
        min_words=16,
        max_words=160,
        asking=QuestionRule.FREELY,
        patterns=True,
        by_author=True,
    ),
    4: Level(
        name="analogy",
        label={"ko": "빗대어 보기", "en": "Analogy"},
        about={
            "ko": "다른 문제를 푼 짧은 예시와, 내 코드로 옮겨 보는 질문이에요.",
            "en": "A short worked example of something else, and a question that leads back.",
        },
        min_words=10,
        max_words=100,
        asking=QuestionRule.LAST,
        example=True,
        by_author=True,
        by_facts=False,
    ),
    5: Level(
        name="tell",
        label={"ko": "짚어 주기", "en": "Tell"},
        about={
            "ko": "어느 식을 왜 바꿔야 하는지 말로 알려 줘요. 힌트 두 번으로 세요.",
            "en": "Which expression has to change and why, in words. It counts as two hints.",
        },
        min_words=12,
        max_words=90,
        asking=QuestionRule.FREELY,
        tells=True,
        by_author=True,
        by_facts=False,
        charge=2,
    ),
}
"""By number, from 1 up, as web.tutor.ladder opens them; L0, the test report, is always there."""
EXAMPLE_LINES = 8
"""Of code that is not blank, in the example of a level that has one."""
