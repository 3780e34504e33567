"""Server-sent events as bytes arrive: cuts the stream into the data of whole events."""

from __future__ import annotations

MAX_BUFFER_BYTES = 1 << 20
"""An event may not be longer: an endless line would fill the memory."""


class SseReader:
    """Feeds on any split of the stream; keeps the unfinished rest.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, without a lone CR as the
    end of a line (no engine sends it) and without event names, ids and retry (chats use none).
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[bytes]:
        """The data of each event that this part completes; comments and empty events give nothing.

        Raises: ValueError when an event exceeds MAX_BUFFER_BYTES.
        """
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) + sum(map(len, self._data)) > MAX_BUFFER_BYTES:
            raise ValueError(f"an event longer than {MAX_BUFFER_BYTES} bytes")
        events = []
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
        return events
