"""How the failing case ended: an exception, a limit, or an answer of another kind."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise
from keyword import kwlist
from types import GeneratorType

from .branches import branch
from .clue import Clue, Scene, Told
from .listing import FUNCTIONS, begins, head, names_in, names_stored, walk
from .printing import IN_BRACES
from .show import cut, show, type_name
from .sums import worked_out
from .trace import VALUE_CHARS, Calling, Values, is_scalar

MOST_KEYS = 6
PYTHONS = [*(name for name in dir(builtins) if name.islower() and name.isalpha()), *kwlist]
"""Names and words of Python's own that a beginner may have meant."""
ALIKE, MUCH_ALIKE = 0.6, 0.75
"""Share of letters that two names must have in common, in their order, to be taken for one."""
OFTEN_MEANT = {"length", "lenght", "lenth"}
"""What else `len` is written like."""
NUMBERS = (int, float, bool)
ROWS = (list, tuple, str)
NO_NUMBER = re.compile(
    r"(?:invalid literal for int\(\) with base 10|could not convert string to float): ('.*|\".*)"
)
"""What Python says of a text that is to become a number."""
PARTS = re.compile(r"(?:not enough|too many) values to unpack \(expected (\d+)(?:, got (\d+))?\)")
ARGUMENTS = re.compile(r"(\w+)\(\) (?:takes|missing) .* argument")
EMPTY = re.compile(r"pop from an empty set$|popitem\(\): dictionary is empty$")
"""What Python says of nothing to take out, in the place of a key."""
DECIMAL = re.compile(r"[-+]?\d+\.\d*")
LOCAL = re.compile(r"local variable '(\w+)'")
GAVE_NONE = 0.5
"""Added where the program stops at the None that a function has given."""
UNMADE = 0.5
"""Added for the branch by which a name was to get the value that is missing."""


def endings(scene: Scene) -> Iterator[Clue]:
    trace = scene.failing
    if trace.stuck:
        at = trace.last[-1].at if trace.last else 0
        if trace.deepest > len(scene.nodes) and trace.deepest > 500:
            yield from _too_deep(scene, at)
        else:
            yield Clue("limit_time", _calling_twice(scene, at) or at)
    elif isinstance(trace.error, RecursionError):
        yield from _too_deep(scene, trace.error_at)
    elif isinstance(trace.error, MemoryError):
        yield Clue("limit_memory", trace.error_at)
    elif trace.error is not None:
        yield from _stopped(scene, trace.error)
    else:
        yield from _answer(scene)


def _calling_twice(scene: Scene, at: int) -> int:
    """Where the function around the statement calls itself more than once, so that calls grow."""
    function = scene.listing.within(scene.listing.statements[at], FUNCTIONS)
    if not isinstance(function, FUNCTIONS):
        return 0
    own = [
        scene.at(node) for node in walk(function)
        if isinstance(node, ast.Call) and scene.ran(node)
        if isinstance(node.func, ast.Name) and node.func.id == function.name
    ]  # fmt: skip
    return next((each for each in own if own.count(each) > 1), 0)


def _too_deep(scene: Scene, at: int) -> Iterator[Clue]:
    names = [call.name for call in scene.failing.calls]
    name = max(set(names), key=names.count) if names else ""
    depth: Told = {"depth": scene.failing.deepest}
    for node in scene.nodes:
        match node:
            case ast.Call(ast.Name(called)) | ast.Call(ast.Attribute(attr=called)) if (
                called == name and scene.ran(node)
            ):
                within = scene.listing.within(node, FUNCTIONS)
                # Two that call each other do not call themselves.
                own: Told = {"function": name} if getattr(within, "name", "") == name else {}
                yield Clue("limit_depth", scene.at(node), own | depth)
                return
    yield Clue("limit_depth", _calling(scene, name) or at, depth)


