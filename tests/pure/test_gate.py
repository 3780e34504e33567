"""What the gate lets through, what it blocks, and that pieces never change its mind."""

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.contract.hint import Reason
from tests.bench.gate import UNITS, texts
from web.tutor.gate.form import HINT_LIMIT_SENTENCES
from web.tutor.gate.gate import SENTENCE_LIMIT_CHARS, Gate
from web.tutor.gate.ruling import Ruling
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.writing.fault import Fault
from web.tutor.writing.versions import version

CODE = "def total(xs):\n    s = 0\n    for i in range(len(xs)):\n        s = xs[i]\n    return s\n"
FIX = "def total(xs):\n    s = 0\n    for x in xs:\n        s += x  # keep the sum\n    return s\n"
STATEMENT = "Return the sum of the list `xs`. `total([1, 2])` should give `3`."
LONG = " ".join(
    f"The loop goes on over every value of the list and looks at {this} one."
    for this in ("each", "every", "this", "that", "any", "some")
)
AGAIN, ONCE_MORE = (LONG.replace("list", thing) for thing in ("row", "box"))


def gate(level: int = 1, locale: Locale = "en") -> Gate:
    return Gate(level=level, locale=locale, student_code=CODE, statement=STATEMENT, reference=FIX)


def judge(
    text: str, level: int = 1, locale: Locale = "en", *, cut: bool = False
) -> tuple[str, Ruling]:
    """All that was shown for this text, and the ruling."""
    here = gate(level, locale)
    shown = here.feed(text)
    ruling = here.finish(cut=cut)
    return shown + ruling.piece, ruling


@pytest.mark.parametrize(
    ("level", "locale", "text"),
    [
        (1, "en", "What is `s` after the second round?"),
        (1, "en", "Run `total([4, 4])` on paper. Which value does `s` have at the end?"),
        (1, "en", "When you add two numbers, what happens to `s`?"),
        (1, "ko", "`total([1, 2])`에서 두 번째로 돌고 나면 `s`는 얼마인가요?"),
        (2, "en", "Look at line 4 for `[1, 2]`. You believe that `s` grows. What is in it, e.g. "
                  "at the second round?"),
        (2, "ko", "4번째 줄을 `[1, 2]`로 따라가 보세요. `s`에 값이 쌓인다고 생각하지만 실제로는 "
                  "어떤 값이 남나요?"),
        (3, "en", LONG),
        (3, "en", LONG + " Would you change `s` then?"),
        (3, "en", LONG + " Does `s = 0` come before the loop?"),
        (3, "ko", "반복문은 리스트의 값을 하나씩 봅니다. 누적 변수는 지금까지 본 값의 결과를 "
                  "기억해야 합니다. 그런데 매번 새 값으로 덮어쓰면 앞에서 본 값은 사라집니다. "
                  "먼저 빈 리스트에서 결과가 무엇이어야 하는지 정하세요. 그다음 값을 볼 때마다 "
                  "지금까지의 결과와 새 값을 어떻게 합칠지 말로 적어 보세요. 마지막으로 값이 두 "
                  "개일 때 손으로 따라가면서 매번 무엇이 기억되는지 표에 적어 보면 어디에서 값이 "
                  "사라지는지 보입니다."),
    ],
)  # fmt: skip
def test_a_good_hint_passes_whole(level: int, locale: Locale, text: str) -> None:
    shown, ruling = judge(text, level, locale)

    assert ruling == Ruling(ok=True, text=text, piece=ruling.piece)
    assert shown == text


