"""What a vLLM server's /metrics page says, and what a few pages in a row say together."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from broker.health import Reading

RUNNING = "num_requests_running"
WAITING = "num_requests_waiting"
BY_REASON = "num_requests_waiting_by_reason"
KV_USAGE = "kv_cache_usage_perc"
QUERIES = "prefix_cache_queries_total"
HITS = "prefix_cache_hits_total"
GENERATED = "generation_tokens_total"
PREEMPTIONS = "num_preemptions_total"
STEPS = "iteration_tokens_total_count"
FIRST_TOKENS = "time_to_first_token_seconds_bucket"
CACHE = "cache_config_info"
SERIES = (
    RUNNING, WAITING, BY_REASON, KV_USAGE, QUERIES, HITS, GENERATED, PREEMPTIONS, STEPS,
    FIRST_TOKENS, CACHE,
)  # fmt: skip
COUNTERS = (QUERIES, HITS, GENERATED, PREEMPTIONS, STEPS)
PREFIX = "vllm:"
# Bounded, so that nothing a page says is too large for a float.
NUMBER = r"[0-9]{1,18}(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,2})?"
LINE = re.compile(
    rf"^{PREFIX}({'|'.join(SERIES)})(?:{{(.*)}})?[ ]({NUMBER})(?:[ ][0-9]+)?$", re.MULTILINE
)
# A name begins where no letter stands before it, and nothing is given back: else a long word of a
# page would be read once for each of its letters.
LABEL = re.compile(r'(?<!\w)(\w++)="((?:[^"\\]|\\.)*+)"')
WINDOW_S = 10.0
FEW = 5
"""A p95 of fewer first tokens says nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. values: by series without its prefix, over all engines of the server; the largest
    for KV_USAGE. first_tokens: cumulative count by upper bound in s, in order.
    """

    values: Mapping[str, float]
    kv_tokens: int | None = None
    first_tokens: Sequence[tuple[float, float]] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Series that every vLLM shows from its start: one that is not there was renamed."""
        return tuple(name for name in SERIES if name not in self.values)

    @property
    def crowd(self) -> int:
        """Requests that wait for capacity."""
        return int(self.values.get(BY_REASON, self.values.get(WAITING, 0)))


def parse(text: str) -> Page | None:
    """None if no vLLM wrote this."""
    values: dict[str, float] = {}
    first_tokens: dict[float, float] = {}
    kv_tokens = 0
    for name, flat, number in LINE.findall(text):
        value, before = float(number), values.get(name, 0.0)
        labels = dict(LABEL.findall(flat))
        values[name] = max(before, value) if name == KV_USAGE else before + value
        # Who waits for anything but capacity, as for a LoRA adapter, is no sign of a full engine.
        if name == BY_REASON and labels.get("reason") != "capacity":
            values[name] = before
        elif name == FIRST_TOKENS:
            bound = upper_bound(labels)
            first_tokens[bound] = first_tokens.get(bound, 0.0) + value
        elif name == CACHE:
            kv_tokens += whole(labels, "num_gpu_blocks") * whole(labels, "block_size")
    if not values:
        return None
    return Page(values, kv_tokens or None, tuple(sorted(first_tokens.items())))


def upper_bound(labels: Mapping[str, str]) -> float:
    text = labels.get("le", "")
    return float(text) if re.fullmatch(NUMBER, text) else inf


def whole(labels: Mapping[str, str], name: str) -> int:
    """A label that is a number; vLLM writes None where it has none yet."""
    text = labels.get(name, "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


@dataclass(slots=True)
class History:
    """The pages of one server of the last seconds; one of a server that restarted clears it."""

    pages: deque[tuple[float, Page]] = field(default_factory=deque)
    judged_s: float = -inf
    """First tokens from before this time are judged already."""

    def add(self, at_s: float, page: Page) -> None:
        last = self.pages[-1][1] if self.pages else page
        if any(page.values.get(name, 0) < last.values.get(name, 0) for name in COUNTERS):
            self.pages.clear()
        self.pages.append((at_s, page))
        while self.pages[0][0] < at_s - WINDOW_S:
            self.pages.popleft()

    def gained(self, name: str, pages: int = 0) -> float | None:
        """By how much a counter rose over the window, or over the last `pages`; None: unknown."""
        if len(self.pages) < 2:
            return None
        first, last = self.pages[-pages][1].values, self.pages[-1][1].values
        return last[name] - first[name] if name in last and name in first else None

    def preempted(self) -> int:
        """Since the page before."""
        return int(self.gained(PREEMPTIONS, pages=2) or 0)

    def reading(self) -> Reading:
        """Needs a page."""
        at_s, page = self.pages[-1]
        generated, span_s = self.gained(GENERATED), at_s - self.pages[0][0]
        queries, hits = self.gained(QUERIES), self.gained(HITS)
        running, waiting = page.values.get(RUNNING), page.values.get(WAITING)
        return Reading(
            running=None if running is None else int(running),
            waiting=None if waiting is None else int(waiting),
            kv_usage=page.values.get(KV_USAGE),
            kv_tokens=page.kv_tokens,
            tokens_s=None if generated is None else generated / span_s,
            cached_ratio=hits / queries if queries and hits is not None else None,
            ttft_p95_s=self.ttft_p95_s(),
            missing=page.missing,
        )

    def ttft_p95_s(self) -> float | None:
        """Of the first tokens in the window that are not judged yet."""
        unjudged = [page for at_s, page in self.pages if at_s >= self.judged_s]
        if len(unjudged) < 2:
            return None
        before = dict(unjudged[0].first_tokens)
        counts = [(le, n - before.get(le, 0)) for le, n in unjudged[-1].first_tokens]
        return quantile(0.95, counts)


def quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """As Prometheus' histogram_quantile: linear within a bucket, whose counts are cumulative.

    Beyond the last finite bound it is that bound.
    """
    if not buckets or buckets[-1][1] < FEW:
        return None
    rank, low, below = share * buckets[-1][1], 0.0, 0.0
    for high, count in buckets:
        if count >= rank:
            break
        low, below = high, count
    return low if high == inf else low + (high - low) * (rank - below) / (count - below)
