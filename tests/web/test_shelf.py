"""The page and the command of the local engine's models: what they show, what each button does."""

from __future__ import annotations

import html
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from broker.base import gguf
from broker.base.folder import hold
from tests.fakes.hub import BYTES, OFFER, Hub
from tests.whole.stand import until
from web.engines import downloads, offers, roster, shelf
from web.engines.models import AIModelConfig, Engine, Mode
from web.people.models import User

pytestmark = pytest.mark.django_db
PAGE = "/admin/engines/aimodelconfig/models/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Not by HINTLINE_DATA, where the tests' Valkey is too.
    monkeypatch.setattr(gguf, "folder", lambda: tmp_path / "models")
    monkeypatch.setattr(shelf, "OFFERS", (*offers.OFFERS, OFFER))
    return gguf.folder()


@pytest.fixture
def local(db: None) -> Engine:
    AIModelConfig.current()
    return Engine.objects.create(name="local", kind=Mode.LOCAL, languages="en")


def seen(client: Client, name: str = "tiny") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{PAGE}now/").json()["rows"][name]
    return found


def can(client: Client, name: str = "tiny") -> set[str]:
    return {verb for verb, label in seen(client, name)["buttons"].items() if label}


def press(client: Client, verb: str, name: str = "tiny", language: str = "en") -> str:
    """The messages of the page that follows."""
    answer = client.post(PAGE, {verb: name}, follow=True, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def fetched(client: Client) -> None:
    press(client, "download")
    until(lambda: "use" in can(client))


def test_the_page_shows_each_model_with_its_licence_size_digest_and_source(admin: Client) -> None:
    page = html.unescape(admin.get(PAGE).content.decode())

    for offer in offers.OFFERS:
        for text in (offer.title, offer.file, offer.repo, offer.sha256, offer.licence):
            assert text in page
    assert "not pinned here" in page
    assert "1.0\xa0GB" in page
    assert str(gguf.folder()) in page


def test_a_model_is_downloaded_by_the_button(admin: Client) -> None:
    assert can(admin) == {"download"}

    fetched(admin)

    assert can(admin) == {"use"}
    assert seen(admin)["words"] == "It is there and checked."


def test_the_page_shows_how_far_it_is_and_cancels(admin: Client, hub: Hub) -> None:
    hub.script = ["waits:131072"]
    press(admin, "download")
    until(lambda: hub.asked())
    assert can(admin) == {"cancel"}
    until(lambda: seen(admin)["done"] == 131072 / len(BYTES))
    assert can(admin, "qwen3.5-4b") == set()
    assert "one at a time" in press(admin, "download", "qwen3.5-4b")
    # The button of a page that has been open for long.
    press(admin, "cancel", "qwen3.5-4b")

    press(admin, "cancel")
    hub.go.set()
    until(lambda: "download" in can(admin))

    assert seen(admin)["words"].startswith("Cancelled")
    assert "is there" in seen(admin)["buttons"]["download"]
    fetched(admin)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "refuses the file"), ("ko", "주지 않습니다")]
)
def test_a_trouble_is_told_in_the_readers_language(
    admin: Client, hub: Hub, language: str, words: str
) -> None:
    hub.status = 404
    press(admin, "download")

    def told() -> str:
        answer = admin.get(f"{PAGE}now/", headers={"Accept-Language": language})
        return str(answer.json()["rows"]["tiny"]["words"])

    until(lambda: "404" in told())
    assert words in told()


