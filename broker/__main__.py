"""`python -m broker`: the embedded Valkey in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from time import monotonic, sleep
from types import FrameType

from broker.base.errors import HintlineError
from broker.base.heartbeat import beater
from broker.base.settings import check_environment, need
from broker.base.times import PULSE_S
from broker.embedded import Embedded, answers

SERVER_HANGS_S = 30.0
"""A server with a slow disk may be silent for a while; a new start has to load all data."""
log = logging.getLogger("broker")
told_to_end: list[int] = []
"""The signals that came. Python drops what a handler raises while a finalizer runs, so the raised
KeyboardInterrupt alone may be lost."""


def end(number: int, frame: FrameType | None) -> None:
    told_to_end.append(number)
    raise KeyboardInterrupt


def main() -> int:
    """Exit status: 0 after a signal, 1 if Valkey cannot start or ended by itself."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for ending in (signal.SIGTERM, signal.SIGINT):  # a shell's background job starts deaf to SIGINT
        signal.signal(ending, end)
    try:
        check_environment()
        with Embedded(Path(need("HINTLINE_DATA", str))) as server:
            log.info("Valkey serves %s", server.url)
            if why := watch(server):
                log.error("%s", why)
            return 1 if why else 0
    except KeyboardInterrupt:
        return 0
    except HintlineError as error:
        log.error("%s", error)
        return 1


def watch(server: Embedded) -> str:
    """Until the server ends or is killed because it hangs: answers which. Empty after a signal."""
    process, beat, silent_s = server.child.process, beater(), 0.0
    assert process is not None
    while (status := process.poll()) is None:
        if told_to_end:
            return ""
        beat()
        began_s = monotonic()
        if answers(server.url):
            silent_s = 0.0
            sleep(PULSE_S)
            continue
        sleep(PULSE_S / 2)
        # A longer gap means that this process was stopped itself, and heard nothing meanwhile.
        silent_s += min(monotonic() - began_s, 2 * PULSE_S)
        if silent_s >= SERVER_HANGS_S:
            process.kill()
            return f"Valkey does not answer for {SERVER_HANGS_S:.0f} s: killed"
    return f"Valkey ended with status {status}"


if __name__ == "__main__":
    sys.exit(main())
