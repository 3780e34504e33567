"""What no package may be: each is refused in a sentence with file, line and reason, and whole."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import time
import tracemalloc
import zipfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from web.courses import seeding
from web.courses.importing import package, reading, toml, writing
from web.courses.importing.package import ARCHIVE_BYTES, MOST_FILES, uploaded
from web.courses.importing.remarks import BadPackage
from web.courses.models import Course, Exercise

PACKAGES = Path(__file__).parents[1] / "data" / "packages"
KATTIS = PACKAGES / "kattis"
SECRET = "data/secret/1-small/01-only-in"
GIGABYTE = 2**30
pytestmark = pytest.mark.django_db


@pytest.fixture
def teahouse(tmp_path: Path) -> Path:
    """A Kattis package that a test may spoil."""
    return Path(shutil.copytree(KATTIS / "teahouse", tmp_path / "teahouse"))


@pytest.fixture
def parcel(tmp_path: Path) -> Path:
    """The same of Exercism."""
    return Path(shutil.copytree(PACKAGES / "exercism" / "parcel-label", tmp_path / "parcel-label"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two exercises of our own format."""
    for name in (toml.COURSE_FILE, "01-rice-days.toml", "04-hashtags.toml"):
        shutil.copy(seeding.FOLDER / name, tmp_path / name)
    return tmp_path


def refusal(path: Path, course: str | None = "basics") -> str:
    """What the command says; nothing has changed then."""
    before = list(Exercise.objects.values()), Course.objects.count()
    options = {"course": course} if course else {}
    with pytest.raises(CommandError) as caught:
        call_command("import", str(path), **options)
    assert (list(Exercise.objects.values()), Course.objects.count()) == before
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


def refused(data: bytes, name: str = "package.zip") -> str:
    with pytest.raises(BadPackage) as caught:
        reading.read(uploaded(name, len(data), data))
    return str(caught.value)


