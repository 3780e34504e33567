"""Whatever a connection test calls good, a hint can use, and the other way round.

The hints' column is tests.workers.test_bad_servers, on the same server and the same table.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.contract.hint import Reason
from broker.contract.job import Endpoint, Thinking
from tests.fakes.badserver import MODES
from tests.fakes.launch import BadServer
from tests.web.kit import checked
from tests.workers.test_bad_servers import ANSWERED, ELSEWHERE, ENDED
from web.engines import connection

KEY = "sk-very-secret-1"
GATED = {mode for mode, reason in ENDED.items() if reason is Reason.OFF_TEMPLATE} | {"java-answer"}
"""A hint is withheld: another one of this engine may be shown."""
SLOW = {"slow-good", "role-then-silence", "falls-silent"}
"""A hint waits longer for them than a test does, whatever comes of it."""
PAUSED = {"rate-limited", "rpm"}
"""A hint waits for its turn; so does a test, as long as it may last."""
GOOD = ANSWERED | PAUSED | {"split-surrogates"}
BAD = set(MODES) - GOOD - GATED - SLOW


@pytest.fixture(scope="module")
def server() -> Iterator[BadServer]:
    with BadServer() as server:
        yield server


def check(server: BadServer, mode: str) -> connection.Check:
    server.reset()
    return checked(Endpoint(base_url=server.at(mode), model="fake", api_key=KEY))


def test_the_table_is_that_of_the_hints() -> None:
    # The gate has a table of its own for the last one.
    assert {*ENDED, *ELSEWHERE, "java-answer"} >= BAD | GATED
    assert not BAD & ANSWERED


@pytest.mark.parametrize("mode", sorted(GOOD))
def test_what_a_hint_can_use_is_called_good(server: BadServer, mode: str) -> None:
    found = check(server, mode)

    assert found.ok is True, found.said
    assert "Does that number tell how many days the rice lasts?" in found.text


@pytest.mark.parametrize("mode", ["think-no-open", "think-tags", "harmony-tags"])
def test_a_model_that_thinks_though_the_admin_says_not_is_found_out(
    server: BadServer, mode: str
) -> None:
    server.reset()
    endpoint = Endpoint(base_url=server.at(mode), model="fake", thinking=Thinking.NEVER)

    found = checked(endpoint)

    assert (found.ok, found.dialect.thinks) == (True, True)
    assert "the student" not in found.text
    assert found.thought_chars > 0


@pytest.mark.parametrize("mode", sorted(BAD))
def test_what_no_hint_can_use_is_called_bad(server: BadServer, mode: str) -> None:
    found = check(server, mode)

    assert found.ok is False, found.message
    assert found.text == ""
    assert KEY not in found.said
    assert len(found.said) < 300
    assert found.took_ms < connection.TIMEOUT_S * 1000


@pytest.mark.parametrize("mode", sorted(GATED))
def test_what_the_gate_blocks_is_neither(server: BadServer, mode: str) -> None:
    found = check(server, mode)

    assert (found.ok, found.text) == (None, "")


@pytest.mark.parametrize("mode", sorted(SLOW))
def test_what_a_test_cannot_wait_for_is_not_known(
    server: BadServer, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_S", 1.5)

    found = check(server, mode)

    assert (found.ok, found.text) == (None, "")
    assert "10 seconds" in str(found.message)
    assert 1400 < found.took_ms < 5000
