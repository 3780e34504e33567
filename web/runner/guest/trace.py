"""One case of a student's program, run statement by statement: what ran, and what names held."""

from __future__ import annotations

import inspect
import sys
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from operator import eq
from time import perf_counter
from types import FrameType, FunctionType, TracebackType
from typing import Any, NamedTuple

from . import console
from .listing import STUDENT
from .show import OF_NO_INTEREST, show

FULL_EVENTS = 600
"""Events of a case that are kept with the values of all names."""
LAST_EVENTS = 60
"""Events before a case is stopped that are kept so too."""
LAST_ROUNDS = 8
EVENTS_A_LOOK = 64
"""Events between two looks at the clock, which is the last fuse: what is kept depends on counts, so
that a busy machine finds what an idle one does."""
MOST_CALLS = 400
MOST_NAMES = 24
MOST_PRINTED = 200
FRAMES_ABOVE = 40
"""Calls of the library's between a program's statement and what is written for it."""
VALUE_CHARS = 80
DEEPEST = 3_000
"""Calls within calls of a program that is not known to end: more may end the interpreter."""
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
"""Frames that belong to the statement which they stand in."""
GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
SCALARS = {int, float, str, bool, type(None)}
SIZED = {list, tuple, str, dict, set, frozenset, deque, range}
Values = dict[str, str]
Tell = Callable[[FrameType, str, object], Any]


class Enough(BaseException):
    """Stops a program that has been watched long enough."""


class Moment(NamedTuple):
    """at: the statement's number; values: shown, before it runs or, at an end, after it."""

    at: int
    call: int
    ends: bool
    values: Values


class Written(NamedTuple):
    """What one statement wrote to standard output at one time. at: its number; start: characters
    that were written before; text: its first ones; chars: how many it has."""

    at: int
    start: int
    text: str
    chars: int


