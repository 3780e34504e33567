"""A model's thoughts are never shown, never stop it, and never pass for an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.contract.events import EventKind
from broker.contract.hint import Lane, Outcome, Reason, State, Usage
from broker.contract.job import Dialect, Endpoint, HintJob, Partial, Sampling, Thinking
from broker.health import EngineFailure
from tests.workers.kit import to_be_sent, written
from web.engines.client.answer import Answer
from web.engines.client.chunk import Chunk
from web.engines.client.errors import EngineFailed
from web.engines.kinds import KINDS
from workers.attempt.attempt import Attempt
from workers.attempt.moving import left

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
    licensed=True,
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
) -> tuple[Outcome, Attempt, list[str], Scripted]:
    """The ending, the attempt, the pieces that were shown, and the model."""
    model = Scripted(*scripts)
    attempt = asyncio.run(written(job, model))
    told = to_be_sent(attempt.outgoing)
    shown = [json.loads(each.data)["text"] for each in told if each.kind is EventKind.PIECE]
    assert attempt.outcome
    return attempt.outcome, attempt, shown, model


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
    ending, attempt, shown, _ = run(at(endpoint), [*ANSWERS[name], STOP])

    assert not attempt.failure
    assert (ending.state, ending.text, "".join(shown)) == (State.ANSWERED, HINT, HINT)
    assert attempt.calls[0].text == "".join(chunk.text for chunk in ANSWERS[name])


def test_a_model_that_thinks_though_nobody_said_so_is_held_from_then_on() -> None:
    _, attempt, _, _ = run(at(NEVER), [*ANSWERS["opened and closed"], STOP])
    assert attempt.endpoint.dialect.thinks

    later = at(replace(NEVER, dialect=attempt.endpoint.dialect))
    ending, attempt, shown, _ = run(later, [*ANSWERS["only closed"], STOP])

    assert not attempt.failure
    assert (ending.text, "".join(shown)) == (HINT, HINT)


def test_a_model_that_does_not_think_teaches_nothing() -> None:
    _, attempt, _, _ = run(at(NEVER), [*ANSWERS["none"], STOP])

    assert attempt.endpoint.dialect == NEVER.dialect


ENDLESS = {
    "kept apart": [Chunk(thoughts=9)] * 9,
    "opened": pieces(f"<think>{HINT} {THOUGHT}"),
    "opened and closed": pieces(f"<think>{THOUGHT}</think>\n\n"),
    "perhaps": pieces(f"{HINT} {THOUGHT}"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_tokens_that_all_went_into_thoughts_have_a_reason_of_their_own(name: str) -> None:
    ending, attempt, shown, model = run(JOB, [*ENDLESS[name], LENGTH])

    assert not attempt.failure
    assert (ending.state, ending.reason) == (State.FAILED, Reason.ONLY_THOUGHTS)
    assert (ending.text, ending.usage.completion_tokens) == ("", 100)
    assert "raise max tokens, or turn thinking off" in attempt.error
    assert shown == []
    assert len(model.asked) == 1


def test_a_text_that_the_filter_of_its_server_cut_may_be_thoughts_but_no_tokens_were_eaten() -> (
    None
):
    cut = [*pieces(THOUGHT), Chunk("", "content_filter")]
    ending, attempt, shown, _ = run(JOB, cut, cut)

    assert not attempt.failure
    assert (ending.reason, shown) == (Reason.OFF_TEMPLATE, [])


def test_thoughts_that_look_like_a_whole_hint_do_not_stop_the_model() -> None:
    thoughts = "Look at the sign. Where is it?"
    for endpoint, text in (
        (UNKNOWN, f"{thoughts}</think>{HINT}"),
        (NEVER, f"<think>{thoughts}</think>{HINT}"),
    ):
        ending, attempt, *_ = run(at(endpoint), [*pieces(text), STOP])

        assert not attempt.failure
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
    ending, attempt, _, model = run(
        at(endpoint), [*before, *pieces(f"{HINT} And so on.\n" * 9), STOP]
    )

    assert not attempt.failure
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
        ending, attempt, shown, _ = run(job, chunks)

        assert not attempt.failure
        assert ("".join(shown), ending.text) == (HINT, HINT)
        assert attempt.endpoint.dialect == replace(dialect, thinks=True)


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
    _, attempt, _, _ = run(at(endpoint), [used, *script, EngineFailed(EngineFailure.CUT, "a test")])

    assert attempt.failure
    partial = left(attempt, 1)
    assert (partial.text, partial.tokens) == (left_text, tokens)


def test_what_goes_on_from_an_answer_streams_at_once() -> None:
    job = replace(JOB, attempt=2, partial=Partial(model="m", text="Look at the"))
    ending, attempt, shown, model = run(
        job, [Chunk(" "), *pieces("sign. What does it do? And so on." * 9), STOP]
    )

    assert not attempt.failure
    assert ("".join(shown), ending.text) == (HINT, HINT)
    assert model.left_unread > 20


def test_a_rest_that_a_server_takes_for_thoughts_is_asked_for_anew() -> None:
    job = replace(JOB, attempt=2, partial=Partial(model="m", text="Look at the"))
    ending, attempt, shown, model = run(job, [Chunk(thoughts=20), STOP], [*pieces(HINT), STOP])

    assert not attempt.failure
    assert (ending.text, "".join(shown), attempt.error) == (HINT, HINT, "")
    assert [messages[-1]["role"] for messages, _ in model.asked] == ["assistant", "user"]


def test_a_second_turn_after_a_refused_one_may_think_too() -> None:
    leak = [*pieces("<think>hm</think>Write `return a + b` there."), STOP]
    ending, attempt, _, _ = run(at(NEVER), leak, [*ENDLESS["opened"], LENGTH])

    assert not attempt.failure
    assert (ending.state, ending.reason) == (State.FAILED, Reason.ONLY_THOUGHTS)
    assert [ruling.reason for ruling in attempt.rulings] == [Reason.LEAK, Reason.ONLY_THOUGHTS]


@settings(deadline=None)
@given(size=st.integers(1, 30), name=st.sampled_from(sorted(ANSWERS)))
def test_no_cut_into_pieces_shows_a_thought(size: int, name: str) -> None:
    text = "".join(chunk.text for chunk in ANSWERS[name])
    apart = [chunk for chunk in ANSWERS[name] if chunk.thoughts]

    ending, attempt, *_ = run(JOB, [*apart, *pieces(text, size), STOP])

    assert not attempt.failure
    assert ending.text == HINT


def test_a_second_turn_asks_as_the_first_one_has_learned() -> None:
    dialect = Dialect(left_out=frozenset({"top_p"}))
    leak = [Chunk(learned=dialect), *pieces("Write `return a + b` there."), STOP]

    _, attempt, _, model = run(at(NEVER), leak, [*pieces(HINT), STOP])

    assert [endpoint.dialect for endpoint in model.endpoints] == [Dialect(), dialect]
    assert attempt.endpoint.dialect == dialect
