"""Kattis problem packages of version 2025-09: a program that reads standard input and prints.

Source: https://www.kattis.com/problem-package-format/spec/2025-09.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext_lazy as _

from web.courses.checks import (
    CASE_CHARS,
    LEAST_MEMORY_MIB,
    LEAST_TIME_S,
    MOST_CASES,
    MOST_MEMORY_MIB,
    MOST_TIME_S,
)
from web.courses.importing.draft import ExerciseDraft
from web.courses.importing.kattis_cases import Settings, inherited
from web.courses.importing.package import FILE_BYTES, Package
from web.courses.importing.remarks import Remark, Spot, refuse
from web.courses.importing.yaml_file import YamlFile
from web.courses.models import Comparison
from web.tutor import markdown
from web.tutor.languages import LANGUAGES, OPERATORS, Locale

PROBLEM = "problem.yaml"
VERSION = "2025-09"
KNOWN = frozenset({
    "problem_format_version", "type", "name", "uuid", "version", "credits", "source", "license",
    "rights_owner", "embargo_until", "limits", "keywords", "languages", "allow_file_writing",
    "constants",
})  # fmt: skip
JUDGED = ("output_validator/", "output_validators/", "static_validator/", "include/")
"""Folders without which a program of such a problem cannot be judged."""
OTHER_TYPES = frozenset({"interactive", "multi-pass", "submit-answer"})
WRONG = ("wrong_answer", "run_time_error", "time_limit_exceeded", "brute_force", "rejected")
PYTHON = frozenset({"python", "python2", "python3"})
STATEMENT = re.compile(r"statement/problem\.([A-Za-z-]+)\.(md|tex|pdf)")
CONSTANT = re.compile(r"\{\{(\w+)\}\}")
SAMPLE_CHARS = 2_000
"""Of an example that is shown with the statement."""
EXAMPLE = {
    "ko": ("예제", "입력", "출력"),
    "en": ("Example", "Input", "Output"),
}

NO_VERSION = _("problem_format_version: only %(version)s is read")
NO_TYPE = _("type: a problem of the type %(type)s cannot be judged here")
OWN_CODE = _("A problem with its own validator or added code cannot be judged here.")
NO_PYTHON = _("languages: it takes no Python")
NO_NAME = _("name: must be a text, or a text for each language")
NO_NUMBER = _("%(key)s: must be a number above 0")
NO_STATEMENT = _("There is no statement/problem.LANGUAGE.md in a language of this site.")
NO_MARKDOWN = _("Only Markdown is read: write the statement as problem.%(language)s.md.")
NO_OUTPUT = _("%(file)s is missing: a case needs the output that is expected.")
NO_INPUT = _("%(file)s is missing: there is output without input.")
NO_CASES = _("data/secret and data/sample have no cases (NAME.in and NAME.ans).")
TOO_MANY = _("There are more than %(most)s cases.")
FILES = _("A case with files beside its input cannot be run here.")
TOO_LONG = _("constants: with them a text has more than %(most)s characters")
TWO_WAYS = _("This case is compared in another way than those before: an exercise has one.")
POINTS = _("Points are left out: a program passes or does not.")
LEFT_LANGUAGE = _("This language is left out.")
LEFT_PROGRAM = _("Only programs in one Python file are taken over.")
NO_REFERENCE = _("There is no accepted Python program: the exercise has no reference solution.")
LIMITED = _("%(key)s: cut to what an exercise may have, %(most)s")


def exercise(package: Package) -> ExerciseDraft:
    """Raises: BadPackage."""
    return _Reader(package).draft()


class _Reader:
    def __init__(self, package: Package) -> None:
        self.package = package
        self.left_out: list[Remark] = []
        self.problem = YamlFile(package, PROBLEM, KNOWN)
        self.columns: dict[str, Any] = {"language": "python", "tests": ""}
        self.spots: dict[str, Spot] = {}

    def draft(self) -> ExerciseDraft:
        slug = self.package.slug(PROBLEM)
        self.judged()
        cases = self.cases()
        self.columns["cases"] = cases
        self.words(cases)
        self.limits(len(cases))
        self.programs()
        return ExerciseDraft(
            slug=slug,
            columns=self.columns,
            spot=self.package.spot(PROBLEM),
            spots=self.spots,
            left_out=tuple(self.left_out),
        )

    def remark(self, spot: Spot, reason: Any, **params: object) -> None:
        self.left_out.append(Remark(spot, reason, params))

    def judged(self) -> None:
        """That a program is judged by its output alone."""
        values = self.problem.values
        if str(values.get("problem_format_version", "legacy")) != VERSION:
            self.problem.refuse("problem_format_version", NO_VERSION, version=VERSION)
        for problem_type in listed(values.get("type", "pass-fail")):
            if problem_type in OTHER_TYPES:
                self.problem.refuse("type", NO_TYPE, type=problem_type)
            if problem_type == "scoring":
                self.remark(self.problem.spot("type"), POINTS)
        for file in self.package.files:
            if file.startswith(JUDGED):
                refuse(self.package.spot(file), OWN_CODE)
        languages = set(listed(values.get("languages", "all")))
        if "all" not in languages and not languages & PYTHON:
            self.problem.refuse("languages", NO_PYTHON)
        # The column has room for so much.
        if keywords := listed(values.get("keywords", [])):
            self.columns["topic"] = ", ".join(keywords)[:100]

    def constants(self, text: str) -> str:
        """With the problem's constants; a name in braces that is none stays."""
        known = self.problem.values.get("constants")
        if not isinstance(known, Mapping):
            return text
        values = {str(name): str(value) for name, value in known.items()}
        # Before it is made: a constant may be long, and stand there very often.
        size = len(text) + sum(len(values.get(name, "")) for name in CONSTANT.findall(text))
        if size > FILE_BYTES:
            self.problem.refuse("constants", TOO_LONG, most=f"{FILE_BYTES:,}")
        return CONSTANT.sub(lambda found: values.get(found[1], found[0]), text)

    def words(self, cases: list[dict[str, Any]]) -> None:
        names = self.problem.values.get("name")
        names = {"en": names} if isinstance(names, str) else names
        if not isinstance(names, Mapping) or not all(isinstance(n, str) for n in names.values()):
            self.problem.refuse("name", NO_NAME)
        assert isinstance(names, Mapping)
        titles = {locale_of(str(code)): name for code, name in names.items()}
        found = sorted(filter(None, map(STATEMENT.fullmatch, self.package.files)), key=str)
        written = {locale_of(match[1]) for match in found if match[2] == "md"}
        for match in found:
            locale, spot = locale_of(match[1]), self.package.spot(match[0])
            if locale is None:
                self.remark(spot, LEFT_LANGUAGE)
            elif match[2] == "md":
                statement = self.constants(self.package.text(match[0])).strip("\n")
                self.columns[f"statement_{locale}"] = with_samples(statement, cases, locale)
                self.columns[f"title_{locale}"] = titles.get(locale, "")
                self.spots[f"statement_{locale}"] = spot
                self.spots[f"title_{locale}"] = self.problem.spot("name")
            # A translation that cannot be read would leave the exercise without its words.
            elif locale not in written:
                refuse(spot, NO_MARKDOWN, language=match[1])
        if not written - {None}:
            refuse(self.package.spot(PROBLEM), NO_STATEMENT)

    def limits(self, cases: int) -> None:
        limits = self.problem.values.get("limits")
        limits = limits if isinstance(limits, Mapping) else {}
        for key in ("time_limit", "memory"):
            value = limits.get(key, 1)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                self.problem.refuse(f"limits.{key}", NO_NUMBER, key=f"limits.{key}")
        if "time_limit" in limits:
            # Kattis gives each case so much, an exercise all of them together.
            wanted = limits["time_limit"] * cases
            self.columns["time_limit_s"] = float(min(max(wanted, LEAST_TIME_S), MOST_TIME_S))
            if wanted > MOST_TIME_S:
                spot = self.problem.spot("limits.time_limit")
                self.remark(spot, LIMITED, key="time_limit", most=f"{MOST_TIME_S} s")
        if "memory" in limits:
            wanted = max(limits["memory"], LEAST_MEMORY_MIB)
            self.columns["memory_limit_mib"] = int(min(wanted, MOST_MEMORY_MIB))
            if wanted > MOST_MEMORY_MIB:
                spot = self.problem.spot("limits.memory")
                self.remark(spot, LIMITED, key="memory", most=MOST_MEMORY_MIB)

    def cases(self) -> list[dict[str, Any]]:
        """Of data/sample, then of data/secret, in the order of their names."""
        names = sorted(self.case_names())
        if not names:
            refuse(self.package.spot("data"), NO_CASES)
        if len(names) > MOST_CASES:
            refuse(self.package.spot("data"), TOO_MANY, most=MOST_CASES)
        # One tolerance for all: an exercise has one, and no case may be judged more kindly.
        groups: dict[str, Settings] = {}
        settings = [inherited(self.package, name, groups, self.constants) for name in names]
        for each in settings:
            first = settings[0]
            if (each.comparison, each.case_sensitive) != (first.comparison, first.case_sensitive):
                refuse(each.spot, TWO_WAYS)
        checker, absolute, relative = settings[0].comparison
        self.columns |= {"checker": checker, "ignores_case": not settings[0].case_sensitive}
        if checker == Comparison.FLOAT:
            self.columns |= {"absolute_tolerance": absolute, "relative_tolerance": relative}
        return [self.case(*both) for both in zip(names, settings, strict=True)]

    def case_names(self) -> Iterator[str]:
        """Paths below the package, without `.in`."""
        for file in self.package.files:
            if not file.startswith(("data/sample/", "data/secret/")):
                continue
            # Programs here have no files at all.
            if ".files/" in file:
                refuse(self.package.spot(file), FILES)
            name, _dot, ending = file.rpartition(".")
            if ending == "in":
                if f"{name}.ans" not in self.package.files:
                    refuse(self.package.spot(file), NO_OUTPUT, file=f"{name}.ans")
                yield name
            elif ending == "ans" and f"{name}.in" not in self.package.files:
                refuse(self.package.spot(file), NO_INPUT, file=f"{name}.in")

    def case(self, name: str, settings: Settings) -> dict[str, Any]:
        notes = dict.fromkeys((f"note_{locale}" for locale in LANGUAGES), "")
        if settings.note:
            notes[f"note_{spoken(settings.note)}"] = settings.note
        expected = self.package.text(f"{name}.ans", CASE_CHARS)
        if not expected.strip():
            refuse(self.package.spot(f"{name}.ans"), NO_OUTPUT, file=f"{name}.ans")
        return {
            "name": name.removeprefix("data/"),
            "stdin": self.package.text(f"{name}.in", CASE_CHARS),
            "expected": expected,
            "visible": settings.visible or name.startswith("data/sample/"),
            **notes,
        }

    def programs(self) -> None:
        self.columns["wrong"] = []
        for file in sorted(self.package.files):
            path = PurePosixPath(file)
            if path.parts[0] != "submissions" or path.name == "submissions.yaml":
                continue
            if len(path.parts) != 3 or path.suffix != ".py":
                self.remark(self.package.spot(file), LEFT_PROGRAM)
                continue
            folder = path.parts[1]
            if folder == "accepted" and "reference" not in self.columns:
                self.columns["reference"] = self.constants(self.package.text(file))
                self.spots["reference"] = self.package.spot(file)
            # Those of other folders may be right: `accepted` can hold several.
            elif folder in WRONG:
                code = self.constants(self.package.text(file))
                self.columns["wrong"].append({"code": code, "why_en": f"{folder}: {path.name}"})
        if "reference" not in self.columns:
            self.remark(self.package.spot("submissions/accepted"), NO_REFERENCE)