def archive(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files:
            written.writestr(name, data)
    return into.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (kind | 0o644) << 16
    return entry


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("problem.yaml", "name: [", "problem.yaml: cannot be read: .* (line 1)"),
        ("problem.yaml", "a: b: c", "problem.yaml: cannot be read: .* (line 1)"),
        ("problem.yaml", "- a\n- b", "problem.yaml: Must be a map of keys and values."),
        ("problem.yaml", "a: 1\n\ta: 2", "problem.yaml: cannot be read: .* (line 2)"),
        ("problem.yaml", "name: a\nname: b", "name: the key is there twice (line 2)"),
        ("problem.yaml", "colour: red", "colour: unknown key (line 1)"),
        ("problem.yaml", "name: &a [x]\nkeywords: *a", "An alias .* is not read.* (line 2)"),
        ("problem.yaml", "name: !!python/object/apply:os.abort []", "cannot be read: .* (line 1)"),
        *(
            ("problem.yaml", f"a: 1\nname: {value}", "cannot be read: a tag .*(line 2)")
            for value in ("!!bool x", "!!int ''", "!!float ''", "!!timestamp x", "!!set {}", "!x y")
        ),
        ("problem.yaml", "name: 2025-99-99", "problem.yaml: cannot be read: month must be"),
        ("problem.yaml", "name: " + "9" * 5000, "problem.yaml: cannot be read: "),
        ("problem.yaml", "name: \x07", "problem.yaml: cannot be read: "),
        ("problem.yaml", b"name: \xff", "problem.yaml: This is no text in UTF-8. (line 1)"),
        ("problem.yaml", b"a: 1\nname: \0", "problem.yaml: .*cannot be stored.* (line 2)"),
        ("problem.yaml", "name: " + "[" * 99 + "]" * 99, "too many values, or.* (line 1)"),
        ("problem.yaml", "[" + "1," * 20_000 + "]", "too many values, or.* (line 1)"),
        ("problem.yaml", "#" * 70_000, "problem.yaml: It has 70,000 bytes, more than 65,536."),
        ("problem.yaml", "name: Tea", "problem.yaml: problem_format_version: only 2025-09"),
        ("problem.yaml", "problem_format_version: legacy", "only 2025-09 is read (line 1)"),
        (f"{SECRET}.ans", "", f"{SECRET}.ans: {SECRET}.ans is missing: a case needs the output"),
        (f"{SECRET}.ans", " \n", f"{SECRET}.ans: .*a case needs the output"),
        (f"{SECRET}.in", b"\xff\n", f"{SECRET}.in: This is no text in UTF-8. (line 1)"),
        (f"{SECRET}.in", b"1\n\0\n", f"{SECRET}.in: .*cannot be stored.* (line 2)"),
        (f"{SECRET}.in", "9" * 100_001, f"{SECRET}.in: It has 100,001 bytes, more than 100,000."),
        ("data/secret/more.ans", "1", "data/secret/more.in is missing: there is output"),
        ("data/secret/more.in", "1", "data/secret/more.ans is missing: a case needs the output"),
        (f"{SECRET}.files/a.txt", "1", "A case with files beside its input"),
        (f"{SECRET}.yaml", "args: [fast]", f"{SECRET}.yaml: args: .*no arguments here (line 1)"),
        (f"{SECRET}.yaml", "full_feedback: 3", "full_feedback: must be true or false (line 1)"),
        (f"{SECRET}.yaml", "hint: [a]", f"{SECRET}.yaml: hint: must be text (line 1)"),
        (f"{SECRET}.yaml", "note: x", f"{SECRET}.yaml: note: unknown key (line 1)"),
        (f"{SECRET}.yaml", "hint: x\noutput_validator_args: [fuzzy]", "fuzzy is no arg.*(line 2)"),
        (f"{SECRET}.yaml", "output_validator_args: [float_tolerance]", "needs a number.*(line 1)"),
        (f"{SECRET}.yaml", "output_validator_args: [float_tolerance, -1]", "needs a number"),
        (f"{SECRET}.yaml", "output_validator_args: {a: b}", "must be a list of texts (line 1)"),
        (f"{SECRET}.yaml", "output_validator_args: [float_tolerance, '1']", "in another way than"),
        ("data/secret/test_group.yaml", "output_validator_args: space_change_sensitive",
         "data/secret/1-small/01-only-in.in: This case is compared in another way"),
        ("output_validator/validate.py", "", "validate.py: A problem with its own"),
        ("include/default/a.py", "", "include/default/a.py: A problem with its own validator or"),
        ("submissions/accepted/running.py", b"\xff", "running.py: This is no text in UTF-8."),
    ],
)  # fmt: skip
def test_a_broken_kattis_package_is_named(
    course: Course, teahouse: Path, file: str, text: str | bytes, said: str
) -> None:
    write(teahouse / file, text)

    pattern = re.sub(r"\(line (\d+)\)", r"\\(line \1\\)", said).replace("..", r"..")
    assert re.search(pattern, refusal(teahouse))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type: pass-fail", "type: interactive", "type: .*interactive cannot be judged.*line 3"),
        ("type: pass-fail", "type: [scoring, multi-pass]", "multi-pass cannot be judged"),
        ("languages: all", "languages: [cpp, java]", "languages: it takes no Python.*line 17"),
        ("time_limit: 0.5", "time_limit: -1", "limits.time_limit: must be a number.*line 13"),
        ("time_limit: 0.5", "time_limit: soon", "limits.time_limit: must be a number.*line 13"),
        ("memory: 256", "memory: true", "limits.memory: must be a number above 0.*line 14"),
        ("  ko: 찻집", "  ko: [찻집]", "name: must be a text, or a text for each language"),
        ("  en: The Tea House\n", "", "statement/problem.en.md|problem.yaml: title_en: "),
    ],
)
def test_a_kattis_problem_that_cannot_be_one_here_is_named(
    course: Course, teahouse: Path, old: str, new: str, said: str
) -> None:
    text = (teahouse / "problem.yaml").read_text()
    assert text.count(old) == 1
    write(teahouse / "problem.yaml", text.replace(old, new))

    if "title_en" in said:
        call_command("import", str(teahouse), course="basics")
        assert Exercise.objects.get().title("en") == "찻집"
    else:
        assert re.search(said, refusal(teahouse))


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_what_has_no_end_is_not_read(course: Course, tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path / path).endswith("This is no plain file.")


def test_a_statement_in_latex_is_refused_by_name(course: Course, teahouse: Path) -> None:
    (teahouse / "statement/problem.en.md").rename(teahouse / "statement/problem.en.tex")
    said = refusal(teahouse)
    assert said.startswith("statement/problem.en.tex: Only Markdown is read")

    (teahouse / "statement/problem.en.tex").rename(teahouse / "statement/problem.sv.md")
    (teahouse / "statement/problem.ko.md").unlink()
    assert "There is no statement/problem.LANGUAGE.md" in refusal(teahouse)


