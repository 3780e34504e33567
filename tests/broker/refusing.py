"""A real Redis that refuses, each way for as long as a with block runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest
import redis


@contextmanager
def full_disk(client: redis.Redis, folder: Path) -> Iterator[None]:
    """MISCONF, also for PING: the dump cannot be put in its place."""
    in_the_way = folder / "dump.rdb" / "x"
    in_the_way.mkdir(parents=True, exist_ok=True)
    client.config_set("save", "1 1")
    client.bgsave()
    for _ in range(200):
        if client.info("persistence")["rdb_last_bgsave_status"] == "err":
            break
        sleep(0.05)
    try:
        yield
    finally:
        client.config_set("save", "")
        in_the_way.rmdir()
        in_the_way.parent.rmdir()


@contextmanager
def configured(client: redis.Redis, **values: str) -> Iterator[None]:
    names = {name.replace("_", "-"): value for name, value in values.items()}
    before = {name: client.config_get(name)[name] for name in names}
    try:
        for name, value in names.items():
            client.config_set(name, value)
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


@contextmanager
def replica(client: redis.Redis, stale: str) -> Iterator[None]:
    with configured(client, replica_serve_stale_data=stale):
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            yield
        finally:
            client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def without(client: redis.Redis, command: str) -> Iterator[None]:
    client.execute_command("ACL", "SETUSER", "default", f"-{command}")
    try:
        yield
    finally:
        client.execute_command("ACL", "SETUSER", "default", f"+{command}")


@contextmanager
def busy(client: redis.Redis) -> Iterator[None]:
    """A script of somebody else runs for ever."""

    def run() -> None:
        with pytest.raises(redis.ResponseError):
            client.eval("while true do end", 0)

    with configured(client, busy_reply_threshold="1"):
        thread = threading.Thread(target=run)
        thread.start()
        sleep(0.2)
        try:
            yield
        finally:
            client.script_kill()
            thread.join()
