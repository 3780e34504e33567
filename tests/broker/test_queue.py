"""The Celery message: where it goes, and what it carries."""

from __future__ import annotations

import json
from base64 import b64decode
from time import time
from typing import Any

import pytest
from celery import Celery

from broker import dispatch
from broker.connect import Broker
from broker.dispatch import Grant
from broker.embedded import Embedded
from broker.keys import CELERY as CELERY_KEYS
from broker.keys import DOORBELLS
from broker.queue import CELERY, TASK, queue_name
from broker.urls import for_celery
from tests.broker.helpers import admit, rung, serve

LIST = DOORBELLS("gpu0")


def client(valkey: Embedded) -> Celery:
    """Celery as it comes, with our settings."""
    app = Celery("hintline", broker=for_celery(valkey.url), set_as_current=False)
    app.conf.update(CELERY)
    return app


def sent(broker: Broker) -> dict[str, Any]:
    """The only message of gpu0."""
    (text,) = broker.client.lrange(LIST, 0, -1)
    message: dict[str, Any] = json.loads(text)
    if message["properties"].pop("body_encoding") == "base64":
        message["body"] = b64decode(message["body"]).decode()
    message["body"] = json.loads(message["body"])
    return message


def test_the_message_is_what_celery_itself_would_send(broker: Broker, valkey: Embedded) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h", attempt=1)
    ours = sent(broker)
    broker.client.delete(LIST)
    headers = {"sent_s": ours["headers"]["sent_s"]}
    with client(valkey) as app:
        app.send_task(TASK, ["h"], task_id="h-2", queue=queue_name("gpu0"), headers=headers)
    theirs = sent(broker)

    assert abs(time() - headers["sent_s"]) < 60
    for message in (ours, theirs):  # they name the thread that sent it, and where an answer goes
        del message["properties"]["delivery_tag"]
        del message["properties"]["reply_to"]
        del message["headers"]["origin"]
    assert ours == theirs


def test_every_grant_rings_once_in_the_queue_of_its_engine(broker: Broker) -> None:
    serve(broker, gpu0=1, gpu1=1)

    grants = [admit(broker, hint).grant for hint in "ab"]
    waits = admit(broker, "c")
    known = admit(broker, "a")
    (next_one,) = broker.run(dispatch.settle("b", "gpu1", 1, None))
    (again,) = broker.run(dispatch.requeue("a", "gpu0", 1, exclude=False))

    assert grants == [Grant("a", "gpu0", 1), Grant("b", "gpu1", 1)]
    assert (waits.grant, known.grant) == (None, grants[0])
    assert rung(broker, "gpu0") == [grants[0], again] == [grants[0], Grant("a", "gpu0", 2)]
    assert rung(broker, "gpu1") == [grants[1], next_one] == [grants[1], Grant("c", "gpu1", 1)]


def test_a_call_sent_twice_rings_once(broker: Broker) -> None:
    """As it is after an answer that was lost with its connection."""
    serve(broker, gpu0=1)
    admit(broker, "a")
    admit(broker, "b")
    settle = dispatch.settle("a", "gpu0", 1, None)

    broker.run(settle)
    broker.run(settle)

    assert rung(broker) == [Grant("a", "gpu0", 1), Grant("b", "gpu0", 1)]


def test_the_message_is_the_engines_and_carries_the_hint_alone(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h", attempt=1)

    message = sent(broker)
    assert message["headers"]["task"] == "generate_hint"
    assert message["headers"]["id"] == "h-2"
    assert message["headers"]["argsrepr"] == "['h']"
    assert message["body"][:2] == [["h"], {}]


def test_a_worker_side_consumer_receives_it(broker: Broker, valkey: Embedded) -> None:
    serve(broker, gpu0=1)
    admit(broker, "h")

    with client(valkey).connection_for_read() as connection:
        bell = connection.SimpleQueue(queue_name("gpu0"))
        message = bell.get(timeout=5)
        assert message.payload[0] == ["h"]
        message.ack()
        bell.close()


def test_it_rings_again_after_a_wipe(broker: Broker) -> None:
    serve(broker, gpu0=1)
    admit(broker, "before")
    broker.client.flushall()

    serve(broker, gpu0=1)
    admit(broker, "after")

    assert rung(broker) == [Grant("after", "gpu0", 1)]


def test_the_scripts_and_celery_mean_the_same_list() -> None:
    assert DOORBELLS("gpu0") == CELERY_KEYS(queue_name("gpu0"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p@host:6379/1", "redis://u:p@host:6379/1"),
        ("rediss://host?db=2&ssl_ca_certs=/ca.pem", "rediss://host/2"),
        ("redis://:a%2Fb@host/?password=x", "redis://:a%2Fb@host/0"),
        ("unix:///a/b.sock", "redis+socket:///a/b.sock"),
        ("unix:///a/b.sock?db=3", "redis+socket:///a/b.sock?virtual_host=3"),
    ],
)
def test_a_url_as_celery_spells_it(url: str, expected: str) -> None:
    assert for_celery(url) == expected
