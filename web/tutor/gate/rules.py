"""What gives a solution away: rules R1, R2 and R4, asked of each sentence as a draft grows."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache

from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import GRAM, Gram, grams, is_name, tokens, uncommented
from web.tutor.gate.seen import Seen

FENCE = re.compile(r"```|~~~")
# As Markdown has it: four columns, of which a tab fills what is left, make a block of code.
INDENTED = re.compile(r"\n(?: {4}|\t| {1,3}\t)[ \t]*+\S")
LIST_MARK = re.compile(r"^\s*+(?:[-*+>]\s++|\d++[.)]\s++)?")
LONGEST_STATEMENT = 600
CLAUSE = re.compile(r"(?:elif\b.*|else|except\b.*|finally|case\b.*):$")
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


@lru_cache(maxsize=512)
def fix_of(reference: str) -> tuple[frozenset[Gram], frozenset[str]]:
    """Runs of three tokens, and the names, of a reference solution: the same for every student."""
    parts = tokens(uncommented(reference))
    return frozenset(grams(parts, GRAM)), frozenset(filter(is_name, parts))


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
    if len(line) > LONGEST_STATEMENT or not CODE.search(line):
        return 0
    try:
        with warnings.catch_warnings():
            # They would be printed, with a model's words in them.
            warnings.simplefilter("ignore")
            body = ast.parse(f"{line} pass" if line.endswith(":") else line).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(_is_code(node) for node in body)


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


def shows_fix(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R2: a run of three tokens that only a solution has."""
    for runs, _ in map(fix_of, solutions):
        for one in draft.readings:
            told = runs.intersection(zip(one, one[1:], one[2:], strict=False))
            # Nearly always nothing is found, and what the student has seen need not be asked for.
            if told and not told <= seen.grams:
                return True
    return False


def spans_fix(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R4: whether a code span holds a name that only a solution has."""
    return any(
        not names.intersection(tokens(span)) <= seen.words
        for _, names in map(fix_of, solutions)
        for span in draft.spans
    )


def spans_strange(draft: Draft, seen: Seen) -> bool:
    """R4 at level 1: whether a code span is neither a part of what the student sees nor a call.

    A call, or any value, may use the names that the student sees, numbers and brackets only.
    """
    return any(
        f" {' '.join(parts)} " not in seen.line
        and not all(token in seen.plain or token[0].isdigit() for token in parts)
        for parts in map(tokens, draft.spans)
    )