def _calling(scene: Scene, name: str) -> int:
    """The statement from which the function was called by itself, where no call of it is written:
    it may be what a dot or an `=` stands for."""
    calls = scene.failing.calls
    for before, moment in pairwise(scene.failing.events):
        if before.call < moment.call < len(calls):
            outer, inner = calls[before.call], calls[moment.call]
            if inner.above == outer.number and outer.name == inner.name == name:
                return before.at
    return 0


def _stopped(scene: Scene, error: BaseException) -> Iterator[Clue]:
    at = scene.failing.error_at
    statement = scene.listing.statements[at] if at < len(scene.listing.statements) else None
    if not at or statement is None:
        if isinstance(error, NameError):
            yield from _missing_function(scene, str(error.name))
        elif type(error) is TypeError and (counted := ARGUMENTS.match(_message(error))):
            yield from _called_otherwise(scene, counted[1])
        return
    values = values_where_it_stopped(scene)
    message = _message(error)
    told: Told = {
        "type": type_name(error),
        "message": message,
        # A name that is not there is no matter of what the others hold.
        "names": [] if isinstance(error, NameError) else scene.named(head(statement), values),
    }
    yield Clue("stopped", at, told)
    if isinstance(error, TypeError | AttributeError) and "NoneType" in message:
        yield from _gave_none(scene, statement)
    parts = [each for each in walk(head(statement)) if isinstance(each, ast.Subscript)]
    if type(error) is ValueError:
        yield from _unfit(at, message)
    if isinstance(error, UnboundLocalError) and (unmade := LOCAL.search(message)):
        yield from _unmade(scene, unmade[1])
    # "Pop from empty list" is said of no position.
    if isinstance(error, IndexError) and "range" in message:
        yield from _out_of_range(scene, at, parts, values)
    elif isinstance(error, KeyError) and error.args and _of_dictionary(scene, statement, error):
        keys = _keys(scene, parts, error.args[0])
        yield Clue("missing_key", at, {"key": show(error.args[0], 60), "keys": keys})
    elif isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        yield _wrong_name(scene, at, str(error.name), values)


def _unfit(at: int, message: str) -> Iterator[Clue]:
    """A text that is no number, or a value of another number of parts than there are names."""
    if text := NO_NUMBER.match(message):
        whole = "int()" in message and DECIMAL.fullmatch(text[1].strip("'\" "))
        yield Clue("no_whole_number" if whole else "no_number", at, {"text": text[1]})
    if counted := PARTS.match(message):
        told: Told = {"wanted": int(counted[1])}
        yield Clue("parts_differ", at, told | ({"found": int(counted[2])} if counted[2] else {}))


def _gave_none(scene: Scene, statement: ast.stmt) -> Iterator[Clue]:
    """The function that the statement called, and that ended without a value for it."""
    parts = [each for each in walk(head(statement)) if isinstance(each, ast.Call)]
    called = {each.func.id for each in parts if isinstance(each.func, ast.Name)}
    for call in reversed(scene.failing.calls):
        ended = scene.listing.statements[call.ended_at]
        if call.name in called and call.gave == "None" and not isinstance(ended, ast.Return):
            yield from _without_value(scene, call, GAVE_NONE)
            return


def _missing_function(scene: Scene, called: str) -> Iterator[Clue]:
    """What the tests call, and the function of the program that is named most like it."""
    made = {node.name: scene.at(node) for node in scene.nodes if isinstance(node, FUNCTIONS)}
    # What the tests only look at need be no function.
    if called in made or (scene.failing.text and f"{called}(" not in scene.failing.text):
        return
    told: Told = {"called": called}
    close = get_close_matches(called, made, 1, 0.6)
    at = made[close[0]] if close else max(made.values(), default=1)
    yield Clue("missing_function", at, told | {"close": close[0]} if close else told)


def _called_otherwise(scene: Scene, name: str) -> Iterator[Clue]:
    """The function that the tests call with more values than it takes, or fewer."""
    if at := _defined(scene, name):
        yield Clue("called_otherwise", at, {"name": name})


def _defined(scene: Scene, name: str) -> int:
    """The number of the statement that makes the function; 0 for none."""
    made = (node for node in scene.nodes if isinstance(node, FUNCTIONS) and node.name == name)
    return next(map(scene.at, made), 0)


