"""What running a student's code against an exercise's tests showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from web.tutor.evidence.facts import Fact, facts_from_json
from web.tutor.evidence.steps import Steps
from web.tutor.gate.lexis import printable
from web.tutor.languages import LANGUAGES

LENGTHS = {
    "call": 200,
    "expected": 200,
    "got": 200,
    "error": 400,
    "kind": 60,
    "message": 300,
    "output": 2_000,
    "stdin": 300,
}
"""Most characters of each text of a report, also of its words; UTF-8 needs four bytes for some."""
NOTE_CHARS = 20
"""Characters kept free for the note `…(+9,800)` at the end of a text that was cut."""
NOTE_TEXT_CHARS = 300
"""Most characters of an author's note on a case, in each language."""
MOST_CASES = 1_000_000
LOST = "Lost"
"""Kind of a program's error that is none of its own: where it ran broke off twice."""


class Verdict(StrEnum):
    """How the run ended, told by its first failing case."""

    PASSED = "passed"
    """Every case holds."""
    FAILED = "failed"
    """A case gave another value than expected."""
    SYNTAX = "syntax"
    """The code is not Python."""
    ERROR = "error"
    """An exception stopped the code."""
    TIME = "time"
    """The code ran past the time limit."""
    MEMORY = "memory"
    """The code asked for more memory than it may have."""
    TOO_DEEP = "too_deep"
    """Calls, brackets or values stood too deep inside each other for Python to go on."""
    OUTPUT = "output"
    """The code printed more than is read."""
    CRASHED = "crashed"
    """The code broke off in a way that Python does not have: its sandbox stopped it."""
    NOT_RUN = "not_run"
    """Nothing can be said: another language, no tests, no sandbox, or what the sandbox lacks."""


EXPLAINED = frozenset(
    (Verdict.FAILED, Verdict.ERROR, Verdict.SYNTAX, Verdict.TIME, Verdict.MEMORY, Verdict.TOO_DEEP)
)
"""Those under which it can be found out what a program did."""
OLDER_VERDICTS = {"timeout": Verdict.TIME, "skipped": Verdict.NOT_RUN}
"""As rows of before have them."""


def shorten(text: str, most: int, dropped: int = 0) -> str:
    """Text that can be shown and stored, of at most `most` characters.

    A cut one ends with how many characters are missing: `aaaa…(+9,800)`.
    dropped: characters that were left out before. No more of the text is read than is kept.
    """
    missing = dropped
    if len(text) > most or dropped:
        kept = text[: most - NOTE_CHARS]
        missing += len(text) - len(kept)
        text = kept
    note = f"…(+{missing:,})" if missing else ""
    return printable(text) + note


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failing check as a student reads it; got is None when an error or a limit came first.

    stdin: what the program could read; None for a call. hidden: a case of which students see that
    it fails, and no value. note: the author's, by language.
    """

    call: str
    expected: str
    got: str | None = None
    error: str | None = None
    stdin: str | None = None
    hidden: bool = False
    note: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramError:
    """What stopped the code. line: 1-based, in the student's code; None when it is not there."""

    kind: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Result of one check. output: the first of what the code printed.

    facts, steps: what it did on its first failing case, where that was looked at.
    """

    verdict: Verdict
    passed: int = 0
    total: int = 0
    first: Case | None = None
    error: ProgramError | None = None
    output: str = ""
    facts: tuple[Fact, ...] = ()
    steps: Steps | None = None

    @property
    def unexplained(self) -> bool:
        """Whether it can be found out what the program did, and nobody has tried yet."""
        return self.verdict in EXPLAINED and not self.facts and self.steps is None

    def cut(self) -> Report:
        """The same with every text within LENGTHS, without NUL and half characters.

        Whatever comes from the sandbox or from a row goes through it before it is shown or kept.
        """
        return self.from_json(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Keys verdict, passed, total, first, error, output, facts, steps; only JSON types."""
        return asdict(self) | {
            "verdict": self.verdict.value,
            "facts": [fact.as_json() for fact in self.facts],
            "steps": self.steps.as_json() if self.steps else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read back what as_json wrote, cut: a row may be older than a limit.

        Raises: KeyError, TypeError, ValueError for a row that as_json cannot have written.
        """
        first, error, verdict = data["first"], data["error"], data["verdict"]
        return cls(
            verdict=OLDER_VERDICTS.get(verdict) or Verdict(verdict),
            passed=min(max(data["passed"], 0), MOST_CASES),
            total=min(max(data["total"], 0), MOST_CASES),
            first=Case(**_cut(first)) if first else None,
            error=ProgramError(**_cut(error)) if error else None,
            **_cut({"output": data["output"]}),
            facts=facts_from_json(data.get("facts")),
            steps=Steps.from_json(data.get("steps")),
        )


def _cut(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with each text within LENGTHS. None and numbers stay as they are."""
    cut = dict(values)
    for name in LENGTHS:
        if (value := cut.get(name)) is not None:
            # A row of an earlier version may hold lists here.
            cut[name] = shorten(value if isinstance(value, str) else "…", LENGTHS[name])
    if note := cut.get("note"):
        cut["note"] = {
            locale: shorten(str(note.get(locale, "")), NOTE_TEXT_CHARS) for locale in LANGUAGES
        }
    return cut
