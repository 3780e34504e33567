"""One case of a student's program, run statement by statement: what ran, and what names held."""

from __future__ import annotations

import builtins
import sys
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from time import perf_counter
from types import FrameType, FunctionType, TracebackType
from typing import Any, NamedTuple

from .reading import STUDENT
from .show import OF_NO_INTEREST, show

FULL_EVENTS = 600
"""Events of a case that are kept with the values of all names."""
LAST_EVENTS = 60
"""Events before a case is stopped that are kept so too."""
LAST_ROUNDS = 8
EVENTS_A_LOOK = 64
"""Events between two looks at the clock."""
MOST_CALLS = 400
MOST_NAMES = 24
MOST_PRINTED = 200
VALUE_CHARS = 80
DEEPEST = 3_000
"""Calls within calls of a program that is not known to end: more may end the interpreter."""
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
"""Frames that belong to the statement which they stand in."""
SCALARS = {int, float, str, bool, type(None)}
SIZED = {list, tuple, str, dict, set, frozenset, deque, range}
Values = dict[str, str]
Tell = Callable[[FrameType, str, object], Any]


class Enough(BaseException):
    """Stops a program that has been watched long enough."""


class Event(NamedTuple):
    """at: the statement's number; values: shown, before it runs or, at an end, after it."""

    at: int
    call: int
    ends: bool
    values: Values


class Calling:
    """One call of a function of the student's, or the run of the program itself."""

    def __init__(self, number: int, above: Calling | None, frame: FrameType) -> None:
        self.number = number
        self.above = above.number if above else None
        self.name = frame.f_code.co_name
        code = frame.f_code
        names = code.co_varnames[: min(code.co_argcount + code.co_kwonlyargcount, MOST_NAMES)]
        space = frame.f_locals
        self.inputs = {name: space[name] for name in names if name in space}
        self.arguments = {name: show(each, VALUE_CHARS) for name, each in self.inputs.items()}
        self.default_names = kept_defaults(frame, self.inputs)
        self.after: Values = {}
        self.gave: str | None = None
        """Shown; None while it runs, and where an exception ended it."""
        self.ended_at = 0
        self.raises = False
        self.values: Values = {}
        self.held: dict[str, object] = {}


