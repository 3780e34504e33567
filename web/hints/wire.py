"""The JSON of hints, checks and requests, as the API takes and gives it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from ninja import Field, Schema
from pydantic import BaseModel, StrictBool

from broker.contract.hint import Reason, Source, State
from web.api.fields import SEEN, Whole
from web.hints import jobs
from web.hints.models import Hint, Submission
from web.hints.notices import notice
from web.hints.results import ResultIn
from web.language import locale_now
from web.runner.checker import CODE_BYTES
from web.tutor.evidence.facts import FactKind
from web.tutor.evidence.report import Report, Verdict
from web.tutor.evidence.steps import StepsKind
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS
from web.tutor.markdown import render

if TYPE_CHECKING:
    OneLocale = Locale
else:
    # A type checker cannot read a Literal of a table; what is checked and described here can.
    OneLocale = Literal[tuple(LANGUAGES)]
RUNGS = ", ".join(f"{number} {level.name}" for number, level in LEVELS.items())
NO_NUL = r"^[^\u0000]*$"
SOME_CODE = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
# These patterns only describe: store and sandbox take no NUL, and hints.api says so in the caller's
# language.
ExercisePath = Annotated[
    str,
    Field(
        max_length=120,
        pattern=r"^[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+$",
        description="The exercise, as `<course>/<exercise>`.",
    ),
]
Code = Annotated[
    str,
    Field(
        description=f"The student's program, at most {CODE_BYTES:,} bytes of UTF-8, without NUL.",
        json_schema_extra={"pattern": SOME_CODE},
    ),
]

PlatformUser = Annotated[
    str,
    Field(
        max_length=100,
        description="For a platform's token: its name for its own user, who asks; made at first "
        "sight. Characters that can be seen, no spaces around them.",
    ),
    SEEN,
]


Result = Annotated[
    ResultIn | None,
    Field(description="What the platform that sends it found: then nothing is run here."),
]


class HintIn(Schema):
    """A request for a hint."""

    exercise: ExercisePath = Field(examples=["python-steps/rice-days"])
    level: Annotated[int, Whole] = Field(
        ge=min(LEVELS),
        le=max(LEVELS),
        strict=True,
        description=f"Rung of help: {RUNGS}; it must be open to the student, and there for "
        "the exercise.",
    )
    code: Code
    question: str = Field(
        "",
        max_length=1000,
        description="What the student asks, in their words.",
        json_schema_extra={"pattern": NO_NUL},
    )
    locale: OneLocale | None = Field(
        None, description="The hint's language; left out: that of Accept-Language."
    )
    lane: Literal["interactive", "batch"] = Field(
        "interactive",
        description="`batch`, for who teaches the course, waits until students leave room.",
    )
    result: Result = None
    on_behalf_of: PlatformUser = ""


class CheckIn(Schema):
    """A program to test."""

    exercise: ExercisePath
    code: Code
    result: Result = None
    on_behalf_of: PlatformUser = ""


class FeedbackIn(Schema):
    """What the student thinks of a hint; the last verdict counts."""

    # Strict, for pydantic would take the text "off" for a verdict too.
    helpful: StrictBool | None = Field(
        description="Whether it helped; null takes the verdict back."
    )
    comment: str = Field(
        "",
        max_length=2000,
        description="Why, in the student's words.",
        json_schema_extra={"pattern": NO_NUL},
    )


class ReflectionIn(Schema):
    """What the student thinks now; the last words count."""

    text: str = Field(
        max_length=1000,
        description="Three words or more, in the student's language.",
        json_schema_extra={"pattern": NO_NUL},
    )


# What comes in is a Schema, which refuses what is no object at all; what goes out is not: it would
# look at each of its fields as if it were a Django row.
class CaseOut(BaseModel):
    """The first failing check. Long texts are cut, and end with how many characters are missing."""

    call: str = Field(description="What the test called; empty for a program that reads input.")
    expected: str = Field(description="What it should have given; empty if that is not told.")
    got: str | None = Field(description="What it gave; null when it was stopped first.")
    error: str | None = Field(description="What stopped it.")
    stdin: str | None = Field(
        None, description="What the program could read; null for a call, empty where hidden."
    )
    hidden: bool = Field(False, description="Whether nothing of the case is shown.")
    note: dict[str, str] = Field({}, description="Its author's words on it, by language.")


class FailureOut(BaseModel):
    """What stopped the program, or why nothing can be said."""

    kind: str = Field(
        description="Class of the exception; with `not_run`: Language, NoTests, Unsupported, Lost."
    )
    message: str = Field(description="Its text, cut.")
    line: int | None = Field(description="1-based, in the student's code; null if it is not there.")


class StepOut(BaseModel):
    """One round, call or line of the program."""

    line: int = Field(description="1-based, in the student's code.")
    label: str = Field(description="The round's number, or the call; empty for a line.")
    values: dict[str, str] = Field(description="Python's text of each name's value after it, cut.")
    changed: list[str] = Field(description="Names that have another value than before.")


class StepsOut(BaseModel):
    """What the program did on the first failing check, as a table: a column a name, a row a step.

    Of a function that calls itself, the name `return` stands for what a call gave back.
    """

    kind: StepsKind = Field(description="What a row is.")
    names: list[str] = Field(description="The columns, at most 8.")
    rows: list[StepOut] = Field(description="At most 12: the first eight and the last four.")
    omitted: int = Field(description="Rows between these that are left out.")
    line: int | None = Field(description="Where the program was when the check failed.")
    at: dict[str, str] = Field(description="Values there.")


class ReportOut(BaseModel):
    """What the tests showed."""

    verdict: Verdict = Field(description="How the run ended.")
    passed: int = Field(description="Checks that hold.")
    total: int = Field(description="Checks that ran, or that there are if the run was stopped.")
    first: CaseOut | None = Field(description="The first check that fails.")
    error: FailureOut | None = Field(description="What stopped the run.")
    output: str = Field(description="The first of what the program printed.")
    steps: StepsOut | None = Field(description="What the program did; null if that is not known.")


class FactOut(BaseModel):
    """Something that the program did on its first failing case."""

    kind: FactKind = Field(description="What it is; it says which values there are.")
    line: int = Field(description="1-based, in the student's code.")
    lines: list[int] = Field(description="Others that belong to it.")
    values: dict[str, str | int | list[str]] = Field(description="What its kind tells, cut.")
    score: float = Field(description="How telling it is, 0 to 2.")


class L0Out(BaseModel):
    """The test report, and the same in words: help that needs no model."""

    report: ReportOut = Field(description="The test report.")
    words: str = Field(description="The report as a short paragraph of Markdown.")
    source: Submission.Source = Field(description="Who ran the tests.")


class FeedbackOut(BaseModel):
    """What the student thinks of the hint."""

    helpful: bool | None = Field(description="Whether it helped; null for no verdict.")
    comment: str = Field(description="Why; may be empty.")


class LinksOut(BaseModel):
    """Where to go on."""

    self: str = Field(description="GET reads the hint.")
    events: str = Field(description="GET follows it as server-sent events.")
    cancel: str = Field(description="POST takes the request back.")
    feedback: str = Field(description="PUT rates it.")
    reflection: str = Field(description="PUT says what the student thinks now.")


class HintOut(BaseModel):
    """A hint: the request, how it stands, and its text once there is any."""

    id: str = Field(description="The hint's UUID.")
    exercise: str = Field(description="`<course>/<exercise>`.")
    level: int = Field(
        description=f"Rung of help that was asked for, {min(LEVELS)} to {max(LEVELS)}."
    )
    locale: OneLocale = Field(description="The hint's language.")
    state: State = Field(
        description="queued, running, or one of the final ones: answered, withheld, failed, "
        "cancelled."
    )
    attempt: int = Field(description="Attempts begun so far.")
    position: int | None = Field(
        description="Place in the backlog from 1; 0 once a slot is granted; null when not waiting."
    )
    eta_s: int | None = Field(description="Seconds until its turn, estimated; null if unknown.")
    text: str = Field(description="The hint as Markdown; of a running one what has passed so far.")
    html: str = Field(description="The same as safe HTML.")
    source: Source = Field(description="Who wrote the text.")
    verified: bool | None = Field(
        description="Whether a program that is right stands behind what a model wrote; null for "
        "any other text."
    )
    reason: Reason | None = Field(description="Why it ended other than plainly answered.")
    notice: str = Field(description="The reason as a sentence for the student; may be empty.")
    l0: L0Out = Field(description="The test report of the code.")
    facts: list[FactOut] | None = Field(
        description="What the program did, the most telling first, for staff who read the hint of"
        " a student; null for the student."
    )
    feedback: FeedbackOut = Field(description="What the student thinks of it.")
    reflection: str = Field(description="What the student thinks now, in their words.")
    code: str = Field(description="The program it is about.")
    question: str = Field(description="What the student asked.")
    created_at: datetime = Field(description="When it was asked for, UTC.")
    finished_at: datetime | None = Field(description="When it became final, UTC.")
    links: LinksOut = Field(description="Paths of what can be done with it.")


class HintsOut(BaseModel):
    """Some of a student's hints."""

    items: list[HintOut] = Field(description="At most 50, the newest first.")