@pytest.mark.parametrize(
    ("rule", "level", "text"),
    [
        ("R1", 1, "Try this:\n```python\ns\n```\nOK?"),
        ("R1", 3, "Look:\n\n    s is\n\nOK?"),
        ("R1", 2, "Do you see it?\nx = 1\ny = 2\n"),
        ("R1", 2, "1. for a in b:\n2. print(a)\nWhy does this help you now?"),
        ("R1", 2, "Write `a = 1; b = 2` there, do you agree with that now?"),
        ("R1", 2, "if a:\nelse:\nWhat then?"),
        ("R2", 3, "Have you tried `s += x` here?"),
        ("R2", 3, "Have you tried s += x`s` here?"),
        ("R2", 3, "Have you tried s   +=\tX here?"),
        ("R2", 3, "Have you tried `s +=`, then `x`? It helps."),
        ("R2", 3, "First say `for x`. Then `in xs`. What then?"),
        ("R2", 2, "Would s. += x do, or what do you think?"),
        ("R2", 3, "“s” '+=' ‘x’ is it?"),
        ("R3", 3, LONG + " Change line 4."),
        ("R3", 3, "Remove `s` here. " + LONG + AGAIN),
        ("R3", 1, "Change line 4. What do you get?"),
        ("R3", 1, "You should rename it, then what is `s`?"),
        ("R4", 1, "What does `enumerate` do?"),
        ("R4", 1, "What about `xs[-1]` here?"),
        ("R4", 1, "What about `return xs` here?"),
        ("R4", 2, "What do you think that the name `x` would hold here?"),
    ],
)
def test_what_gives_the_solution_away_is_blocked(rule: str, level: int, text: str) -> None:
    _, ruling = judge(text, level)

    assert ruling == Ruling(ok=False, rule=rule, reason=Reason.LEAK)


@pytest.mark.parametrize(
    "text",
    [
        "4번째 줄을 고치세요.",
        "`s`를 0으로 바꾸세요.",
        "여기에 `s` 를 추가하면 됩니다.",
        "줄 4 를 지우고 다시 보세요.",
        "`s` 앞을 들여쓰기 하세요.",
    ],
)
def test_korean_edits_are_blocked(text: str) -> None:
    for level in (1, 2, 3):
        _, ruling = judge(text, level, "ko")

        assert ruling.rule == "R3"
        assert ruling.reason is Reason.LEAK


@pytest.mark.parametrize(
    ("level", "locale", "text"),
    [
        (1, "en", ""),
        (1, "en", " \n\n "),
        (1, "en", "`s`?"),
        (1, "en", "`s` `s` `s` `s`?"),
        (1, "en", "Why?"),
        (1, "en", "Look at the loop once more."),
        (1, "en", "Why?What does it do?"),
        (1, "en", "word " * 41 + "?"),
        (1, "en", "Just as the loop ends, " * 9 + ". What is it?"),
        (2, "en", "You look at the loop and at the list and at the sum of it."),
        (2, "en", "word " * 61 + "?"),
        (3, "en", "Too short to teach anything."),
        (3, "en", "word " * 161),
        (1, "ko", "What is `s` after that?"),
        (1, "ko", "这个循环在做什么 `s` 呢?"),
        (1, "ko", "이 반복문은 지금 무엇을 这个循环在做 하고 있나요?"),
        (1, "ko", "질문 这个循环在做什么呢这个循环?"),
        (1, "en", "`s`는 두 번째로 돌고 나서 얼마인가요?"),
        (1, "en", "<|im_start|>user What is it then?"),
        (1, "en", "What is </student-ab12> doing there?"),
        (1, "en", "assistant: what is it then?"),
        (1, "en", "Never give code, a corrected line or the solution. Is it fine?"),
        (1, "ko", "어디가 어긋나는지 학생이 스스로 찾도록 이끄세요. 알겠나요?"),
    ],
)
def test_what_breaks_the_form_is_blocked(level: int, locale: Locale, text: str) -> None:
    _, ruling = judge(text, level, locale)

    assert ruling == Ruling(ok=False, rule="R8", reason=Reason.OFF_TEMPLATE)


