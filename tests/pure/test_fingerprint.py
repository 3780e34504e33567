"""Who wrote the same program is found again, and a hostile program costs little."""

from __future__ import annotations

import threading
import warnings
from itertools import combinations

import pytest

from web.tutor.evidence.fingerprint import fingerprint

anew = fingerprint.__wrapped__
"""Not the answer that was kept."""
PROGRAM = """\
def total(prices, tax=0.1):
    s = "a # b"
    for price in prices:
        if price > 0 and not price == 7:
            s += price * (1 + tax)
    return s
"""
SPACED = {
    "a comment": PROGRAM.replace("    for", "    # each of them\n    for"),
    "a comment behind a line": PROGRAM.replace("= 7:", "= 7:  # 7 is free"),
    "a comment that is not indented": PROGRAM.replace("    for", "# here\n    for"),
    "blank lines": "\n\n" + PROGRAM.replace("\n", "\n \n\n") + "\n",
    "spaces": PROGRAM.replace(" + ", "+").replace("(prices, tax=0.1)", "( prices ,tax = 0.1 )"),
    "two spaces": PROGRAM.replace("    ", "  "),
    "tabs": PROGRAM.replace("    ", "\t"),
    "a space at the end of a line": PROGRAM.replace(":\n", ": \n"),
    "no newline at the end": PROGRAM.rstrip(),
    "the newlines of Windows": PROGRAM.replace("\n", "\r\n"),
    "the newlines of an old Mac": PROGRAM.replace("\n", "\r"),
    "a line that goes on": PROGRAM.replace("and not", "and \\\n not"),
}
READ_ALIKE = {
    "brackets that change nothing": PROGRAM.replace("return s", "return (s)"),
    "other quotes": PROGRAM.replace('"a # b"', "'a # b'"),
    "a line broken in brackets": PROGRAM.replace("prices, tax", "prices,\n   tax"),
    "two statements on a line": PROGRAM.replace(":\n        if", ":\n\n        if"),
}
OTHERS = {
    "itself": PROGRAM,
    "another name": PROGRAM.replace("tax", "vat"),
    "another number": PROGRAM.replace("> 0", "> 1"),
    "a float": PROGRAM.replace("> 0", "> 0.0"),
    "a truth value": PROGRAM.replace("> 0", "> False"),
    "a text for a name": PROGRAM.replace("return s", "return 's'"),
    "another text": PROGRAM.replace("a # b", "a # c"),
    "a space in a text": PROGRAM.replace("a # b", "a  # b"),
    "bytes": PROGRAM.replace('"a # b"', 'b"a # b"'),
    "another sign": PROGRAM.replace("> 0", ">= 0"),
    "other brackets": PROGRAM.replace("(1 + tax)", "1 + tax"),
    "another indentation": PROGRAM.replace("    return", "        return"),
    "one statement less": PROGRAM.replace("    return s\n", ""),
    "one statement more": PROGRAM + "total([])\n",
    "a docstring": PROGRAM.replace("    s =", '    "Adds."\n    s ='),
    "nothing": "",
}
# The same with a colon missing, which Python cannot read, or with too much to be read.
UNREADABLE = PROGRAM.replace("tax=0.1):", "tax=0.1)")
LONG = "x = 'abcdefgh'\n" * 1000
HOSTILE = {
    "brackets": "(" * 65536,
    "minus": "-" * 65535 + "1",
    "attributes": "a" + ".b" * 32767,
    "sums": "a" + "+a" * 32767,
    "powers": "1**" * 21845 + "1",
    "calls": "f" + "()" * 32767,
    "lambdas": "lambda:" * 9362 + "1",
    "else ifs": "if a:1\n" + "elif a:1\n" * 7281,
    "deep blocks": "".join(" " * depth + "if 1:\n" for depth in range(350)),
    "a tuple": "a," * 32768,
    "a formatted text": "f'" + "{a}" * 21844 + "'",
    "texts in texts": "f'{a:" * 13107,
    "open texts": "'''\\" * 16384,
    "open texts of two kinds": "'''\\\"\"\"\\" * 8192,
    "quotes": "'\"" * 32768,
    "backslashes": "\\" * 65536,
    "a number": "9" * 65536,
    "a number in sixteens": "0x" + "f" * 65534,
    "statements": "a;" * 32768,
    "lines": "\n" * 65536,
    "lines deeper and deeper": "".join(" " * (n % 90) + "x\n" for n in range(1400)),
    "tabs": "if 1:\n" + "\t" * 65530,
    "comments": "#\n" * 32768,
    "wrong escapes": "'\\d'\n" * 13107,
    "NUL": "x = '\0'",
    "half a character": "x = '\ud800'",
    "blanks": " " * 65536,
    "brackets within a limit": "(" * 190 + ")" * 190,
    "sums within a limit": "a" + "+a" * 4900,
    "powers within a limit": "1**" * 3300 + "1",
}  # fmt: skip


@pytest.mark.parametrize("name", SPACED)
@pytest.mark.parametrize("before", ["", "def broken(:\n    pass\n", LONG], ids=["", "bad", "long"])
def test_spacing_and_comments_make_no_other_program(name: str, before: str) -> None:
    spaced = SPACED[name]
    if name == "the newlines of Windows":
        before = before.replace("\n", "\r\n")

    assert fingerprint(before + spaced) == fingerprint(before.replace("\r", "") + PROGRAM)


@pytest.mark.parametrize("name", READ_ALIKE)
def test_what_python_reads_alike_is_the_same_program(name: str) -> None:
    assert fingerprint(READ_ALIKE[name]) == fingerprint(PROGRAM)


@pytest.mark.parametrize("before", ["", "def broken(:\n    pass\n", LONG], ids=["", "bad", "long"])
def test_anything_else_makes_another_program(before: str) -> None:
    prints = {name: fingerprint(before + code) for name, code in OTHERS.items()}

    alike = [pair for pair in combinations(prints, 2) if prints[pair[0]] == prints[pair[1]]]
    assert not alike


@pytest.mark.parametrize(
    ("one", "other"),
    [("print('a", "print('b"), ("f((1)", "f((2)"), ("'''a\n#b", "'''a\n#c"), ("a b", "ab"),
     ("x = = 1", "x == 1 1"), ("if x\n  y", "if x\ny"), (" x", "x +"), ("0x", "0y")],
)  # fmt: skip
def test_programs_that_python_cannot_read_differ_too(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(f"# {one[:2]}\n\n{one}") == fingerprint(one)


def test_a_program_in_another_language_is_its_text() -> None:
    includes = [fingerprint(f"#include <{name}>\n", "cpp") for name in ("a.h", "b.h")]

    assert includes[0] != includes[1]
    assert fingerprint("x\n", "cpp") == anew("x\n", "cpp") != fingerprint("x\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_costs_little(name: str) -> None:
    found: list[str] = []

    # In a thread, as a web process reads it, whose stack is not that of a test. What would cost the
    # square of the program's length would run into the time limit of a test.
    thread = threading.Thread(target=lambda: found.append(fingerprint(HOSTILE[name])))
    thread.start()
    thread.join()

    assert [len(bytes.fromhex(digits)) for digits in found] == [16]
    assert found == [anew(HOSTILE[name])]


def test_warnings_about_a_program_are_nobodys() -> None:
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fingerprint("x = '\\d'\nif x is 1: pass\n")

    assert not caught
    assert warnings.filters == filters
