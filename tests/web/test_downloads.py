"""Fetching a model from a hub that misbehaves: what is kept, what is refused, and what is said."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from broker.base import gguf
from broker.base.folder import hold
from tests.fakes.hub import BYTES, OFFER, Hub
from tests.whole.stand import until
from web.engines import downloads, fetching, offers, trouble
from web.engines.downloads import Doing, Download, Progress
from web.engines.offers import Offer
from web.engines.trouble import DownloadFailed, Trouble

ROOT = Path(__file__).parents[2]
DIGEST = OFFER.sha256
ZEROS = hashlib.sha256(bytes(len(BYTES))).hexdigest()
UNPINNED = replace(OFFER, sha256="")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HINTLINE_DATA", str(tmp_path))
    return gguf.folder()


def whole(folder: Path) -> bool:
    """The file is there and nothing else of the download."""
    left = {path.name for path in folder.iterdir()}
    return (folder / "tiny.gguf").read_bytes() == BYTES and not any("part" in n for n in left)


def failed(offer: Offer = OFFER) -> Progress:
    ended = Download(offer).run()
    assert ended.doing is Doing.FAILED
    assert not (gguf.folder() / offer.file).exists()
    return ended


def begun(offer: Offer, hub: Hub, count: int = 100_000) -> None:
    """A download that was broken off after so many bytes."""
    part = fetching.Part(offer)
    gguf.folder().mkdir(exist_ok=True)
    part.path.write_bytes(hub.body[:count])
    part.of(hub.etag, DIGEST)


def test_a_file_is_fetched_checked_and_remembered(hub: Hub, folder: Path) -> None:
    ended = Download(OFFER).run()

    assert (ended.doing, ended.words()) == (Doing.DONE, "")
    assert whole(folder)
    assert downloads.digest(OFFER) == DIGEST
    assert hub.log[0][1] == "/maker/tiny/resolve/abc/tiny.gguf"
    assert downloads.newest() == ended


def test_nothing_of_a_person_travels_to_a_mirror(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    Download(OFFER).run()

    assert {"authorization", "cookie"}.isdisjoint({n for _, _, sent in hub.log for n in sent})
    assert {headers["accept-encoding"] for _, _, headers in hub.log} == {"identity"}


@pytest.mark.parametrize("script", [["cut:9000"], ["cut:1", "cut:2"], ["cut:70000", "status:503"]])
def test_what_was_cut_goes_on_where_it_was(hub: Hub, folder: Path, script: list[str]) -> None:
    hub.script = [*script]

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)
    assert [h.get("if-range") for h in hub.asked()][1:] == [hub.etag] * len(script)
    assert all(h["range"].startswith("bytes=") for h in hub.asked()[1:])


def test_another_process_goes_on_too(hub: Hub, folder: Path) -> None:
    begun(OFFER, hub, 100_000)

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)
    assert [headers["range"] for headers in hub.asked()] == ["bytes=100000-"]


def test_a_changed_file_starts_anew(hub: Hub, folder: Path) -> None:
    begun(OFFER, hub)
    (folder / ".tiny.gguf.part").write_bytes(b"of another file")
    hub.etag = '"two"'

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)


def test_an_unpinned_file_that_changed_starts_anew(hub: Hub, folder: Path) -> None:
    begun(UNPINNED, hub)
    fetching.Part(UNPINNED).of(hub.etag, ZEROS)

    assert Download(UNPINNED).run().doing is Doing.DONE
    assert whole(folder)
    assert hub.asked()[-1].get("range") is None


def test_with_a_weak_etag_nothing_is_resumed(hub: Hub, folder: Path) -> None:
    hub.etag = 'W/"one"'
    hub.script = ["cut:9000"]

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)
    assert [headers.get("range") for headers in hub.asked()] == [None, None]


@pytest.mark.parametrize("answer", ["ignores", "shifted", "unranged", "status:416"])
def test_another_range_than_was_asked_for_is_not_put_together(
    hub: Hub, folder: Path, answer: str
) -> None:
    begun(OFFER, hub)
    hub.script = [answer]

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)


@pytest.mark.parametrize("answer", ["shifted", "unranged"])
def test_a_part_that_nobody_asked_for_is_refused(hub: Hub, answer: str) -> None:
    hub.script = [answer]

    assert failed().trouble is Trouble.STATUS


def test_what_always_cuts_without_a_byte_more_is_given_up(hub: Hub) -> None:
    hub.script = ["cut:500", *["cut:0"] * 50]

    ended = failed()

    assert ended.trouble is Trouble.UNREACHED
    assert len(hub.asked()) == 1 + fetching.TRIES


def test_a_server_that_cuts_and_then_sends_another_range_is_given_up(hub: Hub) -> None:
    hub.script = ["cut:500", "shifted"] * 50

    assert failed().trouble is Trouble.UNREACHED
    assert len(hub.asked()) < 20


def test_wrong_bytes_are_deleted(hub: Hub, folder: Path) -> None:
    hub.script = ["other"]

    ended = failed()

    assert (ended.trouble, ended.values) == (Trouble.DIGEST, {"digest": ZEROS})
    assert downloads.part_bytes(OFFER) == 0
    assert downloads.digest(OFFER) == ""


@pytest.mark.parametrize("answer", [f"claims:{len(BYTES) + 1}", "claims:5", "endless"])
def test_a_size_that_lies_is_bounded(hub: Hub, folder: Path, answer: str) -> None:
    hub.script = [answer]

    assert failed().trouble is Trouble.OTHER_SIZE
    assert downloads.part_bytes(OFFER) <= len(BYTES)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_told_at_once(hub: Hub, status: int) -> None:
    hub.status = status

    ended = failed()

    assert (ended.trouble, ended.values["status"]) == (Trouble.STATUS, str(status))
    assert len(hub.log) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(hub: Hub, status: int) -> None:
    hub.script = [f"status:{status}"] * 50

    ended = failed()

    assert (ended.trouble, ended.values["why"]) == (Trouble.UNREACHED, f"HTTP {status}")
    assert len(hub.asked()) == fetching.TRIES


def test_another_file_is_refused_before_it_comes(hub: Hub) -> None:
    hub.linked["X-Linked-Etag"] = f'"{ZEROS}"'
    assert failed().trouble is Trouble.OTHER_FILE

    hub.linked = {"X-Linked-Size": "5"}
    assert failed().trouble is Trouble.OTHER_SIZE
    assert hub.asked() == []


def test_without_a_pinned_digest_that_of_the_hub_counts(hub: Hub, folder: Path) -> None:
    assert Download(UNPINNED).run().doing is Doing.DONE
    assert downloads.digest(UNPINNED) == DIGEST


def test_without_any_digest_nothing_is_fetched(hub: Hub) -> None:
    hub.linked = {}
    assert failed(UNPINNED).trouble is Trouble.UNPINNED
    hub.linked = {"X-Linked-Etag": '"an-etag-that-is-no-digest"'}
    assert failed(UNPINNED).trouble is Trouble.UNPINNED
    assert downloads.part_bytes(UNPINNED) == 0


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/file", "http://[", "//", "/loop"])
def test_a_redirect_that_leads_nowhere_is_told(hub: Hub, target: str) -> None:
    hub.target = target

    assert failed().trouble is Trouble.UNREACHED


def test_silence_is_a_cut(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENCE_S", 0.3)
    hub.script = ["waits:1000"]

    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)


def test_without_internet_a_person_is_told_where_to_put_the_file(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    ended = failed()
    assert ended.trouble is Trouble.UNREACHED
    assert str(folder / "tiny.gguf") in ended.words()

    (folder / "tiny.gguf").write_bytes(BYTES)

    assert downloads.digest(OFFER) == ""
    assert Download(OFFER).run().doing is Doing.DONE
    assert downloads.digest(OFFER) == DIGEST


def test_a_wrong_file_of_a_person_stays_and_is_not_used(hub: Hub, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(b"mine")

    ended = Download(OFFER).run()

    assert ended.trouble is Trouble.BY_HAND
    assert (folder / "tiny.gguf").read_bytes() == b"mine"
    assert downloads.digest(OFFER) == ""


def test_an_unpinned_file_of_a_person_is_checked_by_what_the_hub_tells(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(BYTES)
    assert Download(UNPINNED).run().doing is Doing.DONE

    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert Download(UNPINNED).run().trouble is Trouble.UNREACHED


def test_a_file_that_was_written_again_must_be_checked_again(hub: Hub, folder: Path) -> None:
    Download(OFFER).run()
    (folder / "tiny.gguf").write_bytes(bytes(len(BYTES)))

    assert downloads.digest(OFFER) == ""


def test_a_disk_without_room_is_told_before_anything_comes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SPARE_BYTES", 1 << 60)

    ended = failed()

    assert ended.trouble is Trouble.SPACE
    assert hub.log == []
    assert "GB" in ended.words() or "PB" in ended.words()


LIMITED = """
import django, json, resource, sys
django.setup()
from dataclasses import replace
from tests.fakes.hub import OFFER
from web.engines import fetching
from web.engines.downloads import Download
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
print(json.dumps([Download(OFFER).run().trouble]))
"""


def test_a_write_that_the_system_refuses_is_told(hub: Hub, folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=ROOT, check=True, capture_output=True, text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "web.settings"},
    )  # fmt: skip

    assert json.loads(ended.stdout) == [Trouble.WRITE]
    assert downloads.part_bytes(OFFER) <= 100_000


SMALL = """
import django
django.setup()
from tests.fakes.hub import OFFER
from web.engines import fetching
from web.engines.downloads import Download
fetching.shutil.disk_usage = lambda folder: fetching.shutil._ntuple_diskusage(0, 0, 1 << 40)
print(Download(OFFER).run().trouble)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets anybody mount a small disk")
def test_a_disk_that_becomes_full_is_told_and_what_came_is_kept(hub: Hub, folder: Path) -> None:
    """The disk is what is left of 200 KB; that it is too small is not seen before."""
    folder.mkdir()
    script = 'mount -t tmpfs -o size=200k none "$1" && "$2" -c "$3" && ls -A "$1"'
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-ec", script, "sh", folder, sys.executable, SMALL],
        cwd=ROOT, check=True, capture_output=True, text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "web.settings"},
    )  # fmt: skip

    told, *left = ended.stdout.split()
    assert told == Trouble.SPACE
    assert ".tiny.gguf.part" in left


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(DownloadFailed) as refused:
        Download(OFFER)

    assert refused.value.trouble is Trouble.WRITE


