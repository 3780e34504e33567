"""The component: takes a job, sends reports. All that a program may import is loaded by now.

A component keeps the memory that it had when it was built, and what was not imported then cannot
be imported later, for a run has no files.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import sys
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


class WitWorld(wit_world.WitWorld):  # type: ignore[misc]
    """The exported world."""

    def run(self, job: str) -> None:
        """job: JSON as web.runner.cases makes it. Sends a line of JSON for each state."""
        asked = json.loads(job)
        console.prepare()
        cases: AssertCases | IoCases
        if asked["kind"] == "io":
            cases = IoCases(asked["cases"], asked["checker"], asked["tolerance"])
        else:
            cases = AssertCases(asked["tests"])
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