def test_a_case_of_a_gigabyte_is_not_read(course: Course, teahouse: Path) -> None:
    with (teahouse / f"{SECRET}.in").open("wb") as file:
        file.truncate(GIGABYTE)
    tracemalloc.start()

    said = refusal(teahouse)

    assert said == f"{SECRET}.in: It has 1,073,741,824 bytes, more than 100,000."
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_a_case_of_a_gigabyte_in_a_zip_is_not_unpacked(course: Course) -> None:
    data = bytearray(archive((f"{SECRET}.in", b"1\n"), ("problem.yaml", b"name: x")))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + place
        data[at : at + 4] = GIGABYTE.to_bytes(4, "little")

    assert refused(bytes(data)) == (
        f"{SECRET}.in: It would unpack to 1,073,741,831 bytes, out of only {len(data)}: "
        "it is refused."
    )


def test_a_bomb_is_refused_before_it_is_unpacked(course: Course) -> None:
    data = archive(*((f"data/secret/{n}.in", b"0" * 2**20) for n in range(20)))
    tracemalloc.start()

    assert "It would unpack to 20,971,520 bytes" in refused(data)

    assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["../evil.toml", "a/../../evil.toml", "/etc/evil.toml", "a/./b", "a//b", "C:/evil.toml",
             "..\\evil.toml", "a\\b.toml"],
)  # fmt: skip
def test_a_path_outside_the_package_is_refused(name: str) -> None:
    said = refused(archive(("course.toml", b""), (zipfile.ZipInfo(name), b"x")))

    assert said == f"{name}: This path leads outside the package."


