"""Programs that read standard input and print: checkers, limits, what a report says of a case."""

from __future__ import annotations

from typing import Any

import pytest

from web.runner.cases import Io, IoCase, RunLimits
from web.runner.checker import Checker
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Case

ADD = "a, b = map(int, input().split())\nprint(a + b)"
NOTE = {"ko": "음수를 생각해 보세요.", "en": "Think of negative numbers."}


def one(expected: str, checker: str = "tokens", **compared: Any) -> Io:
    return Io((IoCase(stdin="", expected=expected),), checker, **compared)


@pytest.mark.parametrize(
    ("how", "expected", "good", "bad"),
    [
        ("tokens", "YES 3", ["yes 3", "Yes\n3", "YES 3"], ["no 3", "yes3", "yes 4"]),
        ("exact", "Ja Nein\n", ["ja nein", "JA NEIN\n"], ["ja  nein", "ja", "nein ja"]),
        ("float", "Mean 1.5e3", ["mean 1500.0", "MEAN 1.5E3"], ["mean 1501", "median 1500"]),
        ("tokens", "Éclair Straße", ["éclair straße", "ÉCLAIR STRASSE"], ["eclair straße"]),
        ("tokens", "가 Ω", ["가 ω"], ["나 ω"]),
    ],
)
def test_letter_case_counts_unless_the_exercise_says_so(
    checker: Checker, how: str, expected: str, good: list[str], bad: list[str]
) -> None:
    for loose in (True, False):
        tests = one(expected, how, ignores_case=loose, relative=1e-6)
        right = [checker.check(f"print({text!r}, end='')", tests).verdict for text in good]
        wrong = [checker.check(f"print({text!r}, end='')", tests).verdict for text in bad]

        assert set(wrong) == {"failed"}
        assert set(right) == {"passed"} if loose else "failed" in right
    same = f"print({expected!r}, end='')"
    assert checker.check(same, one(expected, how, relative=1e-6)).verdict == "passed"


def test_every_case_is_a_run_of_its_own(checker: Checker) -> None:
    tests = Io((IoCase(stdin="1 2\n", expected="3\n"), IoCase(stdin="-1 1\n", expected="0\n")))

    report = checker.check(ADD, tests)

    assert (report.verdict, report.passed, report.total) == ("passed", 2, 2)


def test_the_first_wrong_case_is_told_with_its_input(checker: Checker) -> None:
    tests = Io((
        IoCase(stdin="1 2\n", expected="3\n"),
        IoCase(stdin="2 3\n", expected="6\n", note=NOTE),
        IoCase(stdin="3 3\n", expected="9\n"),
    ))  # fmt: skip

    report = checker.check(ADD, tests)

    assert (report.verdict, report.passed, report.total) == ("failed", 1, 3)
    assert report.first == Case(call="", stdin="2 3\n", expected="6\n", got="5\n", note=NOTE)
    words = l0_words(report, "en")
    assert words.startswith("With the input `2 3` your program should print `6`")
    assert NOTE["en"] in words
    assert NOTE["ko"] in l0_words(report, "ko")


def test_of_a_hidden_case_only_the_note_is_told(checker: Checker) -> None:
    tests = Io((
        IoCase(stdin="1 2\n", expected="3\n"),
        IoCase(stdin="777 1\n", expected="888\n", visible=False, note=NOTE),
    ))  # fmt: skip

    report = checker.check(ADD, tests)

    assert (report.verdict, report.passed, report.total) == ("failed", 1, 2)
    assert report.first == Case(call="", stdin="", expected="", got=None, hidden=True, note=NOTE)
    assert report.output == "3\n"
    for locale in ("en", "ko"):
        words = l0_words(report, locale)
        assert NOTE[locale] in words
        assert not any(number in words for number in ("777", "778", "888"))


@pytest.mark.parametrize(
    "code",
    [
        "import tkinter",
        "import threading\nthreading.Thread(target=print).start()",
        "print(len(range(10 ** 10)))",
    ],
)
def test_what_a_program_needs_is_told_where_all_cases_are_hidden(
    checker: Checker, code: str
) -> None:
    told = [
        checker.check(code, Io((IoCase(stdin="", expected="1", visible=visible),)))
        for visible in (True, False)
    ]

    assert l0_words(told[0], "en") == l0_words(told[1], "en")


