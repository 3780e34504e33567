"""An exercise's tests as cases: every assert tells what it called, expected and got."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FunctionType

from .console import Console
from .show import show
from .space import space
from .watch import Player, Run

CASE = "__hintline_case__"
"""As in web.runner.asserts."""
MOST_OUTPUT = 1 << 20
"""Bytes of what the program prints that are kept."""
VALUE_CHARS = 200
RAISED = object()
"""What a call gave that raised what it should."""


class Expected:
    """Judges what a case gave. text: source of what it should give; want: that, or a function."""

    def __init__(self, text: str, want: object, sign: str) -> None:
        self.text = text
        self._want, self._sign = want, sign

    @property
    def as_written(self) -> bool:
        """Whether what it should give is told in the tests' own words."""
        return self._sign == "raises"

    def run(self, run: Run) -> object:
        """What is judged: what the call gives, or that it raises what it should."""
        if self._sign != "raises" or not isinstance(self._want, FunctionType):
            return run()
        try:
            return run()
        except self._want():
            return RAISED

    def __call__(self, got: object) -> tuple[bool, object]:
        if self._sign == "raises":
            return got is RAISED, None
        if self._sign == "true":
            return bool(got), True
        if self._sign == "not":
            return not got, False
        want = self._want() if isinstance(self._want, FunctionType) else self._want
        return got is want if self._sign == "is" else bool(got == want), want


@lru_cache(maxsize=1)
def compiled(source: str) -> CodeType:
    """The same tests are played for facts after they were judged."""
    return compile(source, "<tests>", "exec", dont_inherit=True)


class AssertCases:
    """Tests with counting asserts. total: asserts in them; number: of the one that runs.

    source, texts: as web.runner.asserts makes them.
    """

    def __init__(self, source: str, texts: list[tuple[list[str], str, str]]) -> None:
        self.console = Console(most=MOST_OUTPUT)
        self.number, self.total = 0, len(texts)
        self._cases = texts
        self._code = compiled(source)

    def play(self, program: CodeType, player: Player) -> None:
        """Runs the program, and then its tests in the namespace that it leaves."""
        self.console = self.console.emptied()
        names = space()
        player.load(lambda: exec(program, names))  # noqa: S102

        def case(
            number: int, run: Run, want: object, values: Callable[[], tuple[object, ...]] | None
        ) -> None:
            texts, expected, sign = self._cases[number]
            self.number = number

            def call() -> str:
                shown = [show(value, VALUE_CHARS) for value in (values() if values else ())]
                return "".join(map("".join, zip(texts, [*shown, ""], strict=True)))

            judge = Expected(expected, want, sign)
            player.case(call, lambda: judge.run(run), judge)

        names[CASE] = case
        exec(self._code, names)  # noqa: S102