@pytest.mark.parametrize(
    ("fault", "level", "locale", "text"),
    [
        (Fault.SHORT, 1, "en", "Why?"),
        (Fault.SHORT, 1, "en", "`s` `s` `s` `s`?"),
        (Fault.SHORT, 3, "en", "Too short to teach anything."),
        (Fault.SHORT, 2, "ko", "왜 그럴까요?"),
        (Fault.LONG, 1, "en", "word " * 41 + "?"),
        (Fault.LONG, 2, "ko", "`s`에는 값이 하나씩 차례로 들어가고 " * 20 + "끝나요."),
        (Fault.LONG, 2, "en", "`xs[i]`" * 200),
        (Fault.NO_QUESTION, 1, "en", "Look at the loop once more."),
        (Fault.NO_QUESTION, 2, "en", "What is in `s` now? Line 4 runs once for each value of it."),
        (Fault.NO_QUESTION, 2, "ko", "4번째 줄은 바퀴마다 실행돼요. 끝나면 `s`에는 `2`만 남아요."),
        (Fault.QUESTIONS, 1, "en", "Why? And what is `i` then?"),
        (Fault.LANGUAGE, 1, "ko", "What is `s` after that?"),
        (Fault.LANGUAGE, 1, "ko", "이 반복문은 지금 무엇을 这个循环在做 하고 있나요?"),
        (Fault.HARD, 3, "en", "Accumulation necessitates initialization of appropriate variables "
         "preceding every subsequent iteration, notwithstanding considerable implementation "
         "variability. Nevertheless, comprehensive examination of intermediate representations "
         "facilitates identification of unanticipated modifications. Deliberately investigate "
         "corresponding expectations and establish particularly significant disagreements, "
         "considering individual iterations systematically and comprehensively."),
        (Fault.ECHO, 1, "en", "Never give code, a corrected line or the solution. Is it fine?"),
        (Fault.ECHO, 2, "en", "The loop looks at each value. The loop looks at each value. Why?"),
        (Fault.EXAMPLE, 4, "en", LONG),
        (Fault.EXAMPLE, 4, "en", "A row of cups.\n\n```python\n```\n\nHow is it with yours?"),
        (Fault.THOUGHTS, 1, "en", "<think>\nHm.\nIs it?"),
        (Fault.UNTRUE, 2, "en", "Line 40 runs once for each value of it. What is in `s` then?"),
        (Fault.THOUGHTS, 1, "en", "<|im_start|>user What is it then?"),
        (Fault.EXAMPLE, 4, "en", "A row.\n\n```java\nint a;\n```\n\nHow is it with yours?"),
        (Fault.EXAMPLE, 4, "en", "A row.\n\n```python\nfor x in\n```\n\nHow is it with yours?"),
        (Fault.CODE, 1, "en", "Should it not be `s += xs[i]` there?"),
        (Fault.CODE, 1, "en", "What would `xs[-1]` be at the end of the loop?"),
        (Fault.CODE, 2, "ko", "4번째 줄을 `s += xs[i]`로 바꾸면 어떻게 될까요?"),
        (Fault.CODE, 5, "en", "On line 4 change `s = xs[i]` to `s += xs[i]`, as the sum is lost."),
        (Fault.LEAK, 2, "ko", "4번째 줄을 더하기로 바꾸세요. 그러면 `s`는 얼마가 되나요?"),
        (Fault.LEAK, 2, "en", "Add each value to `s` in line 4. What do you get then for it?"),
    ],
)  # fmt: skip
def test_the_writer_is_told_what_was_wrong(
    fault: Fault, level: int, locale: Locale, text: str
) -> None:
    _, ruling = judge(text, level, locale)

    assert ruling.fault is fault


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("cut", [False, True])
def test_whatever_is_blocked_has_a_fault(kind: str, level: int, cut: bool) -> None:
    text = texts()[kind]

    for part in ("", text[:8], text[:80], f"{text[:80]}?", f"Why is it so? {text[:40]}", text):
        _, ruling = judge(part, level, cut=cut)
        assert ruling.ok == (ruling.fault is None)


def test_an_answer_that_was_cut_was_too_long() -> None:
    _, ruling = judge("Line 4 runs once for each value. At the end `s` has", 2, cut=True)

    assert ruling.fault is Fault.LONG


@pytest.mark.parametrize(
    ("locale", "rule"),
    [
        (locale, rule)
        for locale, words in version().words.items()
        for rule in re.split(r"(?<=\.)\s", words.rules)
        if len(rule.split()) > LANGUAGES[locale].echo_words + 1
    ],
)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_rule_that_the_model_repeats_is_blocked(level: int, locale: Locale, rule: str) -> None:
    asked = {"en": "Is it fine?", "ko": "알겠나요?"}[locale]

    shown, ruling = judge(f"{rule} {asked}", level, locale)

    assert (shown, ruling.reason) == ("", Reason.OFF_TEMPLATE)


def test_sentences_are_released_as_soon_as_each_is_complete() -> None:
    here = gate()

    assert here.feed("Look at the lo") == ""
    assert here.feed("op.") == ""
    assert here.feed(" Is it ") == "Look at the loop."
    assert here.feed("`xs. ") == ""
    assert here.feed("s` or `s` at 3.5?") == ""
    assert not here.decided


