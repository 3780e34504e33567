"""What is asked of a whole hint: whether it repeats an earlier one, reads easily, and what its code
would do (R5 to R8)."""

from __future__ import annotations

import ast
import keyword
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice, pairwise, product

from web.tutor.gate.lexis import SPAN, WORD, tokens
from web.tutor.gate.rendered import alike, rendered
from web.tutor.gate.seen import BUILTINS, KEYWORDS, Seen
from web.tutor.parsing import lexemes_of, tree_of

ALIKE_MIN = 0.6
"""From this share of common runs on two hints, or two programs, are alike; 0 to 1."""
HOLDS_MIN = 0.9
"""An example that has this share of a program's tree holds the program; 0 to 1."""
GRADE_MAX = 9.0
VOWELS = re.compile(r"[aeiouy]+")
SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")
WORDS_TO_GRADE = 30
"""A shorter text has no grade: one long word would decide on it."""
CANDIDATES_MAX = 12
READ_MAX = 48
"""Candidates that are looked at: also those that Python cannot read, or reads as the program."""
NEAR = 3
LINES_MAX = 200
"""Lines of a program over which a span is put."""
PROGRAM_CHARS = 4_000
"""To read all candidates of a longer one would keep others waiting."""
EXAMPLE_CHARS = 4_000
FUNCTIONS_MAX, FEWEST_NODES = 20, 12
"""Functions whose bodies are compared; smaller ones are alike by chance."""
CONSTANTS = frozenset(("True", "False", "None"))
VALUE = re.compile(r"-?\d[\w.]{0,30}|'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"|True|False|None")
ASSIGNMENT = re.compile(r"[\w\[\]., ]{1,80}[-+*/%]?=(?!=)")
NAMELESS = KEYWORDS | BUILTINS
GIVEN = frozenset(sys.stdlib_module_names).union(
    *(dir(kind) for kind in (str, list, dict, set, tuple, int, float, bytes))
)
"""Modules, and methods of Python's own types: names that belong to no exercise."""


def repeats(text: str, earlier: Collection[str]) -> bool:
    """Rule R7: whether the hint says what one of the earlier ones has said."""
    if not earlier:
        return False
    told = _said(text)
    return bool(told) and any(_share(told, _said(one)) >= ALIKE_MIN for one in earlier)


def _said(text: str) -> Counter[tuple[str, ...]]:
    words = [token for token in tokens(text) if WORD.match(token)]
    return Counter(pairwise(words) if len(words) > 1 else [tuple(words)])


def _share(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    """Of the runs of both, those that they have in common: Dice's coefficient, 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def grade(text: str) -> float:
    """US school grade that an English text asks for; 0.0 for one too short to tell.

    Source: Kincaid et al. 1975. Code spans are no words.
    """
    prose = SPAN.sub(" it ", text)
    words = re.findall(r"[a-z]+", prose.casefold())
    if len(words) < WORDS_TO_GRADE:
        return 0.0
    sentences = max(1, len(SENTENCE_END.findall(prose)))
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


@lru_cache(maxsize=8192)
def _syllables(word: str) -> int:
    silent = word.endswith(("e", "es", "ed")) and not word.endswith(("le", "les", "ted", "ded"))
    return max(1, len(VOWELS.findall(word)) - silent)


def resembles(example: str, programs: Iterable[str], names: Iterable[str]) -> bool:
    """Rule R5: whether an example of another domain is the exercise in disguise.

    It shares a name with it, or its tree without names and values is like that of a program: the
    student's, or a solution. names: of the program, the statement and the tests, in any case. What
    cannot be read as Python resembles: nobody can tell.
    """
    shapes = _shapes(example) if len(example) <= EXAMPLE_CHARS else []
    if not shapes or not bare(names).isdisjoint(bare(identifiers(example))):
        return True
    others = [other for program in programs for other in _shapes(program)]
    pairs = product(shapes, others)
    return any(_share(shape, other) >= ALIKE_MIN or _holds(shape, other) for shape, other in pairs)


# What does nothing, put between the lines of a short program, makes it less like itself.
def _holds(shape: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> bool:
    """Whether nearly all of the other program is in the first one."""
    return other.total() >= FEWEST_NODES and (shape & other).total() >= HOLDS_MIN * other.total()


def bare(names: Iterable[str]) -> set[str]:
    """The names without letter case, and numbers and underscores around them; no single letters."""
    found = (alike(name).casefold().strip("_0123456789") for name in names)
    return {name for name in found if len(name) > 1 and name not in NAMELESS}


def identifiers(program: str) -> set[str]:
    """Names that are its author's choice; none of a text that is no Python."""
    tree = tree_of(program)
    return names_in(tree) if tree else set()


def names_in(tree: ast.AST) -> set[str]:
    return {name for node in ast.walk(tree) for name in _named(node)}


def _named(node: ast.AST) -> Iterator[str]:
    # What a parameter of somebody else's function is called, nobody can choose.
    if isinstance(node, ast.Constant | ast.keyword):
        return
    for _, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one not in GIVEN:
                yield one


def _shapes(program: str) -> list[Counter[tuple[str, ...]]]:
    """Of the whole program, and of what its functions do: it may also stand without them."""
    tree = tree_of(program)
    if tree is None:
        return []
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    bodies = [ast.Module(node.body, []) for node in islice(functions, FUNCTIONS_MAX)]
    inner = (_shape(body) for body in bodies)
    return [_shape(tree), *(one for one in inner if one.total() >= FEWEST_NODES)]


def _shape(tree: ast.AST) -> Counter[tuple[str, ...]]:
    """Each node of the tree with its parent's and grandparent's kind."""
    found: Counter[tuple[str, ...]] = Counter()
    # A stack of its own: deeply nested expressions would end Python's.
    open_nodes: list[tuple[ast.AST, tuple[str, ...]]] = [(tree, ())]
    while open_nodes:
        node, above = open_nodes.pop()
        path = (*above[-2:], type(node).__name__)
        found[path] += 1
        children = ast.iter_child_nodes(node)
        open_nodes += [(one, path) for one in children if not isinstance(one, ast.expr_context)]
    return found


def mended(text: str, program: str, seen: Seen) -> list[str] | None:
    """Rule R6: the program with each code span of the hint put over the lines most like it.

    Who can run them asks whether one passes all the tests: then that span was the answer. A span
    that the student has before them is put nowhere: who is asked about it learns no code. Only
    what Python can read, and reads otherwise than the program, at most CANDIDATES_MAX; None where
    there is too much to be tried.
    """
    spans = strange(text, seen)
    if not spans:
        return []
    if len(spans) > CANDIDATES_MAX or len(program) > PROGRAM_CHARS:
        return None
    found = {_dumped(program): ""}
    for read, candidate in enumerate(_put(spans, program)):
        if tree := _dumped(candidate):
            found.setdefault(tree, candidate)
        # One is the program. To read the others would keep a whole worker waiting.
        if len(found) > CANDIDATES_MAX + 1 or read == READ_MAX:
            return None
    return [*filter(None, found.values())]


def _put(spans: list[str], program: str) -> Iterator[str]:
    """The program with each span over the lines most like it, and over values."""
    lines = program.splitlines()
    parts = [_tokens(line) for line in lines[:LINES_MAX]]
    for span in spans:
        for at in _nearest(span, parts):
            yield "\n".join([*lines[:at], _put_over(lines[at], span), *lines[at + 1 :], ""])
        yield from _over_values(span, program)


def strange(text: str, seen: Seen) -> list[str]:
    """The text's code spans that the student does not have before them, also as rendered."""
    shown = "\n".join(map(rendered, text.splitlines()))
    spans = dict.fromkeys(span.strip() for one in (text, shown) for span in SPAN.findall(one))
    return [span for span in spans if not seen.holds(tokens(span))]


def _over_values(span: str, program: str) -> Iterator[str]:
    """The program with a span that is a value, and so is like no line, in the place of each."""
    if not VALUE.fullmatch(span):
        return
    kind = tokenize.STRING if span[0] in "'\"" else tokenize.NUMBER
    lines = program.splitlines(keepends=True)
    for token in lexemes_of(program) or ():
        (row, start), (end_row, end) = token.start, token.end
        if row == end_row and (token.type == kind or token.string in CONSTANTS):
            line = f"{lines[row - 1][:start]}{span}{lines[row - 1][end:]}"
            yield "".join([*lines[: row - 1], line, *lines[row:]])


def _dumped(program: str) -> str:
    """The program's tree as a text, the same for all spacing; empty where there is none."""
    tree = tree_of(program)
    try:
        return ast.dump(tree) if tree else ""
    except RecursionError:
        return program


def _nearest(span: str, lines: list[Counter[tuple[str, ...]]]) -> list[int]:
    """Indices of the few lines that share most with the span; none for one that shares nothing."""
    parts = _tokens(span)
    found = [(_share(parts, line), -at) for at, line in enumerate(lines)]
    return [-at for share, at in sorted(found, reverse=True)[:NEAR] if share > 0]


def _tokens(text: str) -> Counter[tuple[str, ...]]:
    return Counter((token,) for token in tokens(text))


def _put_over(line: str, span: str) -> str:
    """The line with the span in the place of what it would replace: the line or its expression."""
    indent = line[: len(line) - len(line.lstrip())]
    head, _, _ = line.strip().partition(" ")
    if span.split(" ")[0].strip("(:") in keyword.kwlist or ASSIGNMENT.match(span):
        colon = ":" if line.rstrip().endswith(":") and not span.endswith(":") else ""
        return f"{indent}{span}{colon}"
    if head in ("if", "elif", "while"):
        return f"{indent}{head} {span}:"
    if head == "return":
        return f"{indent}return {span}"
    name, equals, _ = line.strip().partition(" = ")
    return f"{indent}{name} = {span}" if equals else f"{indent}{span}"
