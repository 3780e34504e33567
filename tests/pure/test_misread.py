"""What novices write that Python cannot read: told as what stands there, never as what to write."""

from __future__ import annotations

import pytest

from web.ops.judging import hints_of
from web.runner.cases import Asserts
from web.runner.checker import Checker
from web.tutor.evidence.explain import explain_syntax
from web.tutor.evidence.misread import SAID, misread
from web.tutor.evidence.report import Verdict
from web.tutor.languages import LANGUAGES

TESTS = Asserts("assert f(1) == 2\n")


MET = [
    ("if tag = '':\n    x = 1", 1, "asks", "="),
    ("n = 1\nwhile n = 1:\n    n = 2", 2, "asks", "="),
    ("def f(a):\n    return a = 3", 2, "asks", "="),
    ("if a == 1:\n    b = 1\nelse if a == 2:\n    b = 2", 3, "else_if", "if"),
    ("class = 3", 1, "own_word", "class"),
    ("for in in [1]:\n    pass", 1, "own_word", "in"),
    ("def lambda(x):\n    return x", 1, "own_word", "lambda"),
    ("print(“hi”)", 1, "quote", "“"),
    ("s = ‘a’", 1, "quote", "‘"),
    ("print（1）", 1, "wide", "（"),
    ("if n == 1：\n    pass", 1, "wide", "："),
    ("x = [1，2]", 1, "wide", "，"),
    ("x ＝ 3", 1, "wide", "＝"),
    ("x = 3 × 4", 1, "strange", "×"),
    ("if a ≤ 3:\n    pass", 1, "strange", "≤"),
    ("x = 3？", 1, "strange", "？"),
    ("x = [1, …]", 1, "strange", "…"),
    ("i = 0\ni++", 2, "unknown_sign", "++"),
    ("if a && b:\n    pass", 1, "unknown_sign", "&&"),
    ("if a => 3:\n    pass", 1, "unknown_sign", "=>"),
    ("if a =< 3:\n    pass", 1, "unknown_sign", "=<"),
    ("if !a:\n    pass", 1, "unknown_sign", "!"),
    ("x := 3", 1, "alone_walrus", ":="),
    ("int x = 3", 1, "typed_name", "int"),
    ("function f(n):\n    return n", 1, "function_word", "function"),
    ("def f(n) {\n    return n\n}", 1, "curly_block", "{"),
    ("function f(x) {\n    return x\n}", 1, "function_word", "function"),
    ("func f(x) {\n}", 1, "function_word", "func"),
    ("for i range(3):\n    print(i)", 1, "no_in", ""),
    ("for i in range(3) print(i)", 1, "no_colon", ""),
    ("x = 1\nelse:\n    x = 2", 2, "nothing_above", "else"),
    ("If n == 1:\n    pass", 1, "capital", "If"),
    ("n == 3:\n    print(n)", 1, "no_opener", ""),
    ("x = 5 +", 1, "goes_on", "+"),
    ("if (n > 3:\n    pass", 1, "open_bracket", ""),
    ("return 3", 1, "outside_function", "return"),
    ("x = 1\nbreak", 2, "outside_loop", "break"),
    ("if (a && b):\n    pass", 1, "unknown_sign", "&&"),
    ("if a:\n    pass\nelif (a == 2 || b == 2):\n    pass", 3, "unknown_sign", "||"),
    ("while (i < 10 && n < 5):\n    pass", 1, "unknown_sign", "&&"),
    ("if (x => 10):\n    pass", 1, "unknown_sign", "=>"),
    ("if max(a, default=0) => 3:\n    pass", 1, "unknown_sign", "=>"),
    ("if len(max(a, key=len)) > 3 && len(a) > 1:\n    pass", 1, "unknown_sign", "&&"),
    ("if f(x, y=1) == 2 || a.sort(key=g(b, c=1)):\n    pass", 1, "unknown_sign", "||"),
    ("if f(x, y=1) = 2:\n    pass", 1, "asks", "="),
    ("if (f(x, y=1) = 2):\n    pass", 1, "asks", "="),
    ("while(n = 1):\n    pass", 1, "asks", "="),
    ("for in range(3):\n    pass", 1, "no_name", ""),
    ("for if in [1]:\n    pass", 1, "own_word", "if"),
    ("class pass:\n    pass", 1, "own_word", "pass"),
    ("if x:\n    a = 1\nprint(x)\nelse:\n    a = 2", 4, "nothing_above", "else"),
    ("elseif x:\n    y = 1", 1, "no_word", "elseif"),
    ("for (i = 0; i < 3; i++):\n    pass", 1, "loop_of_c", ";"),
    ("if n > 0 and:\n    pass", 1, "cut_short", "and"),
    ("if n ==:\n    pass", 1, "cut_short", "=="),
    ("this prints the sum", 1, "side_by_side", ""),
    ("x = 3 – 1", 1, "dash", "–"),
    ("def f(n):\n    ㄱㄷ셕ㅜ n", 2, "keyboard", "ㄱㄷ셕ㅜ"),
    ("ㅑㄹ x > 3:\n    pass", 1, "keyboard", "ㅑㄹ"),
    ("래ㄱ i in x:\n    pass", 1, "keyboard", "래ㄱ"),
]


