"""Whether budgets last: of the month, and of each course's day."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from web.fleet import costs
from web.ops.doctor.observation import Observation, fine, warning


def budgets() -> Iterator[Observation]:
    month, courses = costs.month(), costs.courses()
    if month:
        words = {"share": round(100 * month.share), "budget": month.budget, "unit": month.unit}
        text = _("%(share)d %% of this month's budget of %(budget).2f %(unit)s are spent.") % words
        if month.tone == "ok":
            yield fine(text)
        else:
            yield warning(text, _("Look at the page of costs for what takes them, or raise it."))
    for course in courses:
        if course.tone != "ok":
            told = {"course": course.name, "share": round(100 * course.share)}
            yield warning(
                _("The course %(course)s has used %(share)d %% of its tokens of 24 hours.") % told,
                _("Beyond that its hints come without a model; the course's quota can be raised."),
            )
    if not month and not courses:
        yield fine(_("There is no budget."))
