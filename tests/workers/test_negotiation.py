"""What a server refuses is renamed or left out, remembered, and never the student's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.contract.hint import Lane
from broker.contract.job import Dialect, Endpoint, Sampling
from tests.fakes.badreply import HINT
from tests.fakes.launch import BadServer
from web.engines.client.complaint import Complaint
from web.engines.client.errors import ModelRefused, Refusal
from web.engines.client.model import Model
from web.engines.client.negotiation import MAX_REPEATS, Negotiation
from web.engines.kinds import KINDS

TOKENS = {"max_tokens": "max_completion_tokens"}
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Why is the temperature wrong?"},
]
HERE = Endpoint(base_url="http://e/v1", model="m")


def without(*names: str, **renamed: str) -> Dialect:
    return Dialect(left_out=frozenset(names), renamed=renamed)


@pytest.fixture(scope="module")
def process() -> Iterator[BadServer]:
    with BadServer() as server:
        yield server


@pytest.fixture
def server(process: BadServer) -> BadServer:
    process.reset()
    return process


def negotiation(endpoint: Endpoint = HERE, **sampling: Any) -> Negotiation:
    return Negotiation(endpoint, Sampling(**sampling), MESSAGES, Lane.INTERACTIVE)


def refused(asked: Negotiation, text: str = "", *names: str, status: int = 400) -> bool:
    return asked.heed(status, Complaint(text, names), text)


async def ask(model: Model, endpoint: Endpoint) -> tuple[str, Dialect]:
    """The answer, and how its server wants to be asked."""
    chunks = [chunk async for chunk in model.stream(endpoint, Sampling(), MESSAGES, "h-1")]
    learned = next((chunk.learned for chunk in chunks if chunk.learned), endpoint.dialect)
    return "".join(chunk.text for chunk in chunks), learned


@pytest.mark.parametrize(
    ("mode", "kind", "requests", "dialect"),
    [
        ("good", "api", 1, Dialect()),
        ("gpt5", "api", 3, without("temperature", **TOKENS)),
        ("no-stream-options", "api", 2, without("stream_options")),
        ("no-stream-options", "vllm", 3, without("stream_options", "priority")),
        ("strict", "api", 2, without("stream_options", "temperature", "top_p")),
        ("no-both-sampling", "api", 2, without("top_p")),
        ("no-limit-at-all", "api", 3, without("max_tokens")),
        ("no-system", "api", 2, without("system")),
        ("no-stream", "api", 2, without("stream")),
    ],
)
async def test_what_worked_is_learned_and_is_how_the_next_request_starts(
    server: BadServer, model: Model, mode: str, kind: str, requests: int, dialect: Dialect
) -> None:
    endpoint = replace(HERE, base_url=server.at(mode), has=KINDS[kind].has)

    assert await ask(model, endpoint) == (HINT, dialect)
    assert len(server.log()) == requests
    assert await ask(model, replace(endpoint, dialect=dialect)) == (HINT, dialect)
    assert len(server.log()) == requests + 1


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ({"message": "top-p is not supported"}, {"top_p"}),
        ({"message": "maxTokens: Extra inputs are not permitted"}, {"max_completion_tokens"}),
        ({"message": "Max tokens are not supported"}, {"max_completion_tokens"}),
        ({"message": "This model does not support streaming."}, {"stream"}),
        ({"message": "First message must be the user's"}, {"system"}),
        ({"message": "시스템 메시지는 지원하지 않습니다"}, {"system"}),
        ({"message": "Input should be 1", "param": "body.temperature"}, {"temperature"}),
        ({"message": "Input should be 1", "param": "$.temperature"}, {"temperature"}),
        ({"message": "Input should be 1", "param": ["temperature", "top_p"]}, {"temperature"}),
        ({"details": [{"field": "temperature", "message": "no"}]}, {"temperature"}),
        ({"errors": [{"path": "/temperature", "message": "no"}]}, {"temperature"}),
        ({"errors": {"temperature": ["must be 1"], "top_p": ["no"]}}, {"temperature", "top_p"}),
        ({"detail": "x", "invalid-params": [{"name": "temperature"}]}, {"temperature"}),
        (
            {
                "message": "Provider returned error",
                "metadata": {"raw": '{"error": {"message": "temperature must be 1"}}'},
            },
            {"temperature"},
        ),
        ({"message": "no", "name": "temperature", "path": "/v1/temperature"}, set()),
    ],
)
def test_what_is_refused_is_found_wherever_it_is_named(
    error: dict[str, Any], names: set[str]
) -> None:
    asked = negotiation(temperature=0.3, top_p=0.9)
    complaint = Complaint.read(json.dumps({"error": error}).encode())

    assert asked.heed(400, complaint, complaint.text) == bool(names)
    dialect = asked.dialect
    assert dialect.left_out | set(dialect.renamed.values()) == names


async def test_a_learned_name_that_is_refused_later_gives_way_to_the_first(
    server: BadServer, model: Model
) -> None:
    endpoint = replace(HERE, base_url=server.at("only-old-tokens"), dialect=without(**TOKENS))

    assert await ask(model, endpoint) == (HINT, Dialect())
    assert server.log()[-1]["body"]["max_tokens"] == 200


async def test_a_system_message_that_is_refused_opens_the_users(
    server: BadServer, model: Model
) -> None:
    await ask(model, replace(HERE, base_url=server.at("no-system")))

    assert server.log()[-1]["body"]["messages"] == [
        {"role": "user", "content": "Be kind.\n\nWhy is the temperature wrong?"}
    ]


async def test_a_server_that_refuses_everything_is_asked_five_times(
    server: BadServer, model: Model
) -> None:
    extra = {f"own_{number}": number for number in range(9)}
    endpoint = replace(HERE, base_url=server.at("refuses-all"), extra_body=extra)

    with pytest.raises(ModelRefused, match="not with us") as error:
        await ask(model, endpoint)

    assert error.value.cause is Refusal.REQUEST
    assert len(server.log()) == 1 + MAX_REPEATS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Unrecognized request argument supplied: top_p", "top_p"),
        ("property 'stream_options' is unsupported", "stream_options"),
        ("Additional properties are not allowed ('temperature' was unexpected)", "temperature"),
        ('json: unknown field "top_p"', "top_p"),
        ("create() got an unexpected keyword argument 'top_p'", "top_p"),
        ("`seed` is not supported by this model", "seed"),
        ("Got priority 10 but Priority scheduling is not enabled.", "priority"),
        ("temperature and top_p cannot both be specified", "top_p"),
        ("System role not supported", "system"),
        ("Conversation roles must alternate user/assistant/user/assistant", "system"),
        ("Only user and assistant roles are supported!", "system"),
        ("Developer instruction is not enabled for models/gemma", "system"),
        ("Unexpected role 'system'", "system"),
        ("Unsupported value: 'stream' does not support true with this model.", "stream"),
    ],
)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_name_in_the_servers_sentence_is_enough(text: str, name: str, status: int) -> None:
    asked = negotiation(replace(HERE, has=KINDS["vllm"].has, extra_body={"seed": 1}))

    assert refused(asked, text, status=status)
    assert asked.dialect.left_out == {name}


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        (("top_p",), {"top_p"}),
        (("stream_options", "top_p"), {"stream_options", "top_p"}),
        (("stream_options.include_usage",), {"stream_options"}),
        (("messages[0].role",), {"system"}),
        (("messages.0.role",), {"system"}),
    ],
)
def test_what_the_server_points_at_counts_before_its_sentence(
    names: tuple[str, ...], left_out: set[str]
) -> None:
    asked = negotiation()

    assert refused(asked, "no temperature here", *names)
    assert asked.dialect.left_out == left_out


@pytest.mark.parametrize(
    ("text", "names", "status"),
    [
        ("no", (), 400),
        ("top_p", (), 401),
        ("the stream was closed", (), 500),
        ("top_p", (), 429),
        ("model messages stream", (), 400),
        ("'x' does not exist", ("model",), 400),
        ("unknown parameter 'best_of'", ("best_of",), 400),
        ("max_tokens: maximum context length is 2048 tokens", ("max_tokens",), 400),
        ("max_tokens: prompt is too long", ("max_tokens",), 400),
        ("the request exceeds the available context size (max_tokens)", (), 500),
        ("bad continue_final_message", ("continue_final_message",), 400),
        ("bad add_generation_prompt", (), 400),
    ],
)
def test_what_is_no_matter_of_a_parameter_is_not_asked_again(
    text: str, names: tuple[str, ...], status: int
) -> None:
    begun: list[Any] = [*MESSAGES, {"role": "assistant", "content": "Look"}]
    asked = Negotiation(replace(HERE, has=KINDS["vllm"].has), Sampling(), begun, Lane.INTERACTIVE)
    before = asked.body

    assert not refused(asked, text, *names, status=status)
    assert asked.body == before


def test_what_is_empty_is_not_sent_and_thoughts_get_room_of_their_own() -> None:
    bare = negotiation(max_tokens=None, temperature=None, top_p=None).body
    roomy = negotiation(replace(HERE, reasoning_tokens=1000), max_tokens=200).body
    only_room = negotiation(replace(HERE, reasoning_tokens=1000), max_tokens=None).body

    assert set(bare) == {"model", "messages", "stream", "stream_options"}
    assert roomy["max_tokens"] == 1200
    assert "max_tokens" not in only_room


def test_the_extra_body_is_sent_but_replaces_neither_model_nor_messages_nor_stream() -> None:
    extra = {
        "chat_template_kwargs": {"enable_thinking": False}, "temperature": 1, "model": "other",
        "stream": False, "messages": [],
    }  # fmt: skip
    body = negotiation(replace(HERE, extra_body=extra)).body

    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert (body["model"], body["stream"], body["messages"]) == ("m", True, MESSAGES)
    assert body["temperature"] == 1