def test_a_file_that_lies_there_is_checked(admin: Client, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(BYTES)
    assert seen(admin)["buttons"]["download"] == "Check it"
    assert "use" not in can(admin)

    fetched(admin)

    (folder / "tiny.gguf").write_bytes(bytes(5))
    assert "use" not in can(admin)


def test_what_is_not_checked_is_not_used(admin: Client, folder: Path, local: Engine) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(BYTES)

    assert "checked first" in press(admin, "use")

    assert gguf.chosen() == ""
    local.refresh_from_db()
    assert local.languages == "en"


def test_a_chosen_model_is_used_once_the_engine_serves_it(admin: Client, local: Engine) -> None:
    fetched(admin)

    assert "changes to tiny.gguf" in press(admin, "use")
    assert gguf.chosen() == "tiny.gguf"
    assert seen(admin)["words"].startswith("It is chosen")
    local.refresh_from_db()
    assert local.languages == "ko,en"
    assert "tiny.gguf" in LogEntry.objects.latest("action_time").change_message
    endpoint = roster.endpoint_of(local, AIModelConfig.current())
    assert endpoint.model == gguf.BUNDLED

    gguf.serve(gguf.Served("tiny.gguf"))

    assert roster.endpoint_of(local, AIModelConfig.current()).model == "tiny.gguf"
    assert seen(admin)["words"] == "The local engine serves it."
    assert can(admin) == set()
    assert can(admin, "default") == {"use"}
    press(admin, "use", "default")
    local.refresh_from_db()
    assert (gguf.chosen(), local.languages) == ("", "en")
    assert seen(admin)["words"] == "The local engine still serves it."


@pytest.mark.parametrize(
    ("language", "words"), [("en", "cannot be served"), ("ko", "사용할 수 없습니다")]
)
def test_a_model_that_cannot_be_served_is_told(
    admin: Client, local: Engine, language: str, words: str
) -> None:
    fetched(admin)
    press(admin, "use")
    gguf.serve(gguf.Served(gguf.BUNDLED, refused="tiny.gguf", why="SIGABRT"))

    answer = admin.get(f"{PAGE}now/", headers={"Accept-Language": language})

    told = answer.json()["rows"]["tiny"]["words"]
    assert words in told
    assert "SIGABRT" in told


def test_an_engine_of_another_server_keeps_its_languages(admin: Client, local: Engine) -> None:
    Engine.objects.create(name="other", kind=Mode.LOCAL, url="http://o/v1", languages="en")
    fetched(admin)
    press(admin, "use")

    assert Engine.objects.get(name="other").languages == "en"


def test_a_settings_own_file_is_the_default_and_keeps_the_languages(
    admin: Client, local: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HINTLINE_LOCAL_MODEL", "/m/Kanana-2-3B-Instruct.gguf")
    fetched(admin)
    press(admin, "use")
    press(admin, "use", "default")

    local.refresh_from_db()
    assert local.languages == "ko,en"
    assert "Kanana-2-3B-Instruct.gguf" in admin.get(PAGE).content.decode()


@pytest.mark.parametrize("verb", ["download", "cancel", "use"])
@pytest.mark.parametrize("name", ["gone", "", "../../etc/passwd", "x" * 5000])
def test_a_name_that_is_none_is_not_found(admin: Client, verb: str, name: str) -> None:
    assert admin.post(PAGE, {verb: name}).status_code == 404


def test_who_may_only_look_gets_no_buttons(db: None) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_engine"))
    viewer = Client(headers={"Accept-Language": "en"})
    viewer.force_login(user)

    assert b'name="download"' not in viewer.get(PAGE).content
    for verb in ("download", "cancel", "use"):
        assert viewer.post(PAGE, {verb: "tiny"}).status_code == 403


def test_a_folder_that_cannot_be_written_is_told(admin: Client, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    assert "cannot be" in press(admin, "download")
    assert "cannot be written" in press(admin, "use", "default")


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("model", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_downloads_and_uses(local: Engine) -> None:
    with pytest.raises(CommandError, match="download tiny"):
        command("use", "tiny")

    told = command("download", "tiny")

    assert "checking 100 %" in told or "done 100 %" in told
    assert "checked" in command("list").split("tiny")[1]
    assert "tiny.gguf" in command("use", "tiny")
    assert gguf.chosen() == "tiny.gguf"


def test_the_command_says_what_went_wrong(hub: Hub, folder: Path) -> None:
    hub.status = 403
    with pytest.raises(CommandError, match="HTTP 403"):
        command("download", "tiny")

    with hold(folder / downloads.LOCK), pytest.raises(CommandError, match="one at a time"):
        command("download", "tiny")
    with pytest.raises(CommandError, match="invalid choice"):
        command("download", "gone")
