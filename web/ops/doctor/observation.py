"""One thing that was seen of a set-up, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from django.utils.functional import Promise

Words = str | Promise


class Severity(IntEnum):
    """The worst of all is also the command's exit status."""

    OK = 0
    WARNING = 1
    """It works, and may not for long, or not for everybody."""
    ERROR = 2
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Observation:
    """text: what is so. advice: what to do about it; empty where nothing is to be done."""

    severity: Severity
    text: Words
    advice: Words = ""


def fine(text: Words) -> Observation:
    return Observation(Severity.OK, text)


def warning(text: Words, advice: Words) -> Observation:
    return Observation(Severity.WARNING, text, advice)


def error(text: Words, advice: Words) -> Observation:
    return Observation(Severity.ERROR, text, advice)
