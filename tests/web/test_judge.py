"""`python -m web judge`: a program, what it did, and the hints of it, by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.web.kit import EXERCISE, TESTS, WRONG
from web.courses.models import Exercise
from web.tutor.languages import LANGUAGES


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(WRONG)
    return str(path)


def judged(*arguments: str) -> str:
    out = StringIO()
    call_command("judge", *arguments, stdout=out)
    return out.getvalue()


def looks_whole(shown: str) -> None:
    assert "failed: 1 of 2 tests pass" in shown
    assert "line 2" in shown
    for language in LANGUAGES.values():
        for level in (0, 1, 2):
            told = [row for row in shown.splitlines() if row.startswith(f"{language.name} {level}")]
            assert len(told) == 1
            assert told[0].endswith("?")


def test_an_exercise_judges_a_program(db: None, exercise: Exercise, program: str) -> None:
    looks_whole(judged("--exercise", EXERCISE, program))


def test_before_the_first_start_the_error_says_what_to_do(tmp_path: Path, program: str) -> None:
    command = [sys.executable, "-m", "web", "judge", "--exercise", EXERCISE, program]
    ended = subprocess.run(
        command, env={**os.environ, "HINTLINE_DATA": str(tmp_path)}, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert "make run" in ended.stderr
    assert "--tests" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_of_asserts_judges_it_without_a_database(tmp_path: Path, program: str) -> None:
    tests = tmp_path / "asserts.py"
    tests.write_text(TESTS)

    looks_whole(judged("--tests", str(tests), program))


def test_a_file_of_cases_judges_what_reads_and_prints(tmp_path: Path) -> None:
    cases, program = tmp_path / "cases.json", tmp_path / "program.py"
    cases.write_text(json.dumps([{"stdin": "4\n", "expected": "8\n"}]))
    program.write_text("print(int(input()) * 3)\n")

    shown = judged("--tests", str(cases), str(program))

    assert "failed: 0 of 1 tests pass" in shown
    assert "`4`" in shown


def test_what_is_not_there_is_named(db: None, exercise: Exercise, program: str) -> None:
    for arguments, said in (
        (("--exercise", "basics/none", program), "no exercise basics/none"),
        (("--exercise", "nothing", program), "no exercise nothing"),
        (("--exercise", EXERCISE, "/nowhere/at/all"), "/nowhere/at/all"),
        (("--exercise", EXERCISE), "program"),
        (("--tests", "/nowhere/at/all", program), "/nowhere/at/all"),
    ):
        with pytest.raises(CommandError, match=said):
            judged(*arguments)


def test_a_program_that_is_empty_or_too_long_is_not_run(
    db: None, exercise: Exercise, tmp_path: Path
) -> None:
    path = tmp_path / "program.py"
    for text, said in (("", "program"), ("#" * 70_000, "bytes"), ("#" * 2_000_000, "bytes")):
        path.write_text(text)
        with pytest.raises(CommandError, match=said):
            judged("--exercise", EXERCISE, str(path))


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ("assert double(1) == 2\ndouble(2) == 4\n", "Line 2 is no assert"),
        ("assert double(1) == 2\nassert (\n", "Line 2 is not Python"),
        ("value = 2\n", "not Python with asserts"),
        ("", "not Python with asserts"),
        ("[]", "cases"),
        ('[{"stdin": "4"}]', "case 1"),
    ],
)
def test_a_file_of_tests_that_cannot_test_is_named(
    tmp_path: Path, program: str, tests: str, said: str
) -> None:
    path = tmp_path / "asserts.py"
    path.write_text(tests)

    with pytest.raises(CommandError, match=f"{path}: .*{said}"):
        judged("--tests", str(path), program)
