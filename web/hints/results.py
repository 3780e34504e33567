"""What a platform that has judged a program says of it: as it comes, and as a report."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from ninja import Field
from pydantic import BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from web.api.fields import Text, Whole
from web.tutor.evidence.report import LENGTHS, MOST_CASES, Case, ProgramError, Report, Verdict

MOST_LINES = 1_000_000
VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "syntax": Verdict.SYNTAX,
    "error": Verdict.ERROR,
    "time": Verdict.TIME,
    "memory": Verdict.MEMORY,
    "not_run": Verdict.NOT_RUN,
}
NAMED = re.compile(r"(?P<kind>[\w.]{1,60}(?:Error|Exception)): (?P<message>.*)", re.DOTALL)
"""A message that begins with the class of an exception, as Python's and Java's do."""
Status = Literal[tuple(VERDICTS)]  # type: ignore[valid-type]
Count = Annotated[int, Whole, Field(strict=True, ge=0, le=MOST_CASES)]


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
    line: Annotated[int, Whole, Field(strict=True, ge=1, le=MOST_LINES)] | None = Field(
        None, description="Where it stopped, 1-based, in the student's code."
    )
    # Before passed, which is compared with it.
    total: Count = Field(0, description="Tests there are; 0: not told.")
    passed: Count = Field(0, description="Tests that hold; at most total.")

    @field_validator("stdin")
    @classmethod
    def one_input(cls, stdin: str | None, info: ValidationInfo) -> str | None:
        if stdin is not None and info.data.get("call") is not None:
            raise PydanticCustomError("two_inputs", "A call or standard input, not both.")
        return stdin

    @field_validator("passed")
    @classmethod
    def at_most_all(cls, passed: int, info: ValidationInfo) -> int:
        if passed > info.data.get("total", passed):
            raise PydanticCustomError("too_many_passed", "More tests pass than there are.")
        return passed

    def report(self) -> Report:
        """As a run here would have it; texts of any length and kind are cut and cleaned."""
        return Report(
            verdict=VERDICTS[self.status],
            passed=self.passed,
            total=self.total,
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
