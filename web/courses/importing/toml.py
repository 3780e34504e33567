"""Our own format: a folder with `course.toml` and a TOML file for each exercise, by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.importing import shapes
from web.courses.importing.draft import CourseDraft, ExerciseDraft
from web.courses.importing.package import Package, Single
from web.courses.importing.remarks import Spot, refuse
from web.courses.importing.shapes import Keys, Leaf, Listed, Misshapen, Shape, keys, shaped
from web.courses.models import Course, Exercise
from web.courses.texts import columns
from web.tutor.ladder import LOWEST, USUAL
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

COURSE_FILE = "course.toml"
COURSE = keys({"slug": shapes.line, **dict.fromkeys(columns("title"), shapes.line)})
LINES = ("topic", *columns("title"))
BLOCKS = (*columns("statement"), *columns("mistakes"), "starter", "tests", "reference")
OPTIONAL = ("avoid",)
"""Blocks that no exercise needs."""
# Whoever adds a column of numbers adds it here too, or no file could have it.
NUMBERS: dict[str, Leaf] = {
    **dict.fromkeys(("absolute_tolerance", "relative_tolerance", "time_limit_s"), shapes.number),
    "memory_limit_mib": shapes.whole,
}
FLAGS = ("ignores_case",)
CASES = Listed(
    keys(
        {"expected": shapes.text},
        {"name": shapes.any_text, "stdin": shapes.any_text, "visible": shapes.flag}
        | dict.fromkeys(columns("note"), shapes.any_text),
        stdin="",
        visible=False,
        **dict.fromkeys(columns("note"), ""),
    )
)
WRONG = Listed(keys({"code": shapes.any_text}, {"why_en": shapes.any_text}, why_en=""))
EXAMPLES = Listed(
    keys(
        {"level": shapes.whole},
        dict.fromkeys(LANGUAGES, shapes.any_text),
        **dict.fromkeys(LANGUAGES, ""),
    )
)
TABLES = {"cases": CASES, "wrong": WRONG, "examples": EXAMPLES}
VERBATIM = "verbatim"
"""In a file whose texts are taken as they stand; in others, which people write, lines of a title or
a hint are joined, and blank lines around a text are left out."""
NO_TOML = _("cannot be read: %(error)s")
TOO_DEEP = _("A key has more than %(most)s parts.")
NO_EXERCISES = _("no exercise files")
TEXTS = (*LINES, "language", *BLOCKS, *OPTIONAL, "checker")
EMPTY: dict[str, Any] = {
    name: getattr(Exercise(), name) for name in (*TEXTS, *FLAGS, *NUMBERS, *TABLES)
}
"""An exercise's columns but its position, and what they are in a file that does not have them."""
NO_WORDS = dict.fromkeys(LANGUAGES, "")
HEADER = re.compile(r"(\[\[?) *([\w.-]+) *\]\]?")
KEY = re.compile(r"([\w.-]+) *=(.*)")
MOST_PARTS = 20
"""Of a key, `hints.1.ko`: more than any exercise has."""
# Each is matched at once, also where its end is missing: no text is gone through twice.
TOKENS = re.compile(
    r'''(?xs)
    """ (?: [^\\] | \\.?+ )*? (?: """ | \Z ) | '{3} .*? (?: '{3} | \Z )
    | " (?: [^"\\\n] | \\[^\n] )*+ "? | ' [^'\n]*+ '? | \# [^\n]*+ | [.=,\[\]{}\n]
    '''
)
"""Texts, comments, and what stands between keys or their parts."""
ENDS = frozenset("=,[]{}\n")
QUOTES = re.compile("'''|\"\"\"")


