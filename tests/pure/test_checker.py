"""The checker ends every program in a report, and the report says what went wrong."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from web.runner import host
from web.runner.cases import Asserts, Io, RunLimits, Tests
from web.runner.checker import Checker
from web.runner.host import MOST_WAITING, SandboxBusy
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict

DATA = Path(__file__).parents[1] / "data" / "buggy_python.jsonl"
LONG_REPR = "'" + "a" * 179 + "…(+122)"
TESTS = Asserts("assert f(1) == 2\nassert f(2) == 3\nassert f(3) == 4\n")
PATIENT = RunLimits(time_s=30.0)
"""A slow machine must not decide what is not about time."""


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with closing(Checker()) as checker:
        yield checker


def test_right_code_passes_every_case(checker: Checker) -> None:
    report = checker.check("def f(x):\n    return x + 1", TESTS)

    assert report == Report(verdict=Verdict.PASSED, passed=3, total=3)


def test_the_first_failing_case_is_told_and_the_rest_still_counted(checker: Checker) -> None:
    report = checker.check("def f(x):\n    return 9 if x == 2 else x + 1", TESTS)

    assert report.verdict == "failed"
    assert (report.passed, report.total) == (2, 3)
    assert report.first == Case(call="f(2)", expected="3", got="9")


def test_humaneval_style_shows_the_students_function_and_the_values_of_variables(
    checker: Checker,
) -> None:
    tests = """
def check(candidate):
    for number in range(3):
        assert candidate(number, [number]) == number + 1, "wrong"
    assert abs(candidate(5, []) - 6) < 0.1
    assert not candidate(-1, [])
    assert True, "never counted"
