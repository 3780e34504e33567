"""Whatever a program does, its report is small: in the row, in the answer, and in memory."""

import json

import psutil
import pytest

from web.runner.cases import Asserts
from web.runner.checker import Checker
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import LENGTHS, Case, ProgramError, Report, Verdict, shorten

TESTS = Asserts("assert f(1) == 2\n")
MOST_BYTES = 16 * 1024
MOST_MB = 96
"""By which this process may have grown; one raised text of 30 MB leaves less."""
HOSTILE = {
    "a long text": "def f(x): return 'x' * 10**7",
    "a long text in four-byte letters": "def f(x): return '\U0001f600' * 10**6",
    "a last line whose value is huge": "def f(x): return 1\n['x' * 10**6] * 300",
    "the same behind a comment": "def f(x): return 1\n['x' * 10**6] * 300 # \\",
    "a value shared many times": "a = ['x' * 10**6] * 300\ndef f(x): return a",
    "a value nested deeply": "def f(x):\n a = []\n for i in range(10**5): a = [a]\n return a",
    "a value that holds itself": "def f(x):\n a = []\n a.append(a)\n return a",
    "a long repr": "class A:\n def __repr__(self): return 'x' * 10**7\ndef f(x): return A()",
    "a number of 4,000 digits": "def f(x): return 10**4000",
    "a number that takes long to write": "def f(x): return 1 << 60_000_000",
    "a message of 30 MB": "raise ValueError('x' * 3 * 10**7)",
    "a message of control characters": "raise ValueError('\\x01' * 3 * 10**7)",
    "a message that no except sees": "def f(x): raise SystemExit('x' * 10**7)",
    "a message in a case": "def f(x): raise ValueError('x' * 10**7)",
    "an unknown name of 60 KB": "y" * 60_000,
    "a traceback of long lines": f"def f(x): return g(x) #{'a' * 30_000}\ndef g(x): return f(x)",
    "one long line printed": "print('x' * 3 * 10**7)\ndef f(x): return 1",
    "many lines printed": "for i in range(10**5): print('x' * 99)\ndef f(x): return 1",
    "half characters and NUL": "print('\\ud800\\0' * 5_000)\ndef f(x): return '\\ud800\\0' * 5_000",
    "the prelude's cut taken away": "def _hl_cut(t, m=0): return t\ndef f(x): return 'x' * 10**7",
    "the prelude's notes filled": "a = 'x' * 10**7\n_hl_bad[0] = (a, a, a, a, a)\n"
    "_hl_seen[0] = 1\ndef f(x): return 1",
    "the notes filled with lists": "a = ['x' * 10**6] * 300\n_hl_bad[0] = (a, a, a, '', '')\n"
    "_hl_seen[0] = 1\ndef f(x): return 1",
    "the notes filled with nests": "a = []\nfor i in range(3_000): a = [a]\n"
    "_hl_bad[0] = (a, a, a, a, a)\n_hl_seen[0] = 1\ndef f(x): return 1",
    "the notes filled with too little": "_hl_bad[0] = ()\n_hl_seen[0] = 1\ndef f(x): return 1",
    "a million notes": "for i in range(10**5): _hl_bad[i] = _hl_seen[i] = ('a',) * 5\n"
    "def f(x): return 1",
    "no notes": "_hl_at = _hl_seen = _hl_bad = None\ndef f(x): return 1",
    "notes that lie about their number": "_hl_len = lambda x: 10**4000\ndef f(x): return 1",
}  # fmt: skip


def bytes_of(report: Report) -> int:
    return len(json.dumps(report.as_json(), ensure_ascii=False).encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_has_a_small_report_and_few_words(checker: Checker, name: str) -> None:
    report = checker.check(HOSTILE[name], TESTS)

    assert bytes_of(report) <= MOST_BYTES
    for locale in ("ko", "en"):
        assert len(l0_words(report, locale).encode()) <= MOST_BYTES  # type: ignore[arg-type]
    text = json.dumps(report.as_json(), ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode()
    assert Report.from_json(report.as_json()) == report


def test_the_process_does_not_grow_with_what_programs_make(checker: Checker) -> None:
    process = psutil.Process()
    checker.check("def f(x): return 1", TESTS)
    before_mb = process.memory_info().rss / 2**20

    for code in [*HOSTILE.values(), *HOSTILE.values()]:
        checker.check(code, TESTS)

    assert process.memory_info().rss / 2**20 - before_mb < MOST_MB


def test_many_failing_cases_make_one_report(checker: Checker) -> None:
    tests = "for i in range(100_000):\n    assert f(i, 'x' * 300) == i\n"

    report = checker.check("def f(x, y): return 'y' * 300", Asserts(tests))

    assert (report.passed, report.total) == (0, 1)
    assert bytes_of(report) < 1_000


def test_what_was_left_out_is_told() -> None:
    cut = shorten("a" * 10_000, 200)

    assert cut == "a" * 180 + "…(+9,820)"
    assert len(shorten("a" * 10**8, 200)) <= 200
    assert shorten("a" * 200, 200) == "a" * 200
    assert shorten("a", 200, dropped=5) == "a…(+5)"
    assert shorten("a\0\ud800b\n", 200) == "ab\n"
    assert len(shorten("a" * 200, 200, dropped=10**11)) <= 200


def test_the_sandbox_cuts_as_the_report_does(checker: Checker) -> None:
    report = checker.check("def f(x): return 'a' * 9_998", TESTS)

    assert report.first == Case(call="f(1)", expected="2", got=shorten(repr("a" * 9_998), 200))


def test_an_old_row_without_limits_is_read_within_them() -> None:
    long, nest = "x\0" * 10**6, [["x" * 10**5] * 9] * 9
    row = {
        "verdict": "failed",
        "passed": -1,
        "total": 10**30,
        "first": {"call": long, "expected": nest, "got": long, "error": long},
        "error": {"kind": long, "message": nest, "line": 3},
        "output": long,
    }

    report = Report.from_json(row)

    assert bytes_of(report) < MOST_BYTES
    assert "\0" not in report.output


def test_the_largest_report_is_small() -> None:
    wide = "\U0001f600" * 10_000
    case = Case(call=wide, expected=wide, got=wide, error=wide)
    report = Report(
        verdict=Verdict.ERROR,
        first=case,
        error=ProgramError(kind=wide, message=wide, line=1),
        output=wide,
    ).cut()

    assert bytes_of(report) <= MOST_BYTES
    assert len(report.output) <= LENGTHS["output"]