def course(package: Package, complete: bool = False) -> CourseDraft:
    """All TOML files of the package's root, or its one file.

    complete: each exercise must have every text, wrong programs, and no gap in its hints.
    Raises: BadPackage.
    """
    names = sorted(file for file in package.files if file.endswith(".toml") and "/" not in file)
    about: dict[str, Any] = {}
    # A package may be for a course that is there already.
    if COURSE_FILE in names:
        names.remove(COURSE_FILE)
        about = File(package, COURSE_FILE).shaped(COURSE)
    if not names:
        refuse(Spot(package.path.rstrip("/") or package.name), NO_EXERCISES)
    drafts = tuple(exercise(package, name, complete) for name in names)
    titles = {locale: about[f"title_{locale}"] for locale in LANGUAGES} if about else {}
    return CourseDraft(exercises=drafts, slug=about.get("slug", ""), titles=titles)


def exercise(package: Package, name: str, complete: bool) -> ExerciseDraft:
    file = File(package, name)
    found = file.shaped(exercise_shape(file.values, complete))
    hints = {int(level): words for level, words in found.pop("hints", {}).items()}
    found["cases"] = named(found.get("cases", []))
    values = {key: value for key, value in found.items() if key not in ("slug", VERBATIM)}
    return ExerciseDraft(
        slug=found["slug"],
        # What an exercise's file does not have, the exercise has not.
        columns=EMPTY | values,
        spot=file.spot(""),
        spots={key: file.spot(key) for key in values},
        hints={level: {**NO_WORDS, **words} for level, words in hints.items()},
    )


def exercise_shape(values: Mapping[str, Any], complete: bool) -> Keys:
    """Of one file, for what it needs depends on what it has."""
    verbatim = values.get(VERBATIM) is True
    line, block = (shapes.line, shapes.block)
    if verbatim:
        line = block = shapes.any_text
    texts: dict[str, Shape] = {**dict.fromkeys(LINES, line), **dict.fromkeys(BLOCKS, block)}
    hints = values.get("hints")
    # An author may stop early, but not leave a level out: its table is then said to be missing.
    written = [n for n in LEVELS if isinstance(hints, dict) and str(n) in hints]
    levels = [n for n in USUAL if n <= max(written, default=LOWEST)] if complete else []
    words = dict.fromkeys(LANGUAGES, line)
    each = keys(words) if complete else keys({}, words)
    may: dict[str, Shape] = {
        VERBATIM: shapes.flag, "language": shapes.line, "checker": shapes.line,
        **dict.fromkeys(FLAGS, shapes.flag), **NUMBERS, "position": shapes.whole,
        **dict.fromkeys(OPTIONAL, block), "cases": CASES, "examples": EXAMPLES, "hints": keys(
            {str(n): each for n in levels}, {str(n): each for n in LEVELS if n not in levels}
        ),
        "wrong": Listed(
            keys({"code": block, "why_en": line}) if complete
            else keys({"code": block}, {"why_en": line}, why_en="")
        ),
    }  # fmt: skip
    if not complete:
        return keys({"slug": shapes.line}, texts | may)
    if "cases" in values:
        # An exercise has one kind of tests.
        del texts["tests"]
    needed = {"slug": shapes.line, **texts, "language": shapes.line}
    needed |= {name: may.pop(name) for name in ("hints", "wrong")}
    return keys(needed, may)


class File:
    """One TOML file. values: what it says. Raises: BadPackage."""

    def __init__(self, package: Package, name: str) -> None:
        self._package, self._name = package, name
        self._lines: dict[str, int] = {}
        text = package.text(name)
        if line := too_deep(text):
            refuse(package.spot(name, line), TOO_DEEP, most=MOST_PARTS)
        try:
            self.values = tomllib.loads(text)
        # Deep brackets and numbers of thousands of digits are no decode errors to tomllib.
        except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
            refuse(self.spot(""), NO_TOML, error=str(error) or type(error).__name__)
        self._lines = dict(key_lines(text))

    def spot(self, key: str) -> Spot:
        """Where a key stands, or the table that lacks it."""
        while key and key not in self._lines:
            key = key.rpartition(".")[0]
        return self._package.spot(self._name, self._lines.get(key))

    def shaped(self, shape: Shape) -> dict[str, Any]:
        try:
            found: dict[str, Any] = shaped(self.values, shape)
        except Misshapen as error:
            refuse(self.spot(error.key), error.reason, key=error.key)
        return found


