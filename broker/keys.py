"""Every key Hintline keeps in Redis: one table with owner, type and time to live."""

from __future__ import annotations

from typing import NamedTuple

from broker.base import times


class Key(NamedTuple):
    """One kind of key. pattern: `*` is the hint, engine, lane … ttl_s None: until deleted."""

    pattern: str
    owner: str
    type: str
    ttl_s: int | None = None

    def __call__(self, part: str = "") -> str:
        return self.pattern.replace("*", part)


TICKET = Key("hl:hint:*", "dispatch", "hash")
"""Of a hint, or of a diagnosis that runs ahead, whose name then begins with 'diagnosis-'.
phase, backlog = '<lane>:<course>' it waits in, engine, attempt, claimer, since_ms, prefix,
prefix_tokens, lane, student, course, only, able = 'gpu0 gpu1', affinity = home, warm or cold,
not:<engine>, lost."""
BACKLOG = Key("hl:backlog:*", "dispatch", "zset")
"""Hints that wait in a lane by since_ms."""
COURSES = Key("hl:courses:*", "dispatch", "zset")
"""Courses that wait in a lane by next turn."""
TURNS = Key("hl:turns:*", "dispatch", "hash")
"""Courses that do not wait in a lane while others do, to their next turn."""
COURSE_BACKLOG = Key("hl:course_backlog:*", "dispatch", "zset")
"""'<since_ms>:<hint>' of those that wait in a '<lane>:<course>', by round."""
ROUNDS = Key("hl:rounds:*", "dispatch", "hash")
"""Students of a '<lane>:<course>' to their last round; '' to the one that is served."""
STUDENT = Key("hl:student:*", "dispatch", "set")
"""Hints in flight of a student, but batch."""
PULLS = Key("hl:pulls", "dispatch", "string")
"""How often a free slot was offered."""
LEASES = Key("hl:engine:*:leases", "dispatch", "zset")
"""Hints in flight by deadline ms."""
AHEAD = Key("hl:engine:*:ahead", "dispatch", "zset")
"""Its diagnoses in flight that give way to hints, by ms of the grant."""
WAITING_AHEAD = Key("hl:waiting_ahead", "dispatch", "set")
"""Diagnoses in the backlog."""
SERVICE = Key("hl:engine:*:service", "dispatch", "string")
"""Mean service time in ms."""
EPOCH = Key("hl:epoch", "dispatch", "string")
"""Ms at which this Redis was first seen."""
ENGINES = Key("hl:engines", "fleet", "hash")
"""Engines that may get hints, and most slots."""
KNOWN = Key("hl:known", "fleet", "set")
"""Engines that may hold leases or workers."""
WORKERS = Key("hl:engine:*:workers", "fleet", "hash")
"""Worker id to '<slots> <deadline ms>'."""
HEALTH = Key("hl:engine:*:health", "health", "hash")
"""state, why, since_ms, ejections, failures, limit = most in flight, good, busy, kv_tokens,
progress_ms; of rate limits: paused_ms = until when, paused_at_ms, pauses, allowance."""
READING = Key("hl:engine:*:metrics", "health", "string", times.READING_S)
"""What /metrics last said, JSON."""
WARM = Key("hl:engine:*:warm", "dispatch", "zset")
"""'<tokens>:<prefix>' in the engine's cache by last use."""
RUN = Key("hl:user:*:run", "quota", "string", times.RUN_S)
"""Token of the user's run that goes on."""
RUNS = Key("hl:user:*:runs", "quota", "zset", times.RUNS_WITHIN_S)
"""Tokens of the user's last runs by ms."""
NODE = Key("hl:node:*", "nodes", "hash", times.NODE_LIVES_S)
"""Token of its process, beats, engines, state of its workers, fast_ms = its clock before ours."""
NODES = Key("hl:nodes", "nodes", "set")
"""Names of nodes that may be alive."""
MONITOR = Key("hl:monitor", "workers", "string", times.MONITOR_LOCK_S)
"""Lock: one monitor at a time."""
STREAM = Key("hl:hint:*:events", "streams", "stream", times.STREAM_S)
"""Fields kind and data; the same name is the pub/sub channel."""
TIP = Key("hl:hint:*:tip", "streams", "hash", times.STREAM_S)
"""status, attempt, seq, closed, owner, fence = last attempt that may not write any more."""
RESCUE = Key("hl:rescue", "workers", "string", times.RESCUE_LOCK_S)
"""Lock: one rescue at a time."""
UPKEEP = Key("hl:upkeep", "workers", "string", times.UPKEEP_LOCK_S)
"""Lock: one deletes old rows at a time."""
EVALUATION = Key("hl:evaluation", "workers", "string", times.EVALUATION_LOCK_S)
"""Lock: one takes evaluations forward at a time."""
DOORBELLS = Key("hl:celery:engine.*", "dispatch", "list")
"""Messages of grants, for the engine's workers."""
CELERY = Key("hl:celery:*", "queue", "various")
"""What kombu keeps: lists, bindings."""

TABLE = {name.lower(): key for name, key in globals().items() if isinstance(key, Key)}
"""All of them by the names that scripts know, so that none can be forgotten."""


def lua(text: str) -> str:
    """The keys that this text uses as Lua functions key.<name>(part): no script spells one itself.

    Scripts build names themselves, so all keys must live on one node of Redis, no cluster; Celery
    needs that as well.
    """
    lines = ["local key = {}"]
    for name, key in TABLE.items():
        # A script makes its functions anew each time it runs: unused ones would cost a short script
        # a good part of its time.
        if f"key.{name}(" not in text:
            continue
        before, star, after = key.pattern.partition("*")
        body = f"'{before}' .. part .. '{after}'" if star else f"'{before}'"
        lines.append(f"function key.{name}(part) return {body} end")
    return "\n".join(lines)
