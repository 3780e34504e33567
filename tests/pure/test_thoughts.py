"""Thoughts are told from the answer whatever marks them, and wherever the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.tutor.gate import thoughts
from web.tutor.gate.thoughts import HELD_LIMIT_CHARS, MARK, Thoughts, begun, read

HINT = "Look at `s`. What is it?"
BLOCKS = [
    *(f"<{tag}>\nHm.\n</{tag}>" for tag in thoughts.TAGS),
    "<THINK>Hm.</THINK>",
    *(
        f"<{tag}>Hm.</{tag}>"
        for tag in ("seed:think", "mm:think", "longcat_think", "think_fast", "chain_of_thought")
    ),
    "< think >Hm.< / think >",
    '<think budget="3">Hm.</think >',
    "[THINK]Hm.[/THINK]",
    "◁think▷Hm.◁/think▷",
    "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>",
    "<|begin_of_thought|>Hm.<|end_of_thought|>\n<|begin_of_solution|>",
    "<|inner_prefix|>Hm.<|inner_suffix|>",
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>",
    "<|channel|>commentary to=functions.f <|message|>Hm.<|end|><|channel|>final<|message|>",
    "<|channel>thought\nHm.<channel|>",
    "<think>Hm.</think>\n\n<think>Hm.</think>",
    "<think>Hm.</think>\n<answer>",
    "<think>It said </reasoning> and <think> there.</think>",
    "<think/>",
    "<think>\n\n</think>",
]


def answer(text: str, *, may_think: bool, cuts: tuple[int, ...] = ()) -> tuple[str, Thoughts]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    here = Thoughts(may_think=may_think)
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    passed = "".join([here.feed(piece) for piece in pieces])
    return passed + here.finish(), here


@pytest.mark.parametrize("may_think", [True, False])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_leading_block_is_dropped_with_the_blanks_around_it(block: str, may_think: bool) -> None:
    text = f"\n{block}\n\n{HINT}"

    for cut in range(len(text) + 1):
        found, here = answer(text, may_think=may_think, cuts=(cut,))
        assert found.lstrip() == HINT
        assert here.seen
        assert not here.thinking


@pytest.mark.parametrize("block", BLOCKS)
def test_where_only_the_closing_mark_comes_all_before_it_is_dropped(block: str) -> None:
    closing = [found for found in MARK.finditer(block) if is_closing(found)]
    for found in closing:
        text = f"The sum is missing.\nAdd it.\n{found[0]}\n{HINT}"

        for cut in range(len(text) + 1):
            passed, here = answer(text, may_think=True, cuts=(cut,))
            assert passed.replace("<|message|>", "") == HINT
            assert here.chars == len("The sum is missing.\nAdd it.\n")


def is_closing(found: object) -> bool:
    mark = read(found)  # type: ignore[arg-type]
    return mark is not None and mark.closes


@pytest.mark.parametrize("may_think", [True, False])
@pytest.mark.parametrize(
    ("text", "chars"),
    [
        ("<think>Hm.", 3),
        ("<think>Hm.</thi", 8),
        ("[THINK]What is it?", 11),
        ("<|channel|>analysis<|message|>Hm.", 3),
        ("<think>a</think><think>b", 2),
        ("<think>a</thinking>b", 2),
    ],
)
def test_an_open_block_leaves_no_answer(text: str, chars: int, may_think: bool) -> None:
    found, here = answer(text, may_think=may_think)

    assert found == ""
    assert here.thinking
    assert here.chars == chars


@pytest.mark.parametrize(
    "text",
    [HINT, " a <b", "if a < think", "x<y>z [THIN", "<thinker>", "[i]", "a<", "<|im_end|>", "", " "],
)
def test_text_without_marks_stays_as_it_is(text: str) -> None:
    for may_think in (True, False):
        for cut in range(len(text) + 1):
            found, here = answer(text, may_think=may_think, cuts=(cut,))
            assert found == text
            assert not here.seen


def test_text_is_passed_on_at_once_where_the_model_does_not_think() -> None:
    here = Thoughts(may_think=False)

    assert here.feed("Look at a ") == "Look at a "
    assert here.feed("<") == ""
    assert here.feed(" b. ") == "< b. "


def test_nothing_is_passed_on_while_a_closing_mark_may_follow() -> None:
    here = Thoughts(may_think=True)

    assert here.feed("Add x to s. ") == ""
    assert here.thinking
    assert here.feed("</think> Look") == "Look"
    assert not here.thinking
    assert here.feed(" at it.") == " at it."


@pytest.mark.parametrize("closing", ["</think>", "[/THINK]", "<channel|>", "<|end_of_thought|>"])
def test_a_closing_mark_after_text_that_was_passed_on_is_left_for_the_gate(closing: str) -> None:
    found, _ = answer(f"Add x. {closing} Look", may_think=False)
    late, _ = answer(f"<think>a</think>Add x. {closing} Look", may_think=True)

    assert closing in found
    assert closing in late


def test_a_block_between_two_parts_of_an_answer_is_dropped() -> None:
    found, _ = answer("Look. <think>Add x.</think>What is it?", may_think=False)

    assert found == "Look. What is it?"


def test_of_endless_text_only_the_beginning_is_kept() -> None:
    here = Thoughts(may_think=True)
    for _ in range(100):
        assert here.feed("a" * 1000) == ""

    assert here.finish() == "a" * HELD_LIMIT_CHARS


PARTS = st.sampled_from(
    [*BLOCKS, "<think>", "</think>", "[THINK]", "[/THINK]", "<|channel|>", "final", "<|message|>",
     "analysis", "<|end|>", "<|start|>assistant", "<answer>", "</answer>", "<", "[", "◁", "think",
     ">", "/", " ", "\n", "a", HINT, "<|", "|>", "<think ", "x" * 70, "<think/>"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=10).map("".join)


@settings(max_examples=1000, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 10_000)), may_think=st.booleans())
def test_the_result_does_not_depend_on_the_pieces(
    text: str, cuts: list[int], may_think: bool
) -> None:
    whole, one = answer(text, may_think=may_think)
    pieces, other = answer(text, may_think=may_think, cuts=tuple(cuts))

    assert pieces == whole
    assert (one.seen, one.chars, one.thinking) == (other.seen, other.chars, other.thinking)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_what_could_become_a_mark_is_short(text: str) -> None:
    assert len(text) - begun(text) <= 100
