"""Every time that more than one part of Hintline relies on, with its reason, in seconds.

Scripts in Redis are given those that they need. A time that only one module knows of stays there.
"""

from __future__ import annotations

# A hint and its slot.
GRANT_S = 10
"""Time in which a worker must claim a granted hint; longer than a worker that has lost Redis
pauses before it listens again."""
LEASE_S = 30
"""Time in which the worker of a claimed hint must renew its lease."""
RENEW_S = LEASE_S // 3
"""Two renewals may fail before a lease is over."""
ADOPT_S = 2 * RENEW_S
"""After Redis was wiped, live workers have told by then which hints they hold: with a renewal."""
UNKNOWN_S = 3
"""A committed hint reaches the dispatcher in milliseconds; after this its admission was lost."""
SENDING_S = 3
"""A worker that lives sends a hint's last events at once after it has written the row."""
AGED_S = 15
"""A hint that has waited so long is aged: it need not wait for an engine that has its prefix."""
STRANDED_S = 10
"""So long a hint that failed elsewhere waits for an engine that is gone just now."""
OUTAGE_S = 30
"""With no engine at all for so long, hints no longer wait for one."""
AHEAD_S = 120
"""A diagnosis that runs ahead waits for so long: then its student has asked, or has gone on."""
STREAM_S = 3600
"""A hint's events are kept for so long after the last one; its row is kept."""

# An engine's answer: what an admin may change, and the most that they may choose.
CONNECT_S, MOST_CONNECT_S = 5, 60
FIRST_CHUNK_S, MOST_FIRST_CHUNK_S = 30, 300
"""A prompt of 2,000 tokens behind a full batch takes some seconds."""
IDLE_S, MOST_IDLE_S = 10, 120
"""Silence between two chunks."""
DEADLINE_S, MOST_DEADLINE_S = 120, 150
"""A whole attempt, whatever it does."""
TASK_S = MOST_DEADLINE_S + 30
"""A task that goes on for so long after every deadline of its own is cancelled."""

# Signs of life, each with the silence after which its sender counts as gone.
PULSE_S = 1
"""Of a child process, over a pipe to its parent."""
HANG_S = 10
"""A child that has given a sign and then is silent for so long hangs, or was stopped."""
CHILD_START_S = 120
"""Imports on a busy machine take long; a child without any sign by then hangs too."""
WORKER_BEAT_S = 2
WORKER_LIVES_S = 3 * WORKER_BEAT_S
NODE_BEAT_S = 2
NODE_LIVES_S = 5 * NODE_BEAT_S
"""Also the longest that a name is kept from the next process of a node that was killed."""
COMMENT_S = 15
"""In an event stream: proxies cut what is silent for a minute."""

# Who watches over the others: one process at a time, by a lock that outlives the longest round.
TICK_S = 1
"""Of the monitor and of rescue."""
MONITOR_LOCK_S = 5
RESCUE_LOCK_S = 20
UPKEEP_LOCK_S = 60
EVALUATION_LOCK_S = 60
"""Of a round of it; should one take longer, two at once do no harm."""

# An engine's health.
FAILURE_THRESHOLD, FAILURES_WITHIN_S = 3, 10
"""So many failures in so short a time take an engine down."""
STALE_S = 5
"""Metrics older than this say nothing of now."""
READING_S = 30
"""People are shown the last metrics for so long."""
FROZEN_S = 20
"""An engine that holds requests and has made no step for so long is stuck."""
FIRST_GROWN_PAUSE_S, MOST_GROWN_PAUSE_S = 1, 60
"""A server that says 429 but not for how long is left alone for 1 s, 2 s, 4 s …"""
MOST_PAUSE_S = 300
"""However long it says: an answer can be a lie, and hints wait."""
SHORT_PAUSE_S = 5
"""A pause that is no longer is waited for, though another engine stands in."""

# A student's runs.
RUN_S = 30
"""A run ends by itself after this, so that a web process that is killed frees its user."""
RUNS_WITHIN_S = 60

# The links to Redis, those of Celery too.
REDIS_CONNECT_S = 3
REDIS_CHECK_S = 10
"""A link that was idle for so long is tried before it is used."""

# The end of processes, from the inside out: each waits for those within.
WORKER_STOP_S = 25
"""A worker that is told to stop lets the hints it writes go on for so long."""
NODE_STOP_S = 30
SITE_STOP_S = 40
DRAIN_S = DEADLINE_S
"""Workers of a draining engine are told to stop after this even if the count says it is busy."""
WORKER_LEAVES_S = TASK_S + 20
"""A worker that is to go and is still there after every task's end hangs."""
