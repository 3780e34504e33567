"""The pages a student sees: the courses with their exercises, and the workbench of one exercise."""

from __future__ import annotations

import sys
from typing import NamedTuple, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.defaults import server_error

from web import database
from web.api import problem
from web.courses.models import Exercise
from web.courses.texts import columns
from web.engines import abilities
from web.engines.licences import Trust
from web.language import locale_now
from web.pages.words import ladder, script_words
from web.people import access, quotas, rungs
from web.people.models import User
from web.tutor import markdown
from web.tutor.evidence.report import shorten

MOST_SAMPLES = 5
SAMPLE_CHARS = 2_000


class SampleText(NamedTuple):
    """cut: the page shows the beginning alone."""

    shown: str
    cut: bool


@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    # Statements are by far the longest columns, and this page shows none.
    exercises = Exercise.objects.only("course", "slug", "topic", *columns("title")).annotate(
        hint_count=Count("hints", filter=Q(hints__student=user, hints__state__in=access.RECEIVED))
    )
    courses = access.courses(user).prefetch_related(Prefetch("exercises", queryset=exercises))
    return render(request, "pages/home.html", {"courses": courses})


@login_required
def exercise(request: HttpRequest, course_slug: str, slug: str) -> HttpResponse:
    user = cast(User, request.user)
    row = access.exercise(user, f"{course_slug}/{slug}")
    if row is None:
        # Not 403: who is no member of the course does not learn that the exercise exists.
        raise Http404
    written = abilities.written(locale_now(), Trust.of(row.course))
    open_ = rungs.rungs_now(user, row, written)
    read, others = samples(row)
    context = {
        "exercise": row,
        # markdown.statement lets an allow-list of tags through and nothing else.
        "statement": mark_safe(markdown.statement(row.statement())),  # noqa: S308
        "samples": others,
        "read": read,
        "rungs": open_,
        "ladder": ladder(open_),
        # Where no model may write there is nothing to count.
        "quota": quotas.words(quotas.left(user, row)) if written else "",
        "page": {
            "exercise": row.path,
            "language": row.language,
            "starter": row.starter,
            "locale": locale_now(),
            # Several people may use one browser, and each has drafts of their own.
            "draft": f"draft:{user.pk}:{row.path}",
            "words": script_words(),
        },
    }
    return render(request, "pages/exercise.html", context)


def samples(row: Exercise) -> tuple[int, list[dict[str, SampleText]]]:
    """Of the cases that students may see: how many the statement shows, and the others."""
    shown = markdown.examples(row.statement())
    texts = [
        {name: case[name] for name in ("stdin", "expected")}
        for case in row.cases
        if case["visible"]
    ]
    others = [each for each in texts if tuple(map(str.strip, each.values())) not in shown]
    told = [
        {name: sample_text(text) for name, text in each.items()} for each in others[:MOST_SAMPLES]
    ]
    return len(texts) - len(others), told


def sample_text(text: str) -> SampleText:
    return SampleText(shorten(text, SAMPLE_CHARS), len(text) > SAMPLE_CHARS)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the page for an error that nothing has answered."""
    if database.is_down(sys.exc_info()[1]):
        # Rendered without the request: context processors would ask the database that is down.
        response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(problem.DATABASE_DOWN.pause_s)
        return response
    return server_error(request)
