"""The ways in which a sentence may be read as code: as written, rendered, dictated, turned."""

from __future__ import annotations

import re
from typing import NamedTuple

from web.tutor.gate.lexis import GRAM, OPERATORS, SPAN, tokens
from web.tutor.gate.seen import Seen
from web.tutor.gate.spoken import dictates, spoken

# Prose punctuation stands before a space, a quote or the end; that of code rarely does.
PROSE_MARK = re.compile(r"(?<![.,;:!?…。])[.,;:!?…。]++(?=[`'\"’”)*_]*+(?:\s|$))")
APART = re.compile(
    r"(?<!\S)[^\s가-힣](?:[ \t][^\s가-힣](?!\S)){3,}"
    r"|(?<![^\s`])[^\W\d_](?:([-./|_])\S(?=\1|[\s`?]|$)){4,}"
)
"""Single characters with blanks between them, or a mark: `n - 1` takes more to be told by that."""

BETWEEN = re.compile(
    r"(?<!\S)(?:[→⇒➜,/|·•]|[-=]>|then|and then|\d{1,2}[.)]|그다음|다음)[,:]?(?!\S)"
    r"|[\u2600-\u27bf\U0001f000-\U0001faff]|(?<=\S),(?= then\b)"
)
"""What stands between tokens that are told one by one, as a list has it."""
LEAST_BETWEEN = 2
LIST = re.compile(r"[→⇒➜,/|·•>\d\u2600-\u27bf\U0001f000-\U0001faff]|then|다음")
"""What one of BETWEEN has in it. Most sentences have none, which is seen in a fifth of the time."""
NAMED = r"(?:type\()?[^\W\d][\w.]{0,80}\)?"
PRINTED = re.compile(rf"\b(?:print|type)\(({NAMED}(?:, ?{NAMED}){{0,5}})\)")
POINTS = re.compile(r"\btype\(|[(),]")
VALUE = r"(?:[-+]?\d[\d.]*+|'[^'\n]{0,40}'|\"[^\"\n]{0,40}\"|True|False|None|[\[\]{},: ])"
CALLED = re.compile(
    rf"(?<![-+*/%=<>(\[,.])(?<![-+*/%=<>(\[,] )(?<!return )\b([^\W\d]\w{{0,60}})"
    rf"\({VALUE}{{0,40}}+\)(?! ?[-+*/%=<>\[])"
)
"""A call with nothing but values that is no part of more code."""


BREAK = "\0"
"""Between spans that are not read in a row; no text has such a token."""
CUT = OPERATORS | {".", ",", "not", "and", "or", "in", "is"}
"""Where code ends with one of these, or begins so, the rest of it stands elsewhere."""
PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))
NOTHING: list[str] = []
"""Never changed."""


class Readings(NamedTuple):
    """Tokens of a sentence, each list after the last ones of the sentence before it.

    A fix that is cut by "`abs(`, then `elem`" is whole in one of them.
    """

    written: list[str] = NOTHING
    unmarked: list[str] = NOTHING
    """Without prose punctuation."""
    in_spans: list[str] = NOTHING
    rendered: list[str] = NOTHING
    rendered_unmarked: list[str] = NOTHING
    rendered_in_spans: list[str] = NOTHING
    joined: list[str] = NOTHING
    """With characters that stand apart put together."""
    dictated: list[str] = NOTHING
    """What is said, with words for signs read as signs."""
    read_out: list[str] = NOTHING
    """The same where brackets and points are said too."""

    def then(self, new: Readings) -> Readings:
        """The next sentence's readings, after the last tokens of these.

        Two that have always been the same are one list.
        """
        pairs = [*zip(self, new, strict=True)]
        made = {(id(before), id(its)): [*before[1 - GRAM :], *its] for before, its in pairs}
        return Readings(*(made[id(before), id(its)] for before, its in pairs))


def together(apart: str) -> str:
    """What a match of APART says."""
    return apart[::2]


def listed(shown: str) -> str:
    """The text without what stands between the parts of a list in it."""
    if LIST.search(shown) and len(BETWEEN.findall(shown)) >= LEAST_BETWEEN:
        return BETWEEN.sub(" ", shown)
    return shown


def spanned(before: str, spans: list[str], seen: Seen) -> list[str]:
    """The tokens of code spans in a row, but with a break between two whole ones of the student.

    A fix may be cut into spans, but `return True` and `return False` say nothing together that
    they do not say alone. before: the span before them.
    """
    parts: list[str] = []
    left = tokens(before)
    for right in map(tokens, spans):
        both = all(is_whole(its) and seen.holds(its) for its in (left, right))
        if both and max(len(left), len(right)) > 1:
            parts.append(BREAK)
        parts += right
        left = right
    return parts


def is_whole(parts: list[str]) -> bool:
    """Whether code goes on neither before nor behind these tokens, as far as their signs tell."""
    if not parts or not CUT.isdisjoint((parts[0], parts[-1])):
        return False
    return all(parts.count(opening) == parts.count(closing) for opening, closing in PAIRS)


def without_tries(text: str, seen: Seen) -> str:
    """The text with names alone in the place of what only shows what a program does.

    Who is told to print a name of a solution, or to call the function with other values, learns no
    more than by the name itself.
    """
    if "(" not in text:
        return text
    text = PRINTED.sub(lambda found: POINTS.sub(" ", found[1]), text)
    return CALLED.sub(lambda found: found[1 if found[1].casefold() in seen.functions else 0], text)


def readings(text: str, shown: str, before: str, spans: list[str], seen: Seen) -> Readings:
    """text: as written; shown: as rendered; spans: of code, which it completes, after another."""
    text, shown, *spans = (without_tries(each, seen) for each in (text, shown, *spans))
    written, unmarked = tokens(text), tokens(PROSE_MARK.sub(" ", text))
    in_spans = spanned(before, spans, seen)
    said = spoken(shown)
    apart = APART.sub(lambda found: together(found[0]), listed(shown))
    as_rendered = (
        (written, unmarked, in_spans)
        if shown == text
        else (
            tokens(shown),
            tokens(PROSE_MARK.sub(" ", shown)),
            spanned(before, SPAN.findall(shown), seen) or in_spans,
        )
    )
    return Readings(
        written,
        unmarked,
        in_spans,
        *as_rendered,
        as_rendered[0] if apart == shown else tokens(apart),
        said,
        said if dictates(shown) else NOTHING,
    )
