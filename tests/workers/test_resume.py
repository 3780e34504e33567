"""However often a hint is cut and goes on elsewhere, its watchers read what one attempt wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.contract.events import Event, EventKind, shown
from broker.contract.hint import Lane, State, Usage
from broker.contract.job import Endpoint, HintJob, Sampling, Thinking
from broker.health import EngineFailure
from tests.workers.kit import to_be_sent, written
from web.engines.client.chunk import Chunk
from web.engines.client.errors import EngineFailed
from web.engines.kinds import KINDS
from workers.attempt.attempt import Attempt
from workers.attempt.moving import left

REFERENCE = "def add(a, b):\n    return a + b"
JOB = HintJob(
    hint="h",
    student="s",
    attempt=1,
    engine="gpu0",
    level=2,
    locale="en",
    licensed=True,
    statement="Add two numbers.",
    reference=REFERENCE,
    mistakes="",
    authored="Look at the sign.",
    l0="",
    code="def add(a, b):\n    return a - b",
    question="",
    endpoint=Endpoint(
        base_url="http://gpu0/v1", model="m", has=KINDS["vllm"].has, thinking=Thinking.NEVER
    ),
    sampling=Sampling(max_tokens=100),
)
SENTENCES = st.sampled_from(
    (
        "Look at the sign.",
        "What does `a - b` give for 2 and 3?",
        "Follow e.g. the first call of it.",
        "Write `return a + b` there.",
        "It goes on and on in the same way.",
    )
)
GAPS = st.sampled_from((" ", "  ", "\n"))


class Continuing:
    """Writes one text, in pieces of `size`; a beginning it is given it goes on from."""

    def __init__(self, text: str, size: int, cut_at: int | None) -> None:
        self.text, self.size, self.cut_at = text, size, cut_at
        self.sampled: list[Sampling] = []

    async def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Any],
        request_id: str,
        lane: Lane,
    ) -> AsyncGenerator[Chunk, None]:
        self.sampled.append(sampling)
        last = messages[-1]
        start = len(last["content"]) if last["role"] == "assistant" else 0
        assert not start or self.text.startswith(last["content"])
        end = len(self.text) if self.cut_at is None else max(start, self.cut_at)
        for at in range(start, end, self.size):
            piece = self.text[at : min(end, at + self.size)]
            yield Chunk(piece, None, Usage(completion_tokens=at - start + len(piece)))
        if self.cut_at is not None:
            raise EngineFailed(EngineFailure.CUT, "a test")
        yield Chunk("", "stop")


def attempt(job: HintJob, model: Continuing, log: list[Event]) -> Attempt:
    """One attempt that adds to the log."""
    done = asyncio.run(written(job, model, shown(log)))
    done.outgoing.put(EventKind.QUEUED)
    log += to_be_sent(done.outgoing)
    return done


def watched(log: list[Event]) -> str:
    """What a browser shows."""
    text = ""
    for event in log:
        if event.kind is EventKind.RESET:
            text = ""
        if event.kind is EventKind.PIECE:
            text += json.loads(event.data)["text"]
    return text


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(SENTENCES, GAPS), min_size=1, max_size=5),
    size=st.integers(1, 9),
    cuts=st.lists(st.integers(0, 200), max_size=3),
)
def test_any_cuts_anywhere_give_the_text_of_one_attempt(
    parts: list[tuple[str, str]], size: int, cuts: list[int]
) -> None:
    text = "".join(sentence + gap for sentence, gap in parts).rstrip()
    whole = attempt(JOB, Continuing(text, size, None), []).outcome
    assert whole

    log: list[Event] = []
    job = JOB
    for cut in sorted(cuts):
        last = attempt(job, Continuing(text, size, cut), log)
        if not last.failure:
            break
        job = replace(job, attempt=job.attempt + 1, partial=left(last, 0))
    else:
        last = attempt(job, Continuing(text, size, None), log)

    ending = last.outcome
    assert ending
    assert not last.failure
    assert (ending.state, ending.text) == (whole.state, whole.text)
    if ending.state is State.ANSWERED:
        assert watched(log) == ending.text


def test_the_rest_gets_the_tokens_that_are_left() -> None:
    text = "Look at the sign. What does `a - b` give for 2 and 3?"
    log: list[Event] = []
    first = attempt(JOB, Continuing(text, 5, 20), log)
    job = replace(JOB, attempt=2, partial=left(first, 1))
    model = Continuing(text, 5, 30)

    again = left(attempt(job, model, log), 2)

    assert [sampling.max_tokens for sampling in model.sampled] == [80]
    assert (again.text, again.cuts) == (text[:30], 2)
    assert again.tokens == 20 + 30 - len(text[:20].rstrip())


def test_the_beginning_ends_without_white_space() -> None:
    """A chat template would drop it, and the model writes it again."""
    text = "Look at the sign. What does `a - b` give for 2 and 3?"
    for cut in (17, 18):
        log: list[Event] = []
        first = attempt(JOB, Continuing(text, 1, cut), log)
        job = replace(JOB, attempt=2, partial=left(first, 1))

        assert job.beginning == "Look at the sign."
        ending = attempt(job, Continuing(text, 5, None), log).outcome
        assert ending
        assert watched(log) == ending.text == text
        assert EventKind.RESET not in [event.kind for event in log]


def test_usage_is_known_of_a_stream_that_the_gate_stops() -> None:
    text = "Look at the sign. What does it do? And so on and on."
    model = Continuing(text, 5, None)
    log: list[Event] = []

    done = attempt(replace(JOB, level=1), model, log)

    ending = done.outcome
    assert ending
    assert ending.text == "Look at the sign. What does it do?"
    assert len(ending.text) <= ending.usage.completion_tokens < len(text)
    assert [call.usage for call in done.calls] == [ending.usage]
