"""Every key Hintline keeps in Redis: one table with owner, type and time to live."""

from __future__ import annotations

from typing import NamedTuple

from broker.base import times


class Key(NamedTuple):
    """One kind of key. pattern: `*` is the hint, engine, lane … ttl_s None: until deleted."""

    name: str
    pattern: str
    owner: str
    type: str
    ttl_s: int | None
    about: str

    def __call__(self, part: str = "") -> str:
        return self.pattern.replace("*", part)


TICKET = Key(
    "ticket", "hl:hint:*", "dispatch", "hash", None,
    "phase, backlog = '<lane>:<course>' it waits in, engine, attempt, claimer, since_ms, prefix, "
    "prefix_tokens, lane, student, course, affinity = home, warm or cold, not:<engine>, lost",
)  # fmt: skip
BACKLOG = Key(
    "backlog", "hl:backlog:*", "dispatch", "zset", None, "hints that wait in a lane by since_ms"
)
COURSES = Key(
    "courses", "hl:courses:*", "dispatch", "zset", None, "courses that wait in a lane by next turn"
)
TURNS = Key(
    "turns", "hl:turns:*", "dispatch", "hash", None,
    "courses that do not wait in a lane while others do, to their next turn",
)  # fmt: skip
COURSE_BACKLOG = Key(
    "course_backlog", "hl:course_backlog:*", "dispatch", "zset", None,
    "'<since_ms>:<hint>' of those that wait in a '<lane>:<course>', by round",
)  # fmt: skip
ROUNDS = Key(
    "rounds", "hl:rounds:*", "dispatch", "hash", None,
    "students of a '<lane>:<course>' to their last round; '' to the one that is served",
)  # fmt: skip
STUDENT = Key(
    "student", "hl:student:*", "dispatch", "set", None, "hints in flight of a student, but batch"
)
PULLS = Key("pulls", "hl:pulls", "dispatch", "string", None, "how often a free slot was offered")
LEASES = Key(
    "leases", "hl:engine:*:leases", "dispatch", "zset", None, "hints in flight by deadline ms"
)
SERVICE = Key(
    "service", "hl:engine:*:service", "dispatch", "string", None, "mean service time in ms"
)
EPOCH = Key(
    "epoch", "hl:epoch", "dispatch", "string", None, "ms at which this Redis was first seen"
)
ENGINES = Key(
    "engines", "hl:engines", "fleet", "hash", None, "engines that may get hints, and most slots"
)
KNOWN = Key("known", "hl:known", "fleet", "set", None, "engines that may hold leases or workers")
WORKERS = Key(
    "workers", "hl:engine:*:workers", "fleet", "hash", None, "worker id to '<slots> <deadline ms>'"
)
HEALTH = Key(
    "health", "hl:engine:*:health", "health", "hash", None,
    "state, why, since_ms, ejections, failures, limit = most in flight, good, busy, kv_tokens, "
    "progress_ms; of rate limits: paused_ms = until when, paused_at_ms, pauses, allowance",
)  # fmt: skip
READING = Key(
    "reading", "hl:engine:*:metrics", "health", "string", times.READING_S,
    "what /metrics last said, JSON",
)  # fmt: skip
WARM = Key(
    "warm", "hl:engine:*:warm", "dispatch", "zset", None,
    "'<tokens>:<prefix>' in the engine's cache by last use",
)  # fmt: skip
RUN = Key(
    "run", "hl:user:*:run", "quota", "string", times.RUN_S,
    "token of the user's run that goes on",
)  # fmt: skip
RUNS = Key(
    "runs", "hl:user:*:runs", "quota", "zset", times.RUNS_WITHIN_S,
    "tokens of the user's last runs by ms",
)  # fmt: skip
NODE = Key(
    "node", "hl:node:*", "nodes", "hash", times.NODE_LIVES_S,
    "token of its process, engines, state of its workers",
)  # fmt: skip
NODES = Key("nodes", "hl:nodes", "nodes", "set", None, "names of nodes that may be alive")
MONITOR = Key(
    "monitor", "hl:monitor", "workers", "string", times.MONITOR_LOCK_S,
    "lock: one monitor at a time",
)  # fmt: skip
STREAM = Key(
    "stream", "hl:hint:*:events", "streams", "stream", times.STREAM_S,
    "fields kind and data; the same name is the pub/sub channel",
)  # fmt: skip
TIP = Key(
    "tip", "hl:hint:*:tip", "streams", "hash", times.STREAM_S,
    "status, attempt, seq, closed, owner, fence = last attempt that may not write any more",
)  # fmt: skip
RESCUE = Key(
    "rescue", "hl:rescue", "workers", "string", times.RESCUE_LOCK_S,
    "lock: one rescue at a time",
)  # fmt: skip
UPKEEP = Key(
    "upkeep", "hl:upkeep", "workers", "string", times.UPKEEP_LOCK_S,
    "lock: one deletes old rows at a time",
)  # fmt: skip
DOORBELLS = Key(
    "doorbells", "hl:celery:engine.*", "dispatch", "list", None,
    "messages of grants, for the engine's workers",
)  # fmt: skip
CELERY = Key("celery", "hl:celery:*", "queue", "various", None, "what kombu keeps: lists, bindings")

TABLE = tuple(key for key in globals().values() if isinstance(key, Key))
"""All of them, so that none can be forgotten."""


def lua(text: str) -> str:
    """The keys that this text uses as Lua functions key.<name>(part): no script spells one itself.

    Scripts build names themselves, so all keys must live on one node of Redis, no cluster; Celery
    needs that as well.
    """
    lines = ["local key = {}"]
    for entry in TABLE:
        # A script makes its functions anew each time it runs: unused ones would cost a short script
        # a good part of its time.
        if f"key.{entry.name}(" not in text:
            continue
        before, star, after = entry.pattern.partition("*")
        body = f"'{before}' .. part .. '{after}'" if star else f"'{before}'"
        lines.append(f"function key.{entry.name}(part) return {body} end")
    return "\n".join(lines)
