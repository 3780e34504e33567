"""Markdown of models, authors and reports as HTML that may be put into a page."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)
# No images: their address could carry a student's text to a stranger's server.
TAGS = {
    *("p", "br", "strong", "em", "s", "code", "pre", "blockquote", "hr", "a"),
    *("ul", "ol", "li", "h3", "h4"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href"}, "code": {"class"}, "ol": {"start"}}


# Each poll of a hint renders its text anew, and 4,000 characters of `![` take 0.1 s.
@lru_cache(maxsize=256)
def render(text: str) -> str:
    """HTML of an allow-list of tags; links only to https, none relative, none with scripts."""
    # Neither UTF-8 nor nh3 can hold half a surrogate pair.
    text = text.encode("utf-8", "replace").decode()
    return nh3.clean(
        _parser.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"https"},
        # `//host` would count as relative and pass.
        url_relative="deny",
        link_rel="noopener nofollow ugc",
    )