def listed(value: object) -> list[str]:
    """A text, or a list of texts."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def locale_of(code: str) -> Locale | None:
    """Of a language code, which may name a region too; None for a language that is not ours."""
    locale = code.partition("-")[0]
    return locale if locale in LANGUAGES else None


def spoken(text: str) -> Locale:
    """The language of a note: the first one of whose letters it has any."""
    found = (code for code, each in LANGUAGES.items() if each.letters.search(text))
    return next(found, OPERATORS)


def with_samples(statement: str, cases: list[dict[str, Any]], locale: Locale) -> str:
    """The statement with those examples that it does not show by itself, as a pair of blocks."""
    shown = markdown.examples(statement)
    samples = [case for case in cases if case["name"].startswith("sample/")]
    blocks = [
        sample(case, number, locale)
        for number, case in enumerate(samples, start=1)
        if (case["stdin"].strip(), case["expected"].strip()) not in shown
    ]
    # One at a time: each place in the text gets the next example.
    while blocks and "{{nextsample}}" in statement:
        statement = statement.replace("{{nextsample}}", blocks.pop(0), 1)
    rest = "\n\n".join(blocks)
    if "{{remainingsamples}}" in statement:
        return statement.replace("{{remainingsamples}}", rest, 1)
    return f"{statement}\n\n{rest}".strip("\n")


def sample(case: Mapping[str, Any], number: int, locale: Locale) -> str:
    title, stdin, output = EXAMPLE[locale]
    parts = [f"**{title} {number}**"]
    for name, text in ((stdin, case["stdin"]), (output, case["expected"])):
        shown = text[:SAMPLE_CHARS].rstrip("\n") + ("\n…" if len(text) > SAMPLE_CHARS else "")
        parts.append(f"{name}\n\n```text\n{shown}\n```")
    return "\n\n".join(parts)
