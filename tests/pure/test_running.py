"""One run judges a program and explains it: as two runs would, and nothing is left for the next."""

from __future__ import annotations

import pytest

from tests.pure.test_facts import SAMPLES, Sample, names
from tests.pure.test_hostile import FORGED
from web.runner.cases import Asserts, Io, IoCase, RunLimits, Tests
from web.runner.checker import Checker
from web.runner.host import Places
from web.tutor.evidence.report import Report

PATIENT, QUICK = RunLimits(time_s=3.0), RunLimits(time_s=0.3)
TESTS = Asserts("assert f(1) == 2")
VISIBLE = IoCase(stdin="1\n", expected="2\n")
HIDDEN = IoCase(stdin="hunter2\n", expected="swordfish\n", visible=False)
KEEPS = """\
import builtins
x = input()
builtins.kept = [*getattr(builtins, "kept", []), x]
y = builtins.kept[-1]
print(y, *builtins.kept)
"""
"""Has a memory beyond its namespace."""
DEEP = "import sys\nsys.setrecursionlimit(10**6)\ndef f(x):\n    return f(x)\n"


def once(checker: Checker, code: str, tests: Tests, limits: RunLimits = PATIENT) -> Report:
    with checker.running(code, tests, limits) as judged:
        assert not judged.report.facts
        return judged.explained()


def twice(checker: Checker, code: str, tests: Tests, limits: RunLimits = PATIENT) -> Report:
    return checker.explain(checker.check(code, tests, limits), code, tests, limits)


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_one_run_tells_what_two_tell(checker: Checker, sample: Sample) -> None:
    limits, tests = (PATIENT if sample.ends else QUICK), Asserts(sample.tests)

    report = once(checker, sample.code, tests, limits)

    assert (sample.kind, sample.line) in [(fact.kind, fact.line) for fact in report.facts]
    other = twice(checker, sample.code, tests, limits)
    assert (report.verdict, report.first, report.error) == (other.verdict, other.first, other.error)


@pytest.mark.parametrize(
    "tests",
    [Io((VISIBLE,)), Io((HIDDEN,)), Io((VISIBLE, HIDDEN)), Io((IoCase(stdin="", expected="2"),))],
    ids=["visible", "hidden", "both", "no input"],
)
@pytest.mark.parametrize(
    "code",
    [
        "x = input()\nprint(2 if x == '1' else x)\n",
        "x = input()\ny = int(x) + 2\nprint(y)\n",
        "x =",
    ],
    ids=["hidden fails", "visible fails", "syntax"],
)
def test_of_cases_too(checker: Checker, code: str, tests: Io) -> None:
    assert once(checker, code, tests) == twice(checker, code, tests)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("def f(x):\n    return x + 1\n", "passed"),
        ("def f(x):\n    while True: pass\n", "time"),
        ("def f(x):\n    return [0] * 10**9\n", "memory"),
        ("def f(x):\n    return " + "(" * 3000 + "x" + ")" * 3000, "too_deep"),
        (DEEP, "too_deep"),
    ],
)
def test_what_passes_or_is_stopped(checker: Checker, code: str, verdict: str) -> None:
    report = once(checker, code, TESTS, PATIENT if verdict == "too_deep" else QUICK)

    assert report.verdict == verdict
    # Brackets so deep are no program that could be watched.
    assert bool(report.facts) is (verdict != "passed" and "(((" not in code)
    assert checker.check("def f(x):\n    return x + 1\n", TESTS).verdict == "passed"


@pytest.mark.parametrize("explains", [True, False])
def test_nothing_is_left_for_the_next_run(checker: Checker, explains: bool) -> None:
    tests = Io((IoCase(stdin="a\n", expected="a"),))
    for _ in range(3):
        with checker.running(KEEPS, tests, PATIENT) as judged:
            assert judged.report.first
            assert judged.report.first.got == "a a\n"
            if explains:
                assert judged.explained().facts
                # Explained once more it is in memory of its own again.
                assert judged.explained().facts


@pytest.mark.parametrize(
    "code",
    [
        KEEPS,
        *map(FORGED.format, (
            "{'verdict': 'failed', 'first': {'number': 0}, 'steps': T, 'facts': [F]}",
            "{'verdict': 'failed', 'steps': T, 'facts': [F], 'running': {'number': 0}}",
        )),
        "import builtins as b\nx = input()\n"
        "b.kept = y = max(getattr(b, 'kept', ''), x)\nprint(1, y)\n"
        "import guest.app as a\nif x != '1':\n    a.send({'verdict': 'failed', 'first': None})\n"
        "    a.judge = lambda *_: None\n",
    ],
)  # fmt: skip
def test_memory_that_read_hidden_cases_tells_of_none(checker: Checker, code: str) -> None:
    for tests in (Io((VISIBLE, HIDDEN)), Io((HIDDEN,))):
        told = str(once(checker, code, tests, QUICK).as_json())

        assert "hunter2" not in told
        assert "swordfish" not in told


@pytest.mark.parametrize("line", [b"x" * 4096, b"x" * 1023 + b"\n", b"{}\n"], ids=len)
def test_what_a_program_writes_past_its_output_hides_no_report(
    checker: Checker, line: bytes
) -> None:
    """More than a pipe holds, as fast as it goes, in one line or in many."""
    times = (4 << 20) // len(line) if len(line) > 9 else 20_000
    code = "import guest.app as a\ndef f(x):\n"
    code += f"    for _ in range({times}): a.real_write(1, {line!r})\n    return x\n"

    report = once(checker, code, TESTS)

    assert (report.verdict, report.first and report.first.got) == ("failed", "1")
    assert checker.check("def f(x):\n    return x + 1\n", TESTS).verdict == "passed"


def test_the_child_that_has_rested_longest_is_next() -> None:
    places = Places(3)
    taken = []
    for _ in range(6):
        with places.take() as sandbox:
            taken.append(sandbox)

    assert taken[:3] == taken[3:]
    assert len(set(map(id, taken))) == 3