def test_links_are_not_followed(course: Course, teahouse: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    answer = teahouse / f"{SECRET}.ans"
    answer.unlink()
    answer.symlink_to(secret)
    assert refusal(teahouse) == f"{SECRET}.ans: This is a link: put the file itself there."

    answer.unlink()
    (teahouse / "data" / "more").symlink_to(tmp_path)
    assert refusal(teahouse) == "data/more: This is a link: put the file itself there."
    link = archive(("problem.yaml", b""), (special("data/a.in", stat.S_IFLNK), b"/etc/passwd"))
    assert refused(link) == "data/a.in: This is a link: put the file itself there."


def test_a_link_put_there_after_the_walk_is_not_followed(teahouse: Path, tmp_path: Path) -> None:
    opened = package.opened(teahouse)
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    (teahouse / "problem.yaml").unlink()
    (teahouse / "problem.yaml").symlink_to(secret)

    with pytest.raises(BadPackage, match=r"problem\.yaml: There is no such file"):
        opened.text("problem.yaml")


def test_a_pipe_is_not_waited_for(course: Course, teahouse: Path) -> None:
    os.mkfifo(teahouse / "data" / "secret" / "pipe.in")

    assert refusal(teahouse) == "data/secret/pipe.in: This is no plain file."
    pipe = archive(("problem.yaml", b""), (special("data/a.in", stat.S_IFIFO), b""))
    assert refused(pipe) == "data/a.in: This is no plain file."


def locked() -> bytes:
    data = bytearray(archive(("course.toml", b"slug = 'a'"), ("problem.yaml", b"x")))
    at = data.index(b"PK\x01\x02") + 8
    data[at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(archive(("problem.yaml", bytes(range(256)) * 9)))
    data[60] ^= 0xFF
    return bytes(data)


def squeezed() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_LZMA) as written:
        written.writestr("problem.yaml", "name: x")
    return into.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and no more", "package.zip: This is no zip archive that can be read."),
        (locked(), "course.toml: It is encrypted."),
        (damaged(), "problem.yaml: It cannot be read: the archive is damaged."),
        (squeezed(), "problem.yaml: It is compressed in a way that is not read"),
        (archive(), "package: This is no package that is read"),
        (archive(("a.txt", b"x")), "package: This is no package that is read"),
        (archive(("__MACOSX/problem.yaml", b"x"), (".git/course.toml", b"x")), "no package that"),
        (b"\x7fELF", "package: This is no package that is read"),
        (b"", "package: This is no package that is read"),
    ],
)
def test_a_file_that_is_no_package_is_refused(data: bytes, said: str) -> None:
    assert said in refused(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_in_a_zip_are_refused() -> None:
    data = archive(("problem.yaml", b"a: 1"), ("problem.yaml", b"b: 2"))

    assert refused(data) == "problem.yaml: The archive has two files of this name."


def test_an_archive_of_too_many_files_is_refused_before_they_are_listed() -> None:
    many = archive(*((f"{n:x}", b"") for n in range(MOST_FILES + 1)))
    tracemalloc.start()

    assert refused(many) == "package.zip: It has more than 10000 files."

    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_an_upload_that_is_too_big_is_refused() -> None:
    with pytest.raises(BadPackage, match=r"a\.zip: It has 33,554,433 bytes, more than"):
        uploaded("a.zip", ARCHIVE_BYTES + 1, b"")


def test_a_folder_that_is_too_deep_or_is_not_there_is_refused(
    course: Course, tmp_path: Path
) -> None:
    (tmp_path / "/".join(["a"] * 25)).mkdir(parents=True)
    assert "Its folders are nested deeper than 20 levels." in refusal(tmp_path)
    assert refusal(Path("/nowhere/at/all")) == "/nowhere/at/all: There is no such file."
    assert refusal(KATTIS, course="nowhere") == "There is no course nowhere."
    assert "problem.yaml: No course to import into" in refusal(KATTIS / "teahouse", course=None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('topic = "loops"', "topic = 3", "topic: must be text that is not empty (line 2)"),
        ('topic = "loops"', 'topic = "loops"\nhue = 3', "hue: unknown key (line 3)"),
        ('topic = "loops"', "topic = ", "cannot be read: Invalid value (at line 2, column 9)"),
        ('topic = "loops"', "position = 1.5", "position: must be a number (line 2)"),
        ('topic = "loops"', "position = 99999", "position: Ensure this value is less than"),
        ('topic = "loops"', "time_limit_s = 11", "time_limit_s: Ensure this value is less than"),
        ('topic = "loops"', "time_limit_s = nan", "time_limit_s: Must be a number that is not"),
        ('topic = "loops"', 'checker = "fuzzy"', "checker: Value 'fuzzy' is not a valid choice."),
        ('topic = "loops"', "verbatim = 1", "verbatim: must be true or false (line 2)"),
        ('slug = "rice-days"', 'slug = "rice days"', "slug: Enter a valid “slug”"),
        ('slug = "rice-days"', 'slug = ""', "slug: must be text that is not empty (line 1)"),
        ('slug = "rice-days"', "", "slug: missing"),
        ("[hints.2]", "[hints.9]", "hints.9: unknown key (line"),
        ("[hints.2]", "[hints.2]\nfr = 'oui'", "hints.2.fr: unknown key (line"),
        ("tests = '''", "tests = '''\nprint(rice_days(1, 1))", "Line 1 is no assert: nobody's"),
        ("tests = '''", "tests = '''\nassert rice_days(1, 1) == 1\nassert 1 ==",
         "Line 2 is not Python"),
        ("tests = '''", "[[cases]]\nstdin = '1'\n[x]\nt = '''", "cases[1].expected: missing (line"),
        ("tests = '''", "[[cases]]\nexpected = ' '\n[x]\nt = '''", "[1].expected: must be text"),
        ("tests = '''", "[[cases]]\nexpected = '1'\nhint = ''\n[x]\nt = '''",
         "cases[1].hint: unknown key (line"),
        ("tests = '''", "a = " + "[" * 20_000 + "\nb = '''", "cannot be read: "),
        ("tests = '''", "position = " + "9" * 5000 + "\ntests = '''", "cannot be read: "),
    ],
)  # fmt: skip
def test_a_bad_file_of_ours_is_named_and_the_good_one_beside_it_not_imported(
    folder: Path, old: str, new: str, said: str
) -> None:
    path = folder / "01-rice-days.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))

    found = refusal(folder, course=None)

    assert found.startswith("01-rice-days.toml: ")
    assert said in found