def check_out(program: Submission) -> L0Out:
    return l0_out(program, Report.from_json(program.report), locale_now())


def l0_out(program: Submission, report: Report, locale: Locale) -> L0Out:
    return L0Out(
        report=ReportOut(**report.as_json()),
        words=jobs.words(program, report, locale),
        source=Submission.Source(program.source),
    )


def hint_out(
    hint: Hint,
    queue_position: int | None = None,
    eta_s: int | None = None,
    partial: str = "",
    *,
    for_staff: bool = False,
    why: str = "",
) -> HintOut:
    """partial: gated text of a hint that is still being written. why: instead of its notice."""
    report = Report.from_json(hint.submission.report)
    # While it runs the row has no text: what the gate has passed so far is in the hint's stream.
    text = partial if hint.state == State.RUNNING else hint.text
    base = f"/v1/hints/{hint.pk}"
    return HintOut(
        id=str(hint.pk),
        exercise=hint.exercise.path,
        level=hint.level,
        locale=hint.locale,
        state=State(hint.state),
        attempt=hint.attempt,
        position=queue_position,
        eta_s=eta_s,
        text=text,
        html=render(text),
        source=Source(hint.source),
        verified=hint.verified,
        reason=Reason(hint.reason) if hint.reason else None,
        notice=why or notice(hint.reason),
        l0=l0_out(hint.submission, report, hint.locale),
        facts=[FactOut(**fact.as_json()) for fact in report.facts] if for_staff else None,
        feedback=FeedbackOut(helpful=hint.helpful, comment=hint.comment),
        reflection=hint.reflection,
        code=hint.submission.code,
        question=hint.question,
        created_at=hint.created_at,
        finished_at=hint.finished_at,
        links=LinksOut(
            self=base,
            events=f"/v1/events?hint={hint.pk}",
            cancel=f"{base}/cancel",
            feedback=f"{base}/feedback",
            reflection=f"{base}/reflection",
        ),
    )
