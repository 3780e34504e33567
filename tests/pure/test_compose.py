"""Hints composed of facts: true to the level's form, through the gate, of nothing but the case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest

from web.tutor.evidence import examples
from web.tutor.evidence.blanks import HEAD_CHARS, LISTED, TAIL_CHARS
from web.tutor.evidence.compose import candidates, compose
from web.tutor.evidence.examples import Example
from web.tutor.evidence.facts import Fact, FactKind
from web.tutor.evidence.l0 import l0_words
from web.tutor.evidence.report import Case, ProgramError, Report, Verdict
from web.tutor.evidence.wording import TABLES
from web.tutor.evidence.wording.particles import Said
from web.tutor.gate.draft import count_words
from web.tutor.gate.gate import Gate
from web.tutor.gate.lexis import SPAN, tokens
from web.tutor.gate.ruling import Ruling
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

EXAMPLES = list(examples.examples())
TOLD = [each.told for each in EXAMPLES]
SEEDS = [str(number) for number in range(6)]
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=TOLD)
each_locale = pytest.mark.parametrize("locale", LANGUAGES)
each_level = pytest.mark.parametrize("level", [1, 2])


def hidden(report: Report) -> Report:
    """The same of a case that nobody may see."""
    if report.first is None:
        return report
    return replace(report, first=Case(call="", expected="", stdin="", hidden=True))


def read(report: Report) -> Report:
    """The same of a program that reads and prints."""
    if report.first is None:
        return report
    return replace(report, first=replace(report.first, call="", stdin="7 3"))


def long(report: Report) -> Report:
    """The same of a case that is too long for a sentence."""
    if report.first is None:
        return report
    call = f"longest({', '.join(map(str, range(40)))})"
    return replace(report, first=Case(call=call, expected=call, got=call))


def bare(report: Report) -> Report:
    """The same with facts that tell no values."""
    return replace(report, facts=tuple(replace(fact, values={}) for fact in report.facts))


FORMS = {"call": lambda report: report, "hidden": hidden, "stdin": read, "long": long, "bare": bare}
each_form = pytest.mark.parametrize("form", FORMS)


def texts(example: Example, level: int, locale: Locale, form: str = "call") -> Iterator[str]:
    """Every wording that the hint may have."""
    report = FORMS[form](example.report)
    for seed in SEEDS:
        text = compose(report, level, locale, seed, example.code)
        assert text
        yield text


def values_of(report: Report) -> str:
    """The trace: all that the facts tell."""
    lists = (fact.values.values() for fact in report.facts)
    return "\n".join(
        " ".join(value) if isinstance(value, tuple) else str(value)
        for values in lists
        for value in values
    )


def judged(text: str, example: Example, level: int, locale: Locale) -> Ruling:
    shown = l0_words(example.report, locale, example.code)
    gate = Gate(
        level=level,
        locale=locale,
        student_code=example.code,
        statement=f"{shown}\n{values_of(example.report)}\n7 3",
        reference="def other(a, b):\n    return -(-a // b)\n",
    )
    gate.feed(text)
    return gate.finish()


def test_every_kind_of_fact_has_sentences_and_an_example() -> None:
    for table in TABLES.values():
        assert set(FactKind) <= table.sentences.keys()
        assert set(table.sentences) == set(TABLES["en"].sentences)
        assert set(TOLD) <= table.sentences.keys()
        assert table.cases.keys() == TABLES["en"].cases.keys()
        assert table.types.keys() == TABLES["en"].types.keys()
    assert set(FactKind) <= set(TOLD)


@each_locale
def test_each_thing_is_told_in_two_or_three_wordings(locale: Locale) -> None:
    for told, levels in TABLES[locale].sentences.items():
        assert levels.keys() == ({1, 2, 3} if told == FactKind.SYNTAX else {1, 2})
        for wordings in levels.values():
            assert len(wordings) <= 5
            assert told.startswith("report_") or len(wordings) >= 3
            blanks = [wording.blanks for wording in wordings]
            assert blanks[-1] <= {"case", "Case", "line", "rule"}


@each_example
@each_locale
@each_level
@each_form
def test_it_has_the_form_of_its_level(
    example: Example, locale: Locale, level: int, form: str
) -> None:
    for text in texts(example, level, locale, form):
        assert LEVELS[level].min_words <= count_words(text) <= LEVELS[level].max_words
        assert text.count("?") == 1
        assert text.endswith("?")
        assert "  " not in text
        assert "{" not in SPAN.sub("", text)
        assert "\0" not in text
        if level == 1:
            assert not re.search(r"\bline \d|\d번째 줄", text)


@each_example
@each_locale
@each_level
def test_the_gate_lets_every_wording_pass_whole(
    example: Example, locale: Locale, level: int
) -> None:
    for form in ("call", "stdin", "hidden"):
        for text in texts(example, level, locale, form):
            ruling = judged(text, example, level, locale)
            assert (ruling.rule, ruling.text) == (None, text)


@each_example
@each_locale
@each_level
def test_its_code_is_of_the_program_the_case_or_the_trace(
    example: Example, locale: Locale, level: int
) -> None:
    first = example.report.first or Case(call="", expected="")
    error = example.report.error
    # Lines of an input are told in a row, with a mark of our own between them.
    read = (first.stdin or "").replace("\n", " ↵ ")
    shown = [example.code, first.call, first.expected, first.got or "", values_of(example.report)]
    shown.append(read)
    known = {*tokens(" ".join(shown)), *tokens(error.kind if error else "")}
    for text in texts(example, level, locale):
        assert set(tokens(" ".join(SPAN.findall(text)))) <= known
        assert not re.search(r"[=<>+*/_\[\]]", SPAN.sub("", text))


@each_locale
def test_of_a_hidden_case_no_value_is_told(locale: Locale) -> None:
    report = Report(
        verdict=Verdict.FAILED,
        first=Case(call="", expected="", stdin="", hidden=True),
        facts=(
            Fact(
                kind=FactKind.ROUNDS,
                line=3,
                values={"rounds": 77, "variable": "days", "first": "78", "last": "79"},
            ),
            Fact(kind=FactKind.WRITES_ANSWER, line=5, values={"name": "days", "values": ("77",)}),
            Fact(kind=FactKind.GIVES, line=6, values={"value": "77"}),
            Fact(
                kind=FactKind.ANOTHER_TYPE,
                line=6,
                values={"got_type": "str", "expected_type": "float"},
            ),
            Fact(kind=FactKind.STOPPED, line=6, values={"type": "KeyError", "names": ("a = 77",)}),
            Fact(kind=FactKind.OUT_OF_RANGE, line=6, values={"index": 77, "length": 78}),
            Fact(kind=FactKind.LIMIT_DEPTH, line=2, values={"function": "days", "depth": 77}),
            Fact(kind=FactKind.AGAINST_PASSING, line=2, values={"call": "rice_days(77, 1)"}),
            Fact(kind=FactKind.CHANGED_INPUT, line=2, values={"before": "77", "after": "78"}),
        ),
    )
    for level in (1, 2):
        for seed in SEEDS:
            told = list(candidates(report, level, locale, seed, examples.RICE))
            assert len(told) == len(report.facts) + 1
            for _, text in told:
                assert "77" not in text
                assert "78" not in text
                assert TABLES[locale].types["float"] not in text


@each_locale
def test_another_seed_may_choose_another_wording_and_the_same_seed_the_same(
    locale: Locale,
) -> None:
    example = EXAMPLES[TOLD.index("rounds")]
    assert len(set(texts(example, 1, locale))) >= 2
    assert list(texts(example, 1, locale)) == list(texts(example, 1, locale))


@each_locale
def test_the_most_telling_fact_is_told(locale: Locale) -> None:
    less = Fact(kind=FactKind.GIVES, line=6, values={"value": "2"}, score=0.4)
    more = Fact(kind=FactKind.DROPPED, line=4, values={"expression": "cups - per_day"}, score=0.9)
    report = Report(verdict=Verdict.FAILED, first=examples.CALLS[examples.RICE])

    told = [
        compose(replace(report, facts=facts), 2, locale, "1", examples.RICE)
        for facts in ((less, more), (more, less), (more,))
    ]

    assert len(set(told)) == 1
    assert "cups - per_day" in str(told[0])


@each_locale
@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_is_said_against_a_program_that_was_not_judged(
    verdict: Verdict, locale: Locale
) -> None:
    fact = Fact(kind=FactKind.HIDES_BUILTIN, line=1, values={"name": "list"})
    report = Report(verdict=verdict, facts=(fact,), error=ProgramError(kind="Busy", message=""))
    judged = verdict not in (Verdict.PASSED, Verdict.NOT_RUN)

    if judged and f"report_{verdict}" in TABLES[locale].sentences:
        assert compose(report, 1, locale, "1", "list = 3\n")
    elif not judged:
        assert compose(report, 1, locale, "1", "list = 3\n") is None


@pytest.mark.parametrize("level", [2, 3, 4])
@each_locale
def test_higher_levels_are_told_what_level_two_is(level: int, locale: Locale) -> None:
    example = EXAMPLES[TOLD.index("dropped")]

    text = compose(example.report, level, locale, "1", example.code)

    assert re.search(r"line 4\b|4번째 줄", str(text), re.IGNORECASE)


@each_locale
@pytest.mark.parametrize(
    "values",
    [
        {"expression": "os.remove(secret)"},
        {"expression": "x" * 100},
        {"expression": "a`b"},
        {"expression": 12},
        {"expression": ("a", "b")},
        {"expression": ""},
        {},
        {"expression": "{line}{case}"},
        {"expression": "cups\nper_day"},
    ],
)
def test_a_forged_fact_tells_nothing_that_is_not_in_the_program(
    values: dict[str, str | int | tuple[str, ...]], locale: Locale
) -> None:
    fact = Fact(kind=FactKind.DROPPED, line=4, values=values)
    report = Report(verdict=Verdict.FAILED, first=examples.CALLS[examples.RICE], facts=(fact,))

    for seed in SEEDS:
        text = str(compose(report, 2, locale, seed, examples.RICE))

        assert set(tokens(" ".join(SPAN.findall(text)))) <= set(tokens(examples.RICE))
        assert len(text) < 300


@each_locale
def test_a_line_that_the_program_does_not_have_is_not_named(locale: Locale) -> None:
    fact = Fact(kind=FactKind.DROPPED, line=70, values={"expression": "cups - per_day"})
    report = Report(verdict=Verdict.FAILED, first=examples.CALLS[examples.RICE], facts=(fact,))

    assert "70" not in str(compose(report, 2, locale, "1", examples.RICE))


@each_locale
def test_of_a_long_row_of_values_the_first_ones_are_told(locale: Locale) -> None:
    values = tuple(str(100 + number) for number in range(9))
    fact = Fact(kind=FactKind.WRITES_ANSWER, line=5, values={"name": "days", "values": values})
    report = Report(verdict=Verdict.FAILED, first=examples.CALLS[examples.RICE], facts=(fact,))

    text = str(compose(report, 1, locale, "1", examples.RICE))

    assert f"`{values[LISTED - 1]}`, …" in text
    assert values[LISTED] not in text


@each_locale
def test_of_a_missing_colon_it_says_what_is_missing_but_never_a_sign_to_write(
    locale: Locale,
) -> None:
    code = "if n = 3:\n    pass\n"
    fact = Fact(kind=FactKind.SYNTAX, line=1, values={"message": "found `=`"})
    report = Report(verdict=Verdict.SYNTAX, facts=(fact,))

    for level in (1, 2):
        for seed in SEEDS:
            assert "==" not in str(compose(report, level, locale, seed, code))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("`3`", "`3`은"), ("`2`", "`2`는"), ("`10`", "`10`은"), ("`f(7, 3)`", "`f(7, 3)`은"),
        ("`cups`", "`cups`는"), ("`len`", "`len`은"), ("`name`", "`name`은"), ("`set`", "`set`은"),
        ("`list`", "`list`는"), ("`None`", "`None`은"), ("`n`", "`n`은"), ("`i`", "`i`는"),
        ("`[1, 2]`", "`[1, 2]`는"), ("문자열", "문자열은"), ("정수", "정수는"),
        ("`가나`", "`가나`는"), ("`…`", "`…`는"), ("`'3%'`", "`'3%'`는"), ("`0%`", "`0%`는"),
        ("`１`", "`１`은"), ("`셕ㅜ`", "`셕ㅜ`는"), ("`가ㅅ`", "`가ㅅ`은"),
        ("`stack`", "`stack`은"), ("`check`", "`check`는"),
        ("`Ａ`", "`Ａ`는"), ("`%`", "`%`는"), ("`50 % 3`", "`50 % 3`은"),
    ],
)  # fmt: skip
def test_a_particle_goes_with_what_is_read_before_it(text: str, said: str) -> None:
    assert f"{Said(text):은|는}" == said
    assert f"{Said(text)}" == text


@each_locale
def test_keys_of_another_dictionary_are_not_told(locale: Locale) -> None:
    values: examples.Values = {"key": "'b'", "keys": ("'a'", "'b'")}
    fact = Fact(kind=FactKind.MISSING_KEY, line=5, values=values)
    report = Report(verdict=Verdict.ERROR, first=examples.CALLS[examples.WORDS], facts=(fact,))

    for seed in SEEDS:
        told = str(compose(report, 2, locale, seed, examples.WORDS))

        assert "`'a'`" not in told


@each_locale
def test_a_list_that_is_kept_from_call_to_call_is_not_said_to_be_in_many_places(
    locale: Locale,
) -> None:
    for places, word in ((("seen",), "`seen`"), (("0", "1"), "`0`, `1`")):
        fact = Fact(kind=FactKind.ONE_LIST_MANY_TIMES, line=1, values={"places": places})
        report = Report(verdict=Verdict.FAILED, first=examples.CALLS[examples.WORDS], facts=(fact,))
        for level in (1, 2):
            for seed in SEEDS:
                assert word in str(compose(report, level, locale, seed, examples.WORDS))


@each_locale
@each_level
@pytest.mark.parametrize(
    ("case", "shown"),
    [
        (Case(call=f"longest({list(range(100, 120))})", expected="1", got="2"),
         "`longest([100, 101, 102, 103, … 117, 118, 119])`"),
        (Case(call="f('one two three four five six seven eight nine ten')", expected="1", got="2"),
         "`f('one two three four five six … nine ten')`"),
        (Case(call="", stdin="3\n10 30 20\n", expected="30\n", got="20\n"), "`3 ↵ 10 30 20`"),
        (Case(call="", stdin="\n".join(map(str, range(100, 130))), expected="1", got="2"),
         "`100 ↵ 101 ↵ 102 ↵ 103 ↵ 104 ↵ … 127 ↵ 128 ↵ 129`"),
    ],
)  # fmt: skip
def test_a_long_case_is_named_by_its_beginning_and_its_end(
    case: Case, shown: str, locale: Locale, level: int
) -> None:
    fact = Fact(kind=FactKind.DROPPED, line=4, values={"expression": "cups - per_day"})
    report = Report(verdict=Verdict.FAILED, first=case, facts=(fact,))
    told = {str(compose(report, level, locale, seed, examples.RICE)) for seed in SEEDS}

    assert any(shown in text for text in told), told
    for text in told:
        assert max(map(len, SPAN.findall(text))) <= HEAD_CHARS + TAIL_CHARS + len(" … ")


@each_locale
def test_a_long_case_that_is_one_word_is_not_named(locale: Locale) -> None:
    case = Case(call=f"f('{'a' * 70}')", expected="1", got="2")
    fact = Fact(kind=FactKind.ROUNDS, line=4, values={"rounds": 3})
    report = Report(verdict=Verdict.FAILED, first=case, facts=(fact,))

    for seed in SEEDS:
        assert "aaa" not in str(compose(report, 1, locale, seed, examples.RICE))


@each_locale
@each_level
@pytest.mark.parametrize(
    ("typed", "told"),
    [("ㅔ갸ㅜㅅ", "keyboard|한영"), ("ㅑㅞㅕㅅ", "keyboard|한영"), ("점수", "where|어디|어느")],
)
def test_a_name_in_korean_letters_is_told_as_it_is_written(
    typed: str, told: str, locale: Locale, level: int
) -> None:
    # Python knows it in another form.
    name = unicodedata.normalize("NFKC", typed)
    fact = Fact(kind=FactKind.WRONG_NAME, line=1, values={"name": name})
    report = Report(verdict=Verdict.ERROR, first=examples.CALLS[examples.RICE], facts=(fact,))

    for seed in SEEDS:
        text = str(compose(report, level, locale, seed, f"{typed}(1)\n"))

        assert f"`{typed}`" in text
        assert re.search(told, text, re.IGNORECASE) or typed == "점수"
        assert bool(re.search("keyboard|한영", text)) == (typed != "점수")


STOPPED = ProgramError(kind="RuntimeError", message="dictionary changed size", line=5)


@each_locale
@each_level
@pytest.mark.parametrize("kind", [FactKind.ROUNDS, FactKind.BRANCH_NOT_TAKEN, FactKind.DROPPED])
def test_whatever_is_told_of_a_program_that_stops_tells_the_stop(
    kind: FactKind, locale: Locale, level: int
) -> None:
    example = EXAMPLES[TOLD.index(kind)]
    report = replace(example.report, verdict=Verdict.ERROR, error=STOPPED)

    for seed in SEEDS:
        text = str(compose(report, level, locale, seed, example.code))

        assert "`RuntimeError`" in text
        assert not re.search("do to your result|결과는 어떻게 달라지나요", text)


@each_locale
@pytest.mark.parametrize(
    ("kind", "values", "never"),
    [
        (FactKind.FIRST_UNSEEN, {"sequence": "heights", "length": 3}, "first round|첫 바퀴|지나친"),
        (FactKind.LAST_UNSEEN, {"sequence": "heights", "length": 3}, "last round|마지막 바퀴"),
        (FactKind.OUT_OF_RANGE, {"index": 2}, "arrive at|that far|어떻게 나온|거쳐"),
        (FactKind.OUT_OF_RANGE, {"sequence": "heights", "index": 0, "length": 0}, "arrive|거쳐"),
        (FactKind.NO_NUMBER, {"text": "''"}, "Which characters|Which parts|아닌 것은|부분은"),
        (FactKind.BRANCH_NOT_TAKEN, {"condition": "heights[i] > best", "asked": 1,
                                     "values": ("i = 0",)}, "every time|whenever|example|늘|예를"),
        (FactKind.ROUNDS, {"rounds": 2, "runs": 2}, r"runs twice\.|반복은 2번 돌아요"),
        (FactKind.WRITES_ANSWER, {"name": "best", "values": ("162",), "answer": 1},
         "go on from there|get from there|결과까지|그 뒤를"),
        (FactKind.CHANGED_INPUT, {"name": "heights", "before": "[1]", "after": "[2]"},
         "on line|afterwards it is|줄에서"),
        (FactKind.WRONG_NAME, {"name": "best", "near_builtin": 1}, "meant to make|만들려고"),
        (FactKind.OUTPUT_ENDS, {"breaks": 1}, "output is right|모두 맞는데|기대와 같"),
        (FactKind.STOPPED, {"type": "TypeError", "names": ("i = 2",),
                            "message": "f() takes 1 positional argument but 2 were given"},
         "not work with this|values of its names|이 값으로|이름마다"),
    ],
)  # fmt: skip
def test_no_question_presupposes_what_is_not_so(
    kind: FactKind, values: examples.Values, never: str, locale: Locale
) -> None:
    fact = Fact(kind=kind, line=4, values=values)
    first = examples.CALLS[examples.TALL]
    report = Report(verdict=Verdict.FAILED, first=first, facts=(fact,))

    for level in (1, 2):
        for seed in SEEDS:
            assert not re.search(never, str(compose(report, level, locale, seed, examples.TALL)))


@each_locale
def test_level_two_says_what_the_error_means(locale: Locale) -> None:
    values = {"type": "TypeError", "message": "'str' object does not support item assignment",
              "names": ("i = 2",)}  # fmt: skip
    fact = Fact(kind=FactKind.STOPPED, line=4, values=values)
    first = examples.CALLS[examples.TALL]
    report = Report(verdict=Verdict.ERROR, first=first, facts=(fact,))

    for seed in SEEDS:
        text = str(compose(report, 2, locale, seed, examples.TALL))

        assert re.search("A part of a string|문자열의 한 부분", text)


def test_several_statements_are_not_called_but_run() -> None:
    first = Case(call="s = Stack(); s.push(1); s.pop()", expected="1", got="2")
    fact = Fact(kind=FactKind.DROPPED, line=4, values={"expression": "cups - per_day"})
    report = Report(verdict=Verdict.FAILED, first=first, facts=(fact,))

    for seed in SEEDS:
        assert "부르면" not in str(compose(report, 2, "ko", seed, examples.RICE))