@pytest.mark.parametrize(("code", "line", "what", "piece"), MET)
def test_what_python_met_is_told_in_both_languages(
    checker: Checker, code: str, line: int, what: str, piece: str
) -> None:
    report = checker.check(code, TESTS)
    report = checker.explain(report, code, TESTS)

    assert report.verdict is Verdict.SYNTAX
    assert report.error
    assert (report.error.line, report.facts[0].line) == (line, line)
    assert misread(report.error.message, code.split("\n")[line - 1]) == (what, piece)
    hints = hints_of(report, code, "a")
    for locale in LANGUAGES:
        told = SAID[locale][what].partition("{")[2].partition("}")[2] or SAID[locale][what]
        assert any(told in str(hints[level][locale]) for level in (1, 2))
        assert f"`{piece}`" in str(hints[1][locale]) or not piece


@pytest.mark.parametrize("code", ["# later\n", "x = 1\n", "f\n", "f = lambda n: n\ndel f\n"])
def test_who_has_made_no_function_is_not_asked_for_its_name(checker: Checker, code: str) -> None:
    report = checker.explain(checker.check(code, TESTS), code, TESTS)

    for told in hints_of(report, code, "a").values():
        assert "function that your program makes" not in str(told["en"])
        assert "프로그램이 만드는 함수" not in str(told["ko"])


def test_who_has_made_one_is(checker: Checker) -> None:
    code = "def total(n):\n    return n\n"
    report = checker.explain(checker.check(code, TESTS), code, TESTS)

    assert "function that your program makes" in str(hints_of(report, code, "a")[1]["en"])


PLAIN = [
    "def f(n)\n    return n", "print('a'\nx = 1", "print('hello)", "print 'x'", "xs = [1 2 3]",
    "def f(n):\nreturn n", "def f(n):\n    a = 1\n     b = 2", "1a = 3", "f(1) = 3", "x = (1, 2]",
    "if x is not in y:\n    pass", "x = sorted(a, reverse=True) if a", "x = {'a': 1, 'b' 2}",
    "x = '=> && ++' 3 4 +", "def f(n):\n\ta = 1\n        b = 2",
]  # fmt: skip


@pytest.mark.parametrize("code", PLAIN)
def test_what_the_parser_says_well_itself_is_told_by_its_words(checker: Checker, code: str) -> None:
    report = checker.check(code, TESTS)

    assert report.error
    assert report.error.line
    line = code.split("\n")[report.error.line - 1]
    met = misread(report.error.message, line)
    assert met is None or met[0] == "goes_on"
    for locale in LANGUAGES:
        assert explain_syntax(report.error.message, locale, code, report.error.line)


@pytest.mark.parametrize(
    "line",
    [
        "x[" * 5_000,
        "x[]" * 5_000,
        "if a" + " = " * 5_000,
        "for " * 5_000,
        "'\\" * 5_000,
        "((" * 9_000,
    ],
)
def test_a_line_made_to_be_slow_is_read_in_one_go(line: str) -> None:
    """One that goes back and forth over it would not come to its end here."""
    met = misread("invalid syntax", line)

    assert met is None or met[0] in SAID["en"]


def test_every_text_is_the_rest_of_a_sentence_in_both_languages() -> None:
    for texts in SAID.values():
        for text in texts.values():
            assert text.endswith((".", "요."))
            assert "==" not in text


@pytest.mark.parametrize(
    "line", ["for (a, b) in x: c = 1; d e", "for (a) in (b): c; d e", "for x in f(';'): a b"]
)
def test_a_loop_over_values_is_none_of_another_language(line: str) -> None:
    assert (misread("invalid syntax", line) or ("",))[0] != "loop_of_c"
