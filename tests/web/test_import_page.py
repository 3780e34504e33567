"""The page on which a teacher imports a package into their course."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests.web.test_importing import PACKAGES, TEAHOUSE, zipped
from web.courses.importing import package
from web.courses.models import Course, Exercise, Membership
from web.people.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def teacher(course: Course) -> Client:
    user = User.objects.create_user("mrs-kim")
    Membership.objects.create(user=user, course=course, role=Membership.Role.TEACHER)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def page(course: Course) -> str:
    return f"/admin/courses/course/{course.pk}/import/"


def sent(client: Client, course: Course, name: str, data: bytes, **more: Any) -> HttpResponse:
    file = SimpleUploadedFile(name, data)
    answer: Any = client.post(page(course), {"file": file, **more})
    return answer


def text_of(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.fixture
def teahouse(tmp_path: Path) -> bytes:
    return zipped(TEAHOUSE, tmp_path / "teahouse.zip").read_bytes()


def test_a_course_leads_to_its_page(teacher: Client, course: Course) -> None:
    form = teacher.get(f"/admin/courses/course/{course.pk}/change/").content.decode()

    assert f'href="{page(course)}"' in form
    html = teacher.get(page(course)).content.decode()
    assert re.search(r'<input type="checkbox" name="dry"[^>]* checked', html)


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    teacher: Client, course: Course, teahouse: bytes
) -> None:
    seen = text_of(sent(teacher, course, "teahouse.zip", teahouse, dry="on"))

    assert "teahouse new submissions/wrong_answer/zero.cpp: Only programs in one" in seen
    assert "Nothing was written yet." in seen
    assert not Exercise.objects.exists()

    sent(teacher, course, "teahouse.zip", teahouse)
    Exercise.objects.update(title_en="Tea")
    seen = text_of(sent(teacher, course, "teahouse.zip", teahouse, dry="on"))
    assert "teahouse changed: title (English)" in seen
    assert Exercise.objects.get().title_en == "Tea"


def test_an_import_tells_what_it_did(teacher: Client, course: Course, teahouse: bytes) -> None:
    answer = sent(teacher, course, "teahouse.zip", teahouse)

    assert answer.status_code == 302
    assert Exercise.objects.get().path == "basics/teahouse"
    assert "Imported: teahouse (new)." in text_of(teacher.get(answer["Location"]))


def test_a_refusal_names_file_line_and_reason_in_the_readers_language(
    teacher: Client, course: Course
) -> None:
    data = b"slug,title_en,statement_en\ngood,G,G\nb c,B,B\n"

    assert "more.csv: slug: Enter a valid" in text_of(sent(teacher, course, "more.csv", data))
    teacher.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    seen = text_of(sent(teacher, course, "more.csv", b"slug,colour\na,b\n"))
    assert "more.csv: colour: 모르는 열입니다 (1번째 줄)" in seen
    assert not Exercise.objects.exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.zip", b""), ("a.zip", b"PK\x03\x04"), ("a.exe", b"\x7fELF"), ("<b>.csv", b"x")],
)
def test_what_is_no_package_is_refused(
    teacher: Client, course: Course, name: str, data: bytes
) -> None:
    answer = sent(teacher, course, name, data)

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert "<b>.csv" not in answer.content.decode()


def test_a_file_that_is_too_big_is_not_read(
    teacher: Client, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.courses.importing.page.ARCHIVE_BYTES", 10)
    monkeypatch.setattr(package, "ARCHIVE_BYTES", 10)

    assert "a.csv: It has 11 bytes, more than 10." in text_of(
        sent(teacher, course, "a.csv", b"slug\n123456")
    )


def test_a_package_goes_into_the_course_of_the_page_alone(
    teacher: Client, course: Course, tmp_path: Path
) -> None:
    other = Course.objects.create(slug="elsewhere", title_ko="x", title_en="x")
    files = tmp_path / "course"
    files.mkdir()
    (files / "course.toml").write_text('slug = "elsewhere"\ntitle_ko = "x"\ntitle_en = "x"\n')
    (files / "a.toml").write_text('slug = "a"\ntitle_en = "A"\nstatement_en = "A"\n')
    data = zipped(files, tmp_path / "course.zip").read_bytes()

    assert sent(teacher, course, "course.zip", data).status_code == 302
    assert Exercise.objects.get().course == course
    assert sent(teacher, other, "course.zip", data).status_code == 404
    assert not other.exercises.exists()


def form_of(client: Client, path: str) -> dict[str, str]:
    """What a browser would send of the page as it is."""
    form = client.get(path).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    management = {"authored_hints-TOTAL_FORMS": "0", "authored_hints-INITIAL_FORMS": "0"}
    return {name: "" if value is None else value for name, value in fields.items()} | management


def test_cases_are_written_as_toml(teacher: Client, course: Course) -> None:
    with (PACKAGES / "exercises.csv").open("rb") as file:
        sent(teacher, course, "exercises.csv", file.read())
    row = Exercise.objects.get(slug="count-words")
    path = f"/admin/courses/exercise/{row.pk}/change/"

    fields = form_of(teacher, path)
    assert "[[cases]]\nname = \"1\"\nstdin = '''\na b c\n'''" in fields["cases"]
    assert teacher.post(path, fields).status_code == 302
    before, row = row, Exercise.objects.get(pk=row.pk)
    assert row.cases == before.cases

    more = fields["cases"].replace("\n", "\r\n") + '\r\n[[cases]]\r\nexpected = "2"\r\n'
    assert teacher.post(path, fields | {"cases": more}).status_code == 302
    row.refresh_from_db()
    assert row.cases[:2] == before.cases
    assert (row.cases[2]["name"], row.cases[2]["expected"]) == ("3", "2")


def test_examples_are_written_as_toml_and_words_to_avoid_one_a_line(
    teacher: Client, course: Course, exercise: Exercise
) -> None:
    path = f"/admin/courses/exercise/{exercise.pk}/change/"
    typed = "[[examples]]\r\nlevel = 2\r\nko = '보세요.'\r\n"
    fields = form_of(teacher, path) | {"examples": typed, "avoid": "sum\r\n누적 합\r\n"}

    assert teacher.post(path, fields).status_code == 302

    exercise.refresh_from_db()
    assert exercise.examples == [{"level": 2, "ko": "보세요.", "en": ""}]
    assert exercise.words_to_avoid() == ("sum", "누적 합")
    assert exercise.revision == 2
    assert '[[examples]]\nko = "보세요."\nlevel = 2\n' in form_of(teacher, path)["examples"]
    for wrong, said in (
        ({"examples": typed.replace("2", "7")}, "examples[1].level must be a level"),
        ({"examples": "[[examples]]\nko = '보세요.'"}, "examples[1].level: missing (line 1)"),
        ({"avoid": "x" * 61}, "avoid[1] has more than 60 characters"),
    ):
        assert said in text_of(teacher.post(path, fields | wrong))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("[[cases]]\nstdin = '1'", "cases: cases[1].expected: missing (line 1)"),
        ("[[cases]]\nexpected = '1'\nhint = ''", "cases: cases[1].hint: unknown key (line 3)"),
        ("[[cases]", "cases: cannot be read:"),
        ("1", "cases: cannot be read:"),
        ("[[more]]", "cases: more: unknown key (line 1)"),
        ("[[cases]]\nexpected = '1'\nname = 'a'\n" * 2, "another case has the name a."),
    ],
)
def test_a_case_that_is_none_is_named_and_what_was_typed_stays(
    teacher: Client, course: Course, exercise: Exercise, typed: str, said: str
) -> None:
    path = f"/admin/courses/exercise/{exercise.pk}/change/"

    answer = teacher.post(path, form_of(teacher, path) | {"cases": typed, "tests": ""})

    assert answer.status_code == 200
    assert said in text_of(answer)
    assert answer.context["adminform"].form["cases"].value() == typed
    exercise.refresh_from_db()
    assert exercise.cases == []
