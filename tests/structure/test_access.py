"""Access is decided in one place: nothing outside web/people weighs who somebody is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission

from web.people.models import User
from web.people.permissions import FOR_NOBODY, FOR_TEACHERS

ROOT = Path(__file__).parents[2]
DECIDES = re.compile(
    r"is_superuser|is_staff|has_perms?\b|PermissionDenied|permission_required|user_passes_test"
    r"|Role\.(TEACHER|ADMIN)|memberships__|student(_id)? [!=]= "
)
MAKES_ACCOUNTS = {"web/ops/management/commands/seed.py"}


def test_only_people_decides_who_may_do_what() -> None:
    found = {
        str(path.relative_to(ROOT))
        for room in ("broker", "web", "workers")
        for path in (ROOT / room).rglob("*.py")
        if not {"migrations", "people"} & set(path.parts) and DECIDES.search(path.read_text())
    }

    assert found == MAKES_ACCOUNTS


@pytest.mark.django_db
def test_every_permission_that_is_named_is_one() -> None:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    known = {f"{app}.{name}" for app, name in rows}

    assert known >= FOR_TEACHERS | FOR_NOBODY


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(FOR_NOBODY))
def test_what_nobody_may_is_not_for_a_superuser_either(name: str) -> None:
    boss = User.objects.create_superuser("root")

    assert not boss.has_perm(name)
    assert boss.has_perm(re.sub(r"\.[a-z]+_", ".view_", name))
