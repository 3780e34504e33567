"""What the model that writes a hint is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.contract.attempt import Purpose
from broker.contract.job import HintJob
from web.tutor.gate.judge import correction_of
from web.tutor.gate.ruling import Ruling
from web.tutor.levels import LEVELS
from web.tutor.writing import prompt
from web.tutor.writing.versions import version
from workers.attempt.calls import ModelRequest, nonce

if TYPE_CHECKING:
    from workers.attempt.attempt import Attempt


def asking(attempt: Attempt, beginning: str) -> ModelRequest:
    """The request for an answer, or for the rest of the one that is begun."""
    job, sampling = attempt.job, attempt.job.sampling
    diagnosis = attempt.diagnosis
    if LEVELS[job.level].tells and attempt.fix:
        # To say in words what has to change, the model must know it.
        diagnosis = f"{diagnosis}\n{correction_of(job.code, attempt.fix)}"
    # Before the first answer there is nothing to find fault with.
    last = attempt.rulings[-1] if attempt.rulings else Ruling(ok=True)
    task = replace(
        prompt_task(job),
        facts=attempt.facts,
        diagnosis=diagnosis,
        fault=last.fault,
        refused=last.sentence,
    )
    messages = prompt.build(task, nonce=nonce(job, Purpose.WRITE))
    if beginning and sampling.max_tokens is not None:
        left = max(1, sampling.max_tokens - attempt.draft.begun_tokens)
        sampling = replace(sampling, max_tokens=left)
    label = version(job.prompt).label
    return ModelRequest(Purpose.WRITE, label, messages, sampling, beginning)


def prompt_task(job: HintJob) -> prompt.PromptTask:
    """What was known when the hint was claimed."""
    return prompt.PromptTask(
        level=job.level,
        locale=job.locale,
        statement=job.statement,
        hint=job.authored,
        mistakes=job.mistakes,
        result=job.l0,
        code=job.code,
        question=job.question,
        facts=job.facts,
        earlier=job.earlier,
        examples=job.examples,
        avoid=job.avoid,
        version=job.prompt,
    )