def test_a_visible_case_is_told_before_a_hidden_one(checker: Checker) -> None:
    tests = Io((
        IoCase(stdin="1 1\n", expected="0\n", visible=False),
        IoCase(stdin="2 2\n", expected="0\n"),
    ))  # fmt: skip

    report = checker.check(ADD, tests)

    assert report.first
    assert (report.first.stdin, report.passed, report.total) == ("2 2\n", 0, 2)


@pytest.mark.parametrize(
    ("program", "tests", "verdict"),
    [
        ("print(1, 2)", one("1 2\n"), "passed"),
        ("print(1)\nprint(2)", one("1 2"), "passed"),
        ("print('1  2 ')", one("1 2"), "passed"),
        ("print(12)", one("1 2"), "failed"),
        ("print('A')", one("a"), "failed"),
        ("print(1.0)", one("1"), "failed"),
        ("print(1, 2)", one("1 2\n", "exact"), "passed"),
        ("print('1 2', end='')", one("1 2\n", "exact"), "passed"),
        ("print('1 2')", one("1 2\r\n", "exact"), "passed"),
        ("print('1  2')", one("1 2\n", "exact"), "failed"),
        ("print('1 2 ')", one("1 2\n", "exact"), "failed"),
        ("print('1 2\\n')", one("1 2\n", "exact"), "failed"),
        ("print(1 / 3)", one("0.333333", "float", absolute=1e-5), "passed"),
        ("print(1 / 3)", one("0.3333", "float", absolute=1e-6), "failed"),
        ("print(1000001)", one("1000000", "float", relative=1e-5), "passed"),
        ("print(1000001)", one("1000000", "float", absolute=1e-5), "failed"),
        ("print('nan')", one("1", "float", absolute=9.0), "failed"),
        ("print('inf')", one("1", "float", absolute=9.0), "failed"),
        ("print('inf')", one("inf", "float", absolute=9.0), "passed"),
        ("print('yes 1')", one("yes 1.0", "float", absolute=1e-9), "passed"),
        ("print('no 1')", one("yes 1.0", "float", absolute=1e-9), "failed"),
        ("print(1, 2)", one("1", "float", absolute=1e-9), "failed"),
        ("print(0.1 + 0.2)", one("0.3", "float"), "failed"),
    ],
)
def test_each_checker_compares_in_its_own_way(
    checker: Checker, program: str, tests: Io, verdict: str
) -> None:
    assert checker.check(program, tests).verdict == verdict


def test_no_case_sees_what_another_one_has_left(checker: Checker) -> None:
    tests = Io((IoCase(stdin="", expected="1"), IoCase(stdin="", expected="1")))
    code = "try:\n    x += 1\nexcept NameError:\n    x = 1\nprint(x)\nimport sys\n"
    code += "sys.setrecursionlimit(50)"

    assert checker.check(code, tests).verdict == "passed"


@pytest.mark.parametrize(
    ("code", "verdict", "kind"),
    [
        ("while True: print('x' * 1000)", "output", "OutputFull"),
        ("print('1')\nwhile True: pass", "time", "TimeoutError"),
        ("print('1')\nx = [0] * 10**9", "memory", "MemoryError"),
        ("print(input())", "error", "EOFError"),
        ("import sys\nprint(1)\nsys.exit(1)", "error", "SystemExit"),
        ("print(1", "syntax", "SyntaxError"),
    ],
)
def test_what_stops_a_program_is_the_verdict(
    checker: Checker, code: str, verdict: str, kind: str
) -> None:
    report = checker.check(code, one("1"), RunLimits(time_s=0.3))

    assert report.error
    assert (report.verdict, report.error.kind) == (verdict, kind)
    assert (report.passed, report.total) == (0, 1)
    assert l0_words(report, "en")
    assert l0_words(report, "ko")


def test_limits_are_those_that_are_given(checker: Checker) -> None:
    code = "x = bytearray(150 * 2**20)\nprint(1)"
    slow = "s = 0\nfor i in range(2_000_000): s += i\nprint(1)"

    assert checker.check(code, one("1")).verdict == "memory"
    assert checker.check(code, one("1"), RunLimits(5.0, 400 * 2**20)).verdict == "passed"
    assert checker.check(slow, one("1"), RunLimits(0.1)).verdict == "time"
    assert checker.check(slow, one("1"), RunLimits(10.0)).verdict == "passed"
