"""What a report says of usual slips, from a student's code through the sandbox to the words."""

from __future__ import annotations

import pytest

from web.runner.cases import Asserts
from web.runner.checker import Checker
from web.tutor.diagnosis import slips
from web.tutor.evidence.explain import EQUALS, SYNTAX
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.raised import raises
from web.tutor.evidence.report import Case, Report, Verdict
from web.tutor.markdown import render

TESTS = Asserts("assert f('a b') == 'A B'\nassert f('x') == 'X'\n")
SAID = {
    locale: {**texts, "equals": SYNTAX[locale][EQUALS]} for locale, texts in slips.TEXTS.items()
}


def named(slip: str) -> list[str]:
    """How this slip is told in each language, up to a name."""
    return [texts[slip].partition("{")[0] for texts in SAID.values()]


@pytest.mark.parametrize(
    ("slip", "code"),
    [
        ("printed", "def f(s):\n    print(s.upper())\n"),
        ("printed", "def f(s):\n    print('It is:', s.upper())\n"),
        ("uncalled", "def f(s):\n    return len\n"),
        ("uncalled", "def g(s):\n    return 1\ndef f(s):\n    return g\n"),
        ("uncalled", "class A:\n    def m(self):\n        return 1\ndef f(s):\n    return A().m\n"),
        ("method", "def f(s):\n    return s.upper\n"),
        ("method", "def f(s):\n    s = s.strip().upper\n    return s\n"),
        ("method", "def f(s):\n    x = [s]\n    return x.append\n"),
        ("blanks", "def f(s):\n    return s.upper().replace(' ', '  ')\n"),
        ("blanks", "def f(s):\n    return ' ' + s.upper()\n"),
        ("missing", "def ff(s):\n    return s\n"),
        ("missing", "x = 1\n"),
        ("missing", "class A:\n    def f(self, s):\n        return s\n"),
        ("equals", "def f(s):\n    if s = 'x':\n        return 1\n"),
        ("equals", "def f(s):\n    while len(s) = 3:\n        pass\n"),
        ("equals", "def f(s):\n    if s:\n        pass\n    elif not s = 2:\n        pass\n"),
        ("equals", "def f(s):\n    return [x for x in s if x = 'a']\n"),
        ("equals", "def f(s):\n    return 1 if s = 2 else 3\n"),
        ("equals", "def f(s):\n    if (s = 3):\n        return 1\n"),
        ("equals", "def f(s):\n    return s = 3\n"),
    ],
)
def test_a_slip_is_named_in_both_languages(checker: Checker, slip: str, code: str) -> None:
    report = checker.check(code, TESTS)

    words = [l0_words(report, "en", code), l0_words(report, "ko", code)]

    for said, word in zip(named(slip), words, strict=True):
        assert said in word


@pytest.mark.parametrize(
    ("code", "slip"),
    [
        ("def f(s):\n    print('nothing')\n", "printed"),
        ("def f(s):\n    print('XA BX')\n", "printed"),
        ("def f(s):\n    return 'None'\n", "printed"),
        ("def f(s):\n    return 'A C'\n", "blanks"),
        ("def f(s):\n    return g(s)\n", "missing"),
        ("def f(s):\n    return s.upper() + s.foo()\n", "method"),
        ("def f(s):\n    return (s\n", "equals"),
        ("def f(s):\n    s + 1 = s\n", "equals"),
    ],
)
def test_a_slip_that_is_not_there_is_not_named(checker: Checker, code: str, slip: str) -> None:
    report = checker.check(code, TESTS)

    for locale, said in zip(SAID, named(slip), strict=True):
        assert said not in l0_words(report, locale, code)


def test_the_names_that_are_there_are_told(checker: Checker) -> None:
    code = "def g(s):\n    return s\n\nasync def F(s):\n    return s\n"
    many = "".join(f"def f{number}():\n    pass\n" for number in range(9))

    words = l0_words(checker.check(code, TESTS), "en", code)

    assert words.startswith(
        "The tests call `f`, but your code does not define it. Your code defines: `g`, `F`."
    )
    assert "`f0`, `f1`, `f2`, `f3`, `f4`." in l0_words(checker.check(many, TESTS), "en", many)


@pytest.mark.parametrize("code", ["import numpy\n", "import Math\n", "from nump import x\n"])
def test_a_module_that_is_not_here_may_exist(checker: Checker, code: str) -> None:
    report = checker.check(code, TESTS)

    assert report.verdict is Verdict.ERROR
    assert "cannot be used where the tests run" in l0_words(report, "en")
    assert "이 모듈을 쓸 수 없어요" in l0_words(report, "ko")


def test_a_name_that_only_the_sandbox_lacks_is_no_mistake(checker: Checker) -> None:
    lacking = checker.check("from math import sumprod_, sqrt\n", TESTS)
    unloaded = checker.check("from turtle import forward\ndef f(s):\n    return s\n", TESTS)

    assert lacking.verdict is Verdict.ERROR
    assert "does not have this name" in l0_words(lacking, "en")
    assert unloaded.verdict is Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("expected", "got"), [("'a  b'", "'a b'"), ("'  a'", "'a'"), ("['a ', '']", "['a', '']")]
)
def test_blanks_stay_in_words_and_html(expected: str, got: str) -> None:
    case = Case(call="f('a   b')", expected=expected, got=got)
    report = Report(verdict=Verdict.FAILED, total=1, first=case)

    for locale in slips.TEXTS:
        words = l0_words(report, locale)
        assert f"`{expected}`" in words
        assert f"<code>{expected}</code>" in render(words)
        assert "<code>f('a   b')</code>" in render(words)


def test_both_languages_tell_the_same_slips() -> None:
    assert slips.TEXTS["en"].keys() == slips.TEXTS["ko"].keys()


def test_values_that_cannot_be_read_are_compared_as_they_are() -> None:
    deep = Case(call="f(1)", expected="[" * 200, got="None")

    assert slips.in_values(deep, f"{'[' * 200}", "en") == slips.TEXTS["en"]["printed"]
    assert slips.in_values(Case(call="f(1)", expected="''", got="None"), "x", "en") == ""


@pytest.mark.parametrize(
    ("code", "line", "own"),
    [
        ("x = 1\n    raise ValueError", 2, True),
        ("assert(x)", 1, True),
        ("raised = 1 / 0", 1, False),
        ("assertion(1)", 1, False),
        ("raise", 0, False),
        ("raise", 2, False),
    ],
)
def test_whether_a_line_raises_by_itself(code: str, line: int, own: bool) -> None:
    assert raises(code, line) is own
