"""What a request to a model came to, in words for staff."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broker.contract.attempt import LEAK, PASSED, UNDECIDED, UNVERIFIED, Purpose
from web.tutor.writing.fault import Fault

OF_PURPOSE: Mapping[str, Mapping[str, object]] = {
    Purpose.DIAGNOSE: {
        PASSED: _("its program passes every test"),
        UNVERIFIED: _("no program of it was proved right"),
    },
    Purpose.WRITE: {PASSED: _("passed the gate")},
    Purpose.JUDGE: {
        PASSED: _("it says that the hint is no leak"),
        LEAK: _("it says that the hint is a leak"),
        UNDECIDED: _("it did not decide"),
    },
}
FAULTS: Mapping[str, object] = {
    Fault.LEAK: _("it says or suggests what to change"),
    Fault.CODE: _("it has code that is not the student's"),
    Fault.AVOID: _("it says a word that the author avoids"),
    Fault.SHORT: _("it is too short"),
    Fault.LONG: _("it is too long, or does not end"),
    Fault.NO_QUESTION: _("it asks nothing at its end"),
    Fault.QUESTIONS: _("it asks more than one thing"),
    Fault.LANGUAGE: _("it is not all in the student's language"),
    Fault.HARD: _("it is hard to read"),
    Fault.ECHO: _("it repeats itself, or what the model was told"),
    Fault.EXAMPLE: _("its example is missing, or too close to the exercise"),
    Fault.THOUGHTS: _("the model's thoughts are in it"),
    Fault.UNTRUE: _("it says something of the program that is not true"),
    Fault.REPEATS: _("it says what an earlier hint has said"),
}


def words(purpose: str, verdict: str, fault: str) -> str:
    """verdict, fault: as in broker.contract.attempt.ModelCall; "" where nobody judged the text."""
    if not verdict:
        return ""
    # Another release may have written the row, with words of its own.
    if known := OF_PURPOSE.get(purpose, {}).get(verdict):
        return str(known)
    # The rule about words that an author avoids has the name of its fault.
    if why := FAULTS.get(fault or verdict):
        return gettext("blocked (%(rule)s): %(why)s") % {"rule": verdict, "why": why}
    return gettext("blocked by %(rule)s") % {"rule": verdict}
