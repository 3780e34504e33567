"""Where the loop stands when it hangs."""

from __future__ import annotations

import asyncio
import threading

from workers.pool.watchdog import Watchdog


def test_a_thread_that_has_ended_stands_nowhere() -> None:
    """Else its last log line would name the watchdog itself."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    loop = asyncio.new_event_loop()

    assert Watchdog(loop, thread)._where() == "unknown"
    loop.close()
