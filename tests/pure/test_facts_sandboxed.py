"""Facts and steps come out of the sandbox as they are found outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.pure.test_facts import SAMPLES, Sample, names
from web.runner.cases import Asserts, Io, IoCase, RunLimits
from web.runner.checker import Checker
from web.runner.host import Sandbox
from web.tutor.evidence.steps import StepsKind

PATIENT = RunLimits(time_s=3.0)


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with closing(Checker(processes=1)) as checker:
        yield checker


@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_each_kind_is_found_in_the_sandbox(checker: Checker, sample: Sample) -> None:
    limits = PATIENT if sample.ends else RunLimits()

    report = checker.check(sample.code, Asserts(sample.tests), limits)

    assert (sample.kind, sample.line) in [(fact.kind, fact.line) for fact in report.facts]


def test_steps_of_a_program_that_reads_input(checker: Checker) -> None:
    code = "n = int(input())\nt = 0\nfor i in range(n):\n    t += i\nprint(t)\n"
    tests = Io(cases=(IoCase(stdin="3\n", expected="6\n"),))

    report = checker.check(code, tests, PATIENT)

    assert report.steps is not None
    assert report.steps.kind is StepsKind.LOOP
    assert [row.values["t"] for row in report.steps.rows] == ["0", "1", "3"]
    assert {fact.line for fact in report.facts} >= {3, 5}


def test_a_hidden_case_has_no_steps(checker: Checker) -> None:
    tests = Io(cases=(IoCase(stdin="3\n", expected="6\n", visible=False),))

    report = checker.check("print(int(input()) + 1)\n", tests, PATIENT)

    assert report.steps is None
    assert "4" not in str([fact.values for fact in report.facts])


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
    report = checker.check(code, Asserts(tests))

    assert report.verdict == "failed"
    assert report.facts


@pytest.mark.parametrize(
    ("code", "runs"),
    [
        ("def f(x): return x + 1", 1),
        ("def f(x): return x.a", 1),
        ("def f(x) return x", 1),
        ("def f(x):\n    while True: x += 1", 2),
    ],
)
def test_who_ends_is_looked_at_where_he_was_judged(
    checker: Checker, monkeypatch: pytest.MonkeyPatch, code: str, runs: int
) -> None:
    asked = []
    real = Sandbox.run
    monkeypatch.setattr(
        Sandbox, "run", lambda self, job, limits: asked.append(job) or real(self, job, limits)
    )

    report = checker.check(code, Asserts("assert f(1) == 1"))

    assert report.facts
    assert len(asked) == runs


def test_a_reference_is_not_where_a_program_is_judged(
    checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = Sandbox.run
    monkeypatch.setattr(
        Sandbox, "run", lambda self, job, limits: asked.append(job) or real(self, job, limits)
    )

    checker.check("def f(x): return x + 1", Asserts("assert f(1) == 1"), reference="SECRET = 1")

    assert [b"SECRET" in job for job in asked] == [False, True]
