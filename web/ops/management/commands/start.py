"""`make run`: everything on one machine, without Docker or GPU."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from io import FileIO
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from broker import embedded, fleet
from broker.base.children import Child
from broker.base.errors import HintlineError
from broker.base.folder import UMASK, Held, hold, lives, private
from broker.base.output import ChildOutput
from broker.base.settings import need, read
from broker.base.times import SITE_STOP_S
from web.engines import roster
from web.engines.models import Engine, Mode
from web.link import attempt
from web.ops import aside
from web.runner import build

WATCH_S = 0.5
READY_WITHIN_S = 60.0


class Command(BaseCommand):
    help = "Start Valkey, the local model, a worker node and the web app; Ctrl-C stops them."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        # SIGINT too: a shell ignores it for what it starts in the background.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        os.umask(UMASK)
        self.began_s = monotonic()
        self.children: list[Child] = []
        try:
            with self.lock_folder() as lock, ExitStack() as self.ending:
                self.lock = lock.fileno()
                self.start_all()
                self.watch()
        except KeyboardInterrupt:
            self.tell("\nStopping …")
        except HintlineError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {error}") from error
        self.tell("Stopped.")

    def lock_folder(self) -> FileIO:
        """Of this start alone, as long as one of its processes lives.

        Raises: HintlineError if another start runs on the folder.
        """
        give_up_s = 0.0
        while True:
            try:
                return hold(settings.DATA / "start.lock")
            except Held as held:
                late = give_up_s and monotonic() > give_up_s
                if late or lives(held.pid):
                    raise HintlineError(
                        f"Another start, pid {held.pid}, runs on {settings.DATA}: stop it, or set"
                        " HINTLINE_DATA to another folder."
                    ) from None
            if not give_up_s:
                self.tell("Waiting for the processes of a start that was killed …")
                give_up_s = monotonic() + SITE_STOP_S
            sleep(WATCH_S)

    def start_all(self) -> None:
        port = need("HINTLINE_PORT", int)
        refuse_taken(port, "HINTLINE_PORT")
        try:
            build.require()
        except build.NotBuilt as error:
            raise HintlineError(str(error)) from None
        if aside.is_other():
            self.put_aside()
        self.logs = settings.DATA / "logs"
        private(self.logs)
        if not read("REDIS_URL", str):
            url = embedded.url(settings.DATA)
            self.wait_for(self.launch("Valkey", "-m", "broker"), lambda: embedded.answers(url))
        self.say("Database …")
        call_command("migrate", verbosity=0)
        call_command("seed", stdout=self.stdout)
        # Its server runs whatever the mode is, so that switching to it needs no restart.
        if Engine.objects.filter(kind=Mode.LOCAL, url="", enabled=True).exists():
            local_port = need("HINTLINE_LOCAL_PORT", int)
            refuse_taken(local_port, "HINTLINE_LOCAL_PORT")
            health = f"http://{need('HINTLINE_LOCAL_HOST', str)}:{local_port}/health"
            self.wait_for(
                self.launch("Local model", "-m", "workers", "engine"), lambda: answers(health)
            )
        address = f"http://127.0.0.1:{port}"
        # Each needs a core for some seconds, and neither the other.
        node = self.launch("Worker node", "-m", "workers", "node")
        web = self.launch("Web", *web_arguments(port))
        self.wait_for(node, has_slots)
        self.wait_for(web, lambda: answers(f"{address}/accounts/login/"))
        self.tell(f"Ready after {monotonic() - self.began_s:.0f} s: {address}")
        self.tell(f"Admin: {address}/admin/   API: {address}/v1/docs   Ctrl-C stops all.")

    def put_aside(self) -> None:
        """Asks whether to, where somebody can answer. Raises: HintlineError if it stays."""
        question = f"{aside.problem()} Put it aside, unharmed, and start with a new one? [y/N] "
        answer = ""
        if aside.is_file() and sys.stdin.isatty():
            # Who ends the input has not agreed.
            with suppress(EOFError):
                answer = input(question)
        if answer.strip().lower() not in ("y", "yes"):
            raise HintlineError(aside.advice())
        self.say(f"Put aside: {aside.put_aside()}")

    def launch(self, name: str, *arguments: str) -> Child:
        self.say(f"{name} …")
        slug = name.lower().replace(" ", "-")
        output = ChildOutput(self.logs / f"{slug}.log")
        child = Child(slug, [sys.executable, *arguments], keep=[self.lock], output=output)
        self.children.append(child)
        # The last one first, and the others too where one cannot be stopped.
        self.ending.callback(child.stop, SITE_STOP_S)
        try:
            child.start()
        except OSError as error:
            raise HintlineError(f"{slug} cannot be started: {error.strerror}") from error
        return child

    def wait_for(self, child: Child, ready: Callable[[], bool]) -> None:
        if not child.wait_until(ready, READY_WITHIN_S):
            # What it waits for may come: a Redis that refuses, say, writes again.
            self.say(f"{child.name} is not ready after {READY_WITHIN_S:.0f} s\n{child.tail()}")

    def say(self, what: str) -> None:
        self.tell(f"[{monotonic() - self.began_s:5.1f} s] {what}")

    def tell(self, line: str) -> None:
        # To a file on a full disk, or to a terminal that is gone.
        with suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()

    def watch(self) -> None:
        """Until Ctrl-C: whatever dies or hangs is started again."""
        while True:
            sleep(WATCH_S)
            for child in self.children:
                if death := child.look() or child.revive():
                    self.say(f"{child.name} {death.text}")


def web_arguments(port: int) -> list[str]:
    # The grace is for open event streams, which end only when they are told to. No nginx stands
    # before it, and only h11 bounds the headers of a request (64 KB).
    return [
        "-m", "uvicorn", "web.asgi:application", "--port", str(port), "--no-access-log",
        "--http", "h11", "--timeout-graceful-shutdown", "5", "--log-level", "warning",
        # Nobody stands in front of us, so whoever asks is who is connected.
        "--no-proxy-headers",
    ]  # fmt: skip


def refuse_taken(port: int, setting: str) -> None:
    """Raises: HintlineError naming the setting that moves us to another port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            text = f"Port {port} is taken: stop what uses it, or set {setting} to another one."
            raise HintlineError(text) from None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own address
            return bool(response.status == 200)
    except OSError:
        return False


def has_slots() -> bool:
    """A worker has signed on; or none is wanted, and none will."""
    if not any(want.workers and not want.draining for want in roster.wanted().values()):
        return True
    loads = attempt(fleet.snapshot()) or {}
    return any(load.slots for load in loads.values())
