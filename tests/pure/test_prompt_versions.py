"""Prompts are files: each that is missing or not as it must be is named, and nothing is asked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.contract.job import Sampling
from web.tutor.evidence.wording import TABLES
from web.tutor.gate.draft import Draft, count_words
from web.tutor.gate.form import echoes
from web.tutor.gate.gate import Gate
from web.tutor.gate.lexis import WORD, runs, tokens
from web.tutor.languages import HANGUL, LANGUAGES, Language, Locale
from web.tutor.levels import LEVELS
from web.tutor.writing import prompt, room, versions
from web.tutor.writing.versions import BadVersion, Sample, load, version

HINTS = Path(__file__).parents[1] / "data" / "hints"
SAMPLES = [
    (level, locale, sample)
    for locale, words in version().words.items()
    for level, asked in words.levels.items()
    for sample in asked.samples
]
each_sample = pytest.mark.parametrize(("level", "locale", "sample"), SAMPLES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the version in use, which may be changed."""
    return shutil.copytree(versions.FOLDER / versions.CURRENT, tmp_path / "v9")


def test_what_is_there_can_be_used() -> None:
    assert versions.names()
    for name in versions.names():
        assert load(versions.FOLDER / name).words.keys() == LANGUAGES.keys()
    assert prompt.TEMPLATE_VERSION == version(versions.CURRENT).label == version().label
    assert re.fullmatch(r"v\d+-[0-9a-f]{8}", prompt.TEMPLATE_VERSION)


@pytest.mark.parametrize("name", ["v0", "4", "../v5", "v5/en", "v5\n", "en", "v99999"])
def test_a_version_that_is_not_there_is_said_with_those_that_are(name: str) -> None:
    with pytest.raises(BadVersion, match=re.escape(versions.CURRENT)):
        version(name)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("file", ["rules.md", "words.toml", "1.toml", "3.toml"])
