"""Runs the real scripts at a time that a test or a benchmark sets."""

from __future__ import annotations

from typing import Any, TypeVar

from broker.scripts import SHEBANG, Call, common, scripts

T = TypeVar("T")
NOW = "virtual:now"
CLOCK = f"local function now_ms() return tonumber(redis.call('GET', '{NOW}')) end"


class VirtualBroker:
    """Like broker.connect.Broker, but the scripts' clock is set_now's.

    client: of a real server, or of fakeredis, which knows no first line of a script.
    """

    def __init__(self, client: Any, first_line: str = SHEBANG) -> None:
        self.client = client
        self.shas: dict[str, str] = {}
        for name, script in scripts().items():
            text = script.source.removeprefix(SHEBANG).replace(common("clock"), CLOCK)
            self.shas[name] = client.script_load(first_line + text)

    def set_now(self, now_ms: int) -> None:
        self.client.set(NOW, now_ms)

    def run(self, call: Call[T]) -> T:
        return call.parse(self.client.evalsha(self.shas[call.script], 0, *call.args))
