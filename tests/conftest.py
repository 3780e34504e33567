"""What every test stands on: settings read from a new data folder, a database file, a Valkey.

pyproject.toml names no settings module: they would be read before this file, from the
environment and the data folder of whoever runs the tests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

from broker.embedded import Embedded

# Short, because a Unix socket's path is limited.
DATA = Path(tempfile.mkdtemp(prefix="hl-"))

for name in [*os.environ]:
    if name.startswith(("HINTLINE_", "REDIS_URL", "DATABASE_URL")):
        del os.environ[name]
os.environ |= {"HINTLINE_DATA": str(DATA), "DJANGO_SETTINGS_MODULE": "web.settings"}
# A file, because threads that share a database in memory do not wait for each other's locks.
settings.DATABASES["default"]["TEST"] = {"NAME": str(DATA / "test.sqlite3")}
django.setup()


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA, ignore_errors=True)


@pytest.fixture(scope="session")
def home_valkey() -> Iterator[Embedded]:
    """The Valkey at the address that all code uses when it is not told another one."""
    with Embedded(DATA) as server:
        yield server
