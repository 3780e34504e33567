"""One model of the local engine: llama.cpp's OpenAI-compatible server over a GGUF file."""

from __future__ import annotations

import os
import signal
import sys
from threading import Event

from broker.base.heartbeat import beater
from broker.base.settings import need
from broker.base.times import PULSE_S

SLOT_TOKENS = 4096
"""Context of one slot: prompt and answer; the bundled model's own limit is 8,192."""


def serve(model: str, file: str, socket: str) -> None:
    """Serves until SIGTERM. model: its name in requests. socket: path of a Unix socket to be."""
    import xllamacpp

    slots = need("HINTLINE_LOCAL_SLOTS", int)
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.model_alias = {model}
    params.hostnames = [socket]
    params.n_parallel = slots
    params.n_ctx = slots * SLOT_TOKENS
    params.ui = False  # a page on which people would chat with it past the gate
    params.endpoint_metrics = True
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    _server = xllamacpp.Server(params)
    beat = beater()
    while not stopped.wait(PULSE_S):
        beat()
    # Its destructor waits half a minute for streams that nobody reads any more.
    os._exit(0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
