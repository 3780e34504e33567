"""A chat answer as its bytes arrive: the one tolerant reader of what servers send after a 200."""

from __future__ import annotations

from collections.abc import Iterator

from broker.health import EngineFailure
from web.engines.client.chunk import NOTHING, Chunk, parse
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.client.sse import SseReader

DONE = b"[DONE]"
MAX_BYTES = 32 << 20
"""Of a whole body, unpacked: 37,000 tokens, the most that an admin may allow, are half as many in
frames of the longest kind."""
MAX_CHARS = 400_000
"""Of a whole answer, its thoughts included: twice what 37,000 tokens of English are."""


class Reader:
    """Chunks that say something, from any split of the body; texts of one part as one.

    An answer is whole after a known reason or [DONE]. A reason that text follows was none: there
    are servers that write `stop` into every frame, so with them only [DONE] counts.
    """

    def __init__(self) -> None:
        self.done = False
        """[DONE] came: nothing that counts will follow."""
        self._events = SseReader()
        self._half = ""
        self._bytes = self._chars = 0
        self._ended = self._doubted = False

    @property
    def finished(self) -> bool:
        return self.done or (self._ended and not self._doubted)

    def feed(self, part: bytes) -> Iterator[Chunk]:
        """Raises: EngineFailed, ModelRefused; ValueError for an event without an end."""
        self._bytes += len(part)
        if self._bytes > MAX_BYTES:
            raise EngineFailed(EngineFailure.CUT, f"an answer of more than {MAX_BYTES} bytes")
        events = self._events.feed(part)
        chunks = self._chunks(events)
        return joined(chunks) if len(events) > 1 else chunks

    def end(self) -> Iterator[Chunk]:
        """The body has ended. Raises: as feed, and EngineFailed unless the answer is whole."""
        yield from self._chunks(self._events.end())
        if self._half:
            self._half = ""
            yield Chunk("\ufffd")
        if not self.finished:
            raise EngineFailed(EngineFailure.CUT, "the stream ended without a finish reason")

    def _chunks(self, events: list[bytes]) -> Iterator[Chunk]:
        for data in events:
            if self.done or data.strip() == DONE:
                self.done = True
            elif data.lstrip().startswith(b"<"):
                raise ModelRefused(Refusal.ADDRESS, "a web page came instead of an answer")
            elif (chunk := parse(data)) is not NOTHING:
                yield self._whole(chunk)

    def _whole(self, chunk: Chunk) -> Chunk:
        """The chunk with nothing in its text but whole characters that can be stored."""
        self._chars += len(chunk.text) + chunk.thoughts
        if self._chars > MAX_CHARS:
            raise EngineFailed(EngineFailure.CUT, f"an answer of more than {MAX_CHARS} characters")
        # Neither half a pair nor NUL is printable.
        if self._half or not chunk.text.isprintable():
            chunk = chunk._replace(text=self._joined(chunk.text))
        # Some servers write a finish reason into every frame: text after one shows that the answer
        # had not ended, so [DONE] is waited for.
        self._doubted = self._doubted or (self._ended and bool(chunk.text))
        self._ended = self._ended or chunk.finish_reason is not None
        return chunk

    def _joined(self, text: str) -> str:
        """Pairs of surrogates become their character, also where a pair is cut in two."""
        if not text:
            return ""
        text, self._half = self._half + text.replace("\0", ""), ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def joined(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Texts in a row as one: who takes them works once for all.

    Raises: what the chunks raise, after what came before it.
    """
    held, failed = NOTHING, None
    try:
        for chunk in chunks:
            # Whether a text is an answer depends on a blank before it, and on thoughts between.
            goes_on = chunk.text and not chunk.thoughts and not held.finish_reason
            if goes_on and held.text and not held.text.isspace():
                text, usage = held.text + chunk.text, chunk.usage or held.usage
                held = held._replace(text=text, usage=usage, finish_reason=chunk.finish_reason)
            else:
                if held is not NOTHING:
                    yield held
                held = chunk
    except Exception as error:
        failed = error
    if held is not NOTHING:
        yield held
    if failed:
        raise failed