def test_a_proxy_is_heeded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", hub.url)
    monkeypatch.setenv("NO_PROXY", "localhost")

    assert Download(OFFER).run().doing is Doing.DONE
    assert hub.log[0][1] == "http://hub.invalid/maker/tiny/resolve/abc/tiny.gguf"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense://x", "http://[", "::"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.replace("//", "//user:hush@"))

    ended = failed()

    assert ended.trouble in (Trouble.PROXY, Trouble.UNREACHED)
    assert "hush" not in ended.words()


def test_one_download_at_a_time_over_all_processes(hub: Hub, folder: Path) -> None:
    folder.mkdir()
    with hold(folder / downloads.LOCK), pytest.raises(DownloadFailed) as refused:
        Download(OFFER)

    assert refused.value.trouble is Trouble.BUSY
    assert Download(OFFER).run().doing is Doing.DONE


def test_a_download_can_be_watched_and_cancelled_and_goes_on(hub: Hub, folder: Path) -> None:
    hub.script = ["waits:131072"]
    downloads.start(OFFER)
    until(lambda: downloads.part_bytes(OFFER) or hub.asked())
    now = downloads.newest()
    assert now is not None
    assert now.doing is Doing.FETCHING
    with pytest.raises(DownloadFailed):
        downloads.start(OFFER)

    downloads.cancel()
    hub.go.set()
    until(lambda: not downloads.is_held(folder / downloads.LOCK))

    ended = downloads.newest()
    assert ended is not None
    assert (ended.doing, ended.trouble) == (Doing.FAILED, Trouble.CANCELLED)
    assert Download(OFFER).run().doing is Doing.DONE
    assert whole(folder)


