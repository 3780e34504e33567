"""A package's files, from a folder or a zip, read within bounds; nothing is unpacked or followed.

Who made a package need not mean well: each file's size is known before it is read.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from broker.contract.text import storable
from web.courses.importing.remarks import Spot, refuse

MOST_FILES = 10_000
MOST_LEVELS = 20
FILE_BYTES = 2**20
READ_BYTES = 64 * 2**20
ARCHIVE_BYTES = 32 * 2**20
UNPACKED_BYTES = 256 * 2**20
RATIO = 200
"""Unpacked against packed, of a whole archive: text shrinks to a tenth or so."""
DOTTED = frozenset({".docs", ".meta"})
"""Exercism's folders; all else that begins with a dot is no part of a package."""
JUNK = frozenset({"__MACOSX", "__pycache__", "Thumbs.db"})
CENTRAL = b"PK\x01\x02"
"""Before each entry of an archive's list."""

NO_SLUG = _("The folder's name must have letters or digits.")
NO_FILE = _("There is no such file.")
NO_ZIP = _("This is no zip archive that can be read.")
BROKEN = _("It cannot be read: the archive is damaged.")
TOO_BIG = _("It has %(size)s bytes, more than %(most)s.")
TOO_MUCH = _("Its files have more than %(most)s bytes together.")
TOO_MANY = _("It has more than %(most)s files.")
TOO_DEEP = _("Its folders are nested deeper than %(most)s levels.")
TOO_DENSE = _("It would unpack to %(size)s bytes, out of only %(packed)s: it is refused.")
OUTSIDE = _("This path leads outside the package.")
LINK = _("This is a link: put the file itself there.")
SPECIAL = _("This is no plain file.")
LOCKED = _("It is encrypted.")
STRANGE = _("It is compressed in a way that is not read: use the usual one (deflate).")
TWICE = _("The archive has two files of this name.")
NO_TEXT = _("This is no text in UTF-8.")
NO_STORING = _("There is a character in it that cannot be stored (NUL or a broken one).")


class FileSource(Protocol):
    """Where files come from. files: sizes in bytes, by path from its root, with slashes.

    taken: bytes that were read so far.
    """

    taken: int

    @property
    def files(self) -> Mapping[str, int]: ...

    def take(self, path: str) -> bytes:
        """At most FILE_BYTES + 1 bytes of it."""
        ...


class Package:
    """The files below one folder of a source. name: that folder's; path: from the source's root."""

    def __init__(self, name: str, source: FileSource, path: str = "") -> None:
        self.name, self.path, self._source = name, path, source
        self.files = {
            file.removeprefix(path): size
            for file, size in source.files.items()
            if file.startswith(path)
        }

    def under(self, folder: str) -> Package:
        """folder: a path below this package, "" for itself."""
        if not folder:
            return self
        return Package(PurePosixPath(folder).name, self._source, f"{self.path}{folder}/")

    def spot(self, file: str, line: int | None = None) -> Spot:
        return Spot(f"{self.path}{file}", line)

    def slug(self, file: str) -> str:
        """Of its folder's name, by which formats know an exercise. file: says that there is none.

        Raises: BadPackage.
        """
        # 50 characters fit into the column.
        found = slugify(self.name)[:50]
        if not found:
            refuse(self.spot(file), NO_SLUG)
        return found

    def text(self, file: str, most: int = FILE_BYTES) -> str:
        """A file's text, its lines ended by a line feed alone. most: bytes.

        Raises: BadPackage for a file that is missing, too big, or no text in UTF-8.
        """
        spot = self.spot(file)
        if file not in self.files:
            refuse(spot, NO_FILE)
        if (size := self.files[file]) > most:
            refuse(spot, TOO_BIG, size=f"{size:,}", most=f"{most:,}")
        data = self._source.take(spot.file)
        self._source.taken += len(data)
        # The sizes were those of before: a folder may have changed since.
        if len(data) > most:
            refuse(spot, TOO_BIG, size=f"{len(data):,}", most=f"{most:,}")
        if self._source.taken > READ_BYTES:
            refuse(spot, TOO_MUCH, most=f"{READ_BYTES:,}")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            refuse(self.spot(file, data.count(b"\n", 0, error.start) + 1), NO_TEXT)
        if storable(text) != text:
            # UTF-8 has no halves of characters.
            refuse(self.spot(file, text.count("\n", 0, text.index("\0")) + 1), NO_STORING)
        return text.replace("\r\n", "\n")


