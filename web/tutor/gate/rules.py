"""What no hint may hold, whatever the exercise: R1 and R4, asked of each sentence of a draft."""

from __future__ import annotations

import ast
import keyword
import re

from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import WORD, tokens
from web.tutor.gate.seen import KEYWORDS, LOOKING, Seen
from web.tutor.gate.solution import Solutions
from web.tutor.gate.values import expression, is_example, is_text, is_value
from web.tutor.parsing import is_literal, tree_of

FENCE = re.compile(r"```|~~~")
# As Markdown has it: four columns, of which a tab fills what is left, make a block of code.
INDENTED = re.compile(r"\n(?: {4}|\t| {1,3}\t)[ \t]*+\S")
LIST_MARK = re.compile(r"^\s*+(?:[-*+>]\s++|\d++[.)]\s++)?")
ERROR = re.compile(r"(?:[A-Z]\w{0,40})?(?:Error|Exception|Warning|StopIteration)\b")
SIDES = re.compile(" is |,")
"""Between what is looked at one by one, or asked whether it is the same object."""
DOTS = re.compile(r"\.{3}|…")
"""For what is left out, as in `sum(...)`."""
WELL_KNOWN = KEYWORDS | {
    "print", "type", "id", "int", "float", "str", "list", "tuple", "dict", "set", "bool", "bytes",
    "complex", "nonetype",
}  # fmt: skip
"""Words that a hint may name though the student has not written them: kinds of values, too."""
NO_PROSE = frozenset({
    "elif", "lambda", "nonlocal", "len", "isinstance", "ord", "chr", "divmod",
    "isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "startswith", "endswith",
    "rstrip", "lstrip", "popleft", "setdefault", "defaultdict",
})  # fmt: skip
"""Words of Python's own that stand in no English sentence."""
PROSE_WORDS = 3
LONGEST_STATEMENT = 600
CLAUSE = re.compile(r"(?:elif\b.*|else|except\b.*|finally|case\b.*):$")
QUOTING = re.compile(r"[\"'#]")
_KEYWORDS = "|".join([*keyword.kwlist, *keyword.softkwlist])
TWO_WORDS = re.compile(rf"(?<!\w)(?!(?:{_KEYWORDS}) )[^\W\d]\w*+ (?!(?:{_KEYWORDS})(?!\w))[^\W\d]")
OTHER_STATEMENT = re.compile(
    r"=|\w\(|\+\+|--|^(?:throw|import|using|package|goto)\b|\b(?:return|break|continue)\b"
)
"""What a line with a semicolon at its end holds where it is no prose."""
# None of STATEMENTS can be written without one of these; most prose is seen to be none by that.
CODE = re.compile(
    r"[=(]|\b(?:return|del|for|while|if|with|def|class|import|raise|try|assert|break|continue|pass)\b"
)
STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.Return, ast.Delete, ast.For, ast.While, ast.If, ast.With,
    ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Raise, ast.Try, ast.Assert,
    ast.Break, ast.Continue, ast.Pass,
)  # fmt: skip


def shows_block(draft: Draft) -> bool:
    """R1: a fence, an indented block, or two statements on one line, in one span or in a row."""
    if FENCE.search(draft.added) or INDENTED.search(draft.added):
        return True
    if any(_statements(span) > 1 for span in draft.spans):
        return True
    in_a_row = 0
    for line in draft.lines:
        found = _statements(LIST_MARK.sub("", line).strip(" `"))
        in_a_row = in_a_row + found if found else 0
        if in_a_row > 1:
            return True
    return False


def _statements(line: str) -> int:
    """Statements in one line of code; 0 for prose, also prose that Python could read."""
    if CLAUSE.match(line) or _is_other_statement(line):
        return 1
    if len(line) > LONGEST_STATEMENT or not CODE.search(line) or _is_prose_line(line):
        return 0
    tree = tree_of(f"{line} pass" if line.endswith(":") else line)
    return sum(map(_is_code, tree.body)) if tree else 0


def _is_prose_line(line: str) -> bool:
    """Whether no Python is written so: outside of quotes no name follows a name."""
    return not QUOTING.search(line) and bool(TWO_WORDS.search(line))


def _is_other_statement(line: str) -> bool:
    """Whether it is a line of a language with braces and semicolons."""
    if line.endswith(";"):
        return bool(OTHER_STATEMENT.search(line))
    return line.endswith("{") or line.startswith(("#include", "}"))


def _is_code(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.AnnAssign):
        return node.value is not None
    return isinstance(node, STATEMENTS)


def spans_fix(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """R4: whether a code span holds a name or a number that only a solution has.

    A number within a list, a text or a call is one of an example, and none of the program.
    """
    return any(_hidden_in(span, known, seen) for span in draft.spans)


def names_keyword(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """R4: whether a word that only a solution has stands bare, and is none of any prose."""
    told = NO_PROSE.intersection(draft.readings.rendered)
    return bool(told) and not told.isdisjoint(known.tokens - seen.tokens)


def _hidden_in(span: str, known: Solutions, seen: Seen) -> frozenset[str]:
    told = (known.names | known.numbers).intersection(tokens(span)) - seen.tokens
    numbers = {part for part in told if part[0].isdigit()}
    # Nearly always nothing is told, and then Python need not read the span.
    if numbers and is_value(tree := expression(span), span, seen) and is_example(tree):
        return told - numbers
    return told


def spans_strange(draft: Draft, known: Solutions, seen: Seen) -> bool:
    """R4 where the level is strict: whether a code span is strange to the student.

    What the student has seen is not, nor a value or a call with values; nor, unless a solution has
    it and the student not, what a name holds, an error's message, and one word or sign alone.
    """
    return any(
        not (_is_seen(span, seen) or _is_plain(span, tokens(span), known, seen))
        for span in draft.spans
    )


def _is_seen(span: str, seen: Seen) -> bool:
    if seen.holds(tokens(span)):
        return True
    short = DOTS.sub(" ", span)
    parts = tokens(short)
    sides = SIDES.split(" ".join(_looked_at(parts)))
    own = all(_is_own(side.split(), seen) for side in sides)
    return own or is_value(expression(short), short, seen)


def _is_own(parts: list[str], seen: Seen) -> bool:
    """Whether the student has written this, or all that is in it and no operator."""
    return seen.holds(parts) or all(part in seen.plain or part[0].isdigit() for part in parts)


def _looked_at(parts: list[str]) -> list[str]:
    """What stands in the brackets of `print(...)` or `type(...)`, or of one in the other."""
    while parts[1:2] == ["("] and parts[-1] == ")" and parts[0] in LOOKING:
        parts = parts[2:-1]
    return parts


def _is_plain(span: str, parts: list[str], known: Solutions, seen: Seen) -> bool:
    if ERROR.match(span):
        return True
    word = len(parts) == 1 and (parts[0] in WELL_KNOWN or not WORD.match(parts[0]))
    if word or is_text(parts) or _is_prose(parts):
        # Without a solution nobody knows that a word is not the one that is missing.
        return bool(known) and (known.tokens - seen.tokens).isdisjoint(parts)
    name, _, value = span.rpartition("=")
    if name and not (name.strip(" =").casefold() in seen.words and name.strip(" =").isidentifier()):
        return False
    return is_literal(value.strip())


def _is_prose(parts: list[str]) -> bool:
    """Whether it is words alone, as the message of an error: `division by zero`."""
    return len(parts) >= PROSE_WORDS and all(map(str.isalpha, parts)) and KEYWORDS.isdisjoint(parts)
