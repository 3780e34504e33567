"""Both links to a Redis behind TLS, ours and Celery's, trust the same servers."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from broker import dispatch, urls
from broker.base.errors import BrokerDown
from broker.connect import AsyncBroker, Broker
from broker.embedded import SOCKET_NAME, Embedded
from broker.queue import CELERY


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed by itself, with its key, for the address 127.0.0.1 and for no name."""
    path = tmp_path_factory.mktemp("tls") / "redis.pem"
    subject = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def port(valkey: Embedded, certificate: Path) -> Iterator[int]:
    """Where Valkey can be reached over TLS: the package's own server has none."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(valkey.folder / SOCKET_NAME)
        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    start = asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server = loop.run_until_complete(start)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def by_thread(url: str) -> None:
    broker = Broker(url)
    try:
        broker.run(dispatch.epoch())
    finally:
        broker.close()


def by_loop(url: str) -> None:
    async def ask() -> None:
        broker = AsyncBroker(url)
        try:
            await broker.run(dispatch.epoch())
        finally:
            await broker.aclose()

    asyncio.run(ask())


def by_celery(url: str) -> None:
    """As workers.app makes it."""
    with Celery("hintline", broker=urls.for_celery(url), set_as_current=False) as app:
        app.conf.update(CELERY | {"broker_use_ssl": urls.tls(url)})
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
            connection.default_channel.client.ping()


Link = Callable[[str], None]
links = pytest.mark.parametrize("link", [by_thread, by_loop, by_celery])


@links
def test_a_certificate_that_nobody_vouches_for_is_refused(link: Link, port: int) -> None:
    with pytest.raises((BrokerDown, OperationalError), match="certificate verify failed"):
        link(f"rediss://127.0.0.1:{port}/0")


@links
def test_a_certificate_of_another_name_is_refused(link: Link, port: int, certificate: Path) -> None:
    with pytest.raises((BrokerDown, OperationalError), match="certificate verify failed"):
        link(f"rediss://localhost:{port}/0?ssl_ca_certs={certificate}")


@links
def test_a_certificate_that_the_url_names_is_trusted(
    link: Link, port: int, certificate: Path
) -> None:
    link(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")


@links
def test_who_wants_no_verification_says_so(link: Link, port: int) -> None:
    link(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none&ssl_check_hostname=false")
