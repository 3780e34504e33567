"""The exercises whose wrong programs a test of the connection may ask about."""

from __future__ import annotations

from itertools import groupby

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broker.contract.text import row_number
from web.courses.models import PYTHON, AuthoredHint, Exercise
from web.engines import example
from web.engines.example import LEVEL, WrongProgram
from web.people import access
from web.people.models import User
from web.runner.checker import SandboxBusy, checker
from web.tutor.evidence.report import Report, Verdict

# In a longer list nobody would find an exercise, and any one of them tests the connection.
MOST = 200


def open_to(user: User) -> QuerySet[Exercise]:
    """Those of the person's courses that come with a wrong program which can be run here."""
    rows = Exercise.objects.filter(course__in=access.courses(user), language=PYTHON)
    return rows.exclude(wrong=[]).select_related("course").order_by("course", "position", "pk")


def choices(user: User) -> list[tuple[str, list[tuple[str, str]]]]:
    """Value and title of each, by the title of its course; the shipped one comes first."""
    shipped = [("", example.shipped().exercise.title())]
    rows = groupby(open_to(user)[:MOST], key=lambda row: row.course)
    courses = [
        (str(course.title()), [(str(row.pk), str(row.title())) for row in of_course])
        for course, of_course in rows
    ]
    return [(_("Shipped with Hintline"), shipped), *courses]


def wrong_program(user: User, chosen: str) -> WrongProgram:
    """chosen: a value of choices; the shipped one stands for any other."""
    number = row_number(chosen)
    row = open_to(user).filter(pk=number).first() if number else None
    if row is None:
        return example.shipped()
    code = row.wrong[0]["code"]
    hint = AuthoredHint.objects.filter(exercise=row, level=LEVEL).first() or AuthoredHint()
    return WrongProgram(row, hint, code, report(row, code))


def report(row: Exercise, code: str) -> Report:
    try:
        return checker().check(code, row.tests_here(), row.limits()).cut()
    except SandboxBusy:
        # The connection is tested, not the program: a hint is asked for all the same.
        return Report(verdict=Verdict.NOT_RUN)
