"""Markdown of models, authors and reports as HTML that may be put into a page."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from web.tutor import formulas

# Before the second `$` stands no blank and behind it no digit, else it is the sign of a price.
FORMULA = re.compile(r"(\$\$?)(?!\s)([^$`]{1,200}?)(?<!\s)\1(?![\d$])")


def _formula(state: StateInline, silent: bool) -> bool:
    """markdown-it's inline rule for `$…$`; what is no simple formula stays as it is written."""
    found = FORMULA.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    try:
        shown = formulas.html(found[2].replace("\n", " "))
    except formulas.NoFormula:
        return False
    if not silent:
        state.push("html_inline", "", 0).content = shown
    state.pos = found.end()
    return True


def _headings(state: StateCore) -> None:
    """markdown-it's rule: all headings below those of the page, which go down to h2."""
    for token in state.tokens:
        if token.type.startswith("heading"):
            token.tag = "h3" if token.tag in ("h1", "h2", "h3") else "h4"


def _parser() -> MarkdownIt:
    options = {"html": False, "breaks": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.core.ruler.push("headings", _headings)
    return parser


_plain = _parser()
_with_formulas = _parser()
_with_formulas.inline.ruler.before("escape", "formula", _formula)
# No images: their address could carry a student's text to a stranger's server.
TAGS = {
    *("p", "br", "strong", "em", "s", "code", "pre", "blockquote", "hr", "a"),
    *("ul", "ol", "li", "h3", "h4"),
    *("table", "thead", "tbody", "tr", "th", "td", "sup", "sub"),
}
ATTRIBUTES = {"a": {"href"}, "code": {"class"}, "ol": {"start"}}


# Each poll of a hint renders its text anew, and 4,000 characters of `![` take 0.1 s.
@lru_cache(maxsize=256)
def render(text: str) -> str:
    """HTML of an allow-list of tags; links only to https, none relative, none with scripts."""
    return _cleaned(_plain, text)


@lru_cache(maxsize=256)
def statement(text: str) -> str:
    """As render, of the statement of an exercise, whose formulas stand between `$`."""
    return _cleaned(_with_formulas, text)


def examples(text: str) -> set[tuple[str, str]]:
    """What a statement shows as input and output: fenced blocks that follow each other.

    Without blanks around each.
    """
    blocks = [token.content.strip() for token in _plain.parse(text) if token.type == "fence"]
    return set(pairwise(blocks))


def _cleaned(parser: MarkdownIt, text: str) -> str:
    # Neither UTF-8 nor nh3 can hold half a surrogate pair.
    text = text.encode("utf-8", "replace").decode()
    return nh3.clean(
        parser.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"https"},
        # `//host` would count as relative and pass.
        url_relative="deny",
        link_rel="noopener nofollow ugc",
    )
