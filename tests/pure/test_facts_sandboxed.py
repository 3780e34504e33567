"""Facts and steps come out of the sandbox as they are found outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.pure.test_facts import SAMPLES, Sample, names
from web.runner.cases import Asserts, Io, IoCase, RunLimits
from web.runner.checker import Checker
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
