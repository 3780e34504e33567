"""A model's hint says whether a right program stands behind it, and says little without one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workers.kit import placed, submitted
from tests.workers.test_attempt import row
from tests.workers.test_diagnosing import CLEAN, Doctor, answer, diagnosed
from web.courses.models import AuthoredHint, Exercise
from web.hints.models import ModelCall
from web.people.models import User
from workers.attempt import attempt
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = (
    "Read the statement once more, and say in your own words what is asked of the two numbers. "
    "Every operation has a meaning of its own, and a sign stands for one of them. Write three "
    "small cases on paper with the results that you expect, work each of them out by hand as the "
    "program does it, and compare. Where the two part, ask which meaning the sign has there, and "
    "which one your sentence had. Then look whether other places rest on the same belief. A "
    "program does what its signs say, and never what its writer means by them. Which of your "
    "small cases shows the difference most plainly?"
)


def asked(student: User, exercise: Exercise, level: int, *, diagnoses: bool, **changes: Any) -> str:
    """A hint of this level. changes: of the exercise."""
    if diagnoses:
        diagnosed()
    Exercise.objects.update(revision=level + 10, **changes)
    there = Exercise.objects.get()
    AuthoredHint.objects.create(exercise=there, level=3, text_ko="규칙", text_en="The rule.")
    return placed(student, there, submission=submitted(student, there), level=level, locale="en")


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("proof", ["reference", "fix", "none"])
async def test_above_level_2_a_hint_needs_a_right_program(
    runtime: Runtime, student: User, exercise: Exercise, level: int, proof: str
) -> None:
    changes = {} if proof == "reference" else {"reference": ""}

    def make() -> str:
        return asked(student, exercise, level, diagnoses=proof == "fix", **changes)

    hint = await runtime.database.run(make)
    text = PLAN if level == 3 else CLEAN
    model = runtime.model = Doctor(writes=[[text], [text]])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    if level == 3 and proof == "none":
        ended = (final.state, final.reason, final.source, final.text, final.verified)
        assert ended == ("failed", "unverified", "authored", "The rule.", None)
        assert not model.written
    else:
        assert (final.state, final.source) == ("answered", "model")
        assert final.verified is (proof != "none")


async def test_a_fix_that_did_not_pass_is_no_proof(
    runtime: Runtime, student: User, exercise: Exercise
) -> None:
    hint = await runtime.database.run(
        lambda: asked(student, exercise, 3, diagnoses=True, reference="")
    )
    runtime.model = Doctor([answer(fixed_code="")])  # type: ignore[assignment]

    await attempt.generate(runtime, hint)

    final = await row(runtime, hint)
    assert (final.reason, final.verified) == ("unverified", None)
    purposes = await runtime.database.run(
        lambda: list(ModelCall.objects.values_list("purpose", flat=True))
    )
    assert purposes == ["diagnose"]
