"""A fix in many forms is held back at every level, and what the student has passes."""

from __future__ import annotations

import base64
import codecs

import pytest

from web.tutor.gate.gate import Gate
from web.tutor.gate.rendered import rendered
from web.tutor.gate.ruling import Ruling

CODE = """\
def gaps(marks, step):
    found = 0
    for i in range(len(marks)):
        if marks[i] - marks[i - 1] > step:
            found = i
    return found
"""
FIX = CODE.replace("found = i", "found += 1").replace("- 1] > step", "- 1] >= step * 2")
LINE = "if marks[i] - marks[i - 1] >= step * 2:"
PAD = {
    1: "",
    2: "Look at the part that compares two marks in a row. ",
    3: "A count must grow by one for each pair that is far apart, and it must not forget the pairs "
    "before. Write down by hand what you expect for a short list, and go through the loop with it "
    "round by round. ",
}
FORMS = {
    "plain": LINE, "span": f"`{LINE}`", "squeezed": LINE.replace(" ", ""), "quotes": f"“{LINE}”",
    "emphasis": LINE.replace("step", "st**ep**"), "escapes": LINE.replace(">", "\\>"),
    "entities": "".join(f"&#{ord(char)};" for char in LINE),
    "named entities": LINE.replace(">", "&gt;").replace("[", "&lbrack;"),
    "zero width": "\u200b".join(LINE), "full width": LINE.replace("s", "ｓ").replace(">", "＞"),
    "Cyrillic": LINE.replace("p", "р").replace("e", "е"), "tags": f"<code>{LINE}</code>",
    "base64": base64.b64encode(LINE.encode()).decode(), "hex": LINE.encode().hex(),
    "rot13": codecs.encode(LINE, "rot13"), "backward": LINE[::-1],
    "codes": " ".join(str(ord(char)) for char in LINE), "TeX": f"$\\texttt{{{LINE}}}$",
    "Java": "if (marks[i] - marks[i - 1] >= step * 2) {", "pseudo": "IF gap >= step * 2 THEN",
    "increment": "found++;", "table": "| found | += | 1 |", "arrow": "gap ← step * 2",
    "one a line": "\n" + LINE.replace(" ", "\n") + "\n", "bullets": "\n- found\n- += 1\n",
    "spans": "`>=` then `step` then `* 2`", "dictated": "greater than or equal to step times two",
    "Korean": "`found`, 다음에 `+= 1`",
}  # fmt: skip


def judge(text: str, level: int, *, fix: str = FIX) -> Ruling:
    gate = Gate(level=level, locale="en", student_code=CODE, statement="Count the gaps.",
                reference="", fix=fix)  # fmt: skip
    gate.feed(text)
    return gate.finish()


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_the_fix_is_held_back_in_each_form(form: str, level: int) -> None:
    assert not judge(f"{PAD[level]}What if it said {FORMS[form]} there?", level).ok


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize(
    "asked",
    [
        "What does `if marks[i] - marks[i - 1] > step:` do for the first mark?",
        "What is `marks[i - 1]` when `i` is 0, on line 4 of your code?",
        "When `found = 7`, what does line 5 do with it in the next round?",
        "What would `print(found)` show in each round of the loop?",
        "How does `return` differ from `print` for whoever calls it?",
        "What does `IndexError: list index out of range` tell you about it?",
        "Which value should change in each round of the loop, and does it?",
        "Correct so far! What is in found after the second pair?",
    ],
)
def test_what_the_student_has_or_may_see_passes(asked: str, level: int) -> None:
    text = f"{PAD[level]}{asked}"

    assert judge(text, level).text == text


def test_a_line_that_is_not_there_is_refused() -> None:
    assert judge("What does line 40 do with the first mark?", 1).rule == "R9"
    assert judge("What does line 6 do with the first mark?", 1).ok
    assert judge("What stands in line 40 of the input for the last mark?", 1).ok


def test_markup_is_read_as_it_is_shown() -> None:
    assert rendered("re**turn** &lt;= \\*") == "return <= *"
    assert rendered("`x[i][j]` and `i*j*k`") == "`x[i][j]` and `i*j*k`"
