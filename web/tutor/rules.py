"""What gives a solution away: rules R1 to R4, asked of each sentence as a draft grows."""

from __future__ import annotations

import ast
import keyword
import re
from functools import cached_property, lru_cache

from web.tutor.draft import GRAM, Draft
from web.tutor.lexis import SPAN, Gram, grams, tokens, uncommented

FENCE = re.compile(r"```|~~~")
INDENTED = re.compile(r"\n(?: {4}|\t| {1,3}\t)[ \t]*+\S")
LIST_MARK = re.compile(r"^\s*+(?:[-*+>]\s++|\d++[.)]\s++)?")
LONGEST_STATEMENT = 600
CLAUSE = re.compile(r"(?:elif\b.*|else|except\b.*|finally|case\b.*):$")
# None of STATEMENTS can be written without one of these; most prose is seen to be none by that.
CODE = re.compile(
    r"[=(]|\b(?:return|del|for|while|if|with|def|class|import|raise|try|assert|break|continue|pass)\b"
)
STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.Return, ast.Delete, ast.For, ast.While, ast.If, ast.With,
    ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Raise, ast.Try, ast.Assert,
    ast.Break, ast.Continue, ast.Pass,
)  # fmt: skip

VERB = (
    r"(?:replac(?:e|ing)|substitut(?:e|ing)|chang(?:e|ing)|swap(?:ping)?|switch(?:ing)?"
    r"|remov(?:e|ing)|delet(?:e|ing)|add(?:ing)?|insert(?:ing)?|mov(?:e|ing)|renam(?:e|ing)"
    r"|(?:un|de)?indent(?:ing)?|modify(?:ing)?|updat(?:e|ing)|correct(?:ing)?|fix(?:ing)?"
    r"|wrap(?:ping)?|should (?:be|read|look like))"
)
VERB_KO = (
    r"(?:바꾸|바꿔|바꿀|바꾼|고치|고쳐|고칠|교체|대체|추가|삭제|제거|지우|지워|지울|빼|뺀|뺄"
    r"|옮기|옮겨|옮길|들여\s?쓰|들여\s?써|변경|수정|넣으|넣어|넣을)"
)
EDIT = re.compile(rf"\b{VERB}\b|{VERB_KO}", re.IGNORECASE)
DIRECTIVE = re.compile(
    rf"(?:^|[,;:]\s+|\b(?:should|must|to|try|please|let's|could|then|by|just)\s+){VERB}\b"
    rf"|{VERB_KO}\S{{0,8}}(?:\s{{0,3}}(?:야|보|주))?"
    r"(?:세요|십시오|시오|야|면 (?:되|돼|됩)|봐요?|보자|하자|라)",
    re.IGNORECASE | re.MULTILINE,
)
LINE = re.compile(
    r"\blines?\s++\d|(?<!\d)\d++\s{0,3}+(?:번째|번)?\s{0,3}+(?:줄|행|라인)|(?:줄|라인)\s{0,3}+\d",
    re.IGNORECASE,
)

KEYWORDS = frozenset(word.casefold() for word in keyword.kwlist)
BRACKETS = frozenset("()[]{},:")


class Seen:
    """What the student has before them: own code, exercise and test result, as tokens."""

    def __init__(self, student_code: str, statement: str) -> None:
        self._code, self._statement = tokens(student_code), tokens(statement)

    @cached_property
    def grams(self) -> set[Gram]:
        return grams(self._code, GRAM) | grams(self._statement, GRAM)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(filter(is_name, [*self._code, *self._statement]))

    @cached_property
    def line(self) -> str:
        """The tokens with spaces around each, for a search of several in a row."""
        return f" {' '.join([*self._code, *self._statement])} "

    @cached_property
    def plain(self) -> frozenset[str]:
        """What a call or value that the student could write may hold, beside numbers."""
        return (self.words - KEYWORDS) | BRACKETS


@lru_cache(maxsize=512)
def fix_of(reference: str) -> tuple[frozenset[Gram], frozenset[str]]:
    """Runs of three tokens, and the names, of a reference solution: the same for every student."""
    parts = tokens(uncommented(reference))
    return frozenset(grams(parts, GRAM)), frozenset(filter(is_name, parts))


def is_name(token: str) -> bool:
    """Whether it is an identifier, a keyword or a word."""
    return token[0].isalpha() or token[0] == "_"


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
    if CLAUSE.match(line):
        return 1
    if len(line) > LONGEST_STATEMENT or not CODE.search(line):
        return 0
    try:
        body = ast.parse(f"{line} pass" if line.endswith(":") else line).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(_is_code(node) for node in body)


def _is_code(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.AnnAssign):
        return node.value is not None
    return isinstance(node, STATEMENTS)


def shows_fix(draft: Draft, only_fix: frozenset[Gram]) -> bool:
    """R2: a run of three tokens that only the reference solution has."""
    return any(
        not only_fix.isdisjoint(zip(reading, reading[1:], reading[2:], strict=False))
        for reading in draft.readings
    )


def tells_edit(sentence: str) -> bool:
    """R3, where no question goes with it: an edit verb and a code span or a line number."""
    return bool(EDIT.search(sentence) and (SPAN.search(sentence) or LINE.search(sentence)))


def commands_edit(sentence: str) -> bool:
    """R3 at level 1: an edit verb as a command or advice, whatever it is about."""
    return bool(DIRECTIVE.search(sentence))


def spans_words(draft: Draft, words: frozenset[str]) -> bool:
    """R4: whether a code span holds one of these words, of which only the fix has any."""
    return any(not words.isdisjoint(tokens(span)) for span in draft.spans)


def spans_strange(draft: Draft, seen: Seen) -> bool:
    """R4 at level 1: whether a code span is neither a part of what the student sees nor a call.

    A call, or any value, may use the names that the student sees, numbers and brackets only.
    """
    return any(
        f" {' '.join(parts)} " not in seen.line
        and not all(token in seen.plain or token[0].isdigit() for token in parts)
        for parts in map(tokens, draft.spans)
    )
