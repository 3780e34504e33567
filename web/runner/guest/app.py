"""The component: takes a job, sends reports. All that a program may import is loaded by now.

A component keeps the memory that it had when it was built, and what was not imported then cannot
be imported later, for a run has no files.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import wit_world

from . import console, facts
from .asserts import AssertCases
from .judge import judge
from .stdio import IoCases
from .waits import replace_waits

# These print, open a browser, or are no modules of their own.
LEFT_OUT = ("antigravity", "this", "idlelib", "turtledemo", "ensurepip", "pydoc_data", "__main__")


def load(name: str) -> None:
    """The module and all that are in it; a codec or a parser of dates is imported late too."""
    # What this build of Python lacks, a student's import will miss as well: ctypes, ssl …
    with contextlib.suppress(Exception, SystemExit):
        module = importlib.import_module(name)
        for each in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
            if each.name.rpartition(".")[2] not in LEFT_OUT:
                load(each.name)


for stdlib_name in sorted(sys.stdlib_module_names):
    if stdlib_name not in LEFT_OUT and not stdlib_name.startswith("_test"):
        load(stdlib_name)
replace_waits()
real_write = os.write
WARM_TIMES = 4
WARM_CODE = """
def f(items, most=3):
    best, seen = 0, {}
    for at, item in enumerate(items):
        if item > best and at < most:
            best = item
        seen[item] = len(items[:at])
    while best > 9:
        best -= 1
    return g(best) if best else None
def g(n):
    return 1 if n < 2 else n * g(n - 1)
if __name__ == "__main__":
    print(f([int(input()), 2]), len("text"))
"""
WARM_TESTS = """
__hintline_case__(0, lambda: f([1, 2]), 2, None)
__hintline_case__(1, lambda: f([3, 2, 1]), 7, None)
__hintline_case__(2, lambda: f([]), lambda: 0, lambda: ())
"""


class WitWorld(wit_world.WitWorld):  # type: ignore[misc]
    """The exported world."""

    def run(self, job: str) -> None:
        """job: JSON as web.runner.cases makes it. Sends a line of JSON for each state."""
        answer(json.loads(job), send)


def answer(asked: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    console.prepare()
    cases: AssertCases | IoCases
    if asked["kind"] == "io":
        cases = IoCases(asked["cases"], asked["checker"], asked["tolerance"], asked["ignores_case"])
    else:
        cases = AssertCases(asked["tests"], asked["texts"])
    if asked["explain"]:
        found, steps = facts.found(
            asked["code"], cases.play, budget_s=asked["budget_s"], ends=asked["ends"],
            reference=asked["reference"],
        )  # fmt: skip
        send({"facts": found, "steps": steps})
    else:
        judge(asked["code"], cases, asked["lengths"], send)


def send(report: dict[str, Any]) -> None:
    # A line of its own, whatever a program has written there before.
    rest = f"\n{json.dumps(report)}\n".encode()
    while rest:
        rest = rest[real_write(1, rest) :]


def warm() -> None:
    """Does it all for a small program: what Python makes at first use is then made already."""
    streams = sys.stdin, sys.stdout, sys.stderr
    unheard: list[dict[str, Any]] = []
    shared = {
        "code": WARM_CODE, "lengths": defaultdict(lambda: 1000), "ends": True, "budget_s": 1.0,
        "reference": None,
    }  # fmt: skip
    texts = [(["f"], "2", "==")] * 3
    case = {"stdin": "3", "expected": "1", "visible": True}
    compared = {
        "checker": "tokens", "tolerance": {"absolute": 0.0, "relative": 0.0}, "ignores_case": False
    }  # fmt: skip
    for tests in (
        {"kind": "asserts", "tests": WARM_TESTS, "texts": texts},
        {"kind": "io", "cases": [case, case], **compared},
    ):
        for explain in (False, True):
            answer({**shared, **tests, "explain": explain}, unheard.append)
    sys.stdin, sys.stdout, sys.stderr = streams


for _ in range(WARM_TIMES):
    warm()
gc.collect()
# The collector would go through all that was loaded, and so ask for each page of its memory.
gc.freeze()
# A run is short and its memory bounded: a tenth of the collections save a twentieth of its time.
gc.set_threshold(20_000)
