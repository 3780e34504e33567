"""The only place that makes a Celery message, and the Celery settings both sides share."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from celery import Celery

from broker.base.settings import need
from broker.base.times import REDIS_CHECK_S, REDIS_CONNECT_S, TASK_S, WORKER_STOP_S
from broker.keys import CELERY as CELERY_KEYS

TASK = "generate_hint"

CELERY: dict[str, Any] = {
    # Acked when the pool takes the task: recovery is the lease's, a message is only a doorbell.
    "task_acks_late": False,
    "task_track_started": False,
    "task_time_limit": TASK_S,
    "worker_prefetch_multiplier": 1,
    # Else a busy worker would fetch messages that another one could serve now.
    "worker_disable_prefetch": True,
    "worker_soft_shutdown_timeout": WORKER_STOP_S,
    "worker_send_task_events": need("HINTLINE_TASK_EVENTS", bool),
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # A full disk, an ACL or a replica makes Redis refuse commands; the link itself is sound.
    "broker_channel_error_retry": True,
    "broker_pool_acquire_timeout": 2,
    "broker_transport_options": {
        # Keeping a fetched message in Redis until it is acked would take two round trips more.
        "ack_emulation": False,
        # One priority: the worker waits at one key instead of four.
        "priority_steps": [0],
        "socket_timeout": 10,
        "socket_connect_timeout": REDIS_CONNECT_S,
        "socket_keepalive": True,
        "health_check_interval": REDIS_CHECK_S,
        "max_connections": 50,
        "global_keyprefix": CELERY_KEYS(),
        "client_name": "hintline-celery",
    },
    # Without it tracebacks are lost. It keeps the arguments too, so they are no more than an id.
    "result_extended": True,
    "result_backend_always_retry": True,
    "result_backend_max_retries": 5,
}


def queue_name(engine: str) -> str:
    """Of Celery's queue, in which only doorbells of this engine wait."""
    return f"engine.{engine}"


def task_id(job: str, attempt: int | str) -> str:
    """Of Celery's task for this attempt at a hint, or at a diagnosis that runs ahead."""
    return f"{job}-{attempt}"


@cache
def doorbell() -> str:
    """The Celery message that tells a worker of a grant, with blanks for the script that grants.

    blanks: <hint>, <attempt>, <engine>, and <sent_s>, a number.
    """
    name, queue = task_id("<hint>", "<attempt>"), queue_name("<engine>")
    with Celery("hintline", broker="memory://localhost", set_as_current=False) as app:
        # As text: a script cannot fill in blanks of a body in base64.
        app.conf.update(CELERY | {"broker_transport_options": {"body_encoding": "utf-8"}})
        headers = {"sent_s": "<sent_s>"}
        app.send_task(TASK, args=["<hint>"], task_id=name, queue=queue, headers=headers)
        with app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            message = channel.basic_get(queue, no_ack=True).serializable()
    message["properties"]["delivery_tag"] = name
    made = json.dumps(message | {"body": message["body"].decode()})
    return made.replace('"<sent_s>"', "<sent_s>")
