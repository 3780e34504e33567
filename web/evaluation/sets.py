"""What a model is evaluated on: programs with the hints that are asked for them.

The shipped set, a file of one's own, or requests of the last days from courses that allow it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation

from broker.base.errors import HintlineError
from broker.contract.text import storable
from web import jsonl
from web.courses.models import PYTHON, Exercise
from web.courses.texts import columns
from web.database import ago
from web.engines.kinds import KINDS
from web.engines.models import Engine
from web.evaluation.models import LATELY, NAME_CHARS
from web.hints.models import Hint, Submission
from web.jsonl import Unusable
from web.runner.checker import CODE_BYTES
from web.tutor.gate import judge
from web.tutor.languages import LANGUAGES, OPERATORS, Locale
from web.tutor.levels import LEVELS

T = TypeVar("T")
DATA = Path(__file__).parent / "data"
SHIPPED = "shipped"
DAY_S = 86_400
MOST_ENTRIES = 2_000
Asked = tuple[tuple[int, Locale], ...]


class BadSet(HintlineError):
    """A set cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One wrong program. exercise: a row without its course, not saved. fix: empty if unknown.

    asked: the levels and languages in which hints are written.
    """

    name: str
    exercise: Exercise = field(repr=False)
    code: str = field(repr=False)
    fix: str = ""
    question: str = ""
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSet:
    """digest: equal for equal sets. kinds: of servers that have seen it; "" for nobody knows which.

    An empty `kinds` is that of a public set.
    """

    name: str
    entries: tuple[Entry, ...]
    kinds: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        parts = [
            [each.name, each.code, each.fix, each.question, each.asked, *said(each.exercise)]
            for each in self.entries
        ]
        return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def is_new_to(self, kind: str) -> bool:
        """Whether servers of this kind have not seen all of it, so that people must agree first."""
        # What came from no server, or nobody knows from where, may stay on servers of one's own.
        known = {kind} if KINDS[kind].hosted else {kind, ""}
        return bool(self.kinds - known)


def said(exercise: Exercise) -> Iterator[Any]:
    yield from (getattr(exercise, name) for name in columns("statement") + columns("mistakes"))
    yield from (exercise.tests, exercise.cases, exercise.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """A hint that tells the correction (leak), or does not, and the program that it is about.

    wording: as in web.tutor.gate.wording.log_odds, but of weights that were learned without the
    texts of this exercise: those of Hintline know this text, and no hint that is to be judged.
    """

    id: str
    level: int
    locale: Locale
    leak: bool
    group: str
    text: str
    code: str
    right: str
    wording: float


@cache
def texts() -> dict[str, LabelledText]:
    """The labelled hints that a judge is calibrated on, by id."""
    # Kept for the process: they are some hundred kilobytes, and asked for one at a time.
    programs = {row["id"]: row for row in packed("programs")}
    wordings = {row["id"]: row["wording"] for row in packed("wordings")}
    found = {}
    for row in packed("texts"):
        program = programs[row.pop("program")]
        text = LabelledText(
            **row, code=program["code"], right=program["fix"], wording=wordings[row["id"]]
        )
        found[text.id] = text
    return found


@cache
def texts_digest() -> str:
    """Equal where a judge is asked the same of the same texts."""
    found = blake2b(judge.VERSION.encode(), digest_size=16)
    for name in ("programs", "texts", "wordings"):
        found.update((DATA / f"{name}.jsonl.gz").read_bytes())
    return found.hexdigest()


def shipped() -> EvaluationSet:
    """Programs that come with Hintline, each with a right one beside it."""
    everything = tuple(product(LEVELS, LANGUAGES))
    entries = []
    for row in packed("programs"):
        if row["written"]:
            entries.append(
                Entry(
                    name=row["id"], exercise=exercise_of(row), code=row["code"], fix=row["fix"],
                    asked=everything,
                )
            )  # fmt: skip
    return EvaluationSet(name=SHIPPED, entries=tuple(entries))


def exercise_of(row: Mapping[str, Any]) -> Exercise:
    """Not saved. row: of a program that comes with Hintline."""
    return Exercise(
        title_en=row["id"], tests=row["tests"], cases=row["cases"], reference=row["reference"],
        **in_some("statement", row["statement"]), **in_some("mistakes", row["mistakes"]),
    )  # fmt: skip


def packed(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def in_some(field: str, words: Mapping[str, str]) -> dict[str, str]:
    """The columns of a text that need not be in every language."""
    return {f"{field}_{locale}": words.get(locale, "") for locale in LANGUAGES}


def from_file(name: str, lines: BinaryIO) -> EvaluationSet:
    """A line of JSON each: code, and exercise (`course/slug`), or statement with tests or cases.

    id, level, locale, reference, fix, question may be left out; without a level or locale hints of
    every one are asked for. Raises: BadSet, which names the line.
    """
    entries: dict[str, Entry] = {}
    for number, line in enumerate(jsonl.bounded(lines), start=1):
        if line is not None and not line.strip():
            continue
        try:
            entry = entry_of(jsonl.read(line), number)
        except Unusable as error:
            raise BadSet(f"{name}, line {number}: {error}") from None
        if entry.name in entries:
            raise BadSet(f"{name}, line {number}: another line has the id {entry.name}")
        entries[entry.name] = entry
        if len(entries) > MOST_ENTRIES:
            raise BadSet(f"{name} has more than {MOST_ENTRIES:,} lines")
    if not entries:
        raise BadSet(f"{name} has no lines")
    return EvaluationSet(
        name=Path(name).name[:NAME_CHARS], entries=tuple(entries.values()), kinds=frozenset({""})
    )


def entry_of(row: Mapping[str, Any], number: int) -> Entry:
    """Raises: Unusable."""
    code = text_of(row, "code")
    if not code.strip() or len(code.encode(errors="replace")) > CODE_BYTES:
        raise Unusable(f"`code` must be a program of at most {CODE_BYTES:,} bytes")
    levels, locales = chosen(row, "level", LEVELS), chosen(row, "locale", LANGUAGES)
    named_as = jsonl.named(row)
    return Entry(
        name=str(number if named_as is None or named_as == "" else named_as),
        exercise=named(text_of(row, "exercise")) if row.get("exercise") else made(row),
        code=code,
        fix=text_of(row, "fix"),
        question=text_of(row, "question"),
        asked=tuple(product(levels, locales)),
    )


def chosen(row: Mapping[str, Any], name: str, every: Collection[T]) -> list[T]:
    """The one that a line names, else every one. Raises: Unusable."""
    return [*every] if row.get(name) is None else [jsonl.one_of(row, name, every)]


def named(path: str) -> Exercise:
    """A copy of the exercise at `<course>/<slug>`. Raises: Unusable."""
    course, _, slug = path.partition("/")
    found = Exercise.objects.filter(course__slug=course, slug=slug).first()
    if found is None:
        raise Unusable(f"there is no exercise {path}")
    return copied(found)


def copied(exercise: Exercise) -> Exercise:
    """All that is said of it and runs, without its place in a course."""
    own = {"id", "course", "slug", "position", "wrong"}
    # By the model's own list, so that what an exercise gets next is copied too.
    columns = [each for each in Exercise._meta.concrete_fields if each.name not in own]
    return Exercise(**{each.attname: getattr(exercise, each.attname) for each in columns})


def made(row: Mapping[str, Any]) -> Exercise:
    """An exercise of a line's own. Raises: Unusable."""
    statement = row.get("statement")
    words: dict[str, Any] = statement if isinstance(statement, dict) else {OPERATORS: statement}
    texts = [words.get(locale, "") for locale in LANGUAGES]
    if not all(isinstance(text, str) for text in texts) or not "".join(texts).strip():
        raise Unusable("`statement` must be a text, or texts by language; or name an `exercise`")
    tests, cases = row.get("tests"), row.get("cases")
    asserts = tests if isinstance(tests, list) else [tests or ""]
    if not all(isinstance(text, str) for text in asserts):
        raise Unusable("`tests` must be asserts, as text or as a list of texts")
    exercise = Exercise(
        title_en="-", tests="\n".join(asserts), cases=kept(cases) if cases is not None else [],
        reference=text_of(row, "reference"), slug="x", **in_some("statement", words),
    )  # fmt: skip
    if not exercise.tests.strip() and not exercise.cases:
        raise Unusable("there must be `tests` or `cases`")
    try:
        with translation.override(OPERATORS):
            exercise.clean_fields(exclude=["course"])
            exercise.clean()
    except ValidationError as error:
        raise Unusable(" ".join(error.messages)) from None
    return exercise


