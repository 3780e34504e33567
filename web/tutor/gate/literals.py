"""Texts in quotes with every blank and mark in them, of which tokens know nothing.

That `' '` should be `''`, or `"Hello,"` should end with a blank, is told by nothing else. A text in
quotes may also be a value that the student is asked about, so it counts with what stands beside it.
"""

from __future__ import annotations

import re

from web.tutor.gate.lexis import STRAIGHT

Pair = tuple[str, str]
# Quotes of prose have words beside them, which therefore count as nothing.
BESIDE = r"(?<!\w)(?:return|in|not|and|or|else)(?!\w)|[-+*/%=<>!]{1,3}"
LITERAL = re.compile(
    rf"(?:(?P<before>{BESIDE}|[(\[,:])\s{{0,3}})?(?<![\w\"])[fFrRbB]?\"(?P<inside>[^\"\n]{{0,60}})\""
    rf"(?:\s{{0,3}}(?P<behind>\.(?=\s?[a-z_])|{BESIDE}))?"
)
FORMATTED = re.compile(r"(?<!\w)[fF]\"[^\"\n]{0,60}\{\w[^\"\n]{0,60}\"|\"\s?%\s?\(?[a-zA-Z_]")
"""A text that a value is put into: `f"{name}!"`, `"%s!" % name`."""


def quoted(text: str) -> set[Pair]:
    """What stands in quotes with the sign or keyword before it, and with that behind it."""
    if '"' not in (text := text.translate(STRAIGHT)):
        return set()
    found = set()
    for literal in LITERAL.finditer(text):
        inside = literal["inside"]
        if literal["before"]:
            found.add((literal["before"], f'"{inside}'))
        if literal["behind"]:
            found.add((f'{inside}"', literal["behind"]))
    return found


def formats(text: str) -> bool:
    """Whether a value is put into a text."""
    text = text.translate(STRAIGHT)
    return '"' in text and bool(FORMATTED.search(text))
