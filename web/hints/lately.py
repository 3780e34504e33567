"""What each student's latest run showed: the next hint for that program needs no second one.

It is of this process alone: another one runs the program once more, and finds the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from web.courses.models import Exercise
from web.hints.models import Submission
from web.people.models import User
from web.tutor.evidence.report import Report

MOST = 256
"""Of 64 KB of code and a report at most; whose run is forgotten has the program run again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """revision: of the exercise, which its author may have changed since."""

    code: str
    revision: int
    report: dict[str, Any]


class Lately:
    """Threads may share it."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[int, int], Shown] = OrderedDict()
        self._lock = Lock()

    def keep(self, program: Submission) -> None:
        """Of a run here, with what was found of it."""
        key = program.student_id, program.exercise_id
        shown = Shown(program.code, program.exercise.revision, program.report)
        with self._lock:
            self._shown[key] = shown
            self._shown.move_to_end(key)
            if len(self._shown) > MOST:
                self._shown.popitem(last=False)

    def find(self, student: User, exercise: Exercise, code: str) -> Report | None:
        """What this very program showed, if it was found out what it did."""
        shown = self._shown.get((student.pk, exercise.pk))
        if shown is None or shown.code != code or shown.revision != exercise.revision:
            return None
        report = Report.from_json(shown.report)
        return report if report.facts else None


lately = Lately()