def _unmade(scene: Scene, name: str) -> Iterator[Clue]:
    """Branches that were not taken and would have given the name its value."""
    for node in scene.nodes:
        if not isinstance(node, ast.If) or not scene.ran(node):
            continue
        clue = branch(scene, node)
        makes = any(name in names_stored(part) for part in node.body)
        if makes and clue.kind == "branch_not_taken":
            clue.weight = UNMADE
            yield clue


def values_where_it_stopped(scene: Scene) -> Values:
    """Of the innermost call in which the exception arose."""
    raising = scene.failing.raising
    return raising.values if raising else {}


def _message(error: BaseException) -> str:
    """Python's own words; a class of the student's may answer with anything."""
    try:
        return cut(str(error), 120)
    except BaseException:
        return ""


def _out_of_range(
    scene: Scene, at: int, parts: list[ast.Subscript], values: Values
) -> Iterator[Clue]:
    sizes = scene.failing.sizes
    for part in parts:
        # A slice is never out of range.
        if isinstance(part.slice, ast.Slice):
            continue
        index = worked_out(part.slice, values, sizes)
        name = part.value.id if isinstance(part.value, ast.Name) else None
        held = scene.failing.raising.held.get(name) if name and scene.failing.raising else None
        # Not `in`, which would ask the class itself whether it is equal.
        row = any(type(held) is each for each in ROWS)
        length = len(held) if row else None  # type: ignore[arg-type]
        if index is None or (length is not None and -length <= index < length):
            continue
        # A number that the line itself holds has come from nowhere.
        told: Told = {"index": index}
        if names_in(part.slice):
            told["moving"] = 1
        if name and length is not None:
            yield Clue("out_of_range", at, told | {"sequence": name, "length": length})
        elif len(parts) == 1:
            yield Clue("out_of_range", at, told)
        else:
            # Which of several places is not there is not known.
            yield Clue("out_of_range", at, {}, -0.05)
        return


def _of_dictionary(scene: Scene, statement: ast.stmt, error: KeyError) -> bool:
    """Whether a dictionary was asked for the key: sets raise this too, and so does an empty one."""
    if type(error.args[0]) is str and EMPTY.match(error.args[0]):
        return False
    # What the program raises itself need be about none.
    if any(isinstance(each, ast.Raise) for each in walk(statement)):
        return False
    parts = walk(head(statement))
    called = {each.attr for each in parts if isinstance(each, ast.Attribute)}
    texts = [str(each.value) for each in parts if isinstance(each, ast.Constant)]
    # `"{years}".format(age=3)` asks its own arguments.
    fields = [name for text in texts for name in IN_BRACES.findall(text)]
    named = type(error.args[0]) is str and error.args[0] in fields
    return "remove" not in called and not (named and "format" in called)


def _keys(scene: Scene, parts: list[ast.Subscript], key: object) -> list[str]:
    """Of the dictionary that does not have the key: a line may ask several."""
    raising = scene.failing.raising
    names = [part.value.id for part in parts if isinstance(part.value, ast.Name)]
    held = [raising.held.get(name) for name in names] if raising else []
    # To look up a value of the student's own class would run its code.
    asked = [each for each in held if type(each) is dict and not (is_scalar(key) and key in each)]
    # Of two that do not have it nobody knows which was asked.
    return [show(key, 40) for key in list(asked[0])[:MOST_KEYS]] if len(asked) == 1 else []


def _wrong_name(scene: Scene, at: int, name: str, values: Values) -> Clue:
    # Only names that the student's program has: another would give something away.
    known = {each.id for each in scene.nodes if isinstance(each, ast.Name)} | set(values)
    known |= {each.name for each in scene.nodes if isinstance(each, ast.FunctionDef)}
    known |= {each.arg for each in scene.nodes if isinstance(each, ast.arg)}
    told: Told = {"name": name}
    if name in scene.kept_on_self:
        return Clue("wrong_name", at, told | {"close": f"self.{name}"})
    close = get_close_matches(name, sorted(known - {name}), 1, ALIKE)
    if is_near_builtin(name) and not _is_nearer(close, name):
        # Which one it is, the student finds out.
        return Clue("wrong_name", at, told | {"near_builtin": 1})
    return Clue("wrong_name", at, told | {"close": close[0]} if close else told)


