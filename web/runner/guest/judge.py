"""Judges a program by its cases, and says at each step what is known by then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import CodeType, TracebackType
from typing import Any, Protocol

from .console import Console, OutputFull
from .watch import Call, Player, Run
from .watch import Judge as WatchJudge

FILE = "program.py"
ALWAYS_TOLD = 100
"""Cases that are each told before they run; of further ones one in TOLD_EACH_S."""
TOLD_EACH_S = 0.002
NOTE_CHARS = 20
TOO_LONG = ("Python int too large to convert to C ssize_t",)
TOO_LARGE = ("cannot fit 'int' into an index-sized integer", "too many digits in integer")
"""What a machine of 32 bits, as the sandbox is one, says for more than 2 GB."""
Report = dict[str, Any]


class Over(BaseException):
    """No further case can run."""


class Cases(Protocol):
    """What plays the cases, and says which one runs. total: how many there are."""

    number: int
    total: int
    console: Console

    def play(self, program: CodeType, player: Player) -> None: ...


def judge(code: str, cases: Cases, lengths: dict[str, int], send: Callable[[Report], None]) -> None:
    """Sends a report before each case, so that the last one tells where a limit was met.

    Its keys: verdict (null while cases run), passed, total, first and running (number, call,
    expected, got), error (kind, message, line), output. lengths: most characters of each.
    """
    player = Judge(cases, lengths, send)
    try:
        program = compile(code, FILE, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        if "\0" in code:
            line = code[: code.index("\0")].count("\n") + 1
        player.end("syntax", player.told("SyntaxError", getattr(error, "msg", str(error)), line))
    except (RecursionError, MemoryError) as error:
        player.end("too_deep", player.told("RecursionError", str(error), None))
    else:
        player.play(program)
    send(player.report())


class Judge:
    """Plays a program's cases, one after the other, and keeps the first that fails."""

    def __init__(
        self, cases: Cases, lengths: dict[str, int], send: Callable[[Report], None]
    ) -> None:
        self._cases, self._lengths, self._send = cases, lengths, send
        self._seen: set[int] = set()
        self._bad: set[int] = set()
        self._sent, self._sent_s = 0, 0.0
        self._ended = True
        self._first: Report | None = None
        self._running: Report | None = None
        self._error: Report | None = None
        self._verdict: str | None = None

    def play(self, program: CodeType) -> None:
        self._ended = False
        try:
            self._cases.play(program, self)
        except Over:
            self._ended = False
            return
        except BaseException as error:  # of the tests, around their asserts
            if not self._bad:
                self.end("error", self.raised(error))
            return
        self._ended = True
        if self._verdict is None:
            self._verdict = "passed" if self._seen else "not_run"

    def load(self, run: Run) -> None:
        self.tell()
        try:
            run()
        # SystemExit too: a program that ends itself has made none of its functions.
        except BaseException as error:
            self.end(*self.stopped(error))
            raise Over from None

    def case(self, call: Call, run: Run, judge: WatchJudge, *, hidden: bool = False) -> None:
        number, shown = self._cases.number, call()
        self._seen.add(number)
        case: Report = {
            "number": number,
            "call": self.cut(shown, "call"),
            "expected": self.cut(getattr(judge, "text", ""), "expected"),
            "got": None,
        }
        self._running = case
        self.tell()
        try:
            got = run()
            right, want = judge(got)
        except BaseException as error:
            self.failed(case)
            if self._first is case:
                self.end(*self.stopped(error))
        else:
            if not right:
                self.failed(case)
            if self._first is case:
                self._verdict = "failed"
                # Of a program that prints, texts are shown as they are.
                case["got"] = self.show(got) if shown else self.cut(str(got), "got")
                if shown and not getattr(judge, "as_written", False):
                    case["expected"] = self.show(want)
        self._running = None

    def failed(self, case: Report) -> None:
        self._bad.add(self._cases.number)
        self._first = self._first or case

    def end(self, verdict: str, error: Report) -> None:
        self._verdict, self._error = verdict, error

    def stopped(self, error: BaseException) -> tuple[str, Report]:
        """Verdict and error of what stopped the program."""
        if isinstance(error, OutputFull):
            return "output", self.told("OutputFull", "", None)
        if lacks := lacking(error):
            return "not_run", self.told("Unsupported", lacks, None)
        raised = self.raised(error)
        return "memory" if is_full(error, raised["message"]) else "error", raised

    def raised(self, error: BaseException) -> Report:
        try:
            message = str(error)
        except BaseException:  # the student's own class
            message = ""
        line = None
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILE:
                line = trace.tb_lineno
            trace = trace.tb_next
        return self.told(type(error).__name__, message, line)

    def told(self, kind: str, message: str, line: int | None) -> Report:
        return {
            "kind": self.cut(kind, "kind"), "message": self.cut(message, "message"), "line": line
        }  # fmt: skip

    def tell(self) -> None:
        """Sends what is known so far, but not for each of very many cases."""
        now_s = time.perf_counter()
        if self._sent >= ALWAYS_TOLD and now_s - self._sent_s < TOLD_EACH_S:
            return
        self._sent, self._sent_s = self._sent + 1, now_s
        self._send(self.report() | {"verdict": None})

    def report(self) -> Report:
        return {
            "verdict": self._verdict,
            "passed": len(self._seen - self._bad) - (self._running is not None),
            # Cases in a branch that was not taken are none, where the tests came to their end.
            "total": len(self._seen) if self._ended and self._seen else self._cases.total,
            "first": self._first,
            "running": self._running,
            "error": self._error,
            "output": self.output(),
        }

    def output(self) -> str:
        with suppress(OutputFull):
            self._cases.console.flush()
        most, sink = self._lengths["output"], self._cases.console.sink
        text = bytes(sink.kept[: 4 * most]).decode("utf-8", "replace")
        more = sink.bytes - len(sink.kept[: 4 * most])
        return self.cut(text, "output") if not more else cut(text, most, more)

    def show(self, value: object) -> str:
        """As repr shows it; by its class alone where that cannot be done."""
        try:
            return self.cut(repr(value), "got")
        except BaseException:
            return f"<{type(value).__name__}>"

    def cut(self, text: str, what: str) -> str:
        return cut(text, self._lengths[what])


def lacking(error: BaseException) -> str:
    """What Python has elsewhere and here has not, so that no student is blamed for it."""
    if type(error) is ModuleNotFoundError and isinstance(error.name, str):
        module = error.name.partition(".")[0]
        return f"module {module}" if module in sys.stdlib_module_names else ""
    if type(error) is RuntimeError and error.args == ("can't start new thread",):
        return "threads"
    if type(error) is OverflowError and error.args == TOO_LONG:
        return "a length above 2**31"
    return ""


def is_full(error: BaseException, message: str) -> bool:
    """Whether Python had no memory for what was asked; a student's own MemoryError has words."""
    if type(error) is OverflowError:
        return message in TOO_LARGE
    return type(error) is MemoryError and not message


def cut(text: str, most: int, dropped: int = 0) -> str:
    """As web.tutor.evidence.report.shorten cuts it; dropped: left out before."""
    text = str(text)
    if len(text) <= most and not dropped:
        return text
    kept = text[: most - NOTE_CHARS]
    return f"{kept}…(+{dropped + len(text) - len(kept):,})"
