"""`python -m broker`: the embedded Valkey in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

from broker.embedded import Embedded
from broker.errors import HintlineError
from broker.settings import check_environment, need

log = logging.getLogger("broker")


def main() -> int:
    """Exit status: 0 after a signal, 1 if Valkey cannot start or ended by itself."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for ending in (signal.SIGTERM, signal.SIGINT):  # a shell's background job starts deaf to SIGINT
        signal.signal(ending, signal.default_int_handler)
    try:
        check_environment()
        with Embedded(Path(need("HINTLINE_DATA", str))) as server:
            log.info("Valkey serves %s", server.url)
            assert server.process is not None
            log.error("Valkey ended with status %d", server.process.wait())
            return 1
    except KeyboardInterrupt:
        return 0
    except HintlineError as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
