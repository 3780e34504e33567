"""`python -m web import` and `export`: each format becomes the exercises that its package means."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from web.courses import seeding
from web.courses.importing import toml
from web.courses.importing.kattis import with_samples
from web.courses.models import AuthoredHint, Course, Exercise
from web.runner.checker import Checker

PACKAGES = Path(__file__).parents[1] / "data" / "packages"
TEAHOUSE = PACKAGES / "kattis" / "teahouse"
pytestmark = pytest.mark.django_db


def run(path: Path, **options: Any) -> list[str]:
    out = StringIO()
    call_command("import", str(path), stdout=out, **options)
    return out.getvalue().splitlines()


def export(course: str, folder: Path) -> str:
    out = StringIO()
    call_command("export", course, str(folder), stdout=out)
    return out.getvalue()


def only() -> Exercise:
    row = Exercise.objects.get()
    row.full_clean()
    return row


def zipped(folder: Path, to: Path, top: str = "") -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{top}{file.relative_to(folder)}")
    return to


def printed(program: str, stdin: str) -> str:
    """What this machine's Python prints for it; the word `error` where it ends by one."""
    done = subprocess.run(
        [sys.executable, "-c", program], input=stdin, capture_output=True, text=True, timeout=20
    )
    return "error" if done.returncode else done.stdout


def rows(course: str) -> list[dict[str, Any]]:
    """All that an export must keep: the exercises with their hints, in order."""
    hidden = ("id", "course_id", "revision")
    return [
        {key: value for key, value in values.items() if key not in hidden}
        | {"hints": list(hints.values_list("level", "text_ko", "text_en"))}
        for values in Exercise.objects.filter(course__slug=course).values()
        for hints in [AuthoredHint.objects.filter(exercise=values["id"])]
    ]


def test_a_kattis_package_in_two_languages(course: Course) -> None:
    said = run(TEAHOUSE, course="basics")

    row = only()
    assert (row.path, row.title_ko, row.title_en) == ("basics/teahouse", "찻집", "The Tea House")
    assert row.topic == "loops, running maximum"
    assert [case["name"] for case in row.cases] == [
        "sample/1", "sample/2", "secret/1-small/01-only-in", "secret/1-small/02-turns",
        "secret/2-large/01-long",
    ]  # fmt: skip
    assert [case["visible"] for case in row.cases] == [True, True, True, False, False]
    assert (row.cases[0]["stdin"], row.cases[0]["expected"]) == (
        "4\n+1\n+1\n-1\n+1\n",
        "2 guests\n",
    )
    assert row.cases[1]["note_en"] == "What is the answer when nobody comes?"
    assert row.cases[3]["note_ko"] == "손님이 나간 뒤의 수도 세어 보세요."
    # A description of what is hidden is for judges.
    assert row.cases[4]["note_en"] == row.cases[4]["note_ko"] == ""
    assert (row.checker, row.time_limit_s, row.memory_limit_mib) == ("tokens", 2.5, 256)
    assert [wrong["why_en"].partition(":")[0] for wrong in row.wrong] == [
        "run_time_error", "wrong_answer",
    ]  # fmt: skip
    assert said == [
        "basics/teahouse: new",
        "  submissions/wrong_answer/zero.cpp: Only programs in one Python file are taken over.",
    ]


@pytest.mark.parametrize("own", ["1", "2"])
def test_an_example_that_a_kattis_statement_has_itself_is_not_added(own: str) -> None:
    cases = [
        {"name": f"sample/{number}", "stdin": f"{number}\n", "expected": f"{number}0\n"}
        for number in (1, 2)
    ]
    statement = f"Sum.\n\nInput\n\n```\n{own}\n```\n\nOutput\n\n```\n{own}0\n```\n"

    found = with_samples(statement, cases, "en")

    assert [found.count(f"```text\n{number}\n```") for number in (1, 2)] == [
        int(own != "1"),
        int(own != "2"),
    ]
    assert f"**Example {3 - int(own)}**" in found


def test_a_kattis_statement_shows_its_constants_and_examples(course: Course) -> None:
    run(TEAHOUSE, course="basics")

    english, korean = only().statement_en, only().statement_ko
    assert r"0 \le n \le 1000" in english
    assert "{{" not in english + korean
    first, second = english.split("The house may also")
    assert "**Example 1**" in first
    assert "```text\n2 guests\n```" in first
    assert "**Example 2**" in second
    assert korean.index("**예제 1**") < korean.index("**예제 2**")


