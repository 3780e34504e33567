"""Traces through OpenTelemetry: imported only where they are on; needs requirements-otel.txt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from broker.base.trace import ids

WIRE = TraceContextTextMapPropagator()
_ids: ContextVar[tuple[int, int] | None] = ContextVar("_ids", default=None)
"""Of the hint whose first span is being made."""


class HintIds(RandomIdGenerator):
    """Ids that broker.base.trace knows too for a hint's first span, random ones for all others."""

    def generate_trace_id(self) -> int:
        ids = _ids.get()
        return ids[0] if ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        ids = _ids.get()
        return ids[1] if ids else super().generate_span_id()


class Tracing:
    """What broker.base.trace offers where it is on. No span holds words of people or models."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """provider: with HintIds; None for one that sends to the OTLP endpoint."""
        self._tracer = (provider or exporting()).get_tracer("hintline")

    def root(self, hint: str) -> AbstractContextManager[None]:
        token = _ids.set(ids(hint))
        try:
            # An empty context: only a span without a parent gets its trace from the generator.
            span = self._tracer.start_span("ask", Context(), SpanKind.PRODUCER, {"hint.id": hint})
        finally:
            _ids.reset(token)
        return current(span)

    def attempt(self, hint: str, number: int, engine: str) -> AbstractContextManager[None]:
        trace, first = ids(hint)
        # As another process made it: what is kept of all traces, each process decides by the ids.
        sampled = TraceFlags(TraceFlags.SAMPLED)
        made = SpanContext(trace, first, is_remote=True, trace_flags=sampled)
        above = set_span_in_context(NonRecordingSpan(made), Context())
        about: dict[str, str | int] = {
            "hint.id": hint,
            "hint.attempt": number,
            "hint.engine": engine,
        }
        return current(self._tracer.start_span("attempt", above, SpanKind.CONSUMER, about))

    def request(self) -> AbstractContextManager[None]:
        return current(self._tracer.start_span("model", kind=SpanKind.CLIENT))

    def event(self, name: str) -> None:
        get_current_span().add_event(name)

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        WIRE.inject(carrier)
        return carrier


@contextmanager
def current(span: Span) -> Iterator[None]:
    """The span until its end. Of an exception only the fact is kept: its text may hold others'."""
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException:
            span.set_status(StatusCode.ERROR)
            raise


def exporting() -> TracerProvider:
    """Sends spans in the background to OTEL_EXPORTER_OTLP_ENDPOINT, and the last ones at exit."""
    # Tests bring a provider of their own and do without this package.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    os.environ.setdefault("OTEL_SERVICE_NAME", "hintline")  # read by the provider
    provider = TracerProvider(id_generator=HintIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
