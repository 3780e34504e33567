"""How Python wants a line to be written that it could not read, as a rule that holds anywhere."""

from __future__ import annotations

import re

from web.tutor.evidence.misread import FUNCTION_WORDS, misread

FORMS = {
    "def": "def name(parameter):",
    "for": "for name in values:",
    "while": "while condition:",
    "if": "if condition:",
    "elif": "elif condition:",
    "else": "else:",
    "class": "class Name:",
    "import": "import module",
    "from": "from module import name",
    "try": "try:",
    "except": "except ErrorName:",
    "finally": "finally:",
    "with": "with value as name:",
    "print": "print(value)",
}
"""By the word with which such a line begins."""
MEANT = {
    **dict.fromkeys(FUNCTION_WORDS.split("|"), "def"),
    **dict.fromkeys(("elseif", "elsif", "else if"), "elif"),
    "foreach": "for",
}
"""What other languages begin with."""
BEGINS = re.compile(r"\s*+(else\s+if\b|[^\W\d_]++)(?!\s*(?:[-+*/]?=(?!=)|[.\[]))", re.IGNORECASE)
RULES = {
    "brackets": (
        "was never closed",
        "unexpected EOF",
        "unmatched",
        "does not match opening",
        "nested",
        "f-string: expecting",
    ),
    "quotes": ("unterminated",),
    "blocks": ("indent", "inconsistent use of tabs", "outside", "not properly in loop", "'except'"),
    "signs": ("non-printable", "null byte"),
    "equals": ("instead of '='", "cannot assign"),
    "names": ("literal",),
    "commas": ("forgot a comma",),
    "parameters": ("parameter without", "positional argument"),
}
"""By a part of CPython's message; the first one that is found counts."""
MET_RULES = {
    "wide": "signs",
    "strange": "signs",
    "quote": "signs",
    "dash": "signs",
    "outside_function": "blocks",
    "outside_loop": "blocks",
    "nothing_above": "blocks",
    "no_opener": "blocks",
    "asks": "equals",
    "alone_walrus": "equals",
    "typed_name": "equals",
    "unknown_sign": "operators",
    "own_word": "names",
    "keyboard": "signs",
    "cut_short": "values",
    "side_by_side": "values",
    "open_bracket": "brackets",
}
"""By what was met on the line."""


def rule_of(message: str, line: str) -> tuple[str, str]:
    """Which rule of a table's `rules` the line is up against, and the form that it names or "".

    message: the parser's. line: the student's.
    """
    met = misread(message, line)
    if met and met[0] in MET_RULES:
        return MET_RULES[met[0]], ""
    told = (rule for rule, parts in RULES.items() if any(part in message for part in parts))
    rule, form = next(told, ""), form_of(line)
    # Of what a loop of C has in its brackets, the parser thinks that one of these is missing.
    of_c = form == FORMS["for"] and rule in ("equals", "commas")
    if rule and not met and not of_c:
        return rule, ""
    return ("form", form) if form else ("values", "")


def form_of(line: str) -> str:
    """The form of the statement that the line was meant to be; empty where that is not known."""
    begins = BEGINS.match(line)
    if begins is None:
        return ""
    word = " ".join(begins[1].casefold().split())
    return FORMS.get(MEANT.get(word, word), "")
