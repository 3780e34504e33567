"""Runs the real scripts at a time that a test or a benchmark sets."""

from __future__ import annotations

from typing import Any, TypeVar

from broker.scripts import SHEBANG, Call, common, composed

T = TypeVar("T")
NOW = "virtual:now"
CLOCK = f"local function now_ms() return tonumber(redis.call('GET', '{NOW}')) end"


class VirtualBroker:
    """Like broker.connect.Broker, but the scripts' clock is set_now's.

    client: of a real server, or of fakeredis, which knows no first line of a script.
    """

    def __init__(self, client: Any, first_line: str = SHEBANG) -> None:
        self.client = client
        self.scripts = composed(lambda name: CLOCK if name == "clock" else common(name), first_line)
        for script in self.scripts.values():
            client.script_load(script.source)

    def set_now(self, now_ms: int) -> None:
        self.client.set(NOW, now_ms)

    def run(self, call: Call[T]) -> T:
        sha = self.scripts[call.script].sha
        return call.parse(self.client.evalsha(sha, 0, *call.args))
