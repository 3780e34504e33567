"""Server-sent events as bytes arrive: cuts the stream into the data of whole events."""

from __future__ import annotations

MAX_EVENT_BYTES = 1 << 20
"""An event may not be longer: an endless line would fill the memory."""
BOM = b"\xef\xbb\xbf"


class SseReader:
    """Feeds on any split of the stream; keeps the unfinished rest.

    An event named `error` gives its data as that of an error frame. A body that is no stream, which
    begins as JSON or HTML does, is one event: servers send one in spite of `stream: true`.
    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, without ids and retry.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._lines: list[bytes] = []
        """Of the event that has begun."""
        self._size = 0
        self._named_error = self._after_cr = self._begun = self._plain = False

    def feed(self, part: bytes) -> list[bytes]:
        """The data of each event that this part completes; comments and empty events give nothing.

        Raises: ValueError when an event exceeds MAX_EVENT_BYTES.
        """
        waits = self._rest or self._lines or self._named_error
        if not waits and (plain := whole_lines(part)):
            self._begun = True
            return plain
        # A CR LF that was cut between two parts of the body is one end of a line.
        if self._after_cr and part:
            part, self._after_cr = part.removeprefix(b"\n"), False
        if b"\r" in part:
            self._after_cr = part.endswith(b"\r")
            part = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *lines = part.split(b"\n")
        self._rest += first
        if lines:
            lines.insert(0, bytes(self._rest))
            self._rest = bytearray(lines.pop())
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._rest) + self._size > MAX_EVENT_BYTES:
            raise ValueError(f"an event longer than {MAX_EVENT_BYTES} bytes")
        return events

    def end(self) -> list[bytes]:
        """The body has ended, and with it the last event: not all servers write a line after it."""
        self._after_cr = False
        events = self.feed(b"\n\n")
        return [b"\n".join(self._lines)] if self._plain else events

    def _line(self, line: bytes) -> bytes | None:
        if not self._begun and line:
            line = line.removeprefix(BOM)
            self._begun = bool(line.strip())
            self._plain = line.lstrip().startswith((b"{", b"[", b"<"))
        if self._plain:
            self._keep(line)
        elif line.startswith(b"data:"):
            # The first blank belongs to the format, any further one to the data.
            self._keep(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            self._named_error = line[6:].strip().lower() == b"error"
        elif not line:
            return self._event()
        return None

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _event(self) -> bytes | None:
        lines, error = self._lines, self._named_error
        self._lines, self._size, self._named_error = [], 0, False
        if not any(lines):
            return None
        data = b"\n".join(lines)
        return b'{"error":%b}' % data if error else data


def whole_lines(part: bytes) -> list[bytes]:
    """The data of a part that is whole events of one line each; empty for any other part.

    Nearly all parts of a stream are such, and need not be read by lines.
    """
    if not (part.startswith(b"data: ") and part.endswith(b"\n\n")) or b"\r" in part:
        return []
    events = part[6:-2].split(b"\n\ndata: ")
    return events if part.count(b"\n") == 2 * len(events) and all(events) else []
