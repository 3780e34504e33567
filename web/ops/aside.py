"""A database that another version of Hintline made: how it is known, and put aside whole."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader

from broker.base.errors import HintlineError
from broker.base.folder import private

OTHER = "Another version of Hintline made the database {name}, and this one cannot use its tables."
HERE = "To keep it and start with a new one: {python} -m web aside"
ELSEWHERE = "To keep it and start with a new one, create an empty one and name it in DATABASE_URL."


def is_other() -> bool:
    """Whether our migrations do not follow from those that made the database's tables."""
    loader = MigrationLoader(connection)
    try:
        loader.check_consistent_history(connection)
    except InconsistentMigrationHistory:
        return True
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("web.")}
    made = {key for key in loader.applied_migrations if key[0] in ours}
    return not made <= set(loader.disk_migrations)


def is_file() -> bool:
    return connection.vendor == "sqlite"


def problem() -> str:
    """One line: what is wrong with the database."""
    return OTHER.format(name=connection.settings_dict["NAME"])


def advice() -> str:
    """One line: what is wrong, and what to type."""
    python = os.path.relpath(sys.executable)
    return f"{problem()} {HERE.format(python=python) if is_file() else ELSEWHERE}"


def put_aside() -> Path:
    """Moves the database into a new folder, with what belongs to it; answers the folder.

    The secret key, without which its API keys cannot be read, is copied: other sessions use it too.
    What Valkey holds of its hints is made good from the rows, and goes by itself without them.

    Raises: HintlineError where the database is no file, or somebody else has it open.
    """
    if not is_file():
        raise HintlineError(advice())
    name = Path(connection.settings_dict["NAME"])
    try:
        with connection.cursor() as cursor:
            # This takes the log that lies beside the file into it, and only who has it alone may.
            cursor.execute("PRAGMA journal_mode=DELETE")
    except OperationalError:
        text = f"Something else has the database {name} open: stop it first."
        raise HintlineError(text) from None
    finally:
        connection.close()
    folder: Path = settings.DATA / f"aside-{datetime.now():%Y-%m-%d-%H%M%S}"
    private(folder)
    key, accounts = settings.DATA / "secret_key", settings.DATA / "accounts.txt"
    if key.exists():
        shutil.copy2(key, folder)
    for path in (name, accounts):
        if path.exists():
            shutil.move(path, folder)
    return folder
