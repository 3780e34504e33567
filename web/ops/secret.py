"""The secret that signs sessions and encrypts stored keys: made once, readable by its owner."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from broker.base.errors import BadSetting


def kept_secret(path: Path) -> str:
    """The secret in this file; a new one is written there, mode 0600, if it does not exist.

    Raises: BadSetting for an empty file: with another secret no stored key could be read.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            # Or a power cut leaves an empty file under the name.
            os.fsync(file.fileno())
        # Whole or not at all, and of several processes that start at once the first one's.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    if secret := path.read_text(errors="replace").strip():
        return secret
    raise BadSetting(
        f"the secret key's file {path} is empty: put back the one of your backup, or delete it, "
        "restart, and enter the API keys of your engines again"
    )