class Calling:
    """One call of a function of the student's, or the run of the program itself.

    made_at: the number of the statement that makes the function.
    """

    def __init__(self, number: int, above: Calling | None, frame: FrameType, *, full: bool) -> None:
        self.number = number
        self.kept = number < MOST_CALLS
        self.above = above.number if above else None
        code = frame.f_code
        self.name, self.made_at = code.co_name, code.co_firstlineno
        # Arguments come first among a frame's names, in their order.
        names = code.co_varnames[: min(code.co_argcount + code.co_kwonlyargcount, MOST_NAMES)]
        space = frame.f_locals
        shown = names if full and self.kept else ()
        self.inputs = {name: space[name] for name in shown if name in space}
        self.arguments = {name: show(each, VALUE_CHARS) for name, each in self.inputs.items()}
        self.default_names = kept_defaults(frame, self.inputs) if full else set()
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
    most_events: so many are followed; until_s: when to stop following in any case.
    """

    def __init__(
        self,
        text: str,
        looked_into: set[int],
        *,
        most_events: int,
        until_s: float,
        ends: bool,
        full: bool = True,
        hidden: bool = False,
    ) -> None:
        self.text, self.hidden = text, hidden
        self.counts: Counter[int] = Counter()
        self.moves: Counter[tuple[int, int]] = Counter()
        self.events: list[Moment] = []
        self.last: deque[Moment] = deque(maxlen=LAST_EVENTS)
        self.rounds: dict[int, deque[dict[str, object]]] = {
            at: deque(maxlen=LAST_ROUNDS) for at in looked_into
        }
        self.calls: list[Calling] = []
        self.sizes: dict[str, int] = {}
        self.printed: list[Written] = []
        self.lines_given = self.lines_left = 0
        """Lines of standard input, and those of them that nothing has read."""
        self.got: object = None
        self.expected: object = None
        self.same: Callable[[str, str], bool] = eq
        """Whether a word of the output is as good as the one that is expected."""
        self.error: BaseException | None = None
        self.error_at, self.error_in = 0, ""
        """The statement in which it arose, and the name of the function around it."""
        self.passed = False
        self.whole = True
        self.stuck = False
        self.deepest = 0
        self._stack: list[Calling] = []
        self._paused: dict[FrameType, tuple[Calling, Tell]] = {}
        self._most, self._until_s, self._ends = most_events, until_s, ends
        self.followed = 0
        """Events, also of comprehensions, whose rounds are no steps."""
        self._chars = 0
        self._wrote: tuple[int, int] | None = None
        self._full = FULL_EVENTS if full else 0
        self._seen = self._called = 0
        self._tired = False
        self._left = -1
        self._look_at = min(EVENTS_A_LOOK, most_events + 1)
        """Events after which the clock and their number are looked at again."""

    def run(self, work: Callable[[], object]) -> None:
        """Do the work, and keep what it gives or raises."""
        console.hear(self._hear)
        # Python itself clears it when what it calls raises, as Enough does.
        sys.settrace(self._enter)
        try:
            self.got = work()
        except Enough:
            self.stuck = True
        except BaseException as error:
            self.error = error
        finally:
            sys.settrace(None)
            console.hear(None)
        if self.error is not None:
            self.error_at, self.error_in = last_at(self.error.__traceback__)

    @property
    def kept_whole(self) -> bool:
        """Whether every event was kept with its values."""
        return self._seen <= self._full

    @property
    def written_first(self) -> dict[int, str]:
        """What each statement wrote to standard output the first time, without white space."""
        return {each.at: each.text.strip() for each in reversed(self.printed)}

    @property
    def outer(self) -> Calling | None:
        """The call that the case made, the last one if it made several."""
        # A case may call several functions: `assert g(f(1)) == 2` ends with the last.
        made = [call for call in self.calls if call.above is None]
        return made[-1] if made else None

    @property
    def raising(self) -> Calling | None:
        """The innermost call that an exception ended."""
        # The exception passes through all of them; the last is where it arose.
        raised = [call for call in reversed(self.calls) if call.raises]
        # A call whose exception another one caught has raised too.
        within = (call for call in raised if call.name == self.error_in)
        return next(within, raised[0] if raised else None)

    @property
    def returned_at(self) -> int:
        """The statement that gave the answer; 0 where none is known."""
        return self.outer.ended_at if self.outer else 0

    def _enter(self, frame: FrameType, event: str, arg: object) -> Tell | None:
        code = frame.f_code
        # The library's own frames are no steps of the student's, and would take most of the time.
        if code.co_filename != STUDENT or code.co_name in COMPREHENSIONS:
            return None
        if self._tired:
            return None
        if frame in self._paused:
            call, tell = self._paused[frame]
            self._stack.append(call)
            return tell
        above = self._stack[-1] if self._stack else None
        call = Calling(self._called, above, frame, full=bool(self._full))
        self._called += 1
        self._stack.append(call)
        self.deepest = max(self.deepest, len(self._stack))
        # Deep recursion makes very many; the first ones tell how it goes on.
        if call.kept:
            self.calls.append(call)
        if len(self._stack) > DEEPEST and not self._ends:
            raise Enough
        tell = self._follow(call)
        # Python tells of a generator that goes on as of a new call.
        if call.kept and code.co_flags & GENERATOR:
            self._paused[frame] = call, tell
        return tell

    def _follow(self, call: Calling) -> Tell:
        """What Python tells of one frame: made for it, so that it knows where it was before."""
        # It is called for each statement: what it asks for stands as near as can be.
        before, counts, moves = 0, self.counts, self.moves

        def tell(frame: FrameType, event: str, arg: object) -> Tell:
            nonlocal before
            if self._tired:
                # Where a frame ends is told all the same.
                frame.f_trace_lines = False
            if event == "line":
                at = frame.f_lineno
                self.followed += 1
                # An exception that the same call catches has not ended it.
                call.raises = False
                # A comprehension comes back to its own line for each item.
                if at != before:
                    counts[at] += 1
                    moves[before, at] += 1
                    before = at
                    # In brief, what a loop or condition finds at first is all that is kept.
                    if self._full or (counts[at] == 1 and at in self.rounds):
                        self._note(frame, call, at)
                if self.followed >= self._look_at and self._left < 0 and self._spent():
                    self._tire()
            elif event == "exception":
                call.raises = True
            elif event == "return":
                self._end(frame, call, arg)
            return tell

        return tell

    def _note(self, frame: FrameType, call: Calling, at: int) -> None:
        self._seen += 1
        if self._left >= 0:
            self.last.append(Moment(at, call.number, False, self._values(frame, call)))
            self._left -= 1
            if self._left < 0:
                raise Enough
        elif self._seen <= self._full or not self._full:
            self.events.append(Moment(at, call.number, False, self._values(frame, call)))
        # Past the first events only loops are looked into, a few names at a time.
        elif self._full and at in self.rounds:
            held = islice(frame.f_locals.items(), MOST_NAMES)
            # What can change later must not be kept unshown.
            self.rounds[at].append({name: each for name, each in held if is_scalar(each)})

    def _spent(self) -> bool:
        self._look_at = min(self.followed + EVENTS_A_LOOK, self._most + 1)
        return self.followed > self._most or perf_counter() > self._until_s

    def _tire(self) -> None:
        self.whole = False
        if self._ends:
            self._tired = True
        elif not self._full:
            raise Enough
        else:
            self._left = LAST_EVENTS

    def _hear(self, text: str) -> None:
        """Notes which statement writes what to standard output."""
        frame: FrameType | None = sys._getframe(1)
        for _ in range(FRAMES_ABOVE):
            if frame is None or frame.f_code.co_filename == STUDENT:
                break
            frame = frame.f_back
        start, self._chars = self._chars, self._chars + len(text)
        if frame is None or frame.f_code.co_filename != STUDENT:
            return
        now = (frame.f_lineno, self.followed)
        # `print` writes its values one by one.
        if now == self._wrote and self.printed and end_of(self.printed[-1]) == start:
            last = self.printed[-1]
            kept = last.text + text[: max(0, VALUE_CHARS - last.chars)]
            self.printed[-1] = last._replace(text=kept, chars=last.chars + len(text))
        elif len(self.printed) < MOST_PRINTED:
            self.printed.append(Written(now[0], start, text[:VALUE_CHARS], len(text)))
            self._wrote = now

    def _end(self, frame: FrameType, call: Calling, gave: object) -> None:
        # A generator that was left half way ends when nobody waits for it any more.
        if self._stack:
            self._stack.pop()
        call.ended_at = frame.f_lineno
        if self._full and (self._seen <= self._full or call.above is None or call.raises):
            values = self._values(frame, call)
            self.events.append(Moment(frame.f_lineno, call.number, True, values))
            call.after = {name: show(each, VALUE_CHARS) for name, each in call.inputs.items()}
        if self._full and call.kept and not call.raises:
            call.gave = show(gave, VALUE_CHARS)

    def _values(self, frame: FrameType, call: Calling) -> Values:
        """What the frame's names hold, shown; the same dict as before where nothing changed."""
        space = dict(islice(frame.f_locals.items(), 4 * MOST_NAMES))
        values = call.values
        if any(name not in space or _tells_nothing(space[name]) for name in values):
            # A name that was deleted, or that is a function now, has its old value no more.
            values = {
                name: text
                for name, text in values.items()
                if name in space and not _tells_nothing(space[name])
            }
        for name, value in space.items():
            scalar = is_scalar(value)
            if scalar and call.held.get(name, Enough) is value:
                continue
            # Those of the tests' harness begin so too.
            if name.startswith("_") or _tells_nothing(value):
                continue
            kind = type(value)
            if type(kind) is type and kind in SIZED:
                self.sizes[name] = len(value)
            call.held[name] = value
            text = show(value, VALUE_CHARS)
            if values.get(name) != text and (name in values or len(values) < MOST_NAMES):
                # Moments in which nothing changed share one dict.
                if values is call.values:
                    values = dict(values)
                values[name] = text
        call.values = values
        return values