def test_a_download_whose_process_is_gone_is_broken_off(hub: Hub, folder: Path) -> None:
    run = Download(OFFER)
    run.lock.close()

    ended = downloads.newest()

    assert ended is not None
    assert ended.trouble is Trouble.BROKEN_OFF


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"offer": "gone"}', '{"offer": "tiny", "doing": "x"}', "\\u0000"]
)
def test_a_note_that_cannot_be_read_is_none(folder: Path, text: str) -> None:
    gguf.tell(downloads.NOTE, text)

    assert downloads.newest() is None


@pytest.mark.parametrize("each", Trouble)
def test_every_trouble_has_its_sentence_in_both_languages(each: Trouble) -> None:
    values: dict[str, Any] = {
        "host": "hub", "why": "w", "path": "/p", "status": "404", "digest": "d",
        "needed": 5 << 30, "free": 3 << 20,
    }  # fmt: skip
    said = set()
    for language in ("en", "ko"):
        with translation.override(language):
            said.add(trouble.words(each, values))

    assert len(said) == 2
    assert not any("%(" in words for words in said)


def test_every_offer_is_pinned_or_says_that_it_is_not() -> None:
    for offer in offers.OFFERS:
        assert fetching.SHA256.fullmatch(offer.sha256) or offer.revision == "main"
        assert Path(offer.file).name == offer.file
        assert offer.file.endswith(".gguf")
        assert offer.licence
        assert offer.size_bytes > 1 << 28
    assert len({o.name for o in offers.OFFERS}) == len({o.file for o in offers.OFFERS}) == 5
