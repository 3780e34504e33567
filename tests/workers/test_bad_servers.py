"""Every way in which the bad server misbehaves, through the client, the gate and the pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.contract.hint import Outcome, Reason, Source, State
from broker.contract.job import Endpoint, HintJob, Sampling, Thinking
from broker.health import EngineFailure
from tests.failures import fails
from tests.fakes.badreply import HINT
from tests.fakes.badserver import MODES
from tests.fakes.launch import BadServer
from tests.workers.kit import to_be_sent, written
from web.engines.client.model import Model
from workers.attempt.attempt import Attempt

SECRET = "my_cups = student_secret_variable + 4711"
JOB = HintJob(
    hint="h",
    student="s",
    attempt=1,
    engine="api",
    level=1,
    locale="en",
    licensed=True,
    statement="How many days does the rice last?",
    reference="def rice_days(cups, per_day):\n    return cups // per_day",
    mistakes="",
    authored="Count the days.",
    l0="rice_days(7, 3) should give 2.",
    code=f"def rice_days(cups, per_day):\n    {SECRET}\n    return 0\n",
    question="",
    endpoint=Endpoint(base_url="", model="fake", api_key="sk-secret", first_chunk_s=30, idle_s=3),
    sampling=Sampling(),
)

ANSWERED = {
    "good", "think-tags", "thinking-tags", "thought-tags", "reasoning-tags", "magistral-tags",
    "seed-tags", "harmony-tags", "think-no-open", "reasoning-field", "content-parts",
    "thinks-in-hiding", "error-null", "delta-null", "nul-text", "bytewise", "lone-cr",
    "no-reason-done", "ignores-stream", "gzipped", "deflated", "brotli-packed", "azure",
    "named-events", "strange-usage", "two-choices", "whole-text-field", "no-models-list", "gpt5",
    "no-stream-options", "mistral-422", "strict", "no-both-sampling", "no-limit-at-all",
    "only-old-tokens", "no-system", "no-extra", "thinks-aloud", "stays-open", "bangs-some",
    "bangs-200", "echo", "no-stream",
}  # fmt: skip
ENDED: dict[str, Reason] = {
    "reasoning-eats-all": Reason.ONLY_THOUGHTS,
    "think-never-closed": Reason.ONLY_THOUGHTS,
    "think-no-mark": Reason.ONLY_THOUGHTS,
    "only-thoughts": Reason.ONLY_THOUGHTS,
    "filtered": Reason.OFF_TEMPLATE,
    "tool-calls": Reason.OFF_TEMPLATE,
    "refusal-field": Reason.OFF_TEMPLATE,
    "no-quota": Reason.MODEL_REFUSED,
    "html-200": Reason.MODEL_REFUSED,
    "error-in-200": Reason.MODEL_REFUSED,
    "context-full": Reason.REQUEST_REFUSED,
    "refuses-all": Reason.REQUEST_REFUSED,
    "echoes": Reason.REQUEST_REFUSED,
    "endless-error": Reason.REQUEST_REFUSED,
    "dripping-error": Reason.REQUEST_REFUSED,
    "deep-error": Reason.REQUEST_REFUSED,
    **{f"redirect-{status}": Reason.MODEL_REFUSED for status in (301, 302, 303, 307, 308)},
}
ELSEWHERE: dict[str, EngineFailure] = {
    "empty-reason": EngineFailure.CUT,
    "stop-in-each": EngineFailure.CUT,
    "clean-half": EngineFailure.CUT,
    "error-event": EngineFailure.CUT,
    "falls-silent": EngineFailure.TIMEOUT,
    "endless-line": EngineFailure.UNREACHABLE,
    "flood": EngineFailure.CUT,
    "packed-flood": EngineFailure.UNREACHABLE,
    "bomb-200": EngineFailure.UNREACHABLE,
    "rate-limited": EngineFailure.RATE_LIMITED,
    "html-error": EngineFailure.UNREACHABLE,
    "error-bomb": EngineFailure.UNREACHABLE,
    "brotli-error-bomb": EngineFailure.UNREACHABLE,
}
OTHERS = {"slow-good", "role-then-silence", "split-surrogates", "rpm", "java-answer"}
"""Too slow to be run here, or in tests of their own; the gate has one for the last."""


def job_of(server: BadServer, mode: str, **changes: Any) -> HintJob:
    server.reset()
    endpoint = replace(JOB.endpoint, base_url=server.at(mode), **changes)
    return replace(JOB, endpoint=endpoint)


def shown(attempt: Attempt) -> str:
    """What watchers of the hint were told."""
    return " ".join(each.data for each in to_be_sent(attempt.outgoing))


def test_every_mode_has_its_row() -> None:
    rows = [*ANSWERED, *ENDED, *ELSEWHERE, *OTHERS]

    assert sorted(rows) == sorted(MODES)


@pytest.mark.parametrize("mode", sorted(ANSWERED))
async def test_a_hint_that_a_server_carries_is_shown(
    server: BadServer, model: Model, mode: str
) -> None:
    attempt = await written(job_of(server, mode), model)

    ending = attempt.outcome
    assert ending
    assert (ending, attempt.error) == (
        Outcome(
            state=State.ANSWERED, text=HINT, source=Source.MODEL, usage=ending.usage, verified=True
        ),
        "",
    )


@pytest.mark.parametrize(
    ("mode", "thinking"),
    [
        (mode, thinking)
        for mode in sorted(ENDED)
        for thinking in Thinking
        # Who says that a model does not think vouches for it that its text is the answer.
        if (mode, thinking) != ("think-no-mark", Thinking.NEVER)
    ],
)
async def test_without_a_hint_the_reason_is_the_right_one(
    server: BadServer, model: Model, mode: str, thinking: Thinking
) -> None:
    attempt = await written(job_of(server, mode, thinking=thinking), model)

    ending = attempt.outcome
    assert ending
    assert not attempt.failure
    assert (ending.reason, ending.text) == (ENDED[mode], "")
    assert attempt.error or ending.state is State.WITHHELD
    for secret in (SECRET, "student_secret", "4711", "sk-secret"):
        assert secret not in attempt.error
    assert "per_day" not in shown(attempt)


@pytest.mark.parametrize("mode", sorted(ELSEWHERE))
async def test_a_server_that_fails_is_left_for_another(
    server: BadServer, model: Model, mode: str
) -> None:
    attempt = await written(job_of(server, mode), model)

    assert attempt.failure == ELSEWHERE[mode]
    assert attempt.error


async def test_a_pair_of_halves_is_one_emoji(server: BadServer, model: Model) -> None:
    job = job_of(server, "split-surrogates")

    text = [chunk.text async for chunk in model.stream(job.endpoint, JOB.sampling, PROMPT, "h-1")]

    assert "".join(text) == f"Good start \N{SLIGHTLY SMILING FACE}. {HINT}"


PROMPT: list[Any] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": SECRET},
]


async def read(model: Model, endpoint: Endpoint) -> str:
    """Raises: ModelError."""
    stream = model.stream(endpoint, JOB.sampling, PROMPT, "h-1")
    return "".join([chunk.text async for chunk in stream])


async def test_the_first_token_is_awaited_until_a_word_comes(
    server: BadServer, model: Model
) -> None:
    """The server sends empty frames for 2 s before it."""
    endpoint = replace(job_of(server, "thinks-in-hiding").endpoint, idle_s=0.5)

    assert await read(model, endpoint) == HINT
    with fails(EngineFailure.TIMEOUT, match="no first chunk"):
        await read(model, replace(endpoint, first_chunk_s=1.0))


async def test_empty_frames_after_a_word_are_silence(server: BadServer, model: Model) -> None:
    endpoint = replace(job_of(server, "falls-silent").endpoint, idle_s=0.5)

    with fails(EngineFailure.TIMEOUT, match=r"no chunk for 0\.5 s"):
        await read(model, endpoint)


async def test_thoughts_are_signs_of_life(server: BadServer, model: Model) -> None:
    endpoint = replace(job_of(server, "thinks-aloud").endpoint, first_chunk_s=1.0, idle_s=1.0)

    assert await read(model, endpoint) == HINT


async def test_a_stream_that_stays_open_after_its_end_is_left(
    server: BadServer, model: Model
) -> None:
    endpoint = replace(job_of(server, "stays-open").endpoint, idle_s=0.5)

    assert await read(model, endpoint) == HINT
