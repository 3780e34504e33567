"""Metrics pages as vLLM 0.32 writes them."""

from __future__ import annotations

from collections.abc import Mapping


def page_text(
    *,
    engine: int = 0,
    running: float = 0,
    waiting: float = 0,
    capacity: float = 0,
    kv_usage: float = 0.0,
    steps: float = 0,
    generated: float = 0,
    preemptions: float = 0,
    queries: float = 0,
    hits: float = 0,
    ttft: Mapping[float, float] | None = None,
) -> str:
    """ttft: cumulative count by upper bound, below +Inf."""
    label = f'engine="{engine}",model_name="fake"'
    counts = ttft or {1.0: 0, 5.0: 0}
    bounds = {
        **{str(bound): count for bound, count in counts.items()},
        "+Inf": max(counts.values()),
    }
    values = {
        f"num_requests_running{{{label}}}": running,
        f"num_requests_waiting{{{label}}}": waiting,
        f'num_requests_waiting_by_reason{{{label},reason="capacity"}}': capacity,
        f'num_requests_waiting_by_reason{{{label},reason="deferred"}}': waiting - capacity,
        f"kv_cache_usage_perc{{{label}}}": kv_usage,
        f"prefix_cache_queries_total{{{label}}}": queries,
        f"prefix_cache_queries_created{{{label}}}": 1.7953709117001338e09,
        f"prefix_cache_hits_total{{{label}}}": hits,
        f"generation_tokens_total{{{label}}}": generated,
        f"num_preemptions_total{{{label}}}": preemptions,
        f"iteration_tokens_total_count{{{label}}}": steps,
        f'cache_config_info{{block_size="16",{label},num_gpu_blocks="100"}}': 1.0,
        **{
            f'time_to_first_token_seconds_bucket{{engine="{engine}",le="{bound}"}}': count
            for bound, count in bounds.items()
        },
    }
    lines = [f"vllm:{name} {float(value)}" for name, value in values.items()]
    return "\n".join(["# TYPE vllm:num_requests_running gauge", *lines, ""])
