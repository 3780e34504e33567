"""Why a model could not be fetched: causes, and the sentence for each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.base.errors import HintlineError


class Trouble(StrEnum):
    """What went wrong; the values that its sentence needs are in the error."""

    UNREACHED = "unreached"
    """The hub or its mirror cannot be reached, or breaks off again and again."""
    PROXY = "proxy"
    """What the environment says of a proxy cannot be used."""
    STATUS = "status"
    """It answers with a refusal."""
    OTHER_FILE = "other_file"
    """It tells another digest than the pinned one, before anything is fetched."""
    UNPINNED = "unpinned"
    """No digest is known by which the file could be checked."""
    OTHER_SIZE = "other_size"
    """It tells, or sends, another count of bytes than the offer."""
    DIGEST = "digest"
    """What came has another digest."""
    BY_HAND = "by_hand"
    """What a person has put there has another digest; it stays."""
    SPACE = "space"
    """The disk is full, or would be."""
    WRITE = "write"
    """The system refuses to write the file."""
    BUSY = "busy"
    """Another download is going on; one at a time."""
    CANCELLED = "cancelled"
    """A person has ended it."""
    BROKEN_OFF = "broken_off"
    """Whoever fetched it is gone."""


WORDS: Mapping[Trouble, Promise] = {
    Trouble.UNREACHED: _(
        "No connection to %(host)s (%(why)s). Without internet, put the file there yourself, as "
        "%(path)s, and start again: it is checked and then used."
    ),
    Trouble.PROXY: _("The proxy that the environment names cannot be used: %(why)s."),
    Trouble.STATUS: _("%(host)s refuses the file: HTTP %(status)s."),
    Trouble.OTHER_FILE: _(
        "%(host)s has another file than the one that is offered here: its SHA-256 is %(digest)s."
    ),
    Trouble.UNPINNED: _(
        "%(host)s does not tell the file's SHA-256, and none is known here: it cannot be checked."
    ),
    Trouble.OTHER_SIZE: _("%(host)s has a file of another size than the one that is offered here."),
    Trouble.DIGEST: _(
        "What came is not the file that is offered: its SHA-256 is %(digest)s. It was deleted."
    ),
    Trouble.BY_HAND: _(
        "%(path)s is not the file that is offered: its SHA-256 is %(digest)s. Take it away first."
    ),
    Trouble.SPACE: _("The disk has no room: %(needed)s are needed, %(free)s are free."),
    Trouble.WRITE: _("The file cannot be written: %(why)s."),
    Trouble.BUSY: _("Another model is being downloaded: one at a time."),
    Trouble.CANCELLED: _("Cancelled. What has come is kept: start it again, and it goes on."),
    Trouble.BROKEN_OFF: _("It was broken off. Start it again, and it goes on."),
}


class DownloadFailed(HintlineError):
    """A model was not fetched. values: texts, and sizes in bytes, by their names in WORDS."""

    def __init__(self, trouble: Trouble, **values: str | int) -> None:
        super().__init__(trouble.value)
        self.trouble, self.values = trouble, values

    def words(self) -> str:
        return words(self.trouble, self.values)


def unwritten(error: OSError) -> DownloadFailed:
    return DownloadFailed(Trouble.WRITE, why=error.strerror or str(error))


def words(trouble: Trouble, values: Mapping[str, str | int]) -> str:
    """The sentence in the reader's language."""
    said = {
        name: filesizeformat(value) if isinstance(value, int) else value
        for name, value in values.items()
    }
    return str(WORDS[trouble]) % said
