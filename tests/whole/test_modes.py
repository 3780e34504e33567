"""A site whose one engine misbehaves in every way, and students who are served beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.contract.hint import Reason
from tests.fakes.badreply import HINT
from tests.fakes.badserver import MODES
from tests.whole.modes import Site, misbehaving
from tests.workers.test_bad_servers import ANSWERED, ELSEWHERE, ENDED
from workers.attempt.ending import REASONS

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
CARRIED = ANSWERED | {"slow-good", "role-then-silence", "rate-limited", "rpm"}
"""Modes in which the model's hint comes in the end, whole."""
BABBLES = ("bangs-some", "bangs-200")
"""Their text is that of `good`, unless a request asks for exclamation marks by BANG."""
THINKING = "from web.engines.models import Engine; Engine.objects.update(thinking=sys.argv[1])"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with misbehaving(tmp_path_factory.mktemp("stand")) as site:
        yield site


@pytest.mark.parametrize("mode", sorted({*MODES} - {*BABBLES, "java-answer", "split-surrogates"}))
def test_a_mode_ends_as_it_should_and_holds_up_nobody(site: Site, mode: str) -> None:
    final, other, _ = site.beside(f"mode={mode}")

    if mode in CARRIED:
        assert (final["state"], final["source"], final["text"]) == ("answered", "model", HINT)
    else:
        reason = ENDED[mode] if mode in ENDED else REASONS[ELSEWHERE[mode]]
        assert (final["source"], final["reason"]) == ("evidence", reason)
    assert (other["state"], other["text"]) == ("answered", HINT)


@pytest.fixture
def streaming(site: Site) -> Iterator[Site]:
    """What the model writes goes to the gate as it comes."""
    site.stand.shell(THINKING, "never")
    yield site
    site.stand.shell(THINKING, "unknown")


@pytest.mark.parametrize("mode", BABBLES)
def test_a_model_that_babbles_holds_up_nobody(streaming: Site, mode: str) -> None:
    final, other, _ = streaming.beside(f"mode={mode} BANG")

    assert (final["source"], final["reason"]) == ("evidence", Reason.OFF_TEMPLATE)
    assert other["text"] == HINT


def test_a_solution_in_another_language_is_not_shown(site: Site) -> None:
    final, other, _ = site.beside("mode=java-answer")

    assert (final["state"], final["source"]) == ("withheld", "evidence")
    assert other["text"] == HINT


def test_halves_of_a_character_are_joined(site: Site) -> None:
    final, other, _ = site.beside("mode=split-surrogates")

    assert final["text"] == f"Good start \N{SLIGHTLY SMILING FACE}. {HINT}"
    assert other["text"] == HINT