class Trace:
    """What one run came to, event by event.

    counts: how often each statement ran; moves: how often the second followed the first within a
    call; both are exact while `whole` holds. sizes: the last length of each name that has one.
    """

    def __init__(
        self, text: str, loops: set[int], *, until_s: float, ends: bool, hidden: bool = False
    ) -> None:
        self.text, self.hidden = text, hidden
        self.counts: Counter[int] = Counter()
        self.moves: Counter[tuple[int, int]] = Counter()
        self.events: list[Event] = []
        self.last: deque[Event] = deque(maxlen=LAST_EVENTS)
        self.rounds: dict[int, deque[tuple[int, dict[str, object]]]] = {
            loop: deque(maxlen=LAST_ROUNDS) for loop in loops
        }
        self.calls: list[Calling] = []
        self.sizes: dict[str, int] = {}
        self.printed: list[tuple[int, str]] = []
        self.got: object = None
        self.expected: object = None
        self.error: BaseException | None = None
        self.error_at = 0
        self.passed = False
        self.whole = True
        self.stuck = False
        self.deepest = 0
        self._stack: list[Calling] = []
        self._until_s, self._ends = until_s, ends
        self._seen = self._called = 0
        self._tired = False
        self._left = -1

    def run(self, work: Callable[[], object]) -> None:
        """Do the work, and keep what it gives or raises."""
        real = builtins.print
        builtins.print = Heard(self.printed)
        sys.settrace(self._enter)
        try:
            self.got = work()
        except Enough:
            self.stuck = True
        except BaseException as error:
            self.error = error
        finally:
            sys.settrace(None)
            builtins.print = real
        if self.error is not None:
            self.error_at = last_at(self.error.__traceback__)

    @property
    def outer(self) -> Calling | None:
        """The call that the case made, the last one if it made several."""
        made = [call for call in self.calls if call.above is None]
        return made[-1] if made else None

    @property
    def returned_at(self) -> int:
        """The statement that gave the answer; 0 where none is known."""
        return self.outer.ended_at if self.outer else 0

    def _enter(self, frame: FrameType, event: str, arg: object) -> Tell | None:
        code = frame.f_code
        if code.co_filename != STUDENT or code.co_name in COMPREHENSIONS:
            return None
        if self._tired:
            return None
        call = Calling(self._called, self._stack[-1] if self._stack else None, frame)
        self._called += 1
        self._stack.append(call)
        self.deepest = max(self.deepest, len(self._stack))
        if len(self.calls) < MOST_CALLS:
            self.calls.append(call)
        if len(self._stack) > DEEPEST and not self._ends:
            raise Enough
        return self._follow(call)

    def _follow(self, call: Calling) -> Tell:
        """What Python tells of one frame: made for it, so that it knows where it was before."""
        before = 0

        def tell(frame: FrameType, event: str, arg: object) -> Tell:
            nonlocal before
            # Where a frame ends is told all the same.
            frame.f_trace_lines = not self._tired
            if event == "line":
                at = frame.f_lineno
                call.raises = False
                # A comprehension comes back to its own line for each item.
                if at != before:
                    self.counts[at] += 1
                    self.moves[before, at] += 1
                    before = at
                    self._note(frame, call, at)
            elif event == "exception":
                call.raises = True
            elif event == "return":
                self._end(frame, call, arg)
            return tell

        return tell

    def _note(self, frame: FrameType, call: Calling, at: int) -> None:
        self._seen += 1
        if self._left >= 0:
            self.last.append(Event(at, call.number, False, self._values(frame, call)))
            self._left -= 1
            if self._left < 0:
                raise Enough
        elif self._seen <= FULL_EVENTS:
            self.events.append(Event(at, call.number, False, self._values(frame, call)))
        elif at in self.rounds:
            held = islice(frame.f_locals.items(), MOST_NAMES)
            # What can change later must not be kept unshown.
            scalars = {name: each for name, each in held if type(each) in SCALARS}
            self.rounds[at].append((call.number, scalars))
        if self._seen % EVENTS_A_LOOK == 0 and self._left < 0 and perf_counter() > self._until_s:
            self._tire()

    def _tire(self) -> None:
        self.whole = False
        if self._ends:
            self._tired = True
        else:
            self._left = LAST_EVENTS

    def _end(self, frame: FrameType, call: Calling, gave: object) -> None:
        if self._stack:
            self._stack.pop()
        call.ended_at = frame.f_lineno
        if self._seen <= FULL_EVENTS or call.above is None or call.raises:
            values = self._values(frame, call)
            self.events.append(Event(frame.f_lineno, call.number, True, values))
            call.after = {name: show(each, VALUE_CHARS) for name, each in call.inputs.items()}
        if not call.raises:
            call.gave = show(gave, VALUE_CHARS)

    def _values(self, frame: FrameType, call: Calling) -> Values:
        """What the frame's names hold, shown; the same dict as before where nothing changed."""
        values = call.values
        for name, value in islice(list(frame.f_locals.items()), 4 * MOST_NAMES):
            kind = type(value)
            if kind in SCALARS and call.held.get(name, Enough) is value:
                continue
            if name.startswith("_") or issubclass(kind, OF_NO_INTEREST):
                continue
            if kind in SIZED:
                self.sizes[name] = len(value)
            call.held[name] = value
            text = show(value, VALUE_CHARS)
            if values.get(name) != text and (name in values or len(values) < MOST_NAMES):
                if values is call.values:
                    values = dict(values)
                values[name] = text
        call.values = values
        return values


class Heard:
    """Stands in for `print`, and notes which statement prints what."""

    def __init__(self, printed: list[tuple[int, str]]) -> None:
        self._print, self._printed = builtins.print, printed

    def __call__(self, *values: object, **how: Any) -> None:
        frame = sys._getframe(1)
        if how.get("file") is not None or frame.f_code.co_filename != STUDENT:
            return self._print(*values, **how)
        between = how.pop("sep", None)
        text = (" " if between is None else between).join(map(str, values))
        if len(self._printed) < MOST_PRINTED:
            self._printed.append((frame.f_lineno, text[:VALUE_CHARS]))
        return self._print(text, **how)


def kept_defaults(frame: FrameType, inputs: dict[str, object]) -> set[str]:
    """Names of the arguments that the caller left out: they hold the default itself."""
    function = frame.f_globals.get(frame.f_code.co_name)
    if type(function) is not FunctionType or function.__code__ is not frame.f_code:
        return set()
    defaults = function.__defaults__ or ()
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    pairs = zip(reversed(names), reversed(defaults), strict=False)
    return {name for name, default in pairs if inputs.get(name) is default}


def last_at(traceback: TracebackType | None) -> int:
    """The student's statement in which an exception arose; 0 where it is none."""
    at = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == STUDENT:
            at = traceback.tb_lineno
        traceback = traceback.tb_next
    return at
