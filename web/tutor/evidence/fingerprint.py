"""A program's fingerprint: the same when only its comments, blank lines or spacing change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from token import EXACT_TOKEN_TYPES

from web.tutor.parsing import tree_of

# A text that is never closed is one all the same, up to the end of its line or of the program: were
# it tried anew at each quote, a program of quotes would cost the square of its length.
LONG = r"{0}{0}{0}(?:[^{0}\\]|\\.?|{0}(?!{0}{0}))*+(?:{0}{0}{0})?"
SHORT = r"{0}(?:[^{0}\\\n]|\\.?)*+{0}?"
TEXTS = "|".join(shape.format(quote) for shape in (LONG, SHORT) for quote in "'\"")
SIGNS = "|".join(re.escape(sign) for sign in sorted(EXACT_TOKEN_TYPES, reverse=True))
LEXEMES = re.compile(
    rf"(?P<nothing>\#[^\n]*|[^\S\n]+|\\\n)|(?P<line>\n[ \t\f]*)|{TEXTS}|\w+|{SIGNS}|.", re.DOTALL
)
MOST_CHARS = 10_000
"""Longest program, in characters of its lexemes, that Python parses: the parser stops all other
threads, for 64 KB half a second."""


# Who asks for a hint has just run the same program, and all of an exercise began with one.
@lru_cache(maxsize=64)
def fingerprint(code: str, language: str = "python") -> str:
    """32 hexadecimal digits: those of two programs are the same if their syntax trees are.

    A program that Python cannot read, or that is long, is known by its lexemes, and one in another
    language by its text. Nothing is run, and the time that it takes grows with the length alone.
    """
    if language != "python":
        return digest("text", [code])
    parts = list(lexemes(code))
    if sum(map(len, parts)) > MOST_CHARS:
        return digest("lexemes", parts)
    tree = tree_of(code)
    return digest("tree", leaves(tree)) if tree else digest("lexemes", parts)


def digest(kind: str, parts: Iterable[str]) -> str:
    # With its length before each part no two lists of parts can look alike.
    text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def leaves(tree: ast.AST) -> Iterator[str]:
    """The tree from its root on, without positions; not recursive, however deep it is."""
    rest: list[object] = [tree]
    while rest:
        match rest.pop():
            case ast.expr_context():
                continue
            case ast.AST() as node:
                yield type(node).__name__
                rest.extend(getattr(node, name, None) for name in reversed(node._fields))
            case list() as nodes:
                yield f"[{len(nodes)}]"
                rest.extend(reversed(nodes))
            # Python refuses to write a number of thousands of digits in tens.
            case int(number) if not isinstance(number, bool):
                yield hex(number)
            case value:
                yield repr(value)


def lexemes(code: str) -> Iterator[str]:
    """As Python's own tokens, also of what those end at: a quote or bracket that is not closed."""
    widths, line = [0], ""
    for found in LEXEMES.finditer("\n" + code.replace("\r\n", "\n").replace("\r", "\n")):
        # Lines that hold nothing but a comment or blanks are no lines: the last one counts.
        line = found["line"] or line
        if found.lastgroup:
            continue
        if line:
            width, line = len(line.expandtabs()) - 1, ""
            while width < widths[-1]:
                widths.pop()
                yield "dedent"
            if width > widths[-1]:
                widths.append(width)
                yield "indent"
            yield "\n"
        yield found[0]
