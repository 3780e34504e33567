"""The seed course: its programs do what they claim, its hints keep to their level."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db.models import Model

from web.courses import seeding
from web.courses.seeding import BadSeed, SeedExercise
from web.runner.checker import Checker
from web.tutor.gate.gate import Gate
from web.tutor.languages import LANGUAGES, Locale, Words
from web.tutor.levels import LEVELS

FOLDER = seeding.FOLDER
SEED = seeding.load(FOLDER)
HANGUL = re.compile("[가-힣]")
AUTHORED = sorted({level for exercise in SEED.exercises for level in exercise.hints})
TOPICS = [
    "loops",
    "off-by-one",
    "accumulators",
    "string methods",
    "mutability",
    "dict counting",
    "recursion",
    "sorting keys",
    "two pointers",
    "binary search",
    "input and output",
    "priority queues",
]


def each(exercises: list[SeedExercise]) -> pytest.MarkDecorator:
    names = [exercise.row.slug for exercise in exercises]
    return pytest.mark.parametrize("exercise", exercises, ids=names)


each_exercise = each(SEED.exercises)
each_with_asserts = each([one for one in SEED.exercises if one.row.tests])
each_with_cases = each([one for one in SEED.exercises if one.row.cases])


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with closing(Checker()) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A seed of two exercises that a test may spoil."""
    for name in (seeding.COURSE_FILE, "01-rice-days.toml", "04-hashtags.toml"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def words(row: Model, field: str) -> Words:
    return {locale: getattr(row, f"{field}_{locale}") for locale in LANGUAGES}


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_course_covers_its_topics_in_order() -> None:
    assert [exercise.row.topic for exercise in SEED.exercises] == TOPICS
    assert [exercise.row.position for exercise in SEED.exercises] == list(range(1, 13))


@each_exercise
def test_the_reference_passes(exercise: SeedExercise, checker: Checker) -> None:
    report = checker.check(exercise.row.reference, exercise.row.tests_to_run())

    assert report.verdict == "passed"
    assert report.passed == report.total
    assert report.total == len(exercise.row.tests.splitlines() or exercise.row.cases)


@each_exercise
def test_the_starter_is_not_a_solution(exercise: SeedExercise, checker: Checker) -> None:
    report = checker.check(exercise.row.starter, exercise.row.tests_to_run())

    assert report.verdict in {"failed", "error"}


@each_exercise
def test_both_wrong_programs_fail(exercise: SeedExercise, checker: Checker) -> None:
    tests = exercise.row.tests_to_run()
    verdicts = [checker.check(wrong, tests).verdict for wrong in exercise.wrong]

    assert len(verdicts) == 2
    assert set(verdicts) <= {"failed", "error", "time"}


@each_with_asserts
def test_tests_are_five_to_eight_bare_asserts(exercise: SeedExercise) -> None:
    lines = exercise.row.tests.splitlines()

    assert 5 <= len(lines) <= 8
    assert all(re.fullmatch(r"assert \w+\(.*\) == .+", line) for line in lines)


@each_with_asserts
def test_statements_name_the_function_of_the_starter(exercise: SeedExercise) -> None:
    header = re.search(r"def (\w+\(.*\)):", exercise.row.starter)

    assert header
    assert all(
        f"`{header[1]}`" in statement for statement in words(exercise.row, "statement").values()
    )


@each_with_cases
def test_cases_are_five_to_eight_and_hidden_ones_have_a_note(exercise: SeedExercise) -> None:
    cases = exercise.row.cases
    hidden = [case for case in cases if not case["visible"]]

    assert 5 <= len(cases) <= 8
    assert 2 <= len(hidden) <= len(cases) - 2
    assert all(HANGUL.search(case["note_ko"]) for case in hidden)
    assert all(case["note_en"] and not HANGUL.search(case["note_en"]) for case in hidden)


@each_with_cases
def test_statements_show_an_example_and_no_hidden_case(exercise: SeedExercise) -> None:
    first, *_ = exercise.row.cases
    for statement in words(exercise.row, "statement").values():
        assert f"```text\n{first['stdin']}```" in statement
        assert f"```text\n{first['expected']}```" in statement
        assert not [
            case
            for case in exercise.row.cases
            if not case["visible"] and f"\n{case['stdin']}" in statement
        ]


@each_exercise
def test_what_an_exercise_of_the_seed_holds_may_be_stored(exercise: SeedExercise) -> None:
    exercise.row.clean_fields(exclude=["course"])
    exercise.row.clean()
    for hint in exercise.hints.values():
        hint.clean()


@each_exercise
def test_korean_is_korean_and_english_is_not(exercise: SeedExercise) -> None:
    texts = [words(exercise.row, field) for field in ("title", "statement", "mistakes")]
    texts += [words(hint, "text") for hint in exercise.hints.values()]

    assert all(HANGUL.search(text["ko"]) for text in texts)
    assert not any(HANGUL.search(text["en"]) for text in texts)


@each_exercise
def test_hints_keep_to_the_form_of_their_level(exercise: SeedExercise) -> None:
    notice, locate, concept = (words(exercise.hints[level], "text") for level in (1, 2, 3))

    for text in notice.values():
        assert len(text.split()) <= 40
        assert text.count("?") == 1
    for text in locate.values():
        assert len(text.split()) <= 60
        assert text.endswith("?")
    for text in concept.values():
        assert 80 <= len(text.split()) <= 160


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def trigrams(text: str) -> set[tuple[str, ...]]:
    found = tokens(text)
    return set(zip(found, found[1:], found[2:], strict=False))


@each_exercise
def test_hints_and_mistakes_hold_no_piece_of_the_reference(exercise: SeedExercise) -> None:
    secret = trigrams(exercise.row.reference)
    for statement in words(exercise.row, "statement").values():
        secret -= trigrams(statement)

    texts = [words(hint, "text") for hint in exercise.hints.values()]
    for text in (*texts, words(exercise.row, "mistakes")):
        assert not secret & trigrams(text["ko"])
        assert not secret & trigrams(text["en"])


@each_exercise
@pytest.mark.parametrize("level", AUTHORED)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_gate_lets_authored_hints_pass_whole(
    exercise: SeedExercise, level: int, locale: Locale
) -> None:
    hint = exercise.hints[level].text(locale)

    for code in ("", exercise.row.starter, *exercise.wrong):
        gate = Gate(
            level=level,
            locale=locale,
            student_code=code,
            statement=exercise.row.statement(locale),
            reference=exercise.row.reference,
        )
        gate.feed(hint)
        verdict = gate.finish()

        assert (verdict.rule, verdict.text) == (None, hint)


def test_a_wrapped_hint_is_one_line(folder: Path) -> None:
    first = seeding.load(folder).exercises[0]

    for hint in first.hints.values():
        assert all("\n" not in text for text in words(hint, "text").values())
    assert words(first.row, "title") == {"ko": "쌀은 며칠 갈까", "en": "How long the rice lasts"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('topic = "loops"\n', "", "topic: missing"),
        ('topic = "loops"', 'topic = "loops"\ncolour = "red"', "colour: unknown key"),
        ('topic = "loops"', "topic = 3", "topic: must be text that is not empty"),
        ('topic = "loops"', 'topic = " "', "topic: must be text that is not empty"),
        ('topic = "loops"', "topic = ", "cannot be read"),
        ("[hints.1]", "[more.1]", "hints.1: missing"),
        ("[hints.2]", "[more.2]", "hints.2: missing"),
        ("[hints.3]", "[hints.9]", "hints.9: unknown key"),
        ("[hints.3]", "[hints.3]\nfr = 'oui'", "hints.3.fr: unknown key"),
        ("[hints.3]", "[hints.9]\nko = 'x'\n[hints.3]", "hints.9: unknown key"),
        ("[hints.3]", "[more.3]", "more: unknown key"),
        ("[hints.3]", "[hints.three]", "hints.three: unknown key"),
        ('ends."\ncode', 'ends."\nshow', "wrong[2].code: missing"),
        ('ends."\ncode', 'ends."\nlevel = 1\ncode', "wrong[2].level: unknown key"),
    ],
)
def test_a_bad_exercise_is_refused_by_file_and_key(
    folder: Path, old: str, new: str, said: str
) -> None:
    spoil(folder / "01-rice-days.toml", old, new)

    with pytest.raises(BadSeed, match=re.escape(f"01-rice-days.toml: {said}")):
        seeding.load(folder)


