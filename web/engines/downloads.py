"""Downloads of models for the local engine: one at a time over all processes, seen by all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from io import FileIO
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from broker.base import gguf
from broker.base.folder import Held, hold
from web.engines.offers import NAMED, Offer
from web.engines.trouble import DownloadFailed, Trouble, unwritten, words

NOTED_EVERY_S = 0.5
HOLD_TRIES = 5
HOLD_PAUSE_S = 0.05
NOTE, LOCK, STOP, CHECKED = "download.json", "download.lock", "download.stop", "checked.json"


class Doing(StrEnum):
    """How far a download is."""

    FETCHING = "fetching"
    """Bytes come, or are waited for."""
    CHECKING = "checking"
    """Its digest is computed."""
    DONE = "done"
    """The file is in its place, and checked."""
    FAILED = "failed"
    """It has ended without a file."""


GOING = frozenset({Doing.FETCHING, Doing.CHECKING})


@dataclass(frozen=True, slots=True)
class Progress:
    """The newest download. done_bytes: of the file that are there, or that are checked."""

    offer: str
    doing: Doing = Doing.FETCHING
    done_bytes: int = 0
    trouble: Trouble | None = None
    values: Mapping[str, str | int] = field(default_factory=dict)

    def words(self) -> str:
        return words(self.trouble, self.values) if self.trouble else ""


class Download:
    """One download by this process, which has the lock of all. show: is called with each change."""

    def __init__(self, offer: Offer, show: Callable[[Progress], None] = lambda _: None) -> None:
        """Raises: DownloadFailed if another one is going on."""
        self.offer, self.show = offer, show
        self.lock = taken()
        self.now = Progress(offer.name)
        self.noted_s = 0.0
        (gguf.folder() / STOP).unlink(missing_ok=True)
        self.note(self.now)

    def run(self) -> Progress:
        """Whatever becomes of it is in the answer."""
        # It loads an HTTP client, which no start of the web should wait for.
        from web.engines.fetching import Fetch

        with self.lock:
            try:
                fetch = Fetch(self.offer, self.fetched, self.checked, is_stopped)
                remember(self.offer, fetch.run())
                self.note(replace(self.now, doing=Doing.DONE, done_bytes=self.offer.size_bytes))
            except DownloadFailed as failed:
                self.note(
                    replace(
                        self.now,
                        doing=Doing.FAILED,
                        trouble=failed.trouble,
                        values=failed.values,
                    )
                )
        return self.now

    def fetched(self, done_bytes: int) -> None:
        self.step(Doing.FETCHING, done_bytes)

    def checked(self, done_bytes: int) -> None:
        self.step(Doing.CHECKING, done_bytes)

    def step(self, doing: Doing, done_bytes: int) -> None:
        if doing is not self.now.doing or monotonic() - self.noted_s >= NOTED_EVERY_S:
            self.note(replace(self.now, doing=doing, done_bytes=done_bytes))

    def note(self, now: Progress) -> None:
        self.now, self.noted_s = now, monotonic()
        # A disk that has become full is told by the download itself.
        with suppress(OSError):
            gguf.tell(NOTE, json.dumps(asdict(now)))
        self.show(now)


def taken() -> FileIO:
    """The lock. Raises: DownloadFailed."""
    try:
        gguf.make_folder()
        for _try in range(HOLD_TRIES):
            with suppress(Held):
                return hold(gguf.folder() / LOCK)
            # Whoever only asks whether it is held has it for a moment.
            sleep(HOLD_PAUSE_S)
    except OSError as error:
        raise unwritten(error) from None
    raise DownloadFailed(Trouble.BUSY)


def start(offer: Offer) -> None:
    """In a thread of this process. Raises: DownloadFailed if another one is going on."""
    Thread(target=Download(offer).run, name=f"download {offer.name}", daemon=True).start()


def cancel() -> None:
    """Ends the download that is going on, if there is one. Raises: OSError."""
    gguf.tell(STOP, "")


def is_stopped() -> bool:
    return (gguf.folder() / STOP).exists()


def newest() -> Progress | None:
    """None before the first one."""
    note = gguf.told_object(NOTE)
    try:
        now = Progress(
            offer=NAMED[note["offer"]].name,
            doing=Doing(note["doing"]),
            done_bytes=int(note["done_bytes"]),
            trouble=Trouble(note["trouble"]) if note["trouble"] else None,
            values=dict(note["values"]),
        )
    except (ValueError, LookupError, TypeError):
        return None
    if now.doing in GOING and not is_held(gguf.folder() / LOCK):
        return replace(now, doing=Doing.FAILED, trouble=Trouble.BROKEN_OFF)
    if now.doing is Doing.FETCHING:
        # The note is not written while nothing comes, and so may lack the last bytes.
        return replace(now, done_bytes=part_bytes(NAMED[now.offer]))
    return now


def is_held(path: Path) -> bool:
    try:
        hold(path).close()
    except (Held, OSError):
        return True
    return False


def part_bytes(offer: Offer) -> int:
    """What a download that was cut has left."""
    path = offer.part_path()
    return path.stat().st_size if path.is_file() else 0


def remember(offer: Offer, digest: str) -> None:
    """The file has this digest, as long as it is not written again. Raises: DownloadFailed."""
    seen = {**gguf.told_object(CHECKED), offer.file: {"sha256": digest, **stamp(offer)}}
    try:
        gguf.tell(CHECKED, json.dumps(seen))
    except OSError as error:
        raise unwritten(error) from None


def stamp(offer: Offer) -> dict[str, int]:
    """What changes with the file: to compute its digest takes seconds."""
    try:
        stat = offer.path().stat()
    except OSError:
        return {}
    return {"bytes": stat.st_size, "changed_ns": stat.st_mtime_ns}


def is_there(offer: Offer) -> bool:
    """Whether a file of this name lies there, checked or not."""
    return offer.path().is_file()


def digest(offer: Offer) -> str:
    """SHA-256 of the file that lies there, if it was checked and is still the same; else ""."""
    seen = gguf.told_object(CHECKED).get(offer.file)
    if not isinstance(seen, dict) or not is_there(offer):
        return ""
    found = {key: value for key, value in seen.items() if key != "sha256"}
    return str(seen.get("sha256", "")) if found == stamp(offer) else ""
