"""Cases of standard input and the output that is expected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from .console import Console
from .space import space
from .watch import Player

Same = Callable[[str, str], bool]
MOST_OUTPUT = 4 << 20
"""Bytes that a case may print."""


class IoCases:
    """Cases of one program run. number: of the case that runs, from 0.

    cases: stdin, expected and visible of each; checker: exact, tokens or float; tolerance:
    absolute and relative, for float alone; ignores_case: of letters.
    """

    def __init__(
        self,
        cases: list[dict[str, Any]],
        checker: str,
        tolerance: dict[str, float],
        ignores_case: bool,
    ) -> None:
        self.console = Console(most=MOST_OUTPUT)
        self.number, self.total = 0, len(cases)
        self._cases = cases
        self._same = same_by(checker, tolerance, ignores_case)

    def play(self, program: CodeType, player: Player) -> None:
        """Runs the program once for each case, in a namespace of its own."""
        for number, case in enumerate(self._cases):
            self.number = number
            run = partial(self._run, program, case["stdin"])
            judge = ExpectedOutput(case["expected"], self._same)
            player.case(str, run, judge, hidden=not case["visible"])

    def _run(self, program: CodeType, stdin: str) -> str:
        """What was printed. Raises: what the program raises, OutputFull."""
        self.console = Console(stdin, most=MOST_OUTPUT, full=True)
        try:
            exec(program, space("__main__"))  # noqa: S102
        except SystemExit as ended:
            if ended.code not in (None, 0):
                raise
        return self.console.text()


class ExpectedOutput:
    """Judges what a case printed. text: what it should print."""

    def __init__(self, text: str, same: Same) -> None:
        self.text, self.same = text, same

    def __call__(self, got: object) -> tuple[bool, object]:
        return self.same(str(got), self.text), self.text


def same_by(checker: str, tolerance: dict[str, float], ignores_case: bool) -> Same:
    """How what is printed is compared with what is expected."""
    if ignores_case:
        same = same_by(checker, tolerance, False)
        return lambda got, want: same(got.casefold(), want.casefold())
    if checker == "float":
        return lambda got, want: near(got.split(), want.split(), **tolerance)
    return exact if checker == "exact" else tokens


def exact(got: str, want: str) -> bool:
    """The same lines; a last line end is not looked at, as no editor shows it."""
    got, want = (text.replace("\r\n", "\n").removesuffix("\n") for text in (got, want))
    return got == want


def tokens(got: str, want: str) -> bool:
    """The same words; how much white space is between them does not count."""
    return got.split() == want.split()


def near(got: list[str], want: list[str], absolute: float, relative: float) -> bool:
    """The same words; numbers may be off by either tolerance."""
    return len(got) == len(want) and all(
        mine == theirs or close(mine, theirs, absolute, relative)
        for mine, theirs in zip(got, want, strict=True)
    )


def close(got: str, want: str, absolute: float, relative: float) -> bool:
    try:
        mine, theirs = float(got), float(want)
    except ValueError:
        return False
    return abs(mine - theirs) <= max(absolute, relative * abs(theirs))
