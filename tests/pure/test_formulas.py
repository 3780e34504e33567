"""Formulas of statements become text; what is none stays as it is written."""

from __future__ import annotations

import re

import pytest

from web.tutor.markdown import render, statement


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("n", "n"),
        (r"0 \le n \leq 10^5", "0 ≤ n ≤ 10<sup>5</sup>"),
        (r"1\le a_i\le10^{9}", "1 ≤ a<sub>i</sub> ≤ 10<sup>9</sup>"),
        (r"a_{i+1} \times b_j^2", "a<sub>i+1</sub> × b<sub>j</sub><sup>2</sup>"),
        (r"10^{-4}", "10<sup>−4</sup>"),
        (r"x < y", "x &lt; y"),
        (r"\{1, 2, \ldots, n\}", "{1, 2, …, n}"),
        (r"\frac{n}{2}", "n/2"),
        (r"\frac{n + 1}{2}", "(n + 1)/2"),
        (r"\sqrt{x}", "√x"),
        (r"\lfloor n / 2 \rfloor", "⌊ n / 2 ⌋"),
        (r"\text{number of guests} \ge 0", "number of guests ≥ 0"),
        (r"2^{2^k}", "2<sup>2<sup>k</sup></sup>"),
        (r"n \ne m, \; k \neq 0", "n ≠ m, k ≠ 0"),
        (r"\alpha\cdot\log n", "α · log n"),
        ("a_1 +\n a_2", "a<sub>1</sub> + a<sub>2</sub>"),
    ],
)
def test_a_simple_formula_is_shown_as_text(formula: str, shown: str) -> None:
    for text in (f"It is ${formula}$ here", f"It is $${formula}$$ here"):
        assert statement(text) == f"<p>It is {shown} here</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        "One costs $5 and the other $10.",
        "It is 5$ here and there 10$ too",
        "값은 5$이고 다른 것은 10$이에요",
        r"It is $\int_0^1 x$ there",
        "It is $x^{$ there",
        "It is $ x $ there",
        r"It is \$x\$ there",
    ],
)
def test_what_is_no_simple_formula_stays_as_it_is(text: str) -> None:
    assert statement(text) == render(text)
    assert "$" in statement(text)


def test_in_code_and_in_hints_a_dollar_is_a_dollar() -> None:
    assert "<code>$x$</code>" in statement("`$x$`")
    assert "$x$\n" in statement("```\n$x$\n```")
    assert "$x_1$" in render("$x_1$")


@pytest.mark.parametrize("evil", [r"<img src=x>", r"\text{<b>}", "</p><script>", "x^{<i>}"])
def test_a_formula_brings_no_html_of_its_own(evil: str) -> None:
    assert not re.search("<(?:img|b|i|script)", statement(f"It is ${evil}$ here"))


def test_many_dollars_cost_no_more_than_their_length() -> None:
    assert statement("$a" * 20_000)
    assert statement("$x^" * 10_000 + "{" * 10_000)
