"""The last node dies for good: what runs, what waits and what is still asked for ends even so."""

from __future__ import annotations

import os
import signal

import pytest

from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.launch import FakeEngine
from tests.whole.stand import frames, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]


def test_without_any_node_every_hint_ends(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = FakeEngine()
    folder = tmp_path_factory.mktemp("stand")
    with standing(folder, {"gpu0": engine}, {"HINTLINE_HINT_TTL_S": "200"}) as stand:
        engine.script(Behaviour(pieces=("Look at your loop. ",), then=Then.HANG))
        asked = [stand.student() for _ in range(3)]
        running = stand.ask(asked[0])
        until(lambda: engine.stats()["active"])
        for pid in (stand.processes["node"].pid, *stand.worker_pids()):
            os.kill(pid, signal.SIGKILL)
        waiting = stand.ask(asked[1])

        with asked[1].stream("GET", waiting["links"]["events"], timeout=90) as stream:
            seen = [(kind, data) for _, kind, data in frames(stream.iter_lines())]

        kind, data = seen[-1]
        assert (kind, data["reason"]) == ("done", "model_unavailable")
        for hint in (running, waiting):
            final = stand.final(hint["id"], within_s=10)
            assert (final["state"], final["reason"]) == ("failed", "model_unavailable")
            assert final["source"] == "evidence"
            assert final["text"]
        # With nobody there for so long already, who asks now need not wait for that again.
        late = stand.ask(asked[2])
        assert stand.final(late["id"], within_s=15)["source"] == "evidence"