class Folder:
    """A folder as a source."""

    def __init__(self, root: Path) -> None:
        self._root, self.taken = root, 0
        self.files = dict(self._walk(root, "", MOST_LEVELS))

    def _walk(self, folder: Path, path: str, levels: int) -> Iterator[tuple[str, int]]:
        if not levels:
            refuse(Spot(path), TOO_DEEP, most=MOST_LEVELS)
        found = 0
        try:
            entries = sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError:
            refuse(Spot(path or folder.name), NO_FILE)
        for entry in entries:
            name = f"{path}{entry.name}"
            if is_junk(entry.name):
                continue
            if entry.is_symlink():
                refuse(Spot(name), LINK)
            if entry.is_dir(follow_symlinks=False):
                below = self._walk(Path(entry.path), f"{name}/", levels - 1)
            elif entry.is_file(follow_symlinks=False):
                below = iter([(name, entry.stat(follow_symlinks=False).st_size)])
            else:
                refuse(Spot(name), SPECIAL)
            for each in below:
                found += 1
                if found > MOST_FILES:
                    refuse(Spot(path or self._root.name), TOO_MANY, most=MOST_FILES)
                yield each

    def take(self, path: str) -> bytes:
        # Neither a link nor a pipe that was put there since the walk.
        try:
            handle = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            refuse(Spot(path), NO_FILE)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                refuse(Spot(path), SPECIAL)
            return file.read(FILE_BYTES + 1)


class Archive:
    """A zip in memory as a source. name: its file's, for what is said of it as a whole.

    Raises: BadPackage for a path outside, a link, a bomb, or what zipfile cannot read.
    """

    def __init__(self, name: str, data: bytes) -> None:
        self.taken, spot = 0, Spot(name)
        # zipfile makes an object of each entry, before anybody could count them.
        if data.count(CENTRAL) > MOST_FILES:
            refuse(spot, TOO_MANY, most=MOST_FILES)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
            refuse(spot, NO_ZIP)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            self._add(entry)
        size = sum(entry.file_size for entry in self._entries.values())
        if size > UNPACKED_BYTES or size > max(RATIO * len(data), READ_BYTES // 8):
            biggest = max(self._entries.values(), key=lambda entry: entry.file_size)
            numbers = {"size": f"{size:,}", "packed": f"{len(data):,}"}
            refuse(Spot(biggest.filename), TOO_DENSE, **numbers)
        self.files = {path: entry.file_size for path, entry in sorted(self._entries.items())}

    def _add(self, entry: zipfile.ZipInfo) -> None:
        # zipfile cuts a name at a NUL, and what is checked must be what is said.
        path, spot = entry.orig_filename, Spot(entry.orig_filename)
        parts = path.rstrip("/").split("/")
        if path.startswith("/") or "\\" in path or "\0" in path or ":" in parts[0]:
            refuse(spot, OUTSIDE)
        if {"", ".", ".."} & set(parts):
            refuse(spot, OUTSIDE)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK:
            refuse(spot, LINK)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            refuse(spot, SPECIAL)
        if path.endswith("/") or any(map(is_junk, parts)):
            return
        if entry.flag_bits & 1:
            refuse(spot, LOCKED)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            refuse(spot, STRANGE)
        if path in self._entries:
            refuse(spot, TWICE)
        self._entries[path] = entry

    def take(self, path: str) -> bytes:
        try:
            with self._zip.open(self._entries[path]) as file:
                return file.read(FILE_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            refuse(Spot(path), BROKEN)


class Single:
    """One file as a source of its own."""

    def __init__(self, name: str, data: bytes) -> None:
        self._data, self.taken = data, 0
        self.files = {name: len(data)}

    def take(self, path: str) -> bytes:
        return self._data


def is_junk(name: str) -> bool:
    return name in JUNK or (name.startswith(".") and name not in DOTTED)


def opened(path: Path) -> Package:
    """The package at a path of this machine: a folder, a zip, or one file.

    Raises: BadPackage.
    """
    if path.is_dir():
        return Package(path.resolve().name, Folder(path))
    try:
        found = path.stat()
        # A device or a pipe has no size, and perhaps no end.
        if not stat.S_ISREG(found.st_mode):
            refuse(Spot(str(path)), SPECIAL)
        size = found.st_size
        data = b"" if size > ARCHIVE_BYTES else path.read_bytes()
    except OSError:
        refuse(Spot(str(path)), NO_FILE)
    return uploaded(path.name, size, data)


def uploaded(name: str, size: int, data: bytes) -> Package:
    """The package in one file: a zip, which may hold all in one folder, or a file by itself.

    size: of the whole file, of which data may be less if it is too big. Raises: BadPackage.
    """
    if size > ARCHIVE_BYTES:
        refuse(Spot(name), TOO_BIG, size=f"{size:,}", most=f"{ARCHIVE_BYTES:,}")
    if not data.startswith(b"PK"):
        return Package(Path(name).stem, Single(name, data))
    source = Archive(name, data)
    # As most programs pack a folder: all of it below the folder's own name.
    tops = {path.partition("/")[0] for path in source.files}
    if len(tops) == 1 and not set(source.files) & tops:
        return Package(Path(name).stem, source).under(tops.pop())
    return Package(Path(name).stem, source)
