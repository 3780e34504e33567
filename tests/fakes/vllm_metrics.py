"""The fake vLLM's /metrics: names, labels and types of vLLM 0.32, as far as anybody reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

TTFT_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    20.0, 40.0, 80.0,
)  # fmt: skip
GAP_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
LATENCY_S = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0,
)  # fmt: skip
TOKENS = (1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0)
FINISHED = ("stop", "length", "abort", "error", "repetition")


class Histogram:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str, labels: str) -> list[str]:
        total, lines = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {total}.0')
        return [*lines, f"{name}_count{{{labels}}} {total}.0", f"{name}_sum{{{labels}}} {self.sum}"]


@dataclass(slots=True)
class Gauges:
    """The scheduler's state at one time."""

    running: int
    waiting: int
    kv_usage: float


@dataclass(slots=True)
class Metrics:
    """Counts since the start. hidden: series that are left out, as another version might."""

    model: str
    blocks: int
    block_tokens: int
    prefix_queries: int = 0
    prefix_hits: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    preemptions: int = 0
    rejections: int = 0
    finished: Counter[str] = field(default_factory=Counter)
    ttft: Histogram = field(default_factory=lambda: Histogram(TTFT_S))
    gap: Histogram = field(default_factory=lambda: Histogram(GAP_S))
    queue: Histogram = field(default_factory=lambda: Histogram(LATENCY_S))
    prefill: Histogram = field(default_factory=lambda: Histogram(LATENCY_S))
    whole: Histogram = field(default_factory=lambda: Histogram(LATENCY_S))
    iteration: Histogram = field(default_factory=lambda: Histogram(TOKENS))
    hidden: frozenset[str] = frozenset()

    def text(self, now: Gauges) -> str:
        labels = f'engine="0",model_name="{self.model}"'
        lines: list[str] = []
        for name, kind, samples in self._families(now, labels):
            if name not in self.hidden:
                lines += [f"# HELP {name} {name}", f"# TYPE {name} {kind}", *samples]
        return "\n".join([*lines, ""])

    def _families(self, now: Gauges, labels: str) -> list[tuple[str, str, list[str]]]:
        """(name, type, sample lines) of each metric."""
        gauges = {"num_requests_running": now.running, "num_requests_waiting": now.waiting}
        counters = {
            "prefix_cache_queries": self.prefix_queries,
            "prefix_cache_hits": self.prefix_hits,
            "prompt_tokens": self.prompt_tokens,
            "prompt_tokens_cached": self.prefix_hits,
            "generation_tokens": self.generation_tokens,
            "num_preemptions": self.preemptions,
        }
        reasons = {"capacity": now.waiting, "deferred": 0}
        by_reason = [
            f'vllm:num_requests_waiting_by_reason{{{labels},reason="{reason}"}} {count}.0'
            for reason, count in reasons.items()
        ]
        ended = [
            f'vllm:request_success_total{{engine="0",finished_reason="{reason}",'
            f'model_name="{self.model}"}} {self.finished[reason]}.0'
            for reason in FINISHED
        ]
        rejected = f'vllm:admission_rejections_total{{model_name="{self.model}"'
        cache = f'block_size="{self.block_tokens}",engine="0",num_gpu_blocks="{self.blocks}"'
        found = [
            *((f"vllm:{n}", "gauge", [f"vllm:{n}{{{labels}}} {v}.0"]) for n, v in gauges.items()),
            ("vllm:num_requests_waiting_by_reason", "gauge", by_reason),
            ("vllm:kv_cache_usage_perc", "gauge", [f"vllm:kv_cache_usage_perc{{{labels}}} {now.kv_usage}"]),  # noqa: E501
            ("vllm:cache_config_info", "gauge", [f"vllm:cache_config_info{{{cache}}} 1.0"]),
            *(
                (f"vllm:{n}", "counter", [f"vllm:{n}_total{{{labels}}} {v}.0"])
                for n, v in counters.items()
            ),
            ("vllm:request_success", "counter", ended),
            ("vllm:admission_rejections", "counter", [f'{rejected},reason="max_num_queued_reqs"}} {self.rejections}.0']),  # noqa: E501
        ]  # fmt: skip
        histograms = {
            "time_to_first_token_seconds": self.ttft,
            "inter_token_latency_seconds": self.gap,
            "request_queue_time_seconds": self.queue,
            "request_prefill_time_seconds": self.prefill,
            "e2e_request_latency_seconds": self.whole,
            "iteration_tokens_total": self.iteration,
        }
        found += [
            (f"vllm:{name}", "histogram", histogram.lines(f"vllm:{name}", labels))
            for name, histogram in histograms.items()
        ]
        return found
