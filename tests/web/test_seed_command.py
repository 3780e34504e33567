"""`python -m web seed`: what is missing is made, what is there is left alone, secrets are ours."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from broker.base.errors import BadSetting
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.engines import roster
from web.engines.models import AIModelConfig, Engine, Mode
from web.ops.management.commands import seed
from web.ops.secret import kept_secret
from web.people import access
from web.people.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA = tmp_path
    return tmp_path


def run() -> str:
    out = StringIO()
    call_command("seed", stdout=out)
    return out.getvalue()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_stores_the_course_the_engines_and_the_accounts() -> None:
    run()

    assert (Course.objects.count(), Exercise.objects.count()) == (1, 12)
    assert AuthoredHint.objects.count() == 36
    assert {m.user.username: m.role for m in Membership.objects.select_related("user")} == {
        "student": "student",
        "teacher": "teacher",
        "admin": "admin",
    }
    assert AIModelConfig.objects.get().mode == Mode.LOCAL
    assert roster.active() == {"local": 2}
    assert set(Engine.objects.values_list("kind", flat=True)) == set(Mode.values)


def test_the_admin_opens_to_the_admin_and_by_membership_to_the_teacher() -> None:
    run()

    assert User.objects.get(is_superuser=True).username == "admin"
    assert User.objects.get(is_staff=True).username == "admin"
    assert {user.username for user in User.objects.all() if access.enters_admin(user)} == {
        "admin",
        "teacher",
    }


def test_the_passwords_work_and_only_the_owner_can_read_them(data: Path) -> None:
    shown = run()

    accounts = dict(line.split() for line in (data / "accounts.txt").read_text().splitlines())
    assert set(accounts) == {"student", "teacher", "admin"}
    assert mode(data / "accounts.txt") == 0o600
    for name, password in accounts.items():
        assert User.objects.get(username=name).check_password(password)
        assert password in shown


def test_twice_is_once(data: Path) -> None:
    run()
    accounts = (data / "accounts.txt").read_text()
    hashes = sorted(User.objects.values_list("password", flat=True))

    assert run() == ""

    assert (data / "accounts.txt").read_text() == accounts
    assert sorted(User.objects.values_list("password", flat=True)) == hashes
    assert (Exercise.objects.count(), AuthoredHint.objects.count()) == (12, 36)
    assert Engine.objects.count() == 3


def test_what_teachers_and_admins_changed_is_kept() -> None:
    run()
    Course.objects.update(title_en="Mine")
    Exercise.objects.filter(slug="rice-days").update(statement_en="Mine", revision=2)
    AuthoredHint.objects.filter(exercise__slug="rice-days", level=1).delete()
    Engine.objects.filter(name="local").update(enabled=False, slots=5)
    AIModelConfig.objects.update(mode=Mode.VLLM)

    run()

    assert Course.objects.get().title_en == "Mine"
    exercise = Exercise.objects.get(slug="rice-days")
    assert (exercise.statement_en, exercise.revision) == ("Mine", 2)
    assert exercise.authored_hints.count() == 2
    assert not Engine.objects.get(name="local").enabled
    assert AIModelConfig.objects.get().mode == Mode.VLLM


def test_what_is_missing_comes_back() -> None:
    run()
    Exercise.objects.filter(slug="rice-days").delete()
    User.objects.filter(username="student").delete()

    assert run().startswith("student ")

    assert Exercise.objects.get(slug="rice-days").authored_hints.count() == 3


def test_an_account_is_not_made_if_its_password_cannot_be_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(seed, "keep", full)

    with pytest.raises(OSError, match="no space"):
        run()

    assert not User.objects.exists()


def test_an_open_password_file_is_closed(data: Path) -> None:
    (data / "accounts.txt").write_text("")
    (data / "accounts.txt").chmod(0o644)

    run()

    assert mode(data / "accounts.txt") == 0o600


def test_the_secret_is_made_once_and_is_the_owners(data: Path) -> None:
    first = kept_secret(data / "secret_key")

    assert len(first) >= 50
    assert kept_secret(data / "secret_key") == first
    assert mode(data / "secret_key") == 0o600
    assert [path.name for path in data.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("kept", ["", "\n", " \n\n"])
def test_an_empty_file_of_the_secret_is_said_and_not_replaced(data: Path, kept: str) -> None:
    (data / "secret_key").write_text(kept)

    with pytest.raises(BadSetting, match=r"secret_key is empty: put back"):
        kept_secret(data / "secret_key")

    assert (data / "secret_key").read_text() == kept


def test_a_secret_made_by_another_process_meanwhile_is_taken(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "secret_key").write_text("theirs\n")
    monkeypatch.setattr(Path, "exists", lambda path: False)

    assert kept_secret(data / "secret_key") == "theirs"
