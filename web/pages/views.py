"""The pages a student sees: the courses with their exercises, and the workbench of one exercise."""

from __future__ import annotations

import sys
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.defaults import server_error

from web import database
from web.api import problem
from web.courses.models import Course, Exercise, Level
from web.language import locale_now
from web.pages.words import script_words
from web.people import access
from web.people.models import User
from web.tutor import markdown


@login_required
def home(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    exercises = Exercise.objects.only("course", "slug", "topic", "title_ko", "title_en").annotate(
        hint_count=Count("hints", filter=Q(hints__student=user, hints__state__in=access.RECEIVED))
    )
    courses = access.courses(user).prefetch_related(Prefetch("exercises", queryset=exercises))
    return render(request, "pages/home.html", {"courses": [listed(row) for row in courses]})


def listed(course: Course) -> dict[str, Any]:
    """A course as the list shows it; its exercises are prefetched with their hint_count."""
    locale = locale_now()
    return {
        "slug": course.slug,
        "name": course.title(locale),
        "exercises": [
            {
                "slug": exercise.slug,
                "name": exercise.title(locale),
                "topic": exercise.topic,
                "hint_count": exercise.hint_count,  # type: ignore[attr-defined]  # annotated above
            }
            for exercise in course.exercises.all()
        ],
    }


@login_required
def exercise(request: HttpRequest, course_slug: str, slug: str) -> HttpResponse:
    user = cast(User, request.user)
    row = access.exercise(user, f"{course_slug}/{slug}")
    if row is None:
        raise Http404
    locale = locale_now()
    open_level = access.open_level(user, row)
    context = {
        "exercise": row,
        "name": row.title(locale),
        "course_name": row.course.title(locale),
        # markdown.render lets an allow-list of tags through and nothing else.
        "statement": mark_safe(markdown.render(row.statement(locale))),  # noqa: S308
        "open_level": open_level,
        "ladder": rungs(open_level),
        "page": {
            "exercise": row.path,
            "language": row.language,
            "starter": row.starter,
            "locale": locale,
            "draft": f"draft:{user.pk}:{row.path}",
            "words": script_words(),
        },
    }
    return render(request, "pages/exercise.html", context)


def rungs(open_level: int) -> list[dict[str, Any]]:
    """The levels as the page offers them."""
    abouts = {
        Level.NOTICE: (_("Notice"), _("A question that makes you look at what goes wrong.")),
        Level.LOCATE: (_("Locate"), _("The place where your idea and the program part ways.")),
        Level.CONCEPT: (_("Concept"), _("The rule behind it, and a plan in words.")),
    }
    return [
        {
            "level": level,
            "name": name,
            "about": about,
            "locked": level > open_level,
            "why_locked": _("Opens after a level %(below)d hint.") % {"below": level - 1},
        }
        for level, (name, about) in abouts.items()
    ]


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the page for an error that nothing has answered."""
    if database.is_down(sys.exc_info()[1]):
        response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(problem.RETRY_S)
        return response
    return server_error(request)
