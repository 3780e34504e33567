"""What workers count and time; a node's /metrics shows the sums. Labels are few, never text."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from broker.base.metrics import REGISTRY
from broker.contract.job import JobKind

# Buckets reach as far as what they time may last: a hint waits for its time to live at most.
WAIT_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300)
FIRST_TOKEN_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30)
DISPATCH_S = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 10)

QUEUE_WAIT = Histogram(
    "hint_queue_wait_seconds",
    "From the student's request to the claim of each attempt.",
    ["lane"],
    registry=REGISTRY,
    buckets=WAIT_S,
)
DISPATCH = Histogram(
    "hint_dispatch_seconds",
    "From the grant's message to the request to the engine.",
    registry=REGISTRY,
    buckets=DISPATCH_S,
)
TTFT = Histogram(
    "hint_ttft_seconds",
    "From an attempt's first request of a purpose to its first chunk. affinity: home, warm, cold or"
    " unknown.",
    ["engine", "affinity", "purpose"],
    registry=REGISTRY,
    buckets=FIRST_TOKEN_S,
)
CACHED_TOKENS = Counter(
    "hint_cached_tokens",
    "Prompt tokens that engines had cached.",
    ["engine", "purpose"],
    registry=REGISTRY,
)
PROMPT_TOKENS = Counter(
    "hint_prompt_tokens", "Prompt tokens, cached or not.", ["engine", "purpose"], registry=REGISTRY
)
JUDGED = Counter(
    "hint_judged",
    "Hints that were judged, by what the judge said: passed, leak, undecided, or failed.",
    ["engine", "verdict"],
    registry=REGISTRY,
)
DIAGNOSED = Counter(
    "hint_diagnosed",
    "Programs that were diagnosed, by what became of it: passed (a fix passes every test) or"
    " unverified. form: schema, or words of an engine that takes no schema.",
    ["engine", "form", "verdict"],
    registry=REGISTRY,
)
ATTEMPTS = Counter(
    "hint_attempts",
    "Attempts by how they ended: answered, withheld, failed, moved to another engine, dropped"
    " (cancelled, or another attempt's), interrupted by a stop, or error.",
    ["outcome"],
    registry=REGISTRY,
)
AHEAD = Counter(
    "diagnosis_attempts",
    "Attempts at diagnoses that run ahead, by how they ended: passed, unverified, moved to another"
    " engine, dropped (a hint needed the slot, the student went on, or the engine failed),"
    " interrupted by a stop, or error.",
    ["outcome"],
    registry=REGISTRY,
)
ENDED = {JobKind.HINT: ATTEMPTS, JobKind.DIAGNOSIS: AHEAD}
LEASE_EXPIRED = Counter(
    "hint_lease_expired", "Leases that ran out: a worker or an engine was lost.", registry=REGISTRY
)
