"""One trace for each hint, and nothing at all where traces are off."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import StatusCode

from broker.base import trace
from broker.base.otel import HintIds, Tracing
from tests.whole.stand import ROOT

PROGRAM = """
import os, sys
os.environ['DJANGO_SETTINGS_MODULE'] = 'web.settings'
import web.asgi, workers.tasks
from broker.base import trace
print(trace.tracing() is None, trace.headers())
with trace.root('x'), trace.attempt('x', 1, 'gpu0'), trace.request():
    trace.event('nothing')
# redis-py looks for other parts of the package when it is installed.
print({'broker.base.otel', 'opentelemetry.sdk.trace'} & set(sys.modules))
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Traces are on; the spans that ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=HintIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    on = Tracing(provider)
    monkeypatch.setattr(trace, "tracing", lambda: on)
    yield exporter
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_one_trace_from_asking_to_the_engine(spans: InMemorySpanExporter) -> None:
    hint = str(uuid4())

    with trace.root(hint):
        pass
    with trace.attempt(hint, 1, "gpu0"), trace.request():
        trace.event("first chunk")
        sent = trace.headers()

    found = by_name(spans)
    assert len({span.context.trace_id for span in found.values()}) == 1  # type: ignore[union-attr]
    assert found["ask"].parent is None
    assert found["attempt"].parent.span_id == found["ask"].context.span_id  # type: ignore[union-attr]
    assert found["model"].parent.span_id == found["attempt"].context.span_id  # type: ignore[union-attr]
    assert found["attempt"].attributes == {
        "hint.id": hint,
        "hint.attempt": 1,
        "hint.engine": "gpu0",
    }
    assert [event.name for event in found["model"].events] == ["first chunk"]
    own = found["model"].context
    assert own is not None
    assert sent["traceparent"].startswith(f"00-{own.trace_id:032x}-{own.span_id:016x}-")


def test_whoever_serves_a_hint_knows_its_trace(spans: InMemorySpanExporter) -> None:
    """Also in the middle of the work on another one."""
    mine, waiting = str(uuid4()), str(uuid4())
    with trace.root(waiting):
        pass

    with trace.attempt(mine, 1, "gpu0"), trace.attempt(waiting, 1, "gpu1"):
        pass

    _, last, _ = spans.get_finished_spans()
    asked = by_name(spans)["ask"].context
    assert asked is not None
    assert last.parent is not None
    assert (last.parent.trace_id, last.parent.span_id) == (asked.trace_id, asked.span_id)


def test_an_error_is_marked_and_its_words_are_not_kept(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="my code"), trace.root(str(uuid4())):
        raise ValueError("my code is secret")

    span = by_name(spans)["ask"]
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()


def test_every_process_keeps_the_same_part_of_all_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    sampler = TraceIdRatioBased(0.5)
    provider = TracerProvider(sampler, id_generator=HintIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    on = Tracing(provider)
    monkeypatch.setattr(trace, "tracing", lambda: on)

    for _ in range(40):
        hint = str(uuid4())
        with trace.root(hint):
            pass
        with trace.attempt(hint, 1, "gpu0"):
            pass

    kept = {"ask": set[int](), "attempt": set[int]()}
    for span in exporter.get_finished_spans():
        assert span.context is not None
        kept[span.name].add(span.context.trace_id)
    assert kept["ask"] == kept["attempt"]
    assert 0 < len(kept["ask"]) < 40


def test_off_imports_and_sends_nothing() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT, env=clean, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.splitlines() == ["True {}", "set()"]


def test_without_the_packages_traces_stay_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(trace.ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "broker.base.otel", None)
    trace.tracing.cache_clear()

    assert trace.tracing() is None
    trace.tracing.cache_clear()

    assert "requirements-otel.txt" in caplog.text
