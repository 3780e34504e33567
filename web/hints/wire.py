"""The JSON of hints, checks and requests, as the API takes and gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import get_language
from ninja import Field, Schema

from broker.contract.hint import State
from web.hints import store
from web.hints.models import Hint
from web.hints.notices import notice
from web.tutor.ladder import l0_words
from web.tutor.languages import Locale
from web.tutor.markdown import render
from web.tutor.report import Report

ExercisePath = Annotated[str, Field(max_length=120, pattern=r"^[\w-]+/[\w-]+$")]
"""`<course>/<exercise>`."""
CODE_BYTES = 64 * 1024


class HintIn(Schema):
    """A request for a hint. locale: the hint's language; unset, that of the request.

    lane: `batch`, for teachers and staff, waits until students leave room.
    """

    exercise: ExercisePath = Field(examples=["python-steps/rice-days"])
    level: int = Field(ge=1, le=3)
    code: str
    question: str = Field("", max_length=1000)
    locale: Locale | None = None
    lane: Literal["interactive", "batch"] = "interactive"


class CheckIn(Schema):
    exercise: ExercisePath
    code: str


class FeedbackIn(Schema):
    helpful: bool | None
    comment: str = Field("", max_length=2000)


class L0Out(Schema):
    """The test report, and the same in words."""

    report: dict[str, Any]
    words: str


class FeedbackOut(Schema):
    helpful: bool | None
    comment: str


class LinksOut(Schema):
    self: str
    events: str
    cancel: str
    feedback: str


class HintOut(Schema):
    id: str
    exercise: str
    level: int
    locale: str
    state: str
    attempt: int
    position: int | None
    eta_s: int | None
    text: str
    html: str
    source: str
    reason: str | None
    notice: str
    l0: L0Out
    feedback: FeedbackOut
    code: str
    question: str
    created_at: datetime
    finished_at: datetime | None
    links: LinksOut


class HintsOut(Schema):
    items: list[HintOut]


def locale_now() -> Locale:
    return "ko" if (get_language() or "ko").startswith("ko") else "en"


def check_out(report: Report, code: str) -> L0Out:
    return L0Out(report=report.as_json(), words=l0_words(report, locale_now(), code))


def hint_out(
    hint: Hint, position: int | None = None, eta_s: int | None = None, partial: str = ""
) -> HintOut:
    """partial: gated text of a hint that is still being written."""
    text = partial if hint.state == State.RUNNING else hint.text
    base = f"/v1/hints/{hint.pk}"
    return HintOut(
        id=str(hint.pk),
        exercise=hint.exercise.path,
        level=hint.level,
        locale=hint.locale,
        state=hint.state,
        attempt=hint.attempt,
        position=position,
        eta_s=eta_s,
        text=text,
        html=render(text),
        source=hint.source,
        reason=hint.reason or None,
        notice=notice(hint.reason),
        l0=L0Out(report=hint.report, words=store.l0(hint)),
        feedback=FeedbackOut(helpful=hint.helpful, comment=hint.comment),
        code=hint.code,
        question=hint.question,
        created_at=hint.created_at,
        finished_at=hint.finished_at,
        links=LinksOut(
            self=base,
            events=f"/v1/events?hint={hint.pk}",
            cancel=f"{base}/cancel",
            feedback=f"{base}/feedback",
        ),
    )