@pytest.mark.parametrize("path", ["kattis", "exercism", "exercises.csv"])
def test_the_programs_of_a_package_do_what_they_are_there_for(course: Course, path: str) -> None:
    run(PACKAGES / path, course="basics")

    with closing(Checker(processes=1)) as checker:
        for row in Exercise.objects.all():
            tests, limits = row.tests_to_run(), row.limits()
            right = checker.check(row.reference, tests, limits)
            assert (right.verdict, right.passed) == ("passed", right.total)
            assert right.total == len(row.cases or row.tests.splitlines())
            for wrong in row.wrong:
                assert checker.check(wrong["code"], tests, limits).verdict in ("failed", "error")
            assert checker.check(row.starter, tests, limits).verdict in ("failed", "error")


def test_a_hidden_case_of_a_package_stays_hidden(course: Course) -> None:
    run(TEAHOUSE, course="basics")
    row = only()
    hidden = next(case for case in row.cases if not case["visible"])

    with closing(Checker(processes=1)) as checker:
        program = row.reference.replace("print(most", "print(most if most != 1 else 77")
        report = checker.check(program, row.tests_to_run(), row.limits())

    assert (report.verdict, report.passed) == ("failed", len(row.cases) - 1)
    kept = str(report.as_json())
    assert "77" not in kept
    assert hidden["note_ko"] in kept


def test_a_folder_of_kattis_packages_and_a_tolerance(course: Course) -> None:
    said = run(PACKAGES / "kattis", course="basics")

    assert [line for line in said if not line.startswith(" ")] == [
        "basics/meanheight: new", "basics/teahouse: new",
    ]  # fmt: skip
    row = Exercise.objects.get(slug="meanheight")
    assert (row.checker, row.absolute_tolerance, row.relative_tolerance) == ("float", 1e-4, 1e-4)
    assert (row.title_en, row.title_ko, row.time_limit_s) == ("Mean Height", "", 1.0)


@pytest.mark.parametrize(
    "arguments", [None, "[]", "[space_change_sensitive]", "[float_tolerance 1e-4]"]
)
def test_kattis_takes_capital_letters_for_small_ones_unless_told_otherwise(
    course: Course, tmp_path: Path, arguments: str | None
) -> None:
    folder = Path(shutil.copytree(TEAHOUSE, tmp_path / "teahouse"))
    for group in folder.glob("data/*/test_group.yaml"):
        text = group.read_text()
        given = "" if arguments is None else f"output_validator_args: {arguments}"
        group.write_text(text.replace("output_validator_args: [case_sensitive]", given))

    said = run(folder, course="basics")

    row = only()
    assert row.ignores_case
    assert not [line for line in said if "capital" in line]
    with closing(Checker(processes=1)) as checker:
        shouting = (
            f"import io, sys\nreal, sys.stdout = sys.stdout, io.StringIO()\n{row.reference}\n"
        )
        shouting += "real.write(sys.stdout.getvalue().upper())\n"
        assert checker.check(shouting, row.tests_to_run(), row.limits()).verdict == "passed"
    run(TEAHOUSE, course="basics")
    assert not only().ignores_case


def test_letter_case_is_one_rule_for_all_cases(course: Course, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TEAHOUSE, tmp_path / "teahouse"))
    (folder / "data/sample/test_group.yaml").write_text("output_validator_args: []\n")

    with pytest.raises(CommandError, match="compared in another way"):
        run(folder, course="basics")


@pytest.mark.parametrize(
    ("cell", "stored"), [("true", True), ("TRUE", True), ("False", False), ("", False)]
)
def test_a_flag_in_a_spreadsheet(course: Course, tmp_path: Path, cell: str, stored: bool) -> None:
    file = tmp_path / "more.csv"
    cases = '"[{""expected"": ""Yes""}]"'
    file.write_text(f"slug,title_en,statement_en,ignores_case,cases\na,A,Say,{cell},{cases}\n")

    assert run(file, course="basics") == ["basics/a: new"]
    assert only().ignores_case is stored