def test_a_slug_used_twice_is_refused(course: Course, folder: Path, teahouse: Path) -> None:
    shutil.copy(folder / "01-rice-days.toml", folder / "09-again.toml")
    said = refusal(folder)
    assert said == "09-again.toml: slug: 'rice-days' is also in 01-rice-days.toml"

    shutil.copytree(teahouse, teahouse.parent / "both" / "a" / "teahouse")
    shutil.copytree(teahouse, teahouse.parent / "both" / "b" / "teahouse")
    assert "slug: 'teahouse' is also in a/teahouse" in refusal(teahouse.parent / "both")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The first row must name the columns, one of them slug. (line 1)"),
        ("name,title_en\na,b\n", "The first row must name the columns"),
        ("slug,colour\na,b\n", "colour: unknown column (line 1)"),
        ("slug,topic,topic\na,b,c\n", "topic: the column is there twice (line 1)"),
        ("slug,title_en\n", "There are no rows"),
        ("slug,title_en\na,b,c\n", "This row has 3 cells, the first one 2. (line 2)"),
        ("slug,title_en\n,b\n", "slug: missing (line 2)"),
        ('slug,title_en\n"a,b\n', "cannot be read: unexpected end of data (line 2)"),
        ("slug,position\na,first\n", "position: must be a number (line 2)"),
        ("slug,cases\na,{\n", "cases: must be a JSON list of tables (line 2)"),
        ("slug,cases\na,[]\n", "cases: must be a list of tables that is not empty (line 2)"),
        ('slug,cases\na,"[{""stdin"": ""1""}]"\n', "cases[1].expected: missing (line 2)"),
        ("slug,title_en\na,b\n", "statement_ko: Write it in one language at least. (line 2)"),
        ('slug,title_en,statement_en,tests\na,b,"x\ny",f(1) == 2\nb,b,b,f(1)\n',
         "e.csv: tests: Line 1 is no assert: nobody's code could be tested by it. (line 2)"),
        ("slug,title_en,statement_en\ngood,G,G\na,b,c\na,b,c\n", "slug: 'a' is also in"),
        ("slug,topic\na," + "x" * 200_000, "cannot be read: field larger than field limit"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(course: Course, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "e.csv"
    file.write_text(text)

    assert said in refusal(file)


def test_a_korean_spreadsheet_that_is_not_utf_8_is_told(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_bytes("slug,title_ko\na,더하기\n".encode("cp949"))

    assert refusal(file) == "e.csv: This is no text in UTF-8. (line 2)"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("parcel_label_test.py", "def (", "parcel_label_test.py: This is not Python. (line 1)"),
        (".meta/config.json", "{", ".meta/config.json: This is no JSON of files"),
        (".meta/config.json", '{"files": {"test": 3}}', ".meta/config.json: This is no JSON"),
        (".meta/config.json", '{"files": {"test": ["../x.py"]}}', "../x.py: There is no such file"),
        (".meta/config.json", '{"files": {"test": []}}', "There is no test file"),
        (".meta/config.json", "[" * 100_000, ".meta/config.json: This is no JSON of files"),
        (".docs/instructions.md", b"\xff", ".docs/instructions.md: This is no text in UTF-8."),
    ],
)
def test_a_broken_exercise_of_exercism_is_named(
    course: Course, parcel: Path, file: str, text: str | bytes, said: str
) -> None:
    write(parcel / file, text)

    assert said in refusal(parcel)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("self.assertEqual(other(1), 1)", "test_it is left out: other comes from elsewhere."),
        ("self.assertEqual(1, 1)", "test_it is left out: it tests nothing of the student's."),
        ("self.assertEqual(label(self.name), 1)", "left out: self comes from elsewhere."),
        ("self.assertRaises(ValueError, label, 1)", "only plain assertions"),
        ("self.assertAlmostEqual(label(1), 1, places=3)", "only plain assertions"),
        ("x = label('a')\n        x.sort()\n        self.assertEqual(x, [])", "only plain"),
        ("self.assertEqual((y := label(1)), y)", "only plain assertions"),
        ("x = 'a'\n" + "        x = x + x\n" * 40 + "        self.assertEqual(label(x), 1)",
         "only plain assertions"),
        ("self.assertEqual(label(" + "(" * 300 + ")" * 300 + "), 1)", "This is not Python."),
    ],
)  # fmt: skip
def test_an_assertion_that_is_not_plain_is_named(
    course: Course, parcel: Path, body: str, reason: str
) -> None:
    head = "import unittest\nfrom parcel_label import label\n\n\nclass T(unittest.TestCase):\n"
    write(parcel / "parcel_label_test.py", f"{head}    def test_it(self):\n        {body}\n")

    with translation.override("en"):
        try:
            (draft,) = reading.read(package.opened(parcel)).exercises
            said = " ".join(map(str, draft.left_out))
            assert draft.columns["tests"] == ""
        except BadPackage as error:
            said = str(error)
    assert said.startswith("parcel_label_test.py: ")
    assert reason in said


def test_names_are_shown_without_what_would_steer_a_terminal() -> None:
    said = refused(archive(("course.toml", b""), ("\x1b[31m\n/../a", b"x")))

    assert said == "?[31m?/../a: This path leads outside the package."