def too_deep(text: str) -> int | None:
    """The line of a key with more than MOST_PARTS parts; None if there is none.

    Looked for before the text is parsed: tomllib takes hours for a key of a megabyte.
    """
    dots = 0
    for token in TOKENS.finditer(text):
        # A part of a key may be a text.
        dots = dots + 1 if token[0] == "." else 0 if token[0] in ENDS else dots
        if dots >= MOST_PARTS:
            return text.count("\n", 0, token.start()) + 1
    return None


def key_lines(text: str) -> Iterator[tuple[str, int]]:
    """The keys of a TOML text with their lines, `hints.1.ko` and `wrong[2].code`.

    A header as one writes it, and a key that begins a line, are found; tables in one line are not.
    """
    table, inside = "", ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        # A line of a program may look like a key.
        if inside:
            inside = "" if inside in line else inside
        elif header := HEADER.match(line.strip()):
            table = header[2]
            if header[1] == "[[":
                if table not in counts:
                    yield table, number
                counts[table] = counts.get(table, 0) + 1
                table = f"{table}[{counts[table]}]"
            yield table, number
            table += "."
        elif found := KEY.match(line.strip()):
            yield f"{table}{found[1]}", number
            marks = QUOTES.findall(found[2])
            inside = marks[0] if len(marks) % 2 else ""


def tables(text: str, key: str) -> list[dict[str, Any]]:
    """The tables of TABLES, as `[[cases]]`, of a form's text, of which an exercise has a list.

    Raises: BadPackage, whose file is the key.
    """
    package = Package(key, Single(key, text.replace("\r\n", "\n").encode("utf-8", "replace")))
    found = File(package, key).shaped(keys({}, {key: TABLES[key]}))
    return named(found.get(key, [])) if key == "cases" else found.get(key, [])


def named(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A case without a name has its number."""
    return [{"name": str(number)} | case for number, case in enumerate(cases, start=1)]


def files(course: Course) -> dict[str, str]:
    """What a course's folder holds, by file name: import of it gives the same rows."""
    about = {"slug": course.slug, **{name: getattr(course, name) for name in columns("title")}}
    found = {COURSE_FILE: dumped(about)}
    for row in course.exercises.prefetch_related("authored_hints"):
        values = {VERBATIM: True, "slug": row.slug, "position": row.position}
        values |= {name: getattr(row, name) for name in EMPTY}
        values["hints"] = {
            str(hint.level): {locale: getattr(hint, f"text_{locale}") for locale in LANGUAGES}
            for hint in row.authored_hints.all()
        }
        # No slug has a dot: nothing else can have this name.
        name = f"{row.slug}.exercise.toml" if row.slug == "course" else f"{row.slug}.toml"
        found[name] = dumped(values)
    return found


def dumped(values: Mapping[str, Any]) -> str:
    """The values as TOML, but for empty texts: plain ones first, then tables, lists of tables."""
    plain = [
        f"{key} = {value_of(value)}"
        for key, value in values.items()
        if not isinstance(value, Mapping | list) and value != ""
    ]
    parts = ["\n".join(plain)]
    for key, value in values.items():
        if isinstance(value, Mapping):
            parts += [f"[{key}.{name}]\n{dumped(table)}" for name, table in value.items()]
        elif isinstance(value, list):
            parts += [f"[[{key}]]\n{dumped(table)}" for table in value]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def value_of(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return text_of(value) if isinstance(value, str) else repr(value)


def text_of(text: str) -> str:
    """In the plainest way that gives exactly this text again.

    Source: TOML 1.0, "String"; a line break after the opening quotes is no part of the text.
    """
    # Line feeds and tabs are the only control characters that TOML takes as they are.
    odd = {char for char in text if char not in "\n\t" and (char < " " or char == "\x7f")}
    if "\n" in text and not odd and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = "".join(f"\\u{ord(char):04x}" if char in odd else char for char in escaped)
    return f'"""\n{escaped}"""' if "\n" in text else f'"{escaped}"'