check(f)
"""
    report = checker.check("def f(x, y):\n    return x + 1 if x < 1 else 0", Asserts(tests))

    assert report.first == Case(call="f(1, [number])", expected="2", got="0")
    assert (report.passed, report.total) == (1, 3)


@pytest.mark.parametrize(
    ("test", "first"),
    [
        ("assert 2 == f(1)", Case(call="f(1)", expected="2", got="1")),
        ("assert f(0)", Case(call="f(0)", expected="True", got="0")),
        ("assert not f(1)", Case(call="f(1)", expected="False", got="1")),
        ("assert f(1) is None", Case(call="f(1)", expected="None", got="1")),
        ("x = 7\nassert f(x) == 2", Case(call="f(7)", expected="2", got="7")),
        ("assert f('a' * 300) == 1", Case(call="f('a' * 300)", expected="1", got=LONG_REPR)),
        ("assert f(1) == " + "2" * 300, Case(call="f(1)", expected="2" * 180 + "…(+120)", got="1")),
    ],
)  # fmt: skip
def test_each_form_of_assert_names_call_expected_and_got(
    checker: Checker, test: str, first: Case
) -> None:
    assert checker.check("def f(x):\n    return x", Asserts(test)).first == first


def test_the_students_own_names_do_not_break_the_tests(checker: Checker) -> None:
    code = "len = repr = str = type = 3\ndef f(x):\n    return 'wrong'"

    assert checker.check(code, Asserts("assert f(1) == 2")).first == Case(
        call="f(1)", expected="2", got="'wrong'"
    )


def test_an_error_names_the_line_of_the_students_code(checker: Checker) -> None:
    code = "def helper(x):\n    return [][x]\n\n\ndef f(x):\n    return helper(x)\n"

    report = checker.check(code, TESTS)

    assert report.verdict == "error"
    assert report.error == ProgramError(
        kind="IndexError", message="list index out of range", line=2
    )
    assert report.first == Case(
        call="f(1)", expected="2", error="IndexError: list index out of range"
    )


def test_an_error_later_than_a_wrong_value_is_not_the_first(checker: Checker) -> None:
    report = checker.check("def f(x):\n    return 1 // (x - 2)", TESTS)

    assert report.first == Case(call="f(1)", expected="2", got="-1")
    assert report.error is None


@pytest.mark.parametrize("second", ["2", "{}[x]"])
def test_the_line_is_that_of_the_one_run_that_there_was(checker: Checker, second: str) -> None:
    code = f"n = []\ndef f(x):\n    n.append(x)\n    return [][x] if len(n) == 1 else {second}"

    report = checker.check(code, Asserts("assert f(1) == 2"))

    assert report.error == ProgramError(
        kind="IndexError", message="list index out of range", line=4
    )


@pytest.mark.parametrize(
    ("code", "verdict", "kind", "line"),
    [
        ("def f(x)\n    return 1", "syntax", "SyntaxError", 1),
        ("x = 1\n  y = 2", "syntax", "SyntaxError", 2),
        ("x = 1\n\0", "syntax", "SyntaxError", 2),
        ("(" * 60_000, "too_deep", "RecursionError", None),
        ("eval('(' * 60_000)", "error", "MemoryError", 1),
        ("x = 1\nx.nothing", "error", "AttributeError", 2),
        ("import numpy", "error", "ModuleNotFoundError", 1),
        ("import os\nos.listdir('/')", "error", "FileNotFoundError", 2),
        ("open('/etc/passwd')", "error", "FileNotFoundError", 1),
        ("def f(x):\n    return f(x)", "error", "RecursionError", 2),
        ("raise SystemExit", "error", "SystemExit", 1),
        ("raise TimeoutError('mine')", "error", "TimeoutError", 1),
        ("raise MemoryError('mine')", "error", "MemoryError", 1),
        ("", "error", "NameError", None),
        ("x = '\ud800'", "error", "NameError", None),
        ("# " + "x" * 65_536, "error", "NameError", None),
    ],
)
def test_bad_code_ends_in_a_report(
    checker: Checker, code: str, verdict: str, kind: str, line: int | None
) -> None:
    report = checker.check(code, TESTS)

    assert report.error
    assert (report.verdict, report.error.kind, report.error.line) == (verdict, kind, line)
    assert report.total == 3
    json.dumps(report.as_json())


def test_a_loop_without_end_stops_at_the_case_that_runs(checker: Checker) -> None:
    code = "def f(x):\n    while x > 1:\n        pass\n    return 2"

    report = checker.check(code, TESTS)

    assert report.verdict == "time"
    assert (report.passed, report.total) == (1, 3)
    assert report.first == Case(
        call="f(2)", expected="3", error="TimeoutError: ran longer than 1 s"
    )


def test_student_code_cannot_swallow_the_time_limit(checker: Checker) -> None:
    code = (
        "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass"
    )

    assert checker.check(code, TESTS).verdict == "time"


@pytest.mark.parametrize(
    "code",
    [
        "x = [0] * 10**9",
        "x = '1' * 10**9",
        "x = []\nwhile True: x.append('a' * 1000)",
        "def f(x):\n    y = []\n    while True: y.append('a' * 99)",
    ],
)
def test_a_memory_bomb_ends_in_a_report(checker: Checker, code: str) -> None:
    report = checker.check(code, TESTS, PATIENT)

    assert report.verdict == "memory"
    assert report.error
    assert report.error.message == "used more than 128 MB"
    assert checker.check("def f(x):\n    return x + 1", TESTS).verdict == "passed"


def test_output_is_cut_and_holds_no_control_characters(checker: Checker) -> None:
    code = "def f(x):\n    print('a\\0b')\n    return x + 1\nfor i in range(9999): print('line')"

    report = checker.check(code, TESTS)
    small = checker.check("print('a\\0b')\ndef f(x): return x + 1", TESTS)

    assert report.verdict == "passed"
    assert report.output.endswith("line\n…(+48,027)")
    assert small.output == "ab\n"


@pytest.mark.parametrize(
    ("code", "feature"),
    [
        ("import tkinter", "module tkinter"),
        ("from turtle import forward", "module turtle"),
        ("def f(x):\n    import ctypes.util", "module ctypes"),
        ("import threading\nthreading.Thread(target=print).start()", "threads"),
        ("import heapq, collections, itertools, decimal, re, asyncio\nf = int", None),
        ("import numpy", None),
        ("raise ModuleNotFoundError('mine')", None),
        ("raise RuntimeError('mine')", None),
    ],
)
def test_what_only_the_sandbox_lacks_is_not_blamed_on_the_student(
    checker: Checker, code: str, feature: str | None
) -> None:
    report = checker.check(code, TESTS)

    if feature:
        assert report.verdict == "not_run"
        assert report.error
        assert (report.error.kind, report.error.message) == ("Unsupported", feature)
    else:
        assert report.verdict in ("error", "failed")


def test_what_waits_takes_no_time(checker: Checker) -> None:
    code = (
        "import asyncio, time\nasync def g(n):\n    await asyncio.sleep(50 * n)\n    return n\n"
        "async def h():\n    return await asyncio.gather(g(2), g(1))\n"
        "def f(x):\n    time.sleep(3600)\n    return asyncio.run(h())"
    )

    assert checker.check(code, Asserts("assert f(1) == [2, 1]")).verdict == "passed"


def test_an_unimplemented_function_of_the_student_is_an_error(checker: Checker) -> None:
    code = "def f(x):\n    raise NotImplementedError('do this later')"

    assert checker.check(code, TESTS).verdict == "error"
    assert checker.check("raise NameError('own words')", TESTS).verdict == "error"


@pytest.mark.parametrize(
    ("tests", "language", "kind"),
    [
        (TESTS, "java", "Language"),
        (None, "python", "NoTests"),
        (Asserts(""), "python", "NoTests"),
        (Asserts("assert f(1) =="), "python", "NoTests"),
        (Asserts("def check(candidate):\n    assert candidate(1) == 2"), "python", "NoTests"),
        (Io(()), "python", "NoTests"),
    ],
)
def test_without_tests_that_can_run_nothing_passes(
    checker: Checker, tests: Tests | None, language: str, kind: str
) -> None:
    report = checker.check("def f(x):\n    return x + 1", tests, language=language)

    assert report.verdict == "not_run"
    assert report.error
    assert report.error.kind == kind


def test_broken_test_code_around_the_asserts_is_an_error(checker: Checker) -> None:
    report = checker.check(
        "def f(x): return 2", Asserts("assert f(1) == 2\ng(1)\nassert f(2) == 3")
    )

    assert (report.verdict, report.passed, report.total, report.first) == ("error", 1, 2, None)


def test_threads_share_one_checker(checker: Checker) -> None:
    codes = [f"def f(x):\n    return {number}" for number in range(6)]

    with ThreadPoolExecutor(len(codes)) as threads:
        reports = list(
            threads.map(lambda code: checker.check(code, Asserts("assert f(0) == -1")), codes)
        )

    assert [report.first.got for report in reports if report.first] == list("012345")


def test_who_waits_too_long_for_a_sandbox_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "WAIT_S", 0.05)
    with closing(Checker(processes=1)) as busy, busy.places.take(), pytest.raises(SandboxBusy):
        busy.check("x = 1", TESTS)


def test_few_wait_for_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "WAIT_S", 60)
    started = Barrier(2 + MOST_WAITING)
    with closing(Checker(processes=1)) as busy, ThreadPoolExecutor(1 + MOST_WAITING) as threads:
        with busy.places.take():
            waiting = [threads.submit(waits, busy, started) for _ in range(MOST_WAITING)]
            extra = threads.submit(started.wait, 20)
            started.wait(20)
            extra.result()
            while busy.places.seats._value:
                time.sleep(0.01)

            with pytest.raises(SandboxBusy):
                busy.check("x = 1", TESTS)

        assert {each.result() for each in waiting} == {"passed"}
        assert busy.check("def f(x): return x + 1", TESTS).verdict == "passed"


def waits(checker: Checker, started: Barrier) -> str:
    started.wait(20)
    return checker.check("def f(x): return x + 1", TESTS).verdict


def test_a_report_survives_json(checker: Checker) -> None:
    for code in ("def f(x): return 1", "def f(x): return [][1]", "def f(x): return x + 1"):
        report = checker.check(code, TESTS)

        assert Report.from_json(json.loads(json.dumps(report.as_json()))) == report
        assert set(report.as_json()) == {
            "verdict", "passed", "total", "first", "error", "output", "facts", "steps",
        }  # fmt: skip


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DATA.read_text().splitlines()]


def test_the_fix_of_every_real_bug_passes(checker: Checker, records: list[dict[str, Any]]) -> None:
    reports = [
        checker.check(r["bug_fix"], Asserts("\n".join(r["tests"])), PATIENT) for r in records
    ]

    assert len(records) == 164
    assert {report.verdict.value for report in reports} == {"passed"}


def test_every_real_bug_is_found(checker: Checker, records: list[dict[str, Any]]) -> None:
    reports = [checker.check(r["buggy_code"], Asserts("\n".join(r["tests"]))) for r in records]

    assert {report.verdict.value for report in reports} <= {"failed", "error", "time", "memory"}
    assert sum(report.first is not None for report in reports) >= 160


@pytest.mark.parametrize(
    ("code", "verdict", "got"),
    [
        ("def f(n):\n    return n", Verdict.FAILED, "-1"),
        ("def f(n):\n    if n < 0:\n        raise ValueError\n    return n", Verdict.PASSED, None),
        ("def f(n):\n    return n / 0", Verdict.ERROR, None),
    ],
)
def test_who_should_raise_and_does_not_fails(
    checker: Checker, code: str, verdict: Verdict, got: str | None
) -> None:
    raising = "try:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass\n"
    tests = Asserts(f"{raising}assert f(1) == 1")

    report = checker.check(code, tests)

    assert report.verdict is verdict
    assert (report.first.got if report.first else None) == got
    if got:
        assert report.first
        assert (report.first.call, report.first.expected) == ("f(-1)", "ValueError")


def test_who_is_to_raise_is_called_once(checker: Checker) -> None:
    code = (
        "calls = []\ndef f(n):\n    calls.append(n)\n    if len(calls) > 1:\n"
        "        raise KeyError('second')\n    return n"
    )
    tests = Asserts("try:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass")

    report = checker.check(code, tests)

    assert report.verdict is Verdict.FAILED
    assert report.first
    assert (report.first.got, report.first.expected, report.total) == ("-1", "ValueError", 1)
    assert checker.check("def f(n):\n    raise ValueError", tests).passed == 1


def test_an_assert_that_cannot_hold_fails_where_it_is_reached(checker: Checker) -> None:
    tests = Asserts("if f(1) != 2:\n    assert False\nassert f(3) == 3")

    assert checker.check("def f(n):\n    return n", tests).verdict is Verdict.ERROR
    assert checker.check("def f(n):\n    return n + (n == 1)", tests).verdict is Verdict.PASSED
