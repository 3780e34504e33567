"""The only place that makes a Celery message, and the Celery settings both sides share."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from time import time
from typing import Any
from uuid import uuid4

from celery import Celery

from broker import trace
from broker.connect import AsyncBroker, Broker
from broker.dispatch import Grant
from broker.errors import BrokerDown
from broker.keys import CELERY as CELERY_KEYS
from broker.scripts import Call, nothing
from broker.settings import need

TASK = "generate_hint"
log = logging.getLogger(__name__)

CELERY: dict[str, Any] = {
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    "enable_utc": True,
    "timezone": "UTC",
    # Acked when the pool takes the job: recovery is the lease's, a message is only a doorbell.
    "task_acks_late": False,
    "task_track_started": False,
    "task_time_limit": 180,
    "task_soft_time_limit": 150,
    "worker_prefetch_multiplier": 1,
    # Without it a busy worker fetches as many again, which another one could serve now.
    "worker_disable_prefetch": True,
    "worker_soft_shutdown_timeout": 25,
    "worker_send_task_events": need("HINTLINE_TASK_EVENTS", bool),
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_pool_acquire_timeout": 2,
    "broker_transport_options": {
        # Nor is what is fetched kept in Redis, which takes two round trips a message.
        "ack_emulation": False,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "max_connections": 50,
        "global_keyprefix": CELERY_KEYS(),
        "client_name": "hintline-celery",
    },
    # Without these columns tracebacks are lost; they hold the arguments, hence the id alone.
    "result_extended": True,
    "result_expires": 7 * 24 * 3600,
    "result_backend_always_retry": True,
    "result_backend_max_retries": 5,
}


def queue_name(engine: str) -> str:
    return f"engine.{engine}"


def task_id(grant: Grant) -> str:
    return f"{grant.hint}-{grant.attempt}"


def kombu_url(url: str) -> str:
    """A REDIS_URL in kombu's spelling, which has its own for Unix sockets."""
    if not url.startswith("unix:"):
        return url
    return url.replace("unix:", "redis+socket:", 1).replace("db=", "virtual_host=")


@cache
def pattern() -> tuple[dict[str, Any], list[Any]]:
    """A message and its body as Celery makes them: every other one is a copy with other ids.

    Making each anew takes Celery half a millisecond, two on a process that does it rarely.
    """
    with Celery("hintline", broker="memory://", set_as_current=False) as app:
        app.conf.update(CELERY | {"broker_transport_options": {}})
        app.send_task(TASK, args=[""], task_id="", queue=TASK)
        with app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            message = channel.basic_get(TASK, no_ack=True)
            return message.serializable(), json.loads(message.body)


def message(grant: Grant) -> str:
    """What kombu's Redis transport keeps in a queue's list."""
    made, (_, kwargs, embedded) = pattern()
    name = task_id(grant)
    headers = {
        "id": name,
        "root_id": name,
        "argsrepr": repr([grant.hint]),
        "sent_s": time(),
        **trace.headers_for(grant.hint),
    }
    properties = {
        "correlation_id": name,
        "delivery_info": {"exchange": "", "routing_key": queue_name(grant.engine)},
        "delivery_tag": str(uuid4()),
    }
    changed = {
        "body": b64encode(json.dumps([[grant.hint], kwargs, embedded]).encode()).decode(),
        "headers": made["headers"] | headers,
        "properties": made["properties"] | properties,
    }
    return json.dumps(made | changed)


def rings(grants: Iterable[Grant]) -> Call[None]:
    """Tells workers of these grants. Sending one twice is safe: only one claim succeeds."""
    pairs = ((queue_name(grant.engine), message(grant)) for grant in grants)
    return Call("ring", tuple(part for pair in pairs for part in pair), nothing)


def ring(broker: Broker, grants: Sequence[Grant]) -> None:
    """Tells workers of these grants in one round trip.

    One that cannot be told is only logged: it is given again when nobody has claimed it.
    """
    if not grants:
        return
    try:
        broker.run(rings(grants))
    except BrokerDown as error:
        unheard(grants, error)


async def ring_async(broker: AsyncBroker, grants: Sequence[Grant]) -> None:
    """As ring, on an event loop."""
    if not grants:
        return
    try:
        await broker.run(rings(grants))
    except BrokerDown as error:
        unheard(grants, error)


def unheard(grants: Sequence[Grant], error: BrokerDown) -> None:
    hints = ", ".join(grant.hint for grant in grants)
    log.warning("hints granted but not published: %s: %s", hints, error)
