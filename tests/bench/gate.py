"""What the gate, and the reading of a student's code, cost on text made to be slow to read."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from tests.bench.table import Row
from web.tutor.gate.form import HINT_LIMIT_CHARS
from web.tutor.gate.gate import SENTENCE_LIMIT_CHARS, Gate
from web.tutor.gate.seen import Seen
from web.tutor.gate.thoughts import Thoughts
from web.tutor.markdown import render

CHARS = 64 * 1024
SENTENCE_CHARS = SENTENCE_LIMIT_CHARS - 1
PIECE_CHARS = 4
WANTED = {"gate": "≤ 50", "one ": "≤ 10"}
AVOID = ("sum", "list comprehension", "합", "누적 합", "정렬", "[::-1]")
CODE = "def total(xs):\n    s = 0\n    return s\n"
UNITS = {
    "!": "!", "dots": ".", "…": "…", "?!": "?!", "dots and quotes": ".'", "one word": "a",
    "a.": "a.", "blanks": " ", "digits": "1", "an edit verb and digits": "1",
    "line 1 1 1": "1 ", "line breaks": "\n", "words": "word ", "short sentences": "a. ",
    "sentences of marks": ". ", "comments": "#. ", "backticks": "`", "open spans": "`a ",
    "spans": "`a` ", "spans over lines": "`\n", "(": "(", "f(": "f(", "[": "[", "[(": "[(",
    "{": "{", "lambda:": "lambda: ", "x=1": "x=1;", "x=1 lines": "x=1\n", "-": "-", "*": "*",
    "_a": "_a", "<": "<", "<think": "<think ", "</": "</", "|": "|", "| a": "| a ", "> ": "> ",
    "#": "#", "&": "&amp;", "\\": "\\", "quotes": "'", "commas": ",", "colons and blanks": ": ",
    "combining marks": "\u0301\u0323", "Tibetan vowels": "\u0f73", "a long ligature": "\ufdfa",
    "zero width": "\u200b", "Hangul jamo": "\u1100\u1161", "Korean edits": "바꿔", "줄": "줄 ",
    "CR LF": "\r\n", "NUL": "\0", "half characters": "\ud800", "to add": "to add ", "![": "![",
    "s+s": "s+s", "s.s": "s.s", "s()": "s()", "s[s]": "s[s]", "(s)": "(s)", "s + ": "s + ",
    "quoted": '"s" + ', "empty quotes": '""', "capitals": "IF ", "arrows": "s <- s ",
    "dictated": "s dot s comma ", "slash": "slash ", "s-s": "s-s-", 'f"{s}"': 'f"{s}" ',
    "spans with values": "`s(1)` ", "spans in spans": "`((((s", "not in": "not in ", "< ": "< ",
    "-s": "-s", "for s in s": "for s in s ", "if s": "if s ", "s = s": "s = s ", "'s'": "'s' ",
}  # fmt: skip
STARTS = {"line 1 1 1": "line ", "an edit verb and digits": "Change ", "x=1": "a=2;"}


def judged(text: str, level: int, piece_chars: int) -> None:
    gate = Gate(
        level=level, locale="en", student_code=CODE, statement="", reference="return sum(xs)",
        avoid=AVOID,
    )  # fmt: skip
    for piece in pieces(text, piece_chars):
        gate.feed(piece)
    gate.finish()


def thought(text: str, may_think: bool, piece_chars: int) -> None:
    thoughts = Thoughts(may_think=may_think)
    for piece in pieces(text, piece_chars):
        thoughts.feed(piece)
    thoughts.finish()


def read(text: str) -> None:
    """As much of it as a request with code may hold."""
    seen = Seen(text.encode("utf-8", "replace")[:CHARS].decode("utf-8", "ignore"), "`x`")
    _ = seen.grams, seen.names


def uncached(text: str) -> None:
    render.__wrapped__(text)


def pieces(text: str, chars: int) -> list[str]:
    return [text[at : at + chars] for at in range(0, len(text), chars)]


def texts() -> dict[str, str]:
    """64 K characters of each kind."""
    return {name: (STARTS.get(name, "") + unit * CHARS)[:CHARS] for name, unit in UNITS.items()}


def took_ms(work: Callable[[str], object], text: str) -> float:
    """The shortest of three times: what else runs here only adds to it."""
    times_s = []
    for _ in range(3):
        began_s = perf_counter()
        work(text)
        times_s.append(perf_counter() - began_s)
    return min(times_s) * 1000


def measure() -> dict[str, dict[str, float]]:
    """Milliseconds by what was measured and by kind of text."""
    ways: dict[str, Callable[[str], object]] = {
        "gate, level 1, whole": lambda text: judged(text, 1, CHARS),
        "gate, level 1, in pieces of 4": lambda text: judged(text, 1, PIECE_CHARS),
        "gate, level 3, whole": lambda text: judged(text, 3, CHARS),
        "gate, level 3, in pieces of 4": lambda text: judged(text, 3, PIECE_CHARS),
        "one sentence of the longest, level 1": lambda text: judged(
            text[:SENTENCE_CHARS], 1, CHARS
        ),
        "one sentence of the longest, level 3": lambda text: judged(
            text[:SENTENCE_CHARS], 3, CHARS
        ),
        "thoughts, held, in pieces of 4": lambda text: thought(text, True, PIECE_CHARS),
        "thoughts, not held, in pieces of 4": lambda text: thought(text, False, PIECE_CHARS),
        "a student's code, as the rules compare with it": read,
        "Markdown of the longest hint as HTML": lambda text: uncached(text[:HINT_LIMIT_CHARS]),
    }
    kinds = texts()
    judged("Look. ", 1, CHARS)
    return {
        way: {name: took_ms(work, text) for name, text in kinds.items()}
        for way, work in ways.items()
    }


def usual_ms() -> float:
    """Milliseconds that the gate takes for one sentence, with what it reads once for a hint."""
    text = "What does `s` hold after the second round of the loop on line 3?"
    rounds = 200
    return took_ms(lambda _: [judged(text, 1, PIECE_CHARS) for _ in range(rounds)], "") / rounds


def rows() -> list[Row]:
    return [
        ("gate: a usual sentence, ms", f"{usual_ms():.2f}", "", "≤ 1"),
        *(
            (
                f"{way}: slowest of {len(kinds)} kinds, ms",
                slowest(kinds),
                "",
                WANTED.get(way[:4], ""),
            )
            for way, kinds in measure().items()
        ),
    ]


def slowest(found: dict[str, float]) -> str:
    name = max(found, key=found.__getitem__)
    return f"{found[name]:.0f} ({name})"


if __name__ == "__main__":
    for way, found in measure().items():
        print(way)
        for name, ms in sorted(found.items(), key=lambda one: -one[1])[:8]:
            print(f"  {ms:8.1f}  {name}")