def test_an_exercise_of_exercism(course: Course) -> None:
    said = run(PACKAGES / "exercism" / "parcel-label", course="basics")

    row = only()
    assert (row.slug, row.title_en) == ("parcel-label", "Parcel Label")
    assert row.statement_en.startswith("A post office prints")
    assert "# Instructions" not in row.statement_en
    assert row.statement_en.index("Write `label") < row.statement_en.index("## Exception messages")
    assert row.tests.splitlines() == [
        "assert label('Mina', 'Busan') == 'MINA, BUSAN'",
        "assert label('Jun') == 'JUN'",
        "assert Parcel(500).price() == 3",
        "assert Parcel(501).price() > 3",
        "assert (Parcel(501).price() == 5) is True",
        "assert label('A', '') is not None",
        "assert 'A' in label('A', 'B')",
        "assert not label('', '')",
    ]
    assert "def label" in row.starter
    assert printed(f"{row.reference}\n{row.tests}", "") == ""
    assert printed(f"{row.starter}\n{row.tests}", "") == "error"
    hints = {hint.level: hint.text_en for hint in row.authored_hints.all()}
    assert list(hints) == [1, 2, 3]
    assert hints[1] == "- Read the example in the instructions once more."
    assert "the price change?" in hints[3]
    assert "`raise` stops" in hints[3]
    assert [line.partition(": ")[2] for line in said[1:]] == [
        f"{name} is left out: only plain assertions are taken over. (line {line})"
        for name, line in (("test_no_weight", 32), ("test_all_prices", 37))
    ] + [
        "test_same_parcel_twice is left out: only plain assertions are taken over. (line 44)",
    ]


def test_a_csv_with_a_row_an_exercise(course: Course) -> None:
    assert run(PACKAGES / "exercises.csv", course="basics") == [
        "basics/double-it: new", "basics/count-words: new",
    ]  # fmt: skip

    first, second = Exercise.objects.order_by("position")
    assert first.tests == "assert double(2) == 4\nassert double(0) == 0"
    assert first.statement_en.endswith("\n\nTry it with 0, too.")
    assert first.authored_hints.get().text_ko == "`double(2)`는 무엇을 돌려주나요?"
    assert (second.title_ko, second.title_en, second.time_limit_s) == ("낱말 세기", "", 2.0)
    assert [case["name"] for case in second.cases] == ["1", "빈 줄"]
    assert second.cases[1]["note_ko"] == "낱말이 없을 때도 있어요."
    assert not second.authored_hints.exists()


