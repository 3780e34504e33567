"""What is printable, and that tokens do not depend on how a text is written."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from web.tutor.gate.lexis import printable, tokens


def test_control_and_invisible_characters_go_and_all_others_stay() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        hidden = unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") and char not in "\n\t"
        if not printable(char):
            assert hidden or not char.isprintable()
        else:
            assert not hidden


@given(text=st.text(), cut=st.integers(0, 100))
def test_cutting_changes_nothing(text: str, cut: int) -> None:
    assert printable(text[:cut]) + printable(text[cut:]) == printable(text)


def test_runs_of_combining_marks_and_long_ligatures_stay_small() -> None:
    assert len("".join(tokens("\ufdfa" * 1000))) == 1000
    assert len("".join(tokens("a" + "\u0f73\u0301" * 1000))) == 3000
    assert tokens("ﬁx é 가") == tokens("FIX e\u0301 \u1100\u1161")
