"""The verdicts are CPython's: no right program is called wrong, and no wrong one right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from web.runner.cases import Asserts, Io, IoCase, RunLimits
from web.runner.checker import Checker

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "data" / "odd_programs.txt"
PATIENT = RunLimits(time_s=10.0)
BY_VERSION = {
    "from collections import OrderedDict": "3.12: shows its pairs as a dict does",
    "import calendar": "3.12: a day of the week is an enum",
    "import typing": "3.14: Optional is shown as a union",
    "print(__import__('math').fsum": "3.12: sum() adds floats with less error",
    "print(all([]), any([]), sum": "3.12: the same",
    "import this": "prints where it is imported first, and that was when the sandbox was built",
}
"""Programs that the sandbox's CPython 3.14 and the machine's answer differently, and why; by how
they begin."""


class Odd(NamedTuple):
    """A program with what it reads, and what this machine's Python makes of it."""

    code: str
    stdin: str
    printed: str
    ended: str


def programs() -> list[tuple[str, str]]:
    """Of the file: parted by `---`; a first line `#< 3 4` is what the program reads."""
    found = []
    for code in PROGRAMS.read_text().split("\n---\n"):
        first = code.partition("\n")[0]
        stdin = first[3:].replace("\\n", "\n") + "\n" if first.startswith("#< ") else ""
        found.append((code, stdin))
    return found


@pytest.fixture(scope="module")
def odd() -> list[Odd]:
    asked = programs()
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "fakes" / "cpython.py")],
        input=json.dumps(asked), capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return [
        Odd(*both, *answer) for both, answer in zip(asked, json.loads(done.stdout), strict=True)
    ]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with closing(Checker(processes=2)) as running:
        yield running


def judged(checker: Checker, odd: Odd, expected: str) -> str:
    """The verdict; for an exception its class."""
    tests = Io((IoCase(stdin=odd.stdin, expected=expected),), "exact")
    report = checker.check(odd.code, tests, PATIENT)
    return report.error.kind if report.verdict == "error" and report.error else report.verdict


def test_there_are_many_programs() -> None:
    assert len(programs()) >= 300
    assert len(set(programs())) == len(programs())


def test_no_verdict_differs_from_cpythons(checker: Checker, odd: list[Odd]) -> None:
    with ThreadPoolExecutor(2) as threads:
        right = list(threads.map(lambda each: judged(checker, each, each.printed), odd))
        wrong = list(threads.map(lambda each: judged(checker, each, f"{each.printed}x"), odd))

    differ = [
        (each.code, verdict, each.ended or "passed")
        for each, verdict in zip(odd, right, strict=True)
        if verdict != (each.ended or "passed")
        if not each.code.startswith(tuple(BY_VERSION))
    ]
    assert differ == []
    assert "passed" not in wrong


VERDICTS = [
    ("def f(a):\n    return map(lambda x: x * 2, a)", "f([1, 2]) == [2, 4]", "failed"),
    ("def f(a):\n    return filter(lambda x: x % 2 == 0, a)", "f([1, 2]) == [2]", "failed"),
    ("def f(a):\n    return reversed(a)", "f([1, 2]) == [2, 1]", "failed"),
    ("def f(a, b):\n    return zip(a, b)", "f([1], [2]) == [(1, 2)]", "failed"),
    ("def f(n):\n    return (x * x for x in range(n))", "f(3) == [0, 1, 4]", "failed"),
    ("def f(s):\n    return map(int, s.split())[0]", "f('4 5') == 4", "error"),
    ("def f(a):\n    return len(filter(None, a))", "f([0, 1]) == 1", "error"),
    ("def f(s):\n    n = map(int, s.split())\n    return sum(n) / len(list(n))",
     "f('2 4') == 3", "error"),
    ("def f(a):\n    return next((x for x in a if x > 1), None)", "f([1, 2]) == 2", "passed"),
    ("def f(a):\n    return next(enumerate(a))", "f('a') == (0, 'a')", "passed"),
    ("def f(x):\n    return round(x, 2)", f"f(2.675) == {round(2.675, 2)}", "passed"),
    ("def f(a):\n    return round(sum(a) / len(a), 2)",
     f"f([2.67, 2.68]) == {round((2.67 + 2.68) / 2, 2)}", "passed"),
    ("class P:\n    def __init__(self, x):\n        self.x = x\n"
     "    def __lt__(self, o):\n        return self.x < o.x\n"
     "def f(a):\n    return sorted(P(x) for x in a)[0].x", "f([2, 1]) == 1", "passed"),
    ("class V:\n    def __init__(self, x):\n        self.x = x\n"
     "    def __add__(self, o):\n        return V(self.x + o.x)\n"
     "def f(a, b):\n    return (V(a) + V(b)).x", "f(1, 2) == 3", "passed"),
    ("class B:\n    def __len__(self):\n        return 3\ndef f():\n    return len(B())",
     "f() == 3", "passed"),
    ("class B:\n    def __getitem__(self, i):\n        return i\n"
     "def f():\n    return B()[3]", "f() == 3", "passed"),
    ("class B:\n    def __contains__(self, i):\n        return i == 3\n"
     "def f():\n    return 3 in B()", "f() == True", "passed"),
    ("class B:\n    def __iter__(self):\n        return iter([1, 2])\n"
     "def f():\n    return [x for x in B()]", "f() == [1, 2]", "passed"),
    ("class B:\n    def __str__(self):\n        return 'b'\ndef f():\n    return str(B())",
     "f() == 'b'", "passed"),
    ("class B:\n    def __init__(self, x):\n        self.x = x\n"
     "    def __eq__(self, o):\n        return self.x == o.x\n"
     "def f():\n    return B(1) == B(1)", "f() == True", "passed"),
    ("class B:\n    def __call__(self):\n        return 9\ndef f():\n    return B()()",
     "f() == 9", "passed"),
    ("import sys\ndef f():\n    sys.stdout.write('hi')\n    return 1", "f() == 1", "passed"),
    ("def f():\n    return bytes([65]).decode()", "f() == 'A'", "passed"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "test", "verdict"), VERDICTS)
def test_small_programs_of_beginners(checker: Checker, code: str, test: str, verdict: str) -> None:
    assert checker.check(code, Asserts(f"assert {test}")).verdict == verdict