def test_a_csv_of_a_spreadsheet_with_semicolons(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    text = "slug;title_en;statement_en;tests\r\nhalf;Half;Halve it, please;assert half(2) == 1\r\n"
    file.write_bytes(text.encode("utf-8-sig"))

    assert run(file, course="basics") == ["basics/half: new"]
    assert only().statement_en == "Halve it, please"


@pytest.mark.parametrize("top", ["", "teahouse/"])
def test_a_zip_is_as_its_folder(course: Course, tmp_path: Path, top: str) -> None:
    run(TEAHOUSE, course="basics")
    file = zipped(TEAHOUSE, tmp_path / "teahouse.zip", top)

    assert run(file, course="basics")[0] == "basics/teahouse: unchanged"


@pytest.mark.parametrize(
    "path", ["kattis", "kattis/teahouse", "exercism", "exercism/parcel-label", "exercises.csv"]
)
def test_twice_is_once(course: Course, path: str) -> None:
    run(PACKAGES / path, course="basics")
    before = rows("basics")

    said = run(PACKAGES / path, course="basics")

    assert {line.partition(": ")[2] for line in said if line[0] != " "} == {"unchanged"}
    assert rows("basics") == before
    assert set(Exercise.objects.values_list("revision", flat=True)) == {1}


def test_what_a_package_changes_is_told_and_is_a_new_revision(course: Course) -> None:
    run(TEAHOUSE, course="basics")
    Exercise.objects.update(title_en="Tea", reference="", mistakes_ko="- 처음을 잊어요.")

    said = run(TEAHOUSE, course="basics")

    assert said[0] == "basics/teahouse: changed (title (English), reference solution)"
    row = only()
    assert (row.title_en, row.revision) == ("The Tea House", 2)
    # What a format does not speak of stays.
    assert row.mistakes_ko == "- 처음을 잊어요."


@pytest.mark.parametrize("path", ["kattis", "exercism", "exercises.csv"])
def test_a_dry_run_tells_the_same_and_writes_nothing(course: Course, path: str) -> None:
    dry = run(PACKAGES / path, course="basics", dry_run=True)

    assert not Exercise.objects.exists()
    assert dry == [*run(PACKAGES / path, course="basics"), "A dry run: nothing was written."]

    Exercise.objects.update(title_en="Another")
    before = rows("basics")
    assert "changed" in run(PACKAGES / path, course="basics", dry_run=True)[0]
    assert rows("basics") == before


def test_an_export_of_the_seed_is_the_seed(tmp_path: Path) -> None:
    run(seeding.FOLDER)
    before = rows("python-steps")
    assert len(before) == len(seeding.load().exercises)

    said = export("python-steps", tmp_path / "course")
    assert said == f"{tmp_path / 'course'}: {len(before)} exercises\n"
    assert run(tmp_path / "course")[0].endswith(": unchanged")
    Course.objects.all().delete()
    run(tmp_path / "course")

    assert rows("python-steps") == before
    assert Course.objects.get().title_ko == "파이썬 한 걸음씩"


ODD = [
    "", "one line", "two\nlines", "\nblank lines around\n\n", "ends with '", "'''\ncode\n'''",
    '"""\nDocs \\ and "quotes".\n"""\n', "a\tb\n\tc", "\r\nfrom another\rmachine",
    "\x1b[31mred\x7f", "  indented\n    more  ", "\\", '"', "#", "[[cases]]\nname = 1",
    "한글\n이모지 🙂\n", " \n ", "\u2028\u2029\x85", "\ufeffmark",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_an_export_keeps_every_text(course: Course, tmp_path: Path, text: str) -> None:
    case = {"name": f"1{text[:9]}", "stdin": text, "expected": text + "1", "visible": True}
    row = Exercise.objects.create(
        course=course, slug="course", position=7, title_en="T", title_ko=text, statement_ko="S",
        starter=text, reference=text, mistakes_en=text, topic=text, checker="float",
        cases=[case | {"note_ko": text, "note_en": ""}], relative_tolerance=0.1 + 0.2,
        wrong=[{"code": text + "x", "why_en": text}], memory_limit_mib=512, time_limit_s=10,
        examples=[{"level": 2, "ko": text + "?", "en": text}], avoid=text,
    )  # fmt: skip
    AuthoredHint.objects.create(exercise=row, level=2, text_ko=text + "?", text_en="")
    before = rows("basics")

    export("basics", tmp_path)
    assert run(tmp_path) == ["basics/course: unchanged"]
    row.delete()
    run(tmp_path)

    assert rows("basics") == before


def test_an_export_goes_into_another_course(course: Course, tmp_path: Path) -> None:
    Course.objects.create(slug="spring", title_ko="봄", title_en="Spring")
    run(PACKAGES / "kattis", course="basics")

    export("basics", tmp_path)
    run(tmp_path, course="spring")

    assert rows("spring") == rows("basics")
    assert Course.objects.count() == 2


def test_an_export_into_a_folder_with_other_exercises_is_refused(
    course: Course, exercise: Exercise, tmp_path: Path
) -> None:
    export("basics", tmp_path)
    exercise.slug = "plus"
    exercise.save()

    with pytest.raises(CommandError, match=r"add\.toml is no exercise of this course"):
        export("basics", tmp_path)
    with pytest.raises(CommandError, match="There is no course nowhere"):
        export("nowhere", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot be written"):
        export("basics", tmp_path / "file" / "below")


def test_a_course_of_toml_is_made_where_it_is_not(tmp_path: Path) -> None:
    for name in (toml.COURSE_FILE, "01-rice-days.toml"):
        shutil.copy(seeding.FOLDER / name, tmp_path)

    assert run(tmp_path) == ["python-steps/rice-days: new"]
    assert Course.objects.get().title_en == "Python, step by step"


def test_an_exercise_of_toml_needs_only_its_words(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "echo.toml"
    file.write_text(
        'slug = "echo"\ntitle_en = "Echo"\nstatement_en = "Print the line."\n'
        '[[cases]]\nstdin = "a\\n"\nexpected = "a"\nvisible = true\n'
        "[[cases]]\nexpected = '''\n\nx\n'''\n"
    )

    assert run(file, course="basics") == ["basics/echo: new"]
    assert [(case["name"], case["visible"]) for case in only().cases] == [("1", True), ("2", False)]
    assert only().cases[1] | {"name": "2"} == {
        "name": "2", "stdin": "", "expected": "\nx\n", "visible": False, "note_ko": "",
        "note_en": "",
    }  # fmt: skip


def test_new_exercises_come_after_those_that_are_there(course: Course) -> None:
    Exercise.objects.create(course=course, slug="first", position=5, title_en="F", statement_en="F")

    run(PACKAGES / "kattis", course="basics")

    assert list(Exercise.objects.values_list("slug", "position")) == [
        ("first", 5), ("meanheight", 6), ("teahouse", 7),
    ]  # fmt: skip