def _is_nearer(close: list[str], name: str) -> bool:
    """Whether the program's own name is likelier meant than one of Python's."""
    if name.casefold() in map(str.casefold, PYTHONS):
        return any(each.casefold() == name.casefold() for each in close)
    return bool(get_close_matches(name, close, 1, MUCH_ALIKE))


def is_near_builtin(name: str) -> bool:
    """Whether it reads like a name of Python's own that was misspelt, as `Print` or `lenght`."""
    if name.casefold() in OFTEN_MEANT or name.casefold() in map(str.casefold, PYTHONS):
        return True
    close = get_close_matches(name, PYTHONS, 1, 0.8)
    return bool(close) and name.isalpha() and abs(len(close[0]) - len(name)) < 2


def _answer(scene: Scene) -> Iterator[Clue]:
    trace = scene.failing
    got, expected = trace.got, trace.expected
    at = trace.returned_at
    # A program that prints its answer gives nothing back, and should not.
    if trace.outer is None or trace.outer.name == "<module>":
        if type(got) is GeneratorType:
            yield from _generated(scene, got.gi_code.co_name)
        return
    if trace.outer.gave != show(got, VALUE_CHARS) or trace.outer.name == "__init__":
        # What the test looks at is only made of what the call gave.
        return
    statement = scene.listing.statements[at]
    plain = not isinstance(statement, ast.Return) or statement.value is None
    if got is None and expected is not None:
        # An empty print makes a blank line, and is no answer.
        if printed := [each for each in trace.printed if each.text.strip()]:
            shown = cut(printed[-1].text.strip(), 120)
            yield Clue("printed_gave_none", printed[-1].at, {"printed": shown})
        elif plain:
            yield from _without_value(scene, trace.outer)
        else:
            yield Clue("gives_back", at, {"value": "None"}, 0.4)
    elif at and got is not None and expected is not None and _kinds_differ(got, expected):
        told: Told = {"got_type": type_name(got), "expected_type": type_name(expected)}
        yield Clue("another_type", at, told)


def _generated(scene: Scene, name: str) -> Iterator[Clue]:
    """The function whose call made a generator, and ran none of its lines."""
    told: Told = {"got_type": "generator", "expected_type": type_name(scene.failing.expected)}
    if at := _defined(scene, name):
        yield Clue("another_type", at, told)


def _kinds_differ(got: object, expected: object) -> bool:
    # Not `issubclass`, which a class of the student's may answer itself.
    kinds = type.__dict__["__mro__"].__get__(type(got))
    if any(each is type(expected) for each in kinds) and type(got) is not bool:
        return False
    # Not by a set, for a class of the student's may have no hash.
    return not all(any(type(each) is kind for kind in NUMBERS) for each in (got, expected))


def _without_value(scene: Scene, call: Calling, weight: float = 0) -> Iterator[Clue]:
    """The last branch of the function that was not taken, if there is one."""
    at, trace = call.ended_at, scene.failing
    mine = [each for each in trace.events if each.call == call.number]
    for event, then in reversed(list(pairwise(mine))):
        statement = scene.listing.statements[event.at]
        # One with an else was left through one of its ways, not past it.
        if isinstance(statement, ast.If) and not statement.orelse:
            body = scene.at(begins(statement.body))
            # In another call it may have been followed.
            past = trace.kept_whole and (then.ends or then.at != body)
            if past or not trace.moves[event.at, body]:
                told: Told = {"branch": scene.listing.source(statement.test)}
                yield Clue("ended_without_value", at, told, weight, also=(event.at,))
                return
    yield Clue("ended_without_value", at, {}, weight)
