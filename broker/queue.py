"""The only place that makes a Celery message, and the Celery settings both sides share."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache
from time import time
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from broker import trace
from broker.connect import default_url
from broker.dispatch import Grant
from broker.errors import BrokerDown
from broker.keys import CELERY as CELERY_KEYS
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
    "task_publish_retry": True,
    "task_publish_retry_policy": {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    },
    "worker_prefetch_multiplier": 1,
    "worker_soft_shutdown_timeout": 25,
    "worker_send_task_events": need("HINTLINE_TASK_EVENTS", bool),
    "task_send_sent_event": need("HINTLINE_TASK_EVENTS", bool),
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_pool_acquire_timeout": 2,
    "broker_transport_options": {
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
# A web request waits for a publish, a worker does not.
PUBLISH_SOCKET_TIMEOUT_S = 3


def queue_name(engine: str) -> str:
    return f"engine.{engine}"


def task_id(grant: Grant) -> str:
    return f"{grant.hint}-{grant.attempt}"


def kombu_url(url: str) -> str:
    """A REDIS_URL in kombu's spelling, which has its own for Unix sockets."""
    if not url.startswith("unix:"):
        return url
    return url.replace("unix:", "redis+socket:", 1).replace("db=", "virtual_host=")


class Publisher:
    """Rings engines' doorbells; threads may share one, connections are kept."""

    def __init__(self, url: str | None = None) -> None:
        """url: as of connect.Broker."""
        self.app = Celery("hintline", broker=kombu_url(url or default_url()), set_as_current=False)
        self.app.conf.update(CELERY)
        transport = CELERY["broker_transport_options"]
        self.app.conf.broker_transport_options = transport | {
            "socket_timeout": PUBLISH_SOCKET_TIMEOUT_S
        }

    def publish(self, grant: Grant) -> None:
        """Tells a worker of the grant's engine. Sending it twice is safe: only one claim succeeds.

        Raises: BrokerDown after two tries; the grant expires then, and the hint waits again.
        """
        try:
            self.app.send_task(
                TASK,
                args=[grant.hint],
                task_id=task_id(grant),
                queue=queue_name(grant.engine),
                headers={"sent_s": time(), **trace.headers_for(grant.hint)},
                add_to_parent=False,
            )
        except (OperationalError, KombuError, redis.RedisError, OSError) as error:
            raise BrokerDown(str(error)) from error

    def close(self) -> None:
        self.app.close()


@cache
def publisher() -> Publisher:
    return Publisher()


def publish(grant: Grant) -> None:
    """As Publisher.publish, on the default Redis."""
    publisher().publish(grant)


def ring(grants: Iterable[Grant]) -> None:
    """Publishes each; one that cannot be published is given again when nobody has claimed it."""
    for grant in grants:
        try:
            publish(grant)
        except BrokerDown as error:
            log.warning("hint %s granted but not published: %s", grant.hint, error)
