"""All hints that match as a file, which is written while they are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from web.hints.models import Hint
from web.ops.hints.filters import SHOWN, Filters, listed
from web.ops.hints.walk import every
from web.ops.lists.bounded import OutOfTime
from web.people import access
from web.people.models import User

BATCH = 1000
BATCH_S = 5.0
FIGURES = (
    "id", "created_at", "claimed_at", "first_piece_at", "finished_at", "student", "course",
    "exercise", "level", "locale", "lane", "state", "source", "reason", "engine", "attempt",
    "prompt_tokens", "completion_tokens", "cached_tokens", "charge", "verified", "helpful",
)  # fmt: skip
WORDS = ("question", "text", "comment", "reflection")
CODE = "code"
COLUMNS = (*SHOWN, "claimed_at", "lane", "cached_tokens", "charge", "verified")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would work out a cell that begins so, and students write what they like."""


@never_cache
@login_required
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """format: as in FORMATS. words: with those of students and models, for who operates."""
    words = "words" in request.POST
    access.require(access.operates if words else access.sees_operations, request.user)
    filters = Filters(request.POST)
    write = FORMATS.get(request.POST.get("format", ""))
    back = HttpResponseRedirect(f"{reverse('ops_hints')}?{filters.query}")
    if write is None or filters.told or not filters.query:
        return back
    try:
        rows = listed(filters.rows())
    except OutOfTime:
        return back
    user = cast(User, request.user)
    # The log wants an object of a table: that it was these hints is in its words.
    told = f"export{' with words' if words else ''}: {filters.readable}"
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, told, single_object=True)
    rows = rows.only(*COLUMNS)
    if words:
        rows = rows.select_related("student", "exercise__course", "submission")
        rows = rows.only(*COLUMNS, *WORDS, "submission__code")
    name, content_type = request.POST["format"], TYPES[request.POST["format"]]
    answer = StreamingHttpResponse(write(told_of(rows, words), words), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="hints.{name}"'
    return answer


def told_of(rows: Any, words: bool) -> Iterator[dict[str, Any]]:
    # A cursor of the database would have it work out all of them before the first line is sent.
    for batch in every(rows, BATCH, BATCH_S):
        for hint in batch:
            yield figures(hint) | (said(hint) if words else {})


def figures(hint: Hint) -> dict[str, Any]:
    own = {
        "id": str(hint.pk), "student": hint.student.username, "exercise": hint.exercise.slug,
        "course": hint.exercise.course.slug,
    }  # fmt: skip
    return {name: own[name] if name in own else getattr(hint, name) for name in FIGURES}


def said(hint: Hint) -> dict[str, str]:
    return {CODE: hint.submission.code} | {name: getattr(hint, name) for name in WORDS}


class OneLine:
    """A file of one line, for csv's writer."""

    def write(self, text: str) -> str:
        return text


def csv_lines(hints: Iterator[Mapping[str, Any]], words: bool) -> Iterator[str]:
    # Without the mark a spreadsheet takes Korean for another encoding's.
    yield "\ufeff"
    writer = csv.writer(OneLine())
    yield writer.writerow([*FIGURES, *((CODE, *WORDS) if words else ())])
    for hint in hints:
        yield writer.writerow([cell(value) for value in hint.values()])


def cell(value: Any) -> str:
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def json_lines(hints: Iterator[Mapping[str, Any]], words: bool) -> Iterator[str]:
    for hint in hints:
        yield json.dumps(hint, ensure_ascii=False, default=lambda at: at.isoformat()) + "\n"


Write = Callable[[Iterator[Mapping[str, Any]], bool], Iterator[str]]
FORMATS: dict[str, Write] = {"csv": csv_lines, "jsonl": json_lines}
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
