"""The Celery message: where it goes, what it carries, and how it fails."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery

from broker.connect import AsyncBroker, Broker
from broker.dispatch import Grant
from broker.embedded import Embedded, url
from broker.errors import BrokerDown
from broker.queue import CELERY, TASK, kombu_url, queue_name, ring, ring_async, rings, task_id

LIST = "hl:celery:engine.gpu0"
MANY = [Grant("a", "gpu0", 1), Grant("b", "gpu1", 1), Grant("c", "gpu0", 3)]


def client(valkey: Embedded) -> Celery:
    """Celery as it comes, with our settings."""
    app = Celery("hintline", broker=kombu_url(valkey.url), set_as_current=False)
    app.conf.update(CELERY)
    return app


def sent(broker: Broker) -> dict[str, Any]:
    """The only message of gpu0."""
    (text,) = broker.client.lrange(LIST, 0, -1)
    message: dict[str, Any] = json.loads(text)
    message["body"] = json.loads(b64decode(message["body"]))
    return message


def told(broker: Broker) -> list[list[str]]:
    """Ids of the messages of gpu0 and of gpu1, the newest first."""
    lists = (LIST, "hl:celery:engine.gpu1")
    return [[json.loads(m)["headers"]["id"] for m in broker.client.lrange(k, 0, -1)] for k in lists]


def test_the_message_is_what_celery_itself_would_send(broker: Broker, valkey: Embedded) -> None:
    ring(broker, [Grant("h", "gpu0", 2)])
    ours = sent(broker)
    broker.client.delete(LIST)
    headers = {"sent_s": ours["headers"]["sent_s"]}
    with client(valkey) as app:
        app.send_task(TASK, ["h"], task_id="h-2", queue="engine.gpu0", headers=headers)
    theirs = sent(broker)

    assert UUID(ours["properties"].pop("delivery_tag"))
    del theirs["properties"]["delivery_tag"]
    for message in (ours, theirs):  # they name the thread that sent it, and where an answer goes
        del message["properties"]["reply_to"]
        del message["headers"]["origin"]
    assert ours == theirs


def test_many_are_told_in_one_round_trip(broker: Broker) -> None:
    ring(broker, [Grant("before", "gpu2", 1)])
    broker.client.config_resetstat()

    ring(broker, MANY)
    ring(broker, [])

    assert broker.client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert told(broker) == [["c-3", "a-1"], ["b-1"]]


async def test_many_are_told_on_an_event_loop(broker: Broker, async_broker: AsyncBroker) -> None:
    ring(broker, [Grant("before", "gpu2", 1)])
    broker.client.config_resetstat()

    await ring_async(async_broker, MANY)
    await ring_async(async_broker, [])

    assert broker.client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert told(broker) == [["c-3", "a-1"], ["b-1"]]


def test_a_ring_that_nobody_hears_is_only_logged(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(url(data_dir))
    ring(broker, [Grant("h", "gpu0", 1)])
    broker.close()

    assert "granted but not published: h:" in caplog.text


async def test_a_ring_that_nobody_hears_is_only_logged_on_an_event_loop(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = AsyncBroker(url(data_dir))
    await ring_async(broker, [Grant("h", "gpu0", 1)])
    await broker.aclose()

    assert "granted but not published: h:" in caplog.text


def test_the_message_is_the_engines_and_carries_the_hint_alone(broker: Broker) -> None:
    ring(broker, [Grant("h", "gpu0", 2)])

    messages = broker.client.lrange(LIST, 0, -1)
    assert len(messages) == 1
    message = json.loads(messages[0])
    assert message["headers"]["task"] == "generate_hint"
    assert message["headers"]["id"] == "h-2" == task_id(Grant("h", "gpu0", 2))
    assert message["headers"]["argsrepr"] == "['h']"


def test_a_worker_side_consumer_receives_it(broker: Broker, valkey: Embedded) -> None:
    ring(broker, [Grant("h", "gpu0", 1)])

    with client(valkey).connection_for_read() as connection:
        bell = connection.SimpleQueue(queue_name("gpu0"))
        message = bell.get(timeout=5)
        assert message.payload[0] == ["h"]
        message.ack()
        bell.close()


def test_publishing_goes_on_after_a_wipe(broker: Broker) -> None:
    ring(broker, [Grant("before", "gpu0", 1)])
    broker.client.flushall()

    ring(broker, [Grant("after", "gpu0", 1)])

    assert broker.client.llen(LIST) == 1


def test_every_key_of_celery_has_our_prefix(broker: Broker) -> None:
    ring(broker, [Grant("h", "gpu0", 1)])

    assert all(key.startswith("hl:celery:") for key in broker.client.scan_iter())


def test_threads_share_a_broker_and_its_connections(broker: Broker) -> None:
    def publish(n: int) -> None:
        ring(broker, [Grant(f"h{n}", "gpu0", 1)])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(publish, range(4)))
        opened = broker.client.info("stats")["total_connections_received"]
        list(threads.map(publish, range(4, 40)))

    assert broker.client.llen(LIST) == 40
    assert broker.client.info("stats")["total_connections_received"] - opened < 10


def test_publish_without_a_server_is_broker_down(data_dir: Path) -> None:
    broker = Broker(url(data_dir))

    with pytest.raises(BrokerDown):
        broker.run(rings([Grant("h", "gpu0", 1)]))
    broker.close()


def test_publish_gives_up_after_a_few_connections() -> None:
    tries = 0

    def hang_up() -> None:
        nonlocal tries
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            tries += 1
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, daemon=True).start()
        broker = Broker(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        with pytest.raises(BrokerDown):
            broker.run(rings([Grant("h", "gpu0", 1)]))
        broker.close()

    assert 0 < tries <= 6


def test_publishing_goes_on_when_the_server_comes_back(data_dir: Path) -> None:
    server = Embedded(data_dir)
    server.start()
    broker = Broker(server.url)
    ring(broker, [Grant("first", "gpu0", 1)])
    server.stop()
    with pytest.raises(BrokerDown):
        broker.run(rings([Grant("lost", "gpu0", 1)]))

    server.start()
    ring(broker, [Grant("second", "gpu0", 1)])

    assert broker.client.llen(LIST) == 2
    broker.close()
    server.stop()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p@host:6379/1", "redis://u:p@host:6379/1"),
        ("unix:///a/b.sock", "redis+socket:///a/b.sock"),
        ("unix:///a/b.sock?db=3", "redis+socket:///a/b.sock?virtual_host=3"),
    ],
)
def test_kombu_url(url: str, expected: str) -> None:
    assert kombu_url(url) == expected