def test_the_first_question_of_level_1_ends_the_hint() -> None:
    here = gate()

    shown = here.feed("What is `s` then? Change line 4 to `s += x`. ")

    assert shown == "What is `s` then?"
    assert here.satisfied
    assert here.feed("More? ") == ""
    assert here.finish() == Ruling(ok=True, text=shown)


def test_level_2_drops_what_follows_its_last_question() -> None:
    here = gate(2)

    assert here.feed("Is it so? The loop runs twice for that list. ") == "Is it so?"
    assert (
        here.feed("What is `s` then? ") == " The loop runs twice for that list. What is `s` then?"
    )
    assert here.satisfied


def test_level_2_keeps_only_up_to_its_question_when_the_text_ends() -> None:
    shown, ruling = judge("For the list `[1, 2]` (think), what is it? ", 2)
    _, late = judge("So what is it? And then the loop runs over the list once more. ", 2)

    assert ruling.ok
    assert shown == "For the list `[1, 2]` (think), what is it?"
    assert late.rule == "R8"


def test_level_3_stops_before_the_sentence_that_is_too_long_for_it() -> None:
    here = gate(3)

    shown = here.feed(f"{LONG} {AGAIN} ")

    assert here.satisfied
    assert 140 < len(shown.split()) <= 160
    assert here.finish().text == shown


def test_an_edit_waits_for_its_question() -> None:
    here = gate(3)

    assert here.feed("You could move `s` up. It is early. ") == ""
    assert here.feed("Why would that help? ") == (
        "You could move `s` up. It is early. Why would that help?"
    )


def test_an_edit_without_its_question_blocks_at_the_length_limit() -> None:
    _, ruling = judge(f"{LONG} Move `s` up. {AGAIN} {ONCE_MORE}", 3)

    assert ruling.rule == "R3"


def test_white_space_before_the_hint_is_not_shown() -> None:
    shown, ruling = judge("\n\n    What is `s` then?")

    assert shown == ruling.text == "What is `s` then?"


def test_half_a_sentence_is_dropped_when_the_model_was_cut() -> None:
    _, whole = judge(f"{LONG} And so it", 3)
    _, cut = judge(f"{LONG} And so it", 3, cut=True)

    assert whole.text.endswith("And so it")
    assert cut.text == LONG


def test_nothing_comes_after_a_block() -> None:
    here = gate(3)

    assert here.feed("Look at the loop. Is it `s += x` here? ") == "Look at the loop."
    assert here.decided
    assert here.feed("What is `s` then? ") == ""
    assert here.finish() == Ruling(ok=False, rule="R2", reason=Reason.LEAK)


def test_control_and_invisible_characters_do_not_hide_a_leak() -> None:
    _, ruling = judge("Is it `s +\u200b= \u202ex` here?\x00", 3)

    assert ruling.rule == "R2"


def test_prose_is_not_taken_for_code() -> None:
    text = "Note: this\nHint: that\nsum\nnot it\nWhat does `s` hold for that list here?"

    assert judge(text, 2)[1].ok


def test_a_reference_that_is_not_python_still_guards() -> None:
    here = Gate(
        level=3, locale="en", student_code="int s;", statement="", reference="s += x; /* ''' */"
    )

    here.feed("Is it s += x; or what? ")

    assert here.decided
    assert here.finish().rule == "R2"


