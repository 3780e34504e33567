"""What a platform that has judged a program says of it: as it comes, and as a report."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from ninja import Field
from pydantic import BaseModel

from web.api.fields import KEPT, Whole
from web.tutor.evidence.report import LENGTHS, MOST_CASES, Case, ProgramError, Report, Verdict

MOST_LINES = 1_000_000
NAMED = re.compile(r"(?P<kind>[\w.]{1,60}(?:Error|Exception)): (?P<message>.*)", re.DOTALL)
"""A message that begins with the class of an exception, as Python's and Java's do."""
# How a run ends here when its sandbox dies is no matter of others.
Status = Literal[tuple(each.value for each in Verdict if each is not Verdict.CRASHED)]  # type: ignore[valid-type]
Text = Annotated[str, KEPT]
Count = Annotated[int, Field(strict=True, ge=0, le=MOST_CASES), Whole]


def text(about: str, field: str) -> str:
    return f"{about} Cut to {LENGTHS[field]} characters."


# Ninja's Schema would look in a list or a text for attributes of these names.
class ResultIn(BaseModel):
    """The verdict on the program, by who has run its tests: then nothing is run here."""

    status: Status = Field(
        description="How the run ended; `syntax` also for what no compiler takes, `not_run` where "
        "nobody knows."
    )
    call: Text | None = Field(
        None, description=text("What the first failing test called; left out if secret.", "call")
    )
    stdin: Text | None = Field(
        None, description=text("Or what it gave on standard input.", "stdin")
    )
    expected: Text | None = Field(
        None, description=text("What that test should give or print.", "expected")
    )
    got: Text | None = Field(None, description=text("What it gave or printed.", "got"))
    message: Text | None = Field(
        None, description=text("What the compiler, the program or the judge said.", "message")
    )
    line: Annotated[int, Field(strict=True, ge=1, le=MOST_LINES), Whole] | None = Field(
        None, description="Where it stopped, 1-based, in the student's code."
    )
    passed: Count = Field(0, description="Tests that hold.")
    total: Count = Field(0, description="Tests there are; 0: not told.")

    def report(self) -> Report:
        """As a run here would have it; texts of any length and kind are cut and cleaned."""
        return Report(
            verdict=Verdict(self.status),
            passed=self.passed,
            total=max(self.total, self.passed),
            first=self._case(),
            error=self._error(),
        ).cut()

    def _case(self) -> Case | None:
        told = (self.call, self.stdin, self.expected, self.got)
        if self.status == "passed" or all(each is None for each in told):
            return None
        return Case(
            call=self.call or "", stdin=self.stdin, expected=self.expected or "", got=self.got
        )

    def _error(self) -> ProgramError | None:
        if self.status == "passed" or (not self.message and self.line is None):
            return None
        message = (self.message or "").strip()
        found = NAMED.fullmatch(message[: 2 * LENGTHS["message"]])
        kind, message = (found["kind"], found["message"]) if found else ("", message)
        return ProgramError(kind=kind, message=message, line=self.line)
