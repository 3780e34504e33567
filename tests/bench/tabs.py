"""What the fleet's page costs that is open in twenty windows, as it asks while somebody looks.

A tab that nobody looks at asks for nothing; one that is looked at asks again when the answer says.
python -m tests.bench.tabs prints it.
"""

from __future__ import annotations

import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode

import psutil

from tests.bench.idle import SETTLE_S, started, title
from tests.bench.stream import cpu_of
from tests.bench.table import Row

TABS, PERIOD_S, CHARTS_S = 20, 2.0, 20.0
"""As fleet.js and charts.js ask, unless an answer says otherwise."""
SECONDS = 40
OURS = ("uvicorn web.asgi:application", "valkey-server")
NOW, CHARTS = "/ops/fleet/now/", "/ops/fleet/charts/?span=hour"


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="hl-") as folder, started(folder) as start:
        sleep(SETTLE_S)
        processes = [
            each for each in start.children(recursive=True) if title(each.cmdline()) in OURS
        ]
        port = int(start.environ()["HINTLINE_PORT"])
        idle, over = percent(processes), Event()
        cookies = signed_in(port, Path(folder))
        with ThreadPoolExecutor(TABS) as threads:
            tabs = [threads.submit(look, port, cookies, n, over) for n in range(TABS)]
            sleep(SETTLE_S)
            busy = percent(processes)
            over.set()
            for tab in tabs:
                tab.result()
    return [
        (
            f"{TABS} windows, {name}: CPU, % of a core",
            f"{busy[name]:.2f}", f"{idle[name]:.2f} (nobody looks)", "",
        )
        for name in OURS
    ] + [(
        f"{TABS} windows, both: CPU, % of a core",
        f"{sum(busy.values()):.2f}", f"{sum(idle.values()):.2f} (nobody looks)", "≤ 3",
    )]  # fmt: skip


def percent(processes: list[psutil.Process]) -> dict[str, float]:
    """Of a core, by the name of the process."""
    began_s, before_s = perf_counter(), [cpu_of(each) for each in processes]
    sleep(SECONDS)
    took_s = perf_counter() - began_s
    return {
        title(each.cmdline()): 100 * (cpu_of(each) - before) / took_s
        for each, before in zip(processes, before_s, strict=True)
    }


def signed_in(port: int, folder: Path) -> str:
    """The cookies of the admin."""
    lines = (folder / "accounts.txt").read_text().splitlines()
    password = dict(line.split() for line in lines)["admin"]
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/accounts/login/")
    answer = connection.getresponse()
    html, first = answer.read().decode(), cookies_of(answer.headers.get_all("Set-Cookie"))
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', html)
    assert token is not None
    typed = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1]}
    headers = {"Cookie": first, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/accounts/login/", urlencode(typed), headers)
    answer = connection.getresponse()
    answer.read()
    return cookies_of(answer.headers.get_all("Set-Cookie"))


def cookies_of(headers: list[str] | None) -> str:
    return "; ".join(header.partition(";")[0] for header in headers or ())


def look(port: int, cookies: str, number: int, over: Event) -> None:
    connection = HTTPConnection("127.0.0.1", port)

    def ask(path: str) -> dict[str, Any]:
        try:
            connection.request("GET", path, headers={"Cookie": cookies})
            answer = connection.getresponse()
        # The server ends a link that is idle for long; a browser makes a new one, too.
        except (ConnectionResetError, BrokenPipeError):
            connection.close()
            return ask(path)
        told: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 200, answer.status
        return told

    # Nobody opens twenty windows in one moment.
    sleep(PERIOD_S * number / TABS)
    pause_s, charts_s = PERIOD_S, -CHARTS_S
    while not over.wait(pause_s):
        pause_s = ask(NOW)["again_s"]
        if perf_counter() - charts_s >= CHARTS_S:
            charts_s = perf_counter()
            ask(CHARTS)


if __name__ == "__main__":
    for cells in rows():
        print(*cells, sep=" | ")
