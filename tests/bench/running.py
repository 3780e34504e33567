"""What a run of a student's program costs, and whether its verdict is CPython's.

python -m tests.bench running; the reference is the machine's own Python, in the same run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter, sleep

from tests.bench.facts import Wrong, bugs
from tests.bench.table import Row, pair
from web.runner.cases import TIME_S, Asserts, Io, IoCase, RunLimits
from web.runner.checker import Checker

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "data" / "odd_programs.txt"
CPYTHON = ROOT / "tests" / "fakes" / "cpython.py"
PATIENT = RunLimits(time_s=10.0)
PLACES = 2
SECONDS = 5.0
PAUSE_S = 0.02
TIMES = 3
"""Each program is run so often: the 99th part of one run of 164 would be a single moment."""


def rows() -> list[Row]:
    wrong = list(bugs())
    with closing(Checker(processes=PLACES)) as checker:
        start(checker, wrong[0])
        ended, stopped = times(checker, wrong)
        return [
            (
                "odd programs with another verdict than this machine's CPython",
                odd(checker),
                "",
                "those alone that differ by version, listed in tests/pure/test_against_cpython.py",
            ),
            ("right programs called wrong", called(checker, wrong, "fix"), "0", "0"),
            ("wrong programs called right", called(checker, wrong, "code"), "0", "0"),
            (
                f"a run of all tests, traced, ms, p50 / p99, programs that end, {TIMES} times each",
                pair(ended),
                f"{alone(wrong[0]):.1f} (a new process of Python that runs the first)",
                "≤ 15 / 60",
            ),
            (
                f"the same, the {len(stopped) // TIMES} that had to be stopped",
                pair(stopped),
                "",
                "",
            ),
            (f"runs a second, {PLACES} at a time", f"{rate(checker, wrong):.0f}", "", "≥ 60"),
        ]


def start(checker: Checker, wrong: Wrong) -> None:
    """A site starts its child processes once, in 0.1 s each."""
    with ExitStack() as places:
        for _ in range(PLACES):
            places.enter_context(checker.running(wrong.fix, Asserts(wrong.tests)))


def odd(checker: Checker) -> str:
    programs = PROGRAMS.read_text().split("\n---\n")
    asked = [(code, "") for code in programs if not code.startswith("#<")]
    done = subprocess.run(
        [sys.executable, str(CPYTHON)], input=json.dumps(asked), stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    differ = 0
    for (code, stdin), (printed, ended) in zip(asked, json.loads(done.stdout), strict=True):
        tests = Io((IoCase(stdin=stdin, expected=printed),), "exact")
        passed = checker.check(code, tests, PATIENT).verdict == "passed"
        differ += passed is bool(ended)
    return f"{differ} of {len(asked)}"


def called(checker: Checker, programs: list[Wrong], which: str) -> str:
    """Fixes that do not pass, or bugs that do."""
    verdicts = [
        checker.check(getattr(each, which), Asserts(each.tests), PATIENT).verdict
        for each in programs
    ]
    bad = [verdict for verdict in verdicts if (verdict == "passed") is (which == "code")]
    return f"{len(bad)} of {len(programs)}"


def times(checker: Checker, programs: list[Wrong]) -> tuple[list[float], list[float]]:
    """Of programs that end, and of those with a case that does not."""
    ended, stopped = [], []
    for each in programs * TIMES:
        # A child puts its memory back after it has answered: nobody waits, but the next program.
        sleep(PAUSE_S)
        began_s = perf_counter()
        with checker.running(each.code, Asserts(each.tests)) as judged:
            judged.explained()
        took_s = perf_counter() - began_s
        (ended if took_s < TIME_S else stopped).append(1000 * took_s)
    return ended, stopped


def alone(wrong: Wrong) -> float:
    began_s = perf_counter()
    subprocess.run([sys.executable, "-c", f"{wrong.fix}\n{wrong.tests}"], stderr=subprocess.DEVNULL)
    return 1000 * (perf_counter() - began_s)


def rate(checker: Checker, programs: list[Wrong]) -> float:
    """Of programs that pass, as most runs of a class just before an exam."""
    began_s = perf_counter()

    def loop(number: int) -> int:
        count = 0
        while perf_counter() - began_s < SECONDS:
            each = programs[(number + count) % len(programs)]
            checker.check(each.fix, Asserts(each.tests))
            count += 1
        return count

    with ThreadPoolExecutor(PLACES) as threads:
        return sum(threads.map(loop, range(PLACES))) / SECONDS


if __name__ == "__main__":
    for line in rows():
        print(" | ".join(line))
