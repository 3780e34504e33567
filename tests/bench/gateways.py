"""Other people's gateways before an engine, each in an environment of its own under .bench.

An environment is made at first use. They only forward; a hint also has a row, a place in the
backlog, a lease, a gate and events.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from broker.embedded import Embedded
from tests.fakes.launch import ROOT
from tests.whole.stand import free_port

HOME = ROOT / ".bench"
START_S = 120
RQ = "openai-rq==0.1.2"
ROUTER = "vllm-router==0.1.17"
SMG = "smg==1.13.0"
# The newest that installs: later ones ask for parts of LiteLLM that PyPI does not have.
LITELLM = "litellm[proxy]==1.108.7"
LITELLM_CONFIG = """
model_list:
  - model_name: fake
    litellm_params: {{model: openai/fake, api_base: "{url}", api_key: none}}
"""


class Door(NamedTuple):
    """Where an openai client asks instead of the engine."""

    url: str
    key: str = "none"


def title(package: str) -> str:
    """`smg 1.13.0`, as tables name it."""
    name, _, version = package.partition("==")
    return f"{name.partition('[')[0]} {version}"


def installed(package: str) -> Path:
    """The environment's bin folder. Raises: CalledProcessError."""
    home = HOME / package
    if not (home / "done").exists():
        venv.create(home, with_pip=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
        subprocess.run(pip, check=True)
        (home / "done").touch()
    return home / "bin"


@contextmanager
def openai_rq(url: str) -> Iterator[str]:
    """Its worker; the URL of the Redis where it takes requests."""
    home = installed(RQ)
    with tempfile.TemporaryDirectory() as folder, Embedded(Path(folder)) as redis:
        command = [str(home / "openai-rq"), "worker", "--redis-url", redis.url]
        with running([*command, "--openai-base-url", url, "--concurrency", "64"]):
            yield redis.url


@contextmanager
def vllm_router(url: str) -> Iterator[Door]:
    port = free_port()
    command = [str(installed(ROUTER) / "vllm-router"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--worker-urls", url.removesuffix("/v1"), "--prometheus-port", str(free_port())]
    with running(command):
        until_healthy(port, "/health")
        yield door(port)


@contextmanager
def smg(url: str) -> Iterator[Door]:
    port = free_port()
    command = [str(installed(SMG) / "smg"), "launch", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(free_port())]
    with running([*command, "--worker-urls", url.removesuffix("/v1")]):
        until_healthy(port, "/readiness")
        yield door(port)


@contextmanager
def litellm(url: str) -> Iterator[Door]:
    port, key = free_port(), f"sk-{secrets.token_hex(24)}"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(LITELLM_CONFIG.format(url=url))
        config.flush()
        command = [str(installed(LITELLM) / "litellm"), "--config", config.name]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        # Else it fetches its list of prices from the network first.
        local = {"LITELLM_MASTER_KEY": key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with running(command, local):
            until_healthy(port, "/health/liveliness")
            yield door(port, key)


def door(port: int, key: str = "none") -> Door:
    return Door(f"http://127.0.0.1:{port}/v1", key)


@contextmanager
def running(command: list[str], environ: Mapping[str, str] | None = None) -> Iterator[None]:
    env = os.environ | (environ or {})
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until_healthy(port: int, path: str) -> None:
    deadline_s = time.monotonic() + START_S
    while not healthy(port, path):
        assert time.monotonic() < deadline_s, "the gateway did not start"
        time.sleep(0.1)


def healthy(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
