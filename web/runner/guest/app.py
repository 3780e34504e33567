"""The component: takes a job, sends reports. All that a program may import is loaded by now.

A component keeps the memory that it had when it was built, and what was not imported then cannot
be imported later, for a run has no files.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import Any

import _ast_unparse  # noqa: F401  # the standard library imports it late
import wit_world

from . import console, facts
from .asserts import Asserts
from .judge import judge
from .stdio import Io
from .waits import replace_waits

# These print, open a browser, or are no modules of their own.
LEFT_OUT = ("antigravity", "this", "idlelib", "turtledemo")
for name in sorted(sys.stdlib_module_names):
    if not name.startswith("_") and name not in LEFT_OUT:
        # What this build of Python lacks, a student's import will miss too: ctypes, ssl …
        with contextlib.suppress(Exception):
            importlib.import_module(name)
replace_waits()
real_write = os.write


class WitWorld(wit_world.WitWorld):  # type: ignore[misc]
    """The exported world."""

    def run(self, job: str) -> None:
        """job: JSON as web.runner.cases makes it. Sends a line of JSON for each state."""
        asked = json.loads(job)
        console.prepare()
        cases: Asserts | Io
        if asked["kind"] == "io":
            cases = Io(asked["cases"], asked["checker"], asked["tolerance"])
        else:
            cases = Asserts(asked["tests"])
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