def kept(cases: object) -> list[dict[str, Any]]:
    """The cases of a line as an exercise's column has them, yet to be checked. Raises: Unusable."""
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise Unusable("`cases` must be a list of objects with `stdin` and `expected`")
    usual = {"visible": True, **dict.fromkeys(columns("note"), "")}
    return [{"name": str(number), **usual, **case} for number, case in enumerate(cases, start=1)]


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Raises: Unusable unless it is a text, or left out."""
    found = row.get(name) or ""
    if not isinstance(found, str) or len(found) > CODE_BYTES or storable(found) != found:
        raise Unusable(f"`{name}` must be a text of at most {CODE_BYTES:,} characters")
    return found


def lately(days: int) -> EvaluationSet:
    """Requests of the last days, from courses that allow it, each program once.

    What is older than raw texts are kept is left out. Raises: BadSet where nothing is left.
    """
    within_s = DAY_S * min(days, settings.RAW_DAYS)
    rows = Hint.objects.filter(
        created_at__gt=ago(within_s),
        exercise__course__evaluates=True,
        exercise__language=PYTHON,
        submission__source=Submission.Source.HERE,
    ).exclude(submission__code="")
    servers = dict(Engine.objects.values_list("name", "kind"))
    entries: dict[tuple[Any, ...], Entry] = {}
    kinds = set[str]()
    latest = rows.select_related("exercise", "submission").order_by("-created_at")
    for hint in latest[: 4 * MOST_ENTRIES]:
        key = hint.submission.fingerprint, hint.exercise_id, hint.level, hint.locale
        kinds.add(servers.get(hint.engine, ""))
        # A student who asks again with the same program has asked once.
        if key not in entries and len(entries) < MOST_ENTRIES:
            entries[key] = Entry(
                # Not the hint's own id: nobody is to find the student by a result that is kept.
                name=str(len(entries) + 1),
                exercise=copied(hint.exercise),
                code=hint.submission.code,
                question=hint.question,
                asked=((hint.level, hint.locale),),
            )
    if not entries:
        raise BadSet("No course that allows it had a request of which the text is still kept.")
    return EvaluationSet(
        name=f"{LATELY} {days}d", entries=tuple(entries.values()), kinds=frozenset(kinds)
    )
