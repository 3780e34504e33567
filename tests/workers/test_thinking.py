"""A model's thoughts are never shown, never stop it, and never pass for an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import Kind
from broker.contract.hint import Lane, Outcome, Reason, State, Usage
from broker.contract.job import Dialect, Endpoint, HintJob, Partial, Sampling, Thinking
from web.engines.client.answer import Answer
from web.engines.client.chunk import Chunk
from web.engines.client.errors import ModelCut
from web.engines.kinds import KINDS
from workers.attempt import pipeline
from workers.attempt.attempt import left
from workers.attempt.pipeline import Elsewhere, Record
from workers.attempt.relay import Feed
from workers.attempt.screen import Screen

UNKNOWN = Endpoint(base_url="http://e/v1", model="m", has=KINDS["vllm"].has)
NEVER = replace(UNKNOWN, thinking=Thinking.NEVER)
HINT = "Look at the sign. What does it do?"
THOUGHT = "They must add. So the body is return a + b. What could I ask?"
JOB = HintJob(
    hint="h",
    student="s",
    attempt=1,
    engine="gpu0",
    level=1,
    locale="en",
    statement="Add two numbers.",
    reference="def add(a, b):\n    return a + b",
    mistakes="",
    authored="Read the name of it.",
    l0="",
    code="def add(a, b):\n    return a - b",
    question="",
    endpoint=UNKNOWN,
    sampling=Sampling(max_tokens=100),
)


def pieces(text: str, size: int = 5) -> list[Chunk]:
    return [Chunk(text[start : start + size]) for start in range(0, len(text), size)]


class Scripted:
    """Plays one list of chunks a request; an error in it is raised."""

    def __init__(self, *scripts: Sequence[Chunk | Exception]) -> None:
        self.scripts = list(scripts)
        self.asked: list[tuple[list[Any], Sampling]] = []
        self.endpoints: list[Endpoint] = []
        self.left_unread = 0

    async def stream(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Any],
        request_id: str,
        lane: Lane,
    ) -> AsyncGenerator[Chunk, None]:
        self.endpoints.append(endpoint)
        self.asked.append((list(messages), sampling))
        script = list(self.scripts.pop(0))
        while script:
            self.left_unread = len(script) - 1
            piece = script.pop(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece


def run(
    job: HintJob, *scripts: Sequence[Chunk | Exception]
) -> tuple[Outcome | Elsewhere, Record, list[str], Scripted]:
    """The ending, what was left, the pieces that were shown, and the model."""
    feed = Feed(job.hint, job.attempt, job.student, lambda: None)
    record, model = Record(Screen(feed)), Scripted(*scripts)
    ending = asyncio.run(pipeline.run(job, model, feed, record, ""))
    shown = [json.loads(data)["text"] for kind, data in feed._pending if kind is Kind.PIECE]
    return ending, record, shown, model


def at(endpoint: Endpoint) -> HintJob:
    return replace(JOB, endpoint=endpoint)


STOP = Chunk("", "stop", Usage(prompt_tokens=9, completion_tokens=40))
LENGTH = Chunk("", "length", Usage(prompt_tokens=9, completion_tokens=100))
ANSWERS = {
    "opened and closed": pieces(f"<think>{THOUGHT}</think>\n{HINT}"),
    "only closed": pieces(f"{THOUGHT}\n</think>\n\n{HINT}"),
    "kept apart": [Chunk(thoughts=9), Chunk(thoughts=9), *pieces(HINT)],
    "kept apart, after a blank": [Chunk("\n\n"), Chunk(thoughts=9), *pieces(HINT)],
    "kept apart, with a mark": [Chunk(thoughts=9), *pieces(f"</think>{HINT}")],
    "none": pieces(HINT),
}


@pytest.mark.parametrize(
    ("endpoint", "name"),
    # Who says that a model does not think vouches for it that no closing mark comes alone.
    [(UNKNOWN, name) for name in ANSWERS]
    + [(NEVER, name) for name in ANSWERS if "only" not in name],
)
def test_the_answer_is_shown_without_its_thoughts(endpoint: Endpoint, name: str) -> None:
    ending, record, shown, _ = run(at(endpoint), [*ANSWERS[name], STOP])

    assert isinstance(ending, Outcome)
    assert (ending.state, ending.text, "".join(shown)) == (State.ANSWERED, HINT, HINT)
    assert record.turns[0].text == "".join(chunk.text for chunk in ANSWERS[name])


def test_a_model_that_thinks_though_nobody_said_so_is_held_from_then_on() -> None:
    _, record, _, _ = run(at(NEVER), [*ANSWERS["opened and closed"], STOP])
    assert record.learned is not None
    assert record.learned.thinks

    later = at(replace(NEVER, dialect=record.learned))
    ending, _, shown, _ = run(later, [*ANSWERS["only closed"], STOP])

    assert isinstance(ending, Outcome)
    assert (ending.text, "".join(shown)) == (HINT, HINT)


def test_a_model_that_does_not_think_teaches_nothing() -> None:
    _, record, _, _ = run(at(NEVER), [*ANSWERS["none"], STOP])

    assert record.learned == NEVER.dialect


ENDLESS = {
    "kept apart": [Chunk(thoughts=9)] * 9,
    "opened": pieces(f"<think>{HINT} {THOUGHT}"),
    "opened and closed": pieces(f"<think>{THOUGHT}</think>\n\n"),
    "perhaps": pieces(f"{HINT} {THOUGHT}"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_tokens_that_all_went_into_thoughts_have_a_reason_of_their_own(name: str) -> None:
    ending, record, shown, model = run(JOB, [*ENDLESS[name], LENGTH])

    assert isinstance(ending, Outcome)
    assert (ending.state, ending.reason) == (State.FAILED, Reason.ONLY_THOUGHTS)
    assert (ending.text, ending.usage.completion_tokens) == (JOB.authored, 100)
    assert "raise max tokens, or turn thinking off" in record.error
    assert shown == []
    assert len(model.asked) == 1


def test_a_text_that_the_filter_of_its_server_cut_may_be_thoughts_but_no_tokens_were_eaten() -> (
    None
):
    cut = [*pieces(THOUGHT), Chunk("", "content_filter")]
    ending, _, shown, _ = run(JOB, cut, cut)

    assert isinstance(ending, Outcome)
    assert (ending.reason, shown) == (Reason.OFF_TEMPLATE, [])


def test_thoughts_that_look_like_a_whole_hint_do_not_stop_the_model() -> None:
    thoughts = "Look at the sign. Where is it?"
    for endpoint, text in (
        (UNKNOWN, f"{thoughts}</think>{HINT}"),
        (NEVER, f"<think>{thoughts}</think>{HINT}"),
    ):
        ending, *_ = run(at(endpoint), [*pieces(text), STOP])

        assert isinstance(ending, Outcome)
        assert ending.text == HINT


@pytest.mark.parametrize(
    ("endpoint", "before"),
    [
        (NEVER, []),
        (UNKNOWN, [Chunk(thoughts=3)]),
        (UNKNOWN, [Chunk("\n"), Chunk(thoughts=3), Chunk("\n")]),
    ],
)
def test_an_answer_that_is_known_to_be_one_streams_and_stops_its_model(
    endpoint: Endpoint, before: list[Chunk]
) -> None:
    ending, _, _, model = run(at(endpoint), [*before, *pieces(f"{HINT} And so on.\n" * 9), STOP])

    assert isinstance(ending, Outcome)
    assert ending.text == HINT
    assert model.left_unread > 50


def test_an_answer_of_a_model_that_may_think_is_held_until_it_is_clear() -> None:
    answer = Answer(UNKNOWN)

    assert [answer.feed(chunk) for chunk in [*pieces(HINT), STOP]] == [""] * 8
    assert answer.finish() == HINT


def test_thoughts_that_a_server_would_not_turn_off_are_held() -> None:
    endpoint = replace(NEVER, extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    dialect = Dialect(left_out=frozenset({"chat_template_kwargs"}))
    script = pieces(f"{THOUGHT}</think>{HINT}")

    for job, chunks in (
        (at(endpoint), [Chunk(learned=dialect), *script, STOP]),
        (at(replace(endpoint, dialect=dialect)), [*script, STOP]),
    ):
        ending, record, shown, _ = run(job, chunks)

        assert isinstance(ending, Outcome)
        assert ("".join(shown), ending.text) == (HINT, HINT)
        assert record.learned == replace(dialect, thinks=True)


@pytest.mark.parametrize(
    ("endpoint", "script", "left_text", "tokens"),
    [
        (NEVER, pieces("Look at the"), "Look at the", 30),
        (NEVER, pieces(f"<think>{THOUGHT}</think>Look at the"), "Look at the", 0),
        (NEVER, pieces("<think>They must"), "", 30),
        (UNKNOWN, pieces("Look at the"), "", 30),
        (UNKNOWN, pieces(f"{THOUGHT}</think>Look at the"), "Look at the", 0),
        (UNKNOWN, [Chunk(thoughts=3), *pieces("Look at the")], "Look at the", 0),
        (UNKNOWN, [Chunk(thoughts=3)], "", 30),
    ],
)
def test_a_cut_attempt_leaves_its_answer_alone(
    endpoint: Endpoint, script: list[Chunk], left_text: str, tokens: int
) -> None:
    """Its tokens are not those of the answer where thoughts came before it."""
    used = Chunk(usage=Usage(completion_tokens=30))
    ending, record, _, _ = run(at(endpoint), [used, *script, ModelCut("a test")])

    assert isinstance(ending, Elsewhere)
    partial = left(JOB, record, 1)
    assert (partial.text, partial.tokens) == (left_text, tokens)


def test_what_goes_on_from_an_answer_streams_at_once() -> None:
    job = replace(JOB, attempt=2, partial=Partial(model="m", text="Look at the"))
    ending, _, shown, model = run(
        job, [Chunk(" "), *pieces("sign. What does it do? And so on." * 9), STOP]
    )

    assert isinstance(ending, Outcome)
    assert ("".join(shown), ending.text) == (HINT, HINT)
    assert model.left_unread > 20


def test_a_rest_that_a_server_takes_for_thoughts_is_asked_for_anew() -> None:
    job = replace(JOB, attempt=2, partial=Partial(model="m", text="Look at the"))
    ending, record, shown, model = run(job, [Chunk(thoughts=20), STOP], [*pieces(HINT), STOP])

    assert isinstance(ending, Outcome)
    assert (ending.text, "".join(shown), record.error) == (HINT, HINT, "")
    assert [messages[-1]["role"] for messages, _ in model.asked] == ["assistant", "user"]


def test_a_second_turn_after_a_refused_one_may_think_too() -> None:
    leak = [*pieces("<think>hm</think>Write `return a + b` there."), STOP]
    ending, record, _, _ = run(at(NEVER), leak, [*ENDLESS["opened"], LENGTH])

    assert isinstance(ending, Outcome)
    assert (ending.state, ending.reason) == (State.FAILED, Reason.ONLY_THOUGHTS)
    assert [turn.verdict.reason for turn in record.turns] == [Reason.LEAK, Reason.ONLY_THOUGHTS]


@given(size=st.integers(1, 30), name=st.sampled_from(sorted(ANSWERS)))
def test_no_cut_into_pieces_shows_a_thought(size: int, name: str) -> None:
    text = "".join(chunk.text for chunk in ANSWERS[name])
    apart = [chunk for chunk in ANSWERS[name] if chunk.thoughts]

    ending, *_ = run(JOB, [*apart, *pieces(text, size), STOP])

    assert isinstance(ending, Outcome)
    assert ending.text == HINT


def test_a_second_turn_asks_as_the_first_one_has_learned() -> None:
    dialect = Dialect(left_out=frozenset({"top_p"}))
    leak = [Chunk(learned=dialect), *pieces("Write `return a + b` there."), STOP]

    _, record, _, model = run(at(NEVER), leak, [*pieces(HINT), STOP])

    assert [endpoint.dialect for endpoint in model.endpoints] == [Dialect(), dialect]
    assert record.learned == dialect
