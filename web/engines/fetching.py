"""Fetching one offered file: it goes on where it was cut, and is kept with the right digest."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2

from broker.base import gguf
from web.engines.offers import Offer
from web.engines.trouble import DownloadFailed, Trouble, unwritten

CONNECT_S, SILENCE_S = 10.0, 15.0
TRIES = 5
"""Cuts in a row without one byte more."""
FIRST_PAUSE_S, LONGEST_PAUSE_S, LOOK_S = 1.0, 16.0, 0.1
HOPS = 5
SPARE_BYTES = 256 << 20
"""Left free: database and logs are on the same disk."""
BLOCK_BYTES = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15})", re.ASCII)
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
Told = Callable[[int], None]
"""Is called with the count of bytes that are there."""


class Cut(Exception):
    """This answer is of no more use, but another try may be."""


class Part:
    """What has come so far, and of which file of the hub: its ETag, and the digest it told."""

    def __init__(self, offer: Offer) -> None:
        self.path = offer.part_path()
        self._mark = self.path.with_suffix(".json")
        mark = gguf.told_object(self._mark.name)
        self.etag, self.digest = str(mark.get("etag", "")), str(mark.get("digest", ""))

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def of(self, etag: str, digest: str) -> None:
        """What comes from now on is of this file. Raises: OSError."""
        # If-Range compares strongly: with a weak ETag the whole file would come each time.
        self.etag, self.digest = "" if etag.startswith("W/") else etag, digest
        gguf.tell(self._mark.name, json.dumps({"etag": self.etag, "digest": self.digest}))

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)
        self.etag = self.digest = ""


class Fetch:
    """One run. stopped: whether a person has cancelled it; asked all the time."""

    def __init__(self, offer: Offer, fetched: Told, checked: Told, stopped: Callable[[], bool]):
        self.offer, self.fetched, self.checked, self.stopped = offer, fetched, checked, stopped
        self.path = offer.path()
        self.url = offer.url()
        self.host = self.url.split("/")[2]
        self.answers = False
        """Whether the hub has answered anything in this run."""

    def run(self) -> str:
        """The file's digest, once the file is in its place. Raises: DownloadFailed."""
        try:
            with self.client() as self.http:
                if self.path.is_file():
                    return self.check_by_hand()
                self.part = Part(self.offer)
                self.need_room()
                self.receive_all()
                return self.keep()
        except OSError as error:
            if error.errno in FULL:
                raise self.no_room() from None
            raise unwritten(error) from None

    def client(self) -> httpx2.Client:
        """It heeds HTTPS_PROXY and NO_PROXY; it has no token that could travel to a mirror."""
        try:
            return httpx2.Client(
                timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S),
                # A compressed answer could be any size, and its bytes are not those of the file.
                headers={"Accept-Encoding": "identity", "User-Agent": "Hintline"},
            )
        # Of a proxy's URL, or because SOCKS needs a package more.
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            raise DownloadFailed(Trouble.PROXY, why=type(error).__name__) from None

    def need_room(self) -> None:
        if shutil.disk_usage(gguf.folder()).free < self.wanted_bytes():
            raise self.no_room()

    def wanted_bytes(self) -> int:
        return self.offer.size_bytes - self.part.size() + SPARE_BYTES

    def no_room(self) -> DownloadFailed:
        free = shutil.disk_usage(gguf.folder()).free
        return DownloadFailed(Trouble.SPACE, needed=self.wanted_bytes(), free=free)

    def receive_all(self) -> None:
        """Until every byte is there, over as many answers as that takes."""
        tries, most = 0, self.part.size()
        while self.part.size() < self.offer.size_bytes or not self.digest():
            try:
                self.receive()
            except (Cut, httpx2.TransportError) as cut:
                # Not against the size before: a server that cuts and then sends another range
                # would be asked for ever.
                grown = self.part.size() > most
                tries, most = 0 if grown else tries + 1, max(most, self.part.size())
                if tries >= TRIES or not self.answers:
                    raise self.unreached(cut) from None
                self.pause(min(FIRST_PAUSE_S * 2.0**tries, LONGEST_PAUSE_S))

    def digest(self) -> str:
        return self.offer.sha256 or self.part.digest

    def receive(self) -> None:
        """One answer. Raises: Cut, httpx2.TransportError, DownloadFailed."""
        headers = {}
        if self.part.size() and self.part.etag:
            headers = {"Range": f"bytes={self.part.size()}-", "If-Range": self.part.etag}
        with self.answered(headers) as (response, digest):
            if not (self.offer.sha256 or digest):
                raise DownloadFailed(Trouble.UNPINNED, host=self.host)
            if digest and self.part.digest not in ("", digest):
                self.part.clear()
                raise Cut("changed")
            start = self.start_of(response)
            told = response.headers.get("Content-Length", "")
            if told.isdecimal() and start + int(told) != self.offer.size_bytes:
                raise DownloadFailed(Trouble.OTHER_SIZE, host=self.host)
            self.part.of(response.headers.get("ETag", ""), digest or self.part.digest)
            with self.part.path.open("r+b" if start else "wb") as file:
                file.seek(start)
                self.write(response, file, start)
        if self.part.size() < self.offer.size_bytes:
            raise Cut("too short")

    def write(self, response: httpx2.Response, file: Any, size: int) -> None:
        for piece in response.iter_raw():
            self.go_on()
            size += len(piece)
            if size > self.offer.size_bytes:
                self.part.clear()
                raise DownloadFailed(Trouble.OTHER_SIZE, host=self.host)
            file.write(piece)
            # Others see by the file's size how far it is.
            file.flush()
            self.fetched(size)

    def start_of(self, response: httpx2.Response) -> int:
        """Where in the file this answer begins. Raises: Cut, DownloadFailed."""
        have, status = self.part.size(), response.status_code
        if status == 200:
            return 0
        if status == 206:
            told = RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if told and (int(told[1]), int(told[2])) == (have, self.offer.size_bytes):
                return have
        if have and status in (206, 416):
            # Not what was asked for: from the beginning then.
            self.part.clear()
            raise Cut("range")
        if status == 429 or status >= 500:
            raise Cut(f"HTTP {status}")
        raise DownloadFailed(Trouble.STATUS, host=self.host, status=str(status))

    @contextmanager
    def answered(self, headers: Mapping[str, str]) -> Iterator[tuple[httpx2.Response, str]]:
        """The answer behind all redirects, and the digest that the hub tells on the way.

        Source: the hub names it in X-Linked-Etag of its own redirect to where the file lies.
        Raises: Cut, httpx2.TransportError, DownloadFailed.
        """
        url: httpx2.URL | str = self.url
        digest = ""
        for hop in range(HOPS):
            self.go_on()
            try:
                request = self.http.build_request("GET", url, headers=headers)
                response = self.http.send(request, stream=True)
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
                raise self.unreached(error) from None
            self.answers = True
            onward = response.next_request
            try:
                if not hop:
                    digest = self.told_digest(response.headers)
                if onward is None:
                    yield response, digest
                    return
                url = onward.url
            finally:
                response.close()
        raise Cut("redirects")

    def told_digest(self, headers: httpx2.Headers) -> str:
        """Raises: DownloadFailed if the hub's file is another one."""
        size = headers.get("X-Linked-Size", "")
        if size.isdecimal() and int(size) != self.offer.size_bytes:
            raise DownloadFailed(Trouble.OTHER_SIZE, host=self.host)
        told = headers.get("X-Linked-Etag", "").strip('"').lower()
        told = told if SHA256.fullmatch(told) else ""
        if told and self.offer.sha256 not in ("", told):
            raise DownloadFailed(Trouble.OTHER_FILE, host=self.host, digest=told)
        return told

    def keep(self) -> str:
        """Checks what has come, and gives it its name."""
        found = self.digest_of(self.part.path)
        if found != self.digest():
            self.part.clear()
            raise DownloadFailed(Trouble.DIGEST, digest=found)
        with self.part.path.open("rb") as file:
            os.fsync(file.fileno())
        self.part.path.replace(self.path)
        self.part.clear()
        return found

    def check_by_hand(self) -> str:
        """A file that a person has put there."""
        expected = self.offer.sha256
        if not expected:
            try:
                with self.answered({}) as (_response, expected):
                    pass
            except (Cut, httpx2.TransportError) as cut:
                raise self.unreached(cut) from None
        if not expected:
            raise DownloadFailed(Trouble.UNPINNED, host=self.host)
        if (found := self.digest_of(self.path)) != expected:
            raise DownloadFailed(Trouble.BY_HAND, path=str(self.path), digest=found)
        return found

    def digest_of(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                self.go_on()
                digest.update(block)
                self.checked(file.tell())
        return digest.hexdigest()

    def pause(self, pause_s: float) -> None:
        until_s = monotonic() + pause_s
        while monotonic() < until_s:
            self.go_on()
            sleep(LOOK_S)

    def go_on(self) -> None:
        if self.stopped():
            raise DownloadFailed(Trouble.CANCELLED)

    def unreached(self, error: Exception) -> DownloadFailed:
        # Not an error's text of the client, which may repeat a proxy's password.
        why = str(error) if isinstance(error, Cut) else type(error).__name__
        return DownloadFailed(Trouble.UNREACHED, host=self.host, why=why, path=str(self.path))
