"""What a request to a model came to, in words for staff."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from broker.contract.attempt import LEAK, PASSED, UNDECIDED, UNVERIFIED, Purpose
from web.hints.verdicts import FAULTS, words
from web.tutor.writing.fault import Fault


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_fault_is_told_with_its_rule(language: str) -> None:
    with override(language):
        told = {words(Purpose.WRITE, "R8", fault) for fault in Fault}
    with override("en"):
        english = {words(Purpose.WRITE, "R8", fault) for fault in Fault}

    assert len(told) == len(Fault) == len(FAULTS)
    assert all("(R8): " in each for each in told)
    assert (told == english) is (language == "en")


@pytest.mark.parametrize(
    ("purpose", "verdict", "fault", "told"),
    [
        (Purpose.WRITE, "", "", ""),
        (Purpose.WRITE, PASSED, "", "passed the gate"),
        (Purpose.WRITE, "R2", "", "blocked by R2"),
        (Purpose.WRITE, "avoid", "avoid", "blocked (avoid): it says a word that the author avoids"),
        (Purpose.DIAGNOSE, PASSED, "", "its program passes every test"),
        (Purpose.WRITE, "avoid", "", "blocked (avoid): it says a word that the author avoids"),
        (Purpose.WRITE, "R8", "of another release", "blocked by R8"),
        ("another", "R8", "short", "blocked (R8): it is too short"),
        (Purpose.DIAGNOSE, UNVERIFIED, "", "no program of it was proved right"),
        (Purpose.JUDGE, "", "", ""),
        (Purpose.JUDGE, PASSED, "", "it says that the hint is no leak"),
        (Purpose.JUDGE, LEAK, "", "it says that the hint is a leak"),
        (Purpose.JUDGE, UNDECIDED, "", "it did not decide"),
    ],
)
def test_a_verdict_is_told_by_what_was_asked(
    purpose: str, verdict: str, fault: str, told: str
) -> None:
    with override("en"):
        assert words(purpose, verdict, fault) == told