def test_every_refusal_is_in_korean_too(teahouse: Path, folder: Path, parcel: Path) -> None:
    write(teahouse / "problem.yaml", "name: [")
    write(parcel / "parcel_label_test.py", "def (")
    (folder / "04-hashtags.toml").write_text("slug = 3")
    for path in (teahouse, parcel, folder):
        with translation.override("ko"), pytest.raises(BadPackage) as caught:
            reading.read(package.opened(path))
        with translation.override("ko"):
            assert re.search(r"[가-힣].*\(\d번째 줄\)$", str(caught.value))


def test_nothing_is_half_imported(course: Course, tmp_path: Path) -> None:
    shutil.copytree(KATTIS, tmp_path / "kattis")
    write(tmp_path / "kattis" / "teahouse" / "data" / "secret" / "1-small" / "x.in", "1")
    assert "teahouse" in refusal(tmp_path / "kattis")

    # Refused by the database's rules alone, after the one before it was written.
    write(tmp_path / "e.csv", "slug,title_en,statement_en\ngood,G,G\nbad slug,B,B\n")
    assert "e.csv: slug: Enter a valid" in refusal(tmp_path / "e.csv")


def test_hostile_yaml_costs_little(course: Course, teahouse: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 20)]
    write(teahouse / "problem.yaml", "\n".join(lines))
    began = time.process_time()

    assert "An alias" in refusal(teahouse)

    assert time.process_time() - began < 5


ESCAPED = '"""' + '\\"""' * 200_000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a." * 500_000 + "a = 1\n", 1),
        ("slug = 'a'\n[" + "a." * 500_000 + "a]\n", 2),
        ("slug = 'a'\n\n" + '"a b" . ' * 120_000 + "a = 1\n", 3),
        ("x = {y = 1, z = [{" + "'a'." * 200_000 + "a = 1}]}\n", 1),
        ('x = """x""""\n' + "a." * 30 + "a = 1\n", 2),
        ("x = 'a.b'\n# \"\n" + "a." * 30 + "a = 1\n", 3),
    ],
)
def test_a_key_of_many_parts_is_not_parsed(text: str, line: int) -> None:
    began = time.process_time()

    said = refused(text.encode(), "a.toml")

    assert said == f"a.toml: A key has more than 20 parts. (line {line})"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "text",
    [
        'tests = "' + "a." * 100 + '"',
        "tests = '''\n" + "a." * 100 + "\n'''",
        'tests = """\n' + '\\"a.' * 100 + '"""',
        "#" + "a." * 100,
        "\n".join(f"[hints.{number}.x.y]" for number in range(99)),
        "x = [" + "1.5, " * 99 + "]",
        ESCAPED,
        ESCAPED + "\\",
        '"' + '\\"' * 400_000,
        "'" * 900_000,
        '"' * 900_000,
    ],
)
def test_many_dots_elsewhere_are_no_key_and_cost_little(text: str) -> None:
    began = time.process_time()

    assert toml.too_deep(text) is None

    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("{{most}}", pytest.raises(BadPackage, match="with them a text has more than 1,048,576")),
        ("{{remainingsamples}}", nullcontext()),
    ],
    ids=["constants", "samples"],
)
def test_a_package_does_not_grow_while_it_is_read(
    course: Course, teahouse: Path, statement: str, read: AbstractContextManager[Any]
) -> None:
    problem = (teahouse / "problem.yaml").read_text()
    long = problem.replace("constants:\n", f"constants:\n  most: {'x' * 50_000}\n")
    assert long != problem
    write(teahouse / "problem.yaml", long)
    write(teahouse / "statement" / "problem.en.md", statement * 50_000)
    write(teahouse / "data" / "sample" / "1.in", "9\n" * 1_000)

    tracemalloc.start()
    try:
        with read:
            reading.read(package.opened(teahouse))
    finally:
        most_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert most_bytes < 2**26


def test_an_import_of_too_many_exercises_is_refused(course: Course, tmp_path: Path) -> None:
    rows = "".join(f"s{number},A,b\n" for number in range(1_001))
    write(tmp_path / "e.csv", f"slug,title_en,statement_en\n{rows}")

    assert refusal(tmp_path / "e.csv") == "e.csv: It has more than 1,000 exercises. (line 2)"


def test_the_writer_refuses_what_a_draft_may_hold_and_no_row(course: Course) -> None:
    found = reading.read(uploaded("e.csv", 0, b"slug,title_en,statement_en\na,T,S\n"))
    drafts: Any = found.exercises
    drafts[0].columns["cases"] = [{"name": "1"}]

    with pytest.raises(BadPackage, match="cases"):
        writing.write(found, course, dry=False)
    assert not Exercise.objects.exists()
