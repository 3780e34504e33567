"""Facts and steps come out of the sandbox as they are found outside of it."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.pure.test_facts import SAMPLES, Sample, names
from web.runner.cases import Asserts, Io, IoCase, RunLimits, Tests
from web.runner.checker import Checker
from web.tutor.evidence.report import Report
from web.tutor.evidence.steps import StepsKind

PATIENT = RunLimits(time_s=3.0)


def run(checker: Checker, code: str, tests: Tests, limits: RunLimits = PATIENT) -> Report:
    report = checker.check(code, tests, limits)
    assert not report.facts
    assert report.steps is None
    return checker.explain(report, code, tests, limits)


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_each_kind_is_found_in_the_sandbox(checker: Checker, sample: Sample) -> None:
    limits = PATIENT if sample.ends else RunLimits()

    report = run(checker, sample.code, Asserts(sample.tests), limits)

    assert (sample.kind, sample.line) in [(fact.kind, fact.line) for fact in report.facts]


def test_steps_of_a_program_that_reads_input(checker: Checker) -> None:
    code = "n = int(input())\nt = 0\nfor i in range(n):\n    t += i\nprint(t)\n"
    tests = Io(cases=(IoCase(stdin="3\n", expected="6\n"),))

    report = run(checker, code, tests)

    assert report.steps is not None
    assert report.steps.kind is StepsKind.LOOP
    assert [row.values["t"] for row in report.steps.rows] == ["0", "1", "3"]
    assert {fact.line for fact in report.facts} >= {3, 5}


ELSEWHERE = [
    "import sys\nm = getattr(sys.stdout, 'm', 0)\nsys.stdout.m = m + 1\n",
    "import sys\nm = sys.stdout.write('') or 0\nsys.stdout.write = lambda text: m + 1\n",
    "import sys\nm = int(sys.stdout.closed)\nsys.stdout.close()\n",
    "import sys\nm = int(sys.stderr.closed)\nsys.stderr.close()\n",
    "import sys\nm = int(sys.stdin.closed)\nsys.stdin.close()\n",
    "import sys\nm = 0 if sys.stdout.buffer else 1\nsys.stdout.detach()\n",
    "import sys\nm = len(sys.stdin.read())\nsys.stdin = None\n",
]


@pytest.mark.parametrize("start", ELSEWHERE)
def test_what_a_program_does_to_its_streams_is_over_with_its_run(
    checker: Checker, start: str
) -> None:
    """It is run dozens of times, and each finds what the first one found."""
    code = f"{start}def f(n):\n    if n > 1:\n        return m + n\n    return m\n"

    report = run(checker, code, Asserts("assert f(1) == 5\nassert f(2) == 2"))

    assert report.first is not None
    assert report.first.got == "0"
    assert [fact.values["value"] for fact in report.facts if fact.kind == "gives_back"] == ["0"]


def test_a_hidden_case_has_no_steps(checker: Checker) -> None:
    tests = Io(cases=(IoCase(stdin="3\n", expected="6\n", visible=False),))

    report = run(checker, "print(int(input()) + 1)\n", tests)

    assert report.steps is None
    assert "4" not in str([fact.values for fact in report.facts])


@pytest.mark.parametrize("visible", [True, False])
def test_what_is_forged_of_hidden_cases_is_told_of_none(checker: Checker, visible: bool) -> None:
    """A report without a case does not make the cases visible that its facts are of."""
    shown = [IoCase(stdin="1\n", expected="1\n")] if visible else []
    tests = Io((*shown, IoCase(stdin="hunter2\n", expected="swordfish\n", visible=False)))
    code = (
        "x = input()\nprint(x)\nimport guest.app as a\nif x != '1':\n"
        "    fact = {'kind': 'gives_back', 'line': 2, 'values': {'value': x}, 'score': 1}\n"
        "    step = {'line': 1, 'label': x, 'values': {}, 'changed': []}\n"
        "    steps = {'kind': 'lines', 'names': [], 'rows': [step], 'line': 1, 'at': {'x': x}}\n"
        "    a.send({'verdict': 'error', 'facts': [fact], 'steps': steps})\n"
        "    while True: pass\n"
    )

    told = str(run(checker, code, tests, RunLimits(time_s=0.3)).as_json())

    assert "hunter2" not in told
    assert "swordfish" not in told


def test_facts_wait_for_no_place_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.runner.checker.PLACE_S", 0)
    code, tests = "def f(x):\n    return x\n", Asserts("assert f(1) == 2")
    with closing(Checker(processes=1)) as checker:
        report = checker.check(code, tests, PATIENT)
        with checker.places.take():
            assert checker.explain(report, code, tests, PATIENT) is report
        assert checker.explain(report, code, tests, PATIENT).facts


@pytest.mark.parametrize("code", ["def f(x):\n    return x + 1\n", "x" * 3 + "("])
def test_what_passes_and_what_cannot_run_is_given_back(checker: Checker, code: str) -> None:
    """As is what a check without tests gave, whatever tests there are by now."""
    tests = Asserts("assert f(1) == 2") if code.startswith("def") else None
    report = checker.check(code, tests, PATIENT)

    assert checker.explain(report, code, Asserts("assert f(1) == 2"), PATIENT) is report


GROWS = (
    "def f(x, n):\n    power = n\n    while power < x:\n        power *= n\n    return power == x\n"
)
COUNTS = "def f(x, n):\n    while x != n:\n        x -= 1\n    return [x]\n"


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        (GROWS, "assert f(1, 4)\nassert not f(3, 1)"),
        (COUNTS, "assert f(3, 1) == 1\nassert f(1, 3) == 3"),
    ],
)
def test_a_program_fails_before_a_case_that_does_not_end(
    checker: Checker, code: str, tests: str
) -> None:
    report = run(checker, code, Asserts(tests))

    assert report.verdict == "failed"
    assert report.facts
