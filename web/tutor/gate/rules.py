"""What gives a solution away: rules R1, R2 and R4, asked of each sentence as a draft grows."""

from __future__ import annotations

import ast
import re
import warnings

from web.tutor.gate.draft import Draft
from web.tutor.gate.lexis import GRAM, SPAN, WORD, operated, runs, tokens, without_blanks
from web.tutor.gate.literals import quoted
from web.tutor.gate.readings import APART, Readings, together
from web.tutor.gate.seen import KEYWORDS, Seen
from web.tutor.gate.solution import LONE, Solution, solution_of
from web.tutor.gate.spoken import operators
from web.tutor.gate.values import expression, is_example, is_text, is_value

FENCE = re.compile(r"```|~~~")
# As Markdown has it: four columns, of which a tab fills what is left, make a block of code.
INDENTED = re.compile(r"\n(?: {4}|\t| {1,3}\t)[ \t]*+\S")
LIST_MARK = re.compile(r"^\s*+(?:[-*+>]\s++|\d++[.)]\s++)?")
ERROR = re.compile(r"(?:[A-Z]\w{0,40})?(?:Error|Exception|Warning|StopIteration)\b")
DOTS = re.compile(r"\.{3}|…")
"""For what is left out, as in `sum(...)`."""
PROSE_WORDS = 3
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
    """R2: a run of tokens that only a solution has: three, or two that are code."""
    known = [solution_of(one) for one in solutions]
    return (
        _tells(draft.readings, known, seen)
        or any(_scatters(draft.trail, solution, seen) for solution in known)
        or shows_line(draft, solutions, seen)
    )


def _scatters(trail: list[str], solution: Solution, seen: Seen) -> bool:
    """Whether a run of the solution is told with words of prose between its tokens."""
    # Words that the solution does not have are what it was scattered over.
    told = operated([part for part in trail if part in solution.tokens])
    return not told & solution.scattered <= seen.scattered


def shows_line(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R2: a line of a solution, letter by letter, or one of which the student has written more."""
    told = (draft.readings.rendered, draft.readings.rendered_in_spans)
    texts = [f" {' '.join(parts)} " for parts in told if parts]
    squeezed = without_blanks(draft.rendered)
    spelled = {together(found[0]) for found in APART.finditer(draft.rendered)}
    return any(
        (piece in squeezed and piece not in seen.squeezed)
        or (piece in spelled and piece not in seen.squeezed_lines)
        for solution in map(solution_of, solutions)
        for piece in solution.pieces
    ) or any(
        _ends_early(text, line, seen)
        for solution in map(solution_of, solutions)
        for line in solution.lines
        for text in texts
        if line in text
    )


# Who has written `return a + b` is told the answer by "return a", which stands in their text.
def _ends_early(text: str, line: str, seen: Seen) -> bool:
    follow = seen.may_follow(line)
    if not follow:
        return False
    ends = (part.partition(" ")[0] for part in text.split(line)[1:])
    return not follow.issuperset(ends)


def _tells(told: Readings, solutions: list[Solution], seen: Seen) -> bool:
    forward = (*told[:6], told.joined)
    turned = (told.backward, told.mirrored, told.rotated)
    looked_for = (
        (forward, "runs", GRAM, "grams"),
        ((told.unmarked, told.rendered_unmarked, told.joined), "pairs", 2, "pairs"),
        ((told.in_spans, told.rendered_in_spans), "pairs_in_code", 2, "pairs"),
        ((told.dictated,), "dictated", GRAM, "dictated"),
        ((told.read_out,), "read_out", 2, "read_out"),
        (turned, "runs", GRAM, "turned"),
    )
    for readings, only_its, size, known in looked_for:
        # Most readings of most sentences are the same.
        said = set().union(*(runs(one, size) for one in set(map(tuple, readings))))
        for solution in solutions:
            found = getattr(solution, only_its) & said
            # Nearly always nothing is found, and what the student has seen need not be asked for.
            if found and not found <= getattr(seen, known):
                return True
    return False


def shows_literal(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R2: a text in quotes, and what stands beside it, as only a solution has them."""
    told = quoted(draft.rendered)
    return any(not told & solution_of(one).quoted <= seen.quoted for one in solutions if told)


def tells_operator(draft: Draft, solutions: tuple[str, ...], seen: Seen, patterns: bool) -> bool:
    """R2: an operator that only a solution has, by itself. patterns: code spans may hold it."""
    told = set(draft.readings.rendered)
    if patterns and "`" in draft.rendered:
        told = set(tokens(SPAN.sub(_lone, draft.rendered)))
    # "Slash slash" is told by no token.
    told |= operators(draft.rendered)
    return any(not solution_of(one).operators & told <= seen.tokens for one in solutions)


def _lone(span: re.Match[str]) -> str:
    return span[0] if span[1].strip() in LONE else " "


def spans_fix(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R4: whether a code span holds a name or a number that only a solution has.

    A number within a list, a text or a call is one of an example, and none of the program.
    """
    told: set[str] = set()
    for span in draft.spans:
        parts = tokens(span)
        value = is_value(tree := expression(span), span, seen) and is_example(tree)
        told.update(part for part in parts if not (value and part[0].isdigit()))
    return any(
        not (solution.names | solution.numbers) & told <= seen.tokens
        for solution in map(solution_of, solutions)
    )


def spans_strange(draft: Draft, solutions: tuple[str, ...], seen: Seen) -> bool:
    """R4 where the level is strict: whether a code span is strange to the student.

    What the student has seen is not, nor a value or a call with values; nor, unless a solution has
    it and the student not, what a name holds, an error's message, and one word or sign alone.
    """
    return any(
        not (_is_seen(span, seen) or _is_plain(span, tokens(span), solutions, seen))
        for span in draft.spans
    )


def _is_seen(span: str, seen: Seen) -> bool:
    parts = tokens(DOTS.sub(" ", span))
    allowed = parts[2:-1] if parts[:2] == ["print", "("] else parts
    if seen.holds(parts) or all(part in seen.plain or part[0].isdigit() for part in allowed):
        return True
    return is_value(expression(span), span, seen)


def _is_plain(span: str, parts: list[str], solutions: tuple[str, ...], seen: Seen) -> bool:
    if ERROR.match(span):
        return True
    word = len(parts) == 1 and (
        parts[0] in KEYWORDS or parts[0] == "print" or not WORD.match(parts[0])
    )
    if word or is_text(parts) or _is_prose(parts):
        # Without a solution nobody knows that a word is not the one that is missing.
        found = [solution_of(one).tokens - seen.tokens for one in solutions]
        return bool(solutions) and all(one.isdisjoint(parts) for one in found)
    name, _, value = span.rpartition("=")
    if name and not (name.strip(" =").casefold() in seen.words and name.strip(" =").isidentifier()):
        return False
    try:
        ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_prose(parts: list[str]) -> bool:
    """Whether it is words alone, as the message of an error: `division by zero`."""
    return len(parts) >= PROSE_WORDS and all(map(str.isalpha, parts)) and KEYWORDS.isdisjoint(parts)