def test_comments_and_docstrings_of_the_reference_may_be_said() -> None:
    fix = 'def f(x):\n    """Keep the sum here."""\n    # keep the sum\n    return x\n'
    here = Gate(level=1, locale="en", student_code="", statement="", reference=fix)

    assert here.feed("Do you keep the sum here? ")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_sentence_that_does_not_end_is_blocked(level: int) -> None:
    here = gate(level)

    for _ in range(SENTENCE_LIMIT_CHARS // 4):
        here.feed("!!!!")
    assert not here.decided
    here.feed("!")

    assert here.decided
    assert here.finish().rule == "R8"
    assert judge("!" * SENTENCE_LIMIT_CHARS + "! Is it?", level)[1].rule == "R8"


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("level", [1, 3])
def test_64_k_characters_of_anything_are_read_to_a_decision(kind: str, level: int) -> None:
    text = texts()[kind]
    whole, pieces = gate(level), gate(level)

    shown = whole.feed(text)
    shown_by_pieces = "".join([pieces.feed(text[at : at + 4]) for at in range(0, len(text), 4)])

    assert shown_by_pieces == shown
    assert pieces.finish() == whole.finish()
    assert whole.decided


def test_lines_without_end_are_no_hint() -> None:
    here = gate(3)

    assert here.feed("\n".join(["Look."] + ["."] * HINT_LIMIT_SENTENCES)).startswith("Look.")
    assert here.decided
    assert here.finish().rule == "R8"


@pytest.mark.parametrize(
    "text",
    ["The sum is lost. What could I ask?\n</think>\n\nLook at it. Why?", "<think>\nHm.\nIs it?",
     "What is `s`?\n[/THINK]", "< thought >What is `s`?", "<|channel|>analysis What is `s`?",
     "What is `s`? More. <|start|>assistant", "What is `s`? ◁/think▷",
     "What is `s` </reaso\0ning>?",
     "analysisWhat is `s`?assistantfinalWhat is it?"],
)  # fmt: skip
def test_marks_of_thoughts_are_refused_wherever_they_stand(text: str) -> None:
    for cut in (False, True):
        _, ruling = judge(text, cut=cut)

        assert ruling == Ruling(ok=False, rule="R9", reason=Reason.OFF_TEMPLATE)


def test_a_warning_of_the_parser_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "from tests.pure.test_gate import judge; judge('Look: what is it?\\ns = 1if s else 0', 3)"
    )
    subprocess.run([sys.executable, "-W", "default", "-c", code], check=True)

    assert capfd.readouterr().err == ""


PARTS = st.sampled_from(
    ["Look at it.", "What is `s`?", "s += x", "`s +=`", "`x`", "for x", "in xs:", "\n", " ", "  ",
     "Change `s`.", "Move line 4", "?", "!", "```", "`", ". ", "3.5", "e.g. ", "x = 1\n", "    y",
     "안녕하세요. ", "무엇인가요?", "<|im_end|>", "\u200b", "\r\n", "word ", LONG, "...", "why? ",
     "<think>", "</thi", "nk>", "<|channel|>final", "!" * 599, " \n" * 99, "etc.", "vs. ", "?)",
     "._ ", "(s)", "f(", "]", "s[", "++", "'s'", "x - ", "return ", "xs[1:]", "lambda x:", "-",
     ";\n", "1if s:", "return . f(s)"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=14).map("".join)
LEVELS = st.sampled_from([1, 2, 3])
LOCALES: st.SearchStrategy[Locale] = st.sampled_from(["ko", "en"])


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 10_000)), level=LEVELS, locale=LOCALES)
def test_how_the_text_is_cut_changes_nothing(
    text: str, cuts: list[int], level: int, locale: Locale
) -> None:
    once, pieces = gate(level, locale), gate(level, locale)

    shown = once.feed(text)
    shown_by_pieces = "".join([pieces.feed(piece) for piece in pieces_of(text, cuts)])

    assert shown_by_pieces == shown
    assert pieces.finish() == once.finish()


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, level=LEVELS, locale=LOCALES)
def test_what_is_shown_never_holds_the_fix(text: str, level: int, locale: Locale) -> None:
    shown, ruling = judge(text, level, locale)

    parts = re.findall(r"[a-z_0-9]+|\+=|[^\w\s`]", shown.casefold())
    runs = set(zip(parts, parts[1:], parts[2:], strict=False))
    assert runs.isdisjoint({("s", "+=", "x"), ("for", "x", "in"), ("x", "in", "xs")})
    assert "```" not in shown
    assert "<|" not in shown
    if ruling.ok:
        assert ruling.text == shown


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, max_size=6), level=LEVELS, locale=LOCALES)
def test_after_a_block_or_a_whole_hint_nothing_more_is_shown(
    texts: list[str], level: int, locale: Locale
) -> None:
    here = gate(level, locale)
    for text in texts:
        closed = here.decided
        shown = here.feed(text)
        assert not (closed and shown)
    here.finish()
    assert here.feed("Look. What is `s`? ") == ""
