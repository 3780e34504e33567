"""Which model may do what: granted, replaced, and counted only with the templates of now."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.web.kit import at_once, licensed
from web.engines import licences
from web.engines.models import Licence
from web.people.models import User
from web.tutor.writing import prompt

pytestmark = pytest.mark.django_db


def test_a_model_that_nobody_has_evaluated_has_no_licence() -> None:
    assert licences.of("m") is None


def test_a_licence_says_what_its_model_may_do_by_language() -> None:
    licences.grant(
        "m", levels={"ko": [2, 1], "en": (1, 2, 3)}, judges_to=4, judge_threshold=0.3,
        diagnoses=True, evaluation="e1",
    )  # fmt: skip

    found = licences.of("m")
    assert found
    assert (found.judges_to, found.judge_threshold, found.diagnoses) == (4, 0.3, True)
    assert (found.written("ko"), found.written("en")) == ((1, 2), (1, 2, 3))
    assert found.written("de") == ()
    assert licences.of("n") is None


def test_a_new_grant_takes_the_place_of_the_old_one() -> None:
    admin = User.objects.create_user("root")
    licences.grant("m", levels={"ko": [1], "en": [1]}, judges_to=4, judge_threshold=0.3)
    licences.grant("m", levels={"en": [2]}, by=admin, note="I looked at fifty")

    [row] = Licence.objects.all()
    assert row.levels == {"ko": [], "en": [2]}
    assert (row.judges_to, row.judge_threshold) == (0, None)
    assert (row.granted_by, row.evaluation, row.note) == (admin, "", "I looked at fifty")


@pytest.mark.parametrize("part", ["writing", "finding", "judging"])
def test_a_licence_counts_with_the_templates_that_it_was_measured_with(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    licensed("m")
    assert licences.of("m")

    if part == "writing":
        monkeypatch.setattr(prompt, "TEMPLATE_VERSION", "99")
    else:
        monkeypatch.setattr(
            licences.finding if part == "finding" else licences.judge, "VERSION", "99"
        )

    assert licences.of("m") is None


def test_another_version_is_licensed_beside_that_of_now() -> None:
    version = licences.template_version("99")
    licences.grant("m", levels={"en": [3]}, version=version)

    assert licences.of("m") is None
    assert Licence.objects.get().template_version == version


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": {"ko": [9]}},
        {"levels": {"en": [0]}},
        {"levels": {"en": ["1"]}},
        {"levels": {"en": [1.0]}},
        {"judge_threshold": 0.0},
        {"judge_threshold": 1.5},
        {"model": ""},
        {"model": "m" * 201},
        {"note": "n" * 501},
    ],
)
def test_what_cannot_be_is_not_granted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        licences.grant(**{"model": "m", "levels": {}} | wrong)

    assert not Licence.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_grants_at_once_one_stays() -> None:
    at_once(*[lambda: licences.grant("m", levels={"en": [1]})] * 4)

    assert Licence.objects.count() == 1
