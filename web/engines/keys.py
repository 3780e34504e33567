"""API keys at rest: encrypted with the secret key, and what becomes of them when it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from encrypted_fields.fields import EncryptedCharField, EncryptedFieldMixin

from broker.base.errors import HintlineError

BEGINNING = "gAAAAA"
"""How every Fernet token begins, until the year 2106: a version and the high bytes of the time."""


class UnreadableKey(HintlineError):
    """An API key was encrypted with a secret key that is not known here; the text names the row."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for such a key in its row. No text, so that nobody can send it; saved as it was."""

    ciphertext: str = field(repr=False)


def why_unreadable(engine: str = "") -> str:
    """engine: its name; empty for the key of the AI mode."""
    row = _("Engine “%(engine)s”") % {"engine": engine} if engine else _("AI mode")
    text = _(
        "%(row)s: its API key cannot be read: the secret key changed. Give the old secret key in "
        "HINTLINE_SECRET_KEY_FALLBACKS, or enter the API key again."
    )
    return text % {"row": row}


class KeyField(EncryptedCharField):  # type: ignore[misc]  # untyped
    """Marks a key that cannot be decrypted; its base would give out the ciphertext as the key."""

    @property
    def f(self) -> Fernet | MultiFernet:
        return cipher_now()

    def from_db_value(self, value: str | None, *_: Any) -> str | Unreadable | None:
        if value is None:
            return None
        text = value
        try:
            # Older versions encrypted a ciphertext again when they could not read it.
            while text is value or text.startswith(BEGINNING):
                text = self.f.decrypt(text.encode()).decode()
        except InvalidToken:
            return Unreadable(value)
        return text

    # The base's clean tells its to_python by a mark on the field not to decrypt. All threads share
    # the field: of two forms at once, one would break.
    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, Unreadable) else models.CharField.to_python(self, value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        if isinstance(value, Unreadable):
            return value
        return models.CharField.clean(self, value, model_instance)

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, Unreadable):
            return value.ciphertext
        prepared: str | None = super().get_prep_value(value)
        return prepared

    def deconstruct(self) -> Any:
        # The column is the base's: migrations need not know this class.
        name, _, args, kwargs = super().deconstruct()
        return name, "encrypted_fields.fields.EncryptedCharField", args, kwargs


def cipher_now() -> Fernet | MultiFernet:
    """What encrypts with the secret key of the settings, and reads what earlier ones encrypted."""
    return cipher(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def cipher(*secrets: str) -> Fernet | MultiFernet:
    """The library's cipher for the settings of now: it encrypts with the first secret.

    secrets: those of the settings. To derive a key from each takes some 50 ms.
    """
    made: Fernet | MultiFernet = EncryptedFieldMixin().f
    return made
