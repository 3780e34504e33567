"""What a program that reads and prints did with its input and its output."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import takewhile

from .clue import Clue, Scene, Told
from .show import cut
from .trace import VALUE_CHARS, Trace, Written, end_of

WORD = re.compile(r"\S+")
CHARS = re.compile(r"[\s\S]")
LINES_ELSEWHERE = -0.3
"""Added where the output has the expected words on other lines."""
READS = {"input", "readline", "readlines", "read"}
COLLECTION = re.compile(r"""[\[({](?:['"\d\-\[({]|None|True|False)""")
"""How Python shows a list, tuple, set or dictionary that has something in it."""
OBJECT = re.compile(r"<(?:\w+\.)*(\w+) object at 0x\w+>$")
ADDRESS = re.compile(r"0x[0-9a-f]{4,}")
IN_BRACES = re.compile(r"\{\s*(\w+)")
"""A name within the curly brackets of a text that is to be filled."""


def printing(scene: Scene) -> Iterator[Clue]:
    trace = scene.failing
    if trace.outer is None or trace.outer.name != "<module>":
        return
    if isinstance(trace.error, EOFError):
        yield Clue("input_over", trace.error_at, {"read": trace.lines_given})
    if trace.error is not None or trace.stuck or not isinstance(trace.expected, str):
        return
    yield from _prompts(scene, trace.expected)
    if (wrong := first_wrong(trace)) and wrong.text.strip():
        yield Clue("prints_wrong", wrong.at, _told_of(wrong))
        yield from _form(scene, wrong, trace.expected)
    if trace.expected.strip() and trace.got == "" and trace.events:
        yield Clue("prints_nothing", trace.events[-1].at)
    if trace.printed and ends_early(trace):
        whole = lines_alike(trace)
        told: Told = {} if whole else {"breaks": 1}
        yield Clue("output_ends", trace.printed[-1].at, told, 0 if whole else LINES_ELSEWHERE)
    reading = [scene.at(node) for node in _reading(scene)]
    if trace.lines_left and reading:
        yield Clue("input_left", max(reading), {"left": trace.lines_left})


def _reading(scene: Scene) -> Iterator[ast.Call]:
    """The calls that read input and ran."""
    for node in scene.nodes:
        match node:
            case ast.Call(ast.Name(name)) | ast.Call(ast.Attribute(attr=name)) if name in READS:
                if scene.ran(node):
                    yield node


def _prompts(scene: Scene, expected: str) -> Iterator[Clue]:
    """Questions that `input` writes to where the answer goes, and that nobody expects there."""
    wrote = scene.failing.written_first
    for node in _reading(scene):
        asks = wrote.get(scene.at(node), "")
        if asks and asks not in expected and _is_prompt(node, asks):
            yield Clue(
                "prompt_printed", scene.at(node), {"prompt": scene.listing.source(node.args[0])}
            )


def _is_prompt(node: ast.Call, asks: str) -> bool:
    """Whether this call wrote it: `read` has an argument too, and asks nothing."""
    if not isinstance(node.func, ast.Name) or not node.args:
        return False
    given = node.args[0]
    return not isinstance(given, ast.Constant) or asks.startswith(str(given.value).strip() or "\0")


def _form(scene: Scene, wrong: Written, expected: str) -> Iterator[Clue]:
    """What is right but for the form in which it is printed."""
    shown, got = wrong.text.strip(), str(scene.failing.got)
    told = _told_of(wrong)
    if "".join(got.split()) == "".join(expected.split()):
        yield Clue("blanks_differ", wrong.at, told)
    elif (thing := OBJECT.match(shown)) and shown not in expected:
        yield Clue("object_printed", wrong.at, {"got_type": thing[1]})
    elif _is_collection(shown) and shown[0] not in expected:
        yield Clue("list_printed", wrong.at, told)
    elif name := _name_in(scene, wrong, shown, expected):
        yield Clue("name_printed", wrong.at, told | {"name": name})


def _is_collection(shown: str) -> bool:
    """Whether it reads as one whole collection; what is too long was cut, and may be one."""
    if not COLLECTION.match(shown):
        return False
    try:
        return isinstance(ast.literal_eval(shown), list | tuple | set | dict)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return len(shown) >= VALUE_CHARS


def _told_of(wrong: Written) -> Told:
    """behind: 1 where something was printed before it; an address is another one in each run."""
    return {
        "printed": cut(ADDRESS.sub("0x…", wrong.text.strip()), 80),
        "behind": int(wrong.start > 0),
    }


def _name_in(scene: Scene, wrong: Written, shown: str, expected: str) -> str | None:
    """A name of the program whose letters are printed, alone or in curly brackets."""
    names = {each.id for each in scene.nodes if isinstance(each, ast.Name)}
    texts = [
        each.value for each in scene.nodes
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
        if scene.at(each) == wrong.at
    ]  # fmt: skip
    # A value that happens to read like a name does not stand in the line as text.
    quoted = {part for text in texts for part in (text.strip(), *IN_BRACES.findall(text))}
    found = IN_BRACES.findall(shown)
    # Letters alone may be a word that was meant, unless the name's value is what is expected.
    moments = scene.events_at(wrong.at)
    held = moments[-1].values.get(shown, "") if moments else ""
    if held.strip("'") in WORD.findall(expected):
        found.append(shown)
    return next((each for each in found if each in names & quoted), None)


def first_wrong(trace: Trace) -> Written | None:
    """What was written where the output first differs from what is expected; None if unknown."""
    if not isinstance(trace.got, str) or not isinstance(trace.expected, str):
        return None
    place = first_difference(trace.got, trace.expected, WORD, trace.same)
    if place is None:
        place = first_difference(trace.got.rstrip(), trace.expected.rstrip(), CHARS, trace.same)
    for written in trace.printed:
        # What was written past us shifts all that follows.
        if not trace.got.startswith(written.text, written.start):
            return None
        if place is not None and written.start <= place < end_of(written):
            return written
    return None


def ends_early(trace: Trace) -> bool:
    """Whether the output is what is expected, and only less of it."""
    if not isinstance(trace.got, str) or not isinstance(trace.expected, str):
        return False
    got, wanted = (WORD.findall(text) for text in (trace.got, trace.expected))
    return 0 < len(got) < len(wanted) and all(map(trace.same, got, wanted))


def lines_alike(trace: Trace) -> bool:
    """Whether each line of the output but the last has as many words as the expected one."""
    got, wanted = (
        [len(WORD.findall(line)) for line in str(text).rstrip().split("\n")]
        for text in (trace.got, trace.expected)
    )
    return got[:-1] == wanted[: len(got) - 1] and 0 < got[-1] <= [*wanted, 0][len(got) - 1]


def first_difference(
    got: str, expected: str, parts: re.Pattern[str], same: Callable[[str, str], bool]
) -> int | None:
    """Where in the output the first part stands that is another one; None if it only ends early."""
    wanted = parts.findall(expected)
    for number, found in enumerate(parts.finditer(got)):
        if number >= len(wanted):
            return found.start()
        if not same(found[0], wanted[number]):
            pairs = zip(found[0], wanted[number], strict=False)
            alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            # A word that is too short may have been wanted to go on.
            return found.start() + min(alike, len(found[0]) - 1)
    return None
