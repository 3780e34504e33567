"""What the exercise page's scripts say, in the reader's language; they fill in each `{name}`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from web.language import words_now
from web.people.rungs import why
from web.tutor.ladder import Rungs, free
from web.tutor.levels import LEVELS

USUAL = free()


def ladder(open_: Rungs = USUAL) -> list[dict[str, Any]]:
    """The levels as a student may read of them: level, name, about, absent, locked, why_locked."""
    return [
        {
            "level": number,
            "name": words_now(level.label),
            "about": words_now(level.about),
            "absent": number not in open_.levels,
            "locked": not open_.allows(number),
            # What opens the level above, the API tells; of those further up only this is known.
            "why_locked": (
                why(open_)
                if number == open_.above
                else _("Opens after a level %(below)d hint.") % {"below": below(open_, number)}
            ),
        }
        for number, level in LEVELS.items()
    ]


def below(open_: Rungs, number: int) -> int:
    """The level before this one; the lowest itself for the lowest."""
    return max((level for level in open_.levels if level < number), default=number)


def script_words() -> dict[str, str]:
    """Texts by the names that the scripts know them by."""
    return {
        "editor": _("Code editor"),
        "draft_saved": _("Saved in this browser"),
        "draft_not_saved": _("This browser keeps no drafts: copy your code before you leave"),
        "restarted": _("The starter code is back. Ctrl+Z brings yours back."),
        "running_tests": _("Running the tests…"),
        "passed": _("All {total} tests pass"),
        "failed": _("{passed} of {total} tests pass"),
        "syntax": _("Python cannot read this"),
        "error": _("The program stopped with an error"),
        "time": _("The program ran for too long"),
        "memory": _("The program took too much memory"),
        "too_deep": _("The program went too deep"),
        "output": _("The program printed too much"),
        "crashed": _("The program crashed"),
        "not_run": _("Not run"),
        "line": _("line {line}"),
        **case_words(),
        **steps_words(),
        "copied": _("Copied"),
        **{f"level_{rung['level']}": _("Level %(level)d · %(name)s") % rung for rung in ladder()},
        "asking": _("Sending your question…"),
        "state_queued": _("Waiting"),
        "state_running": _("Writing"),
        **dict.fromkeys(("state_answered", "state_withheld", "state_failed"), _("Ready")),
        "state_cancelled": _("Stopped"),
        "in_line": _("In the queue: place {position}."),
        "in_line_eta": _("In the queue: place {position}, about {eta} to go."),
        "starting": _("It is your turn in a moment."),
        "writing": _("The hint is being written…"),
        "again": _("The hint is being written anew…"),
        "stopping": _("Stopping…"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "ready": _("Your hint is ready."),
        "stopped": _("The request was stopped."),
        **source_words(),
        "thanks": _("Thank you. Your answer was saved."),
        "reflected": _("Your words are saved."),
        "taken_back": _("Nothing is saved any more."),
        "offline": _("No connection to the server. Trying again…"),
        "busy": _("The server is busy. Trying again…"),
        "still_running": _("Waiting for your last run to end…"),
        "unreachable": _("The server cannot be reached"),
        "unreachable_detail": _("Check your connection, then try again. Your code is kept."),
        "signed_out": _("Sign in again"),
    }


def source_words() -> dict[str, str]:
    """Who wrote a hint, and what stands behind what a model wrote."""
    return {
        "by_model": _("Written by AI, which can be wrong: check it against your code."),
        "by_model_verified": _(
            "Written by AI beside a program that passes every test. Its words can still be wrong: "
            "check them against your code."
        ),
        "by_model_unverified": _(
            "Written by AI, and no corrected program stands behind it: check it against your code. "
            "If it does not help, say so below, where your teacher can read it, or ask them."
        ),
        "proof_verified": _("Verified"),
        "proof_unverified": _("Not verified"),
        "by_evidence": _("Made from what your own program did, without AI."),
        "by_authored": _("Written by your teacher."),
        "by_l0": _("Made from the test report."),
    }


def case_words() -> dict[str, str]:
    """Of the first failing case, and of the place where the program came to its end."""
    return {
        "call": _("Call"),
        "input": _("Input"),
        "got": _("Got"),
        "printed": _("Printed"),
        "nothing": _("(nothing)"),
        "at_line": _("Line {line}"),
        "ended_failed": _("It ended here."),
        "ended_error": _("It stopped here."),
        "ended_syntax": _("Python cannot read this."),
        "ended_limit": _("It was here when it was stopped."),
    }


def steps_words() -> dict[str, str]:
    """Of the table of what the program did, by web.tutor.evidence.steps.StepsKind."""
    return {
        "step_loop": _("Round"),
        "step_calls": _("Call"),
        "step_lines": _("Line"),
        "about_loop": _(
            "The loop of line {line}: a row for each round, with the values at its end."
        ),
        "about_calls": _("A row for each call, in the order in which they began."),
        "about_lines": _("A row for each line that ran, with the values after it."),
        "gave_back": _("Gave back"),
        "changed": _("new value"),
        "omitted": _("… {n} more …"),
    }