def test_a_missing_file_is_named(folder: Path, locale: Locale, file: str) -> None:
    (folder / locale / file).unlink()

    with pytest.raises(BadVersion, match=rf"{locale}/{file}: is missing"):
        load(folder)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_missing_language_is_named(folder: Path, locale: Locale) -> None:
    shutil.rmtree(folder / locale)

    with pytest.raises(BadVersion, match=rf"v9/{locale}/.*: is missing"):
        load(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("rules.md", r"[\s\S]+", " \n", "rules must be a text that is not empty"),
        ("words.toml", r'(?m)^facts = .*\n', "", "facts is missing"),
        ("words.toml", r'(?m)^leak = .*\n', "", "leak is missing"),
        ("words.toml", r'(?m)^left_out = .*$', 'left_out = " "', "left_out must be a text"),
        ("words.toml", r'(?m)^question = .*$', "question = 3", "question must be a text"),
        ("words.toml", r"\[faults\]", "[mistakes]", "faults is missing"),
        ("words.toml", r'(?m)^code = ', 'program = "x"\ncode = ', "program is no key of it"),
        ("1.toml", r"form = ", "shape = ", "form is missing"),
        ("1.toml", r"form = '''[^']+'''", "form = ''", "form must be a text that is not empty"),
        ("2.toml", r"tokens = 200", "tokens = '200'", "tokens must be a number"),
        ("2.toml", r"tokens = 200", "tokens = true", "tokens must be a number"),
        ("2.toml", r"tokens = 200", "tokens = 9000", "tokens must be a number from 50 to 2000"),
        ("3.toml", r"hint = ", "answer = ", "hint is missing"),
        ("3.toml", r"[\s\S]+", "form = ", "cannot be read"),
        ("3.toml", r"[\s\S]+", "tokens = 9\nform = 'x'\nsamples = 'x'", "tokens must be"),
        ("3.toml", r"[\s\S]+", "tokens = 99\nform = 'x'\nsamples = 'x'", "at most 4 tables"),
        ("3.toml", r"[\s\S]+", "tokens = 99\nform = 'x'\nsamples = ['x']", "must hold a table"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("locale", LANGUAGES)
def test_what_is_wrong_in_a_file_is_said(
    folder: Path, locale: Locale, file: str, old: str, new: str, said: str
) -> None:
    path = folder / locale / file
    text, count = re.subn(old, new, path.read_text(encoding="utf-8"), count=1)
    path.write_text(text, encoding="utf-8")

    assert count == 1
    with pytest.raises(BadVersion) as caught:
        load(folder)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_no_text_but_that_of_utf_8_is_read(folder: Path) -> None:
    (folder / "en" / "rules.md").write_bytes(b"\xff\xfe")

    with pytest.raises(BadVersion, match=r"rules\.md: cannot be read"):
        load(folder)


@pytest.mark.parametrize("file", ["en/rules.md", "ko/words.toml", "en/2.toml", "ko/3.toml"])
def test_each_change_of_a_word_is_another_version(folder: Path, file: str) -> None:
    before = load(folder).label
    path = folder / file
    path.write_text(path.read_text().replace("학생", "배우는 이").replace("student", "learner"))

    assert load(folder).label != before
    assert load(folder).label.startswith("v9-")


def test_another_version_writes_other_prompts(
    more_prompts: Callable[[str], Path],
) -> None:
    form = "Say only: look again?"
    (more_prompts("v9") / "en" / "1.toml").write_text(f'tokens = 60\nform = "{form}"\n')
    task = prompt.PromptTask(
        level=1, locale="en", statement="s", hint="", mistakes="", result="r", code="c",
        version="v9",
    )  # fmt: skip

    system, user = prompt.build(task, "nonce")

    assert system["content"].endswith(form)
    assert user["content"].endswith(form)
    assert prompt.with_room(Sampling(max_tokens=400), 1, "en", "v9").max_tokens == 60
    assert prompt.with_room(Sampling(max_tokens=40), 1, "en", "v9").max_tokens == 40
    assert prompt.with_room(Sampling(max_tokens=None), 1, "en", "v9").max_tokens is None
    keys = {prompt.prefix_key("m", "c/e", 1, 1, "en", name) for name in ("", "v9")}
    assert len(keys) == 2


def test_every_level_is_shown_some_samples() -> None:
    for words in version().words.values():
        assert words.levels.keys() == LEVELS.keys()
        # Short hints are shown more often: of two a small model learns their last words by heart.
        counts = {level: len(asked.samples) for level, asked in words.levels.items()}
        assert counts == {1: 4, 2: 4, 3: 2, 4: 2, 5: 2}


@each_sample
def test_a_sample_is_a_hint_that_the_gate_would_pass(
    level: int, locale: Locale, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of what the model was told it is one, so here nothing was told.
    monkeypatch.setattr(prompt, "told", lambda level, locale: "")
    gate = Gate(
        level=level, locale=locale, student_code=sample.code, statement=sample.result, reference="",
        fix=fix(sample),
    )  # fmt: skip
    gate.feed(sample.hint)
    ruling = gate.finish()

    assert (ruling.rule, ruling.text) == (None, sample.hint)
    assert count_words(sample.hint) <= LEVELS[level].max_words


@each_sample
def test_a_hint_that_repeats_a_sample_is_refused(
    level: int, locale: Locale, sample: Sample
) -> None:
    gate = Gate(
        level=level, locale=locale, student_code=sample.code, statement=sample.result, reference=""
    )
    gate.feed(sample.hint)
    ruling = gate.finish()

    assert (ruling.ok, ruling.rule) == (False, "R8")


@each_sample
def test_korean_samples_speak_as_to_a_student(level: int, locale: Locale, sample: Sample) -> None:
    said = re.sub(r"```[\s\S]*?```|`[^`]*`", "`x`", sample.hint)
    ends = re.findall(r"(\S+)[.?!](?=\s|$)", said)

    assert ends
    if locale == "ko":
        assert all(end.endswith("요") for end in ends)
    assert bool(HANGUL.search(said)) == (locale == "ko")


@each_sample
def test_a_sample_names_only_lines_that_are_there(
    level: int, locale: Locale, sample: Sample
) -> None:
    last = sample.code.count("\n") + 1
    named = re.findall(r"[Ll]ines? (\d+)(?: to (\d+))?|(\d+)번째 줄", sample.hint)

    assert all(1 <= int(number) <= last for each in named for number in each if number)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_room_of_an_answer_is_that_of_its_words(locale: Locale) -> None:
    # Measured: 2.9 tokens a Korean word at most, 1.5 an English one, by Qwen 2.5's tokenizer.
    a_word = {"ko": 2.5, "en": 1.3}[locale]
    for level, asked in version().words[locale].levels.items():
        assert asked.answer_tokens >= a_word * LEVELS[level].max_words


def test_the_rules_leave_most_of_the_prompt_to_its_task() -> None:
    for locale in LANGUAGES:
        for level in LEVELS:
            shown = [message["content"] for message in prompt.samples(level, locale)]
            told = sum(map(room.tokens, [prompt.policy(level, locale), *shown]))
            assert told <= prompt.MOST_TOKENS / 2


CLEAN = [
    entry
    for entry in map(json.loads, (HINTS / "seen.jsonl").read_text(encoding="utf-8").splitlines())
    if not entry["leak"] and entry["level"] in LEVELS
]


def test_no_good_hint_of_the_corpus_is_taken_for_an_echo() -> None:
    echoed = [
        entry["text"]
        for entry in CLEAN
        for language in [LANGUAGES[entry["locale"]]]
        if echoes(
            read(entry["text"], language),
            (prompt.told(entry["level"], entry["locale"]),),
            language.echo_words,
        )
    ]

    assert len(CLEAN) > 200
    assert echoed == []


CASES = {
    "ko": ("`f(7)`을 부르면", "`f(7)`를 부르면", "입력이 `7`일 때", "숨은 테스트에서", "지금"),
    "en": ("for `f(7)`", "with the input `7`", "in a hidden test", "as it stands"),
}
"""As TABLES' cases name them."""
CASE, BLANK = re.compile(r"\{[Cc]ase\}"), re.compile(r"\{\w+(?::([^}|]*)\|?[^}]*)?\}")


@pytest.mark.parametrize("locale", LANGUAGES)
def test_no_composed_hint_is_taken_for_an_echo_whatever_its_numbers_are(locale: Locale) -> None:
    """A sample and a fact's sentence may name the same line, or call with the same number."""
    size = LANGUAGES[locale].echo_words
    told = {
        run
        for each, of, sample in SAMPLES
        if of == locale
        for run in runs(numberless(sample.hint), size)
    }
    wordings = [
        wording.text
        for levels in TABLES[locale].sentences.values()
        for each in levels.values()
        for wording in each
    ]

    assert told
    for text in wordings:
        for case in CASES[locale]:
            said = BLANK.sub(r"`7`\1", CASE.sub(case, text))
            assert told.isdisjoint(runs(numberless(said), size)), said


def numberless(text: str) -> list[str]:
    parts = [part for part in tokens(text) if WORD.match(part)]
    return ["7" if part[0].isdigit() else part for part in parts]


def fix(sample: Sample) -> str:
    """Of the programs that samples are about."""
    mended = {
        "        total = mark": "        total = total + mark",
        "[len(names)]": "[len(names) - 1]",
        "        return found": "    return found",
        "while n > 1": "while n > 0",
        "    word.upper()": "    word = word.upper()",
    }
    (wrong,) = [wrong for wrong in mended if wrong in sample.code]
    return sample.code.replace(wrong, mended[wrong])


def read(text: str, language: Language) -> Draft:
    draft = Draft(language.letters)
    draft.read(text)
    return draft
