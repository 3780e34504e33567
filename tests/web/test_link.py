"""The web's connection to a Redis that takes what it is sent and says nothing."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from broker import dispatch
from broker.connect import Broker
from web import link

pytestmark = pytest.mark.usefixtures("line")


def answered() -> bool:
    return link.attempt(dispatch.epoch()) is not None


def heard(silent: socket.socket) -> socket.socket:
    """The next connection, once something was sent on it."""
    connection = silent.accept()[0]
    assert connection.recv(1)
    return connection


def test_one_call_at_a_time_waits_for_a_silent_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as changed:
        there = Broker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        changed.setattr(link, "broker", lambda: there)
        assert not answered()
        heard(silent).close()
        waiting = Thread(target=answered)
        waiting.start()
        with heard(silent):
            others = [answered() for _ in range(3)]

            assert not any(others)
            assert waiting.is_alive(), "so none of the others has waited as it does"
            waiting.join()

    assert answered(), "the next call finds that it answers again"


def test_a_broker_that_refuses_at_once_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(link, "broker", lambda: Broker("redis://127.0.0.1:1/0"))
        assert not answered()
    assert answered()
