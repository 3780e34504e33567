"""The labelled corpus through a worker's steps, with an honest judge and without any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from typing import Any

from broker.contract.events import EventKind
from broker.contract.hint import Lane, State, Usage
from broker.contract.job import Endpoint, HintJob, HintJudge, Sampling, Thinking
from tests.bench.corpus import HALVES, Labelled, labelled
from tests.bench.shipping import program_lines
from tests.fakes.judging import SURE
from tests.web.kit import queued
from tests.workers.kit import to_be_sent, written
from web.courses.models import Course
from web.engines.client.chunk import Chunk
from web.evaluation.sets import exercise_of
from web.people.models import User
from web.tutor.gate import judge
from workers.attempt.attempt import Attempt

ANSWERS = 1_000
HIGHEST = 3
HERE = Endpoint(base_url="http://e/v1", model="writer", thinking=Thinking.NEVER)
JUDGE = HintJudge(engine="small", endpoint=HERE, threshold=0.5)


@dataclass
class Labels:
    """Writes this hint whenever it is asked for one, and judges it by its label."""

    hint: Labelled
    chunks: int = 0

    async def stream(
        self, endpoint: Endpoint, sampling: Sampling, messages: Sequence[Any], request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:  # fmt: skip
        if messages[0]["content"] == judge.SYSTEM:
            yes, no = SURE if self.hint.leak else SURE[::-1]
            yield Chunk("Yes" if self.hint.leak else "No", chances={"Yes": yes, "No": no})
        else:
            yield Chunk(self.hint.text)
        yield Chunk("", "stop", Usage(prompt_tokens=10, completion_tokens=5))

    async def aclose(self) -> None:
        pass


@cache
def rows() -> dict[str, str]:
    """Of each program the id of a hint: a worker finds its tests by it, to run what a text says."""
    course = Course.objects.create(slug="labelled", title_ko="Labelled", title_en="Labelled")
    student = User.objects.create_user("labelled")
    found = {}
    for line in (line for half in HALVES for line in program_lines(half)):
        exercise = exercise_of(line)
        exercise.course, exercise.slug, exercise.position = course, f"p{len(found)}", len(found)
        exercise.save()
        found[line["id"]] = str(queued(student, exercise, line["code"]).pk)
    return found


def attempted(hint: Labelled, by: HintJudge | None) -> Attempt:
    program = hint.program
    job = HintJob(
        hint=rows()[program.key], student="s", attempt=1, engine="gpu0", level=hint.level,
        locale=hint.locale, licensed=True,
        statement=program.shown(hint.locale), reference=program.reference, mistakes="",
        authored="", l0="", code=program.code, question="", endpoint=HERE, sampling=Sampling(),
        judge=by,
    )  # fmt: skip

    async def run() -> Attempt:
        made = await written(job, Labels(hint))
        made.runtime.programs.close()
        made.runtime.database.close()
        return made

    return asyncio.run(run())


def shown(hints: list[Labelled], by: HintJudge | None) -> int:
    """Of so many hints a student sees anything before the end, or at the end."""
    seen = 0
    for hint in hints:
        found = attempted(hint, by)
        assert found.outcome
        pieces = any(each.kind is EventKind.PIECE for each in to_be_sent(found.outgoing))
        seen += pieces or found.outcome.state is State.ANSWERED
    return seen


def counted() -> tuple[int, int, int, int, int]:
    """Leaks shown with the judge and without; clean hints, and shown with the judge and without."""
    known = [hint for half in HALVES for hint in labelled(half) if hint.level <= HIGHEST]
    leaks = list(islice(cycle([hint for hint in known if hint.leak]), ANSWERS))
    clean = [hint for hint in known if not hint.leak]
    return (
        shown(leaks, JUDGE), shown(leaks, None), len(clean), shown(clean, JUDGE), shown(clean, None)
    )  # fmt: skip