def _tells_nothing(value: object) -> bool:
    return issubclass(type(value), OF_NO_INTEREST)


def is_scalar(value: object) -> bool:
    # A metaclass of the student's would be asked for the hash of its class.
    kind = type(value)
    return type(kind) is type and kind in SCALARS


def end_of(written: Written) -> int:
    return written.start + written.chars


def kept_defaults(frame: FrameType, inputs: dict[str, object]) -> set[str]:
    """Names of the arguments that the caller left out: they hold the default itself."""
    defaults = defaults_of(frame, inputs)
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    pairs = zip(reversed(names), reversed(defaults), strict=False)
    return {name for name, default in pairs if inputs.get(name) is default}


def defaults_of(frame: FrameType, inputs: dict[str, object]) -> tuple[object, ...]:
    """Of the function that runs; an inner one is not found, and counts as one that has none."""
    # A method is looked up in the classes of its first argument, past a metaclass.
    kind = type(next(iter(inputs.values()), None))
    classes = type.__dict__["__mro__"].__get__(kind)
    for space in (frame.f_globals, *map(type.__dict__["__dict__"].__get__, classes)):
        function = space.get(frame.f_code.co_name)
        if type(function) is FunctionType and function.__code__ is frame.f_code:
            return function.__defaults__ or ()
    return ()


def last_at(traceback: TracebackType | None) -> tuple[int, str]:
    """The student's statement in which an exception arose, and its function; 0 for none."""
    at, name = 0, ""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == STUDENT:
            at, name = traceback.tb_lineno, traceback.tb_frame.f_code.co_name
        # The last frame of the student's is the innermost: library calls may follow it.
        traceback = traceback.tb_next
    return at, name