def test_an_author_may_stop_below_the_last_level(folder: Path) -> None:
    path = folder / "01-rice-days.toml"
    text = path.read_text(encoding="utf-8")
    third = text[text.index("[hints.3]") : text.index("[[wrong]]")]

    path.write_text(text.replace(third, ""), encoding="utf-8")

    assert list(seeding.load(folder).exercises[0].hints) == [1, 2]


def test_a_plain_value_in_place_of_tables_is_refused(folder: Path) -> None:
    path = folder / "01-rice-days.toml"
    kept = path.read_text(encoding="utf-8").split("[hints.1]")[0]

    path.write_text(f"hints = 'none'\n{kept}", encoding="utf-8")
    with pytest.raises(BadSeed, match=r"01-rice-days\.toml: hints: must be a table"):
        seeding.load(folder)

    hints = "".join(f"[hints.{level}]\nko = 'ㄱ'\nen = 'a'\n" for level in LEVELS)
    path.write_text(f"wrong = []\n{kept}{hints}", encoding="utf-8")
    with pytest.raises(BadSeed, match=r"01-rice-days\.toml: wrong: must be a list of tables"):
        seeding.load(folder)


def test_a_slug_used_twice_is_refused(folder: Path) -> None:
    shutil.copy(folder / "01-rice-days.toml", folder / "02-again.toml")

    with pytest.raises(BadSeed, match=r"02-again\.toml: slug: 'rice-days' is also in 01-rice-days"):
        seeding.load(folder)


def test_a_folder_without_course_or_exercises_is_refused(folder: Path) -> None:
    for path in folder.glob("0*.toml"):
        path.unlink()
    with pytest.raises(BadSeed, match="no exercise files"):
        seeding.load(folder)

    (folder / seeding.COURSE_FILE).unlink()
    with pytest.raises(BadSeed, match=r"course\.toml: cannot be read"):
        seeding.load(folder)
