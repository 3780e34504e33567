"""The kinds of servers that the AI mode chooses from: what each can do, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from broker.base import gguf
from broker.base.settings import need
from broker.contract.job import Capabilities
from web.engines.models import AIModelConfig, Mode

LOCAL_MODEL = "local"
"""Of a server of this kind that is not ours: what it serves, nobody knows."""


def shared_model(config: AIModelConfig) -> str:
    return config.model_name


def served_model(_: AIModelConfig) -> str:
    """The one that its engine has told it serves, not the one that it should serve."""
    return gguf.served().model


def local_url(_: AIModelConfig) -> str:
    return f"http://{need('HINTLINE_LOCAL_HOST', str)}:{need('HINTLINE_LOCAL_PORT', int)}/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKind:
    """One kind. url: of an engine that has none of its own. hosted: somebody else runs it.

    known_as, model: the name of the model that an engine does not name itself, at `url` and at a
    URL of the engine's own.
    shares_key: the API key of the AI mode is for it. wait_factor: factor of the waits for a chunk.
    """

    url: Callable[[AIModelConfig], str]
    model: Callable[[AIModelConfig], str] = shared_model
    known_as: Callable[[AIModelConfig], str] = shared_model
    has: Capabilities = field(default_factory=Capabilities)
    hosted: bool = False
    shares_key: bool = True
    wait_factor: int = 1


KINDS: dict[str, ServerKind] = {
    Mode.API: ServerKind(url=lambda config: config.api_url, hosted=True),
    Mode.VLLM: ServerKind(
        url=lambda config: config.vllm_url,
        # A vLLM's 429 says that it is full, not that an account asks too often.
        has=Capabilities(
            metrics=True, continuation=True, priority=True, running_usage=True, rate_limit=False
        ),
    ),
    Mode.LOCAL: ServerKind(
        url=local_url,
        model=lambda _: LOCAL_MODEL,
        known_as=served_model,
        # The key of a hosted API must not travel to another server.
        shares_key=False,
        # A CPU that reads one prompt keeps the others waiting.
        wait_factor=3,
    ),
}
