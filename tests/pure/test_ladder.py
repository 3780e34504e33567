"""The levels' limits, and the test report in words."""

import pytest

from web.tutor.evidence.explain import SYNTAX
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.raised import ERRORS
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict
from web.tutor.languages import Locale
from web.tutor.levels import LEVELS

CASE = Case(call="f(1)", expected="2", got="3")


def failure(verdict: Verdict, kind: str, message: str = "", line: int | None = None) -> Report:
    return Report(verdict=verdict, error=ProgramError(kind=kind, message=message, line=line))


def test_levels_keep_their_hard_limits() -> None:
    limits = {number: level.max_words for number, level in LEVELS.items()}
    assert limits == {1: 40, 2: 60, 3: 160, 4: 100, 5: 90}
    for level in LEVELS.values():
        assert level.min_words < level.max_words


@pytest.mark.parametrize(
    ("report", "korean", "english"),
    [
        (Report(verdict=Verdict.PASSED, passed=3, total=3), "잘했어요", "All 3 tests pass"),
        (
            Report(verdict=Verdict.FAILED, passed=1, total=3, first=CASE),
            "`f(1)`의 결과는 `2`여야 하는데, 지금은 `3`이 나와요. 테스트 3개 중 1개를",
            "`f(1)` should give `2`, but your code gives `3`. 1 of 3 tests pass. What did",
        ),
        (
            Report(
                verdict=Verdict.ERROR, total=1,
                first=Case(call="f(1)", expected="2", error="KeyError: 'a'"),
                error=ProgramError(kind="KeyError", message="'a'", line=4),
            ),
            "`KeyError: 'a'` 오류로 멈춰요. 찾는 것이",
            "stops with `KeyError: 'a'`. What is looked for is not there at that "
            "moment. 0 of 1 tests pass. What did you expect on line 4?",
        ),
        (failure(Verdict.ERROR, "SystemExit"), "`SystemExit` 오류", "stops with `SystemExit`."),
        (failure(Verdict.ERROR, "NameError", "x", 3), "3번째 줄에서 `NameError: x`", "line 3 with"),
        (failure(Verdict.SYNTAX, "SyntaxError", "expected ':'", 2), "2번째 줄", "line 2: a colon"),
        (failure(Verdict.SYNTAX, "SyntaxError", "odd"), "읽지 못해요:", "code: something is"),
        (failure(Verdict.TIME, "TimeoutError"), "제한 시간", "did not finish in time"),
        (
            Report(verdict=Verdict.TIME, first=Case(call="f(1)", expected="2")),
            "`f(1)`을 불렀더니 제한", "`f(1)` did not finish",
        ),
        (failure(Verdict.MEMORY, "MemoryError"), "메모리", "more memory"),
        (failure(Verdict.CRASHED, "Crashed"), "멈췄어요", "broke the place"),
        (failure(Verdict.NOT_RUN, "Language", "java"), "이 언어(java)", "for this language (java)"),
        (failure(Verdict.NOT_RUN, "NoTests"), "테스트가 없어요", "has no tests"),
        (failure(Verdict.NOT_RUN, "Lost"), "잘못이 아닐", "not be run: the place"),
        (failure(Verdict.NOT_RUN, "Busy"), "잠시 뒤", "in a moment"),
        (failure(Verdict.NOT_RUN, "Unsupported", "`del`"), "'del'이", "uses 'del'"),
        (failure(Verdict.TOO_DEEP, "RecursionError"), "깊이", "too deep"),
        (failure(Verdict.OUTPUT, "OutputFull"), "출력", "prints more"),
    ],
)  # fmt: skip
def test_every_verdict_is_told_in_both_languages(report: Report, korean: str, english: str) -> None:
    assert korean in l0_words(report, "ko")
    assert english in l0_words(report, "en")


def test_values_stay_code_whatever_they_hold() -> None:
    case = Case(call="f('`<b>`')", expected="'a\n\nb'", got="3")

    words = l0_words(Report(verdict=Verdict.FAILED, total=1, first=case), "en")

    assert "`` f('`<b>`') ``" in words
    assert "`'a b'`" in words


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_every_explanation_is_in_both_languages(locale: Locale) -> None:
    for text in [*ERRORS[locale].values(), *SYNTAX[locale].values()]:
        assert text.endswith((".", "요."))
