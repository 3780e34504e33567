"""However long, packed or slow a refusal is, little of it is read; and no prompt goes elsewhere."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from broker.contract.job import Endpoint, Sampling
from broker.health import EngineFailure
from tests.fakes.launch import ROOT, BadServer
from web.engines.client.errors import ModelRefused, Refusal
from web.engines.client.model import Model

MESSAGES: list[Any] = [{"role": "user", "content": "the student's own words"}]
MOST_MB = 40
"""The bomb unpacks to 500 MB."""
CHILD = """
import asyncio, resource, sys
from broker.contract.job import Endpoint, Sampling
from web.engines.client.errors import ModelError
from web.engines.client.model import Model

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def ask(url):
    model = Model()
    try:
        async for _ in model.stream(
            Endpoint(base_url=url, model="m"), Sampling(), [{"role": "user", "content": "x"}], "h"
        ):
            pass
    except ModelError as error:
        return error
    finally:
        await model.aclose()

async def main():
    await ask(sys.argv[1])
    before = peak_mb()
    error = await ask(sys.argv[2])
    print(peak_mb() - before, getattr(error, "failure", type(error).__name__))

asyncio.run(main())
"""


async def refusal(model: Model, url: str) -> ModelRefused:
    with pytest.raises(ModelRefused) as error:
        async for _ in model.stream(
            Endpoint(base_url=url, model="m"), Sampling(), MESSAGES, "hint-1"
        ):
            pass
    return error.value


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("error-bomb", EngineFailure.UNREACHABLE),
        ("brotli-error-bomb", EngineFailure.UNREACHABLE),
        ("bomb-200", EngineFailure.UNREACHABLE),
        ("endless-error", "ModelRefused"),
        ("endless-line", EngineFailure.UNREACHABLE),
    ],
)
def test_a_body_without_an_end_costs_little_memory(
    server: BadServer, mode: str, error: str
) -> None:
    """In a process of its own, whose peak nothing else has raised."""
    command = [sys.executable, "-c", CHILD, server.at("good"), server.at(mode)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    grown_mb, kind = done.stdout.split()
    assert kind == error
    assert float(grown_mb) < MOST_MB


async def test_an_endless_error_keeps_the_beginning_of_its_sentence(
    server: BadServer, model: Model
) -> None:
    error = await refusal(model, server.at("endless-error"))

    assert str(error).startswith("status 400: on and on and on")
    assert len(str(error)) < 300


async def test_an_error_that_drips_is_taken_as_far_as_it_has_come(
    server: BadServer, model: Model
) -> None:
    error = await refusal(model, server.at("dripping-error"))

    assert str(error).startswith("status 400: slow!")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(server: BadServer, model: Model, status: int) -> None:
    server.reset()

    error = await refusal(model, server.at(f"redirect-{status}"))

    assert error.cause is Refusal.ADDRESS
    assert f"http://localhost:{server.port}/good/v1/chat/completions" in str(error)
    assert [request["mode"] for request in server.log()] == [f"redirect-{status}"]
