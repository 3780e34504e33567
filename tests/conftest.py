"""What every test stands on: settings read from a new data folder, a database, a Valkey.

`TEST_DATABASE=postgresql` runs the same tests on a PostgreSQL instead of SQLite.
pyproject.toml names no settings module: they would be read before this file, from the
environment and the data folder of whoever runs the tests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings

from broker.embedded import Embedded
from tests.postgres import Postgres, programs
from web.runner.checker import checker
from web.tutor.writing import prompt, versions

# The unit tests in it are data.
collect_ignore = ["data"]
# Short, because a Unix socket's path is limited.
DATA = Path(tempfile.mkdtemp(prefix="hl-"))

for name in [*os.environ]:
    if name.startswith(("HINTLINE_", "REDIS_URL", "DATABASE_URL")):
        del os.environ[name]
os.environ |= {"HINTLINE_DATA": str(DATA), "DJANGO_SETTINGS_MODULE": "web.settings"}
postgres: Postgres | None = None
if os.environ.get("TEST_DATABASE") == "postgresql":
    folder = programs()
    if folder is None:
        pytest.exit("PostgreSQL is not installed: sudo apt-get install postgresql", 1)
    postgres = Postgres(Path(tempfile.mkdtemp(prefix="hl-")), folder)
    postgres.start()
    os.environ["DATABASE_URL"] = postgres.url
else:
    # A file, because threads that share a database in memory do not wait for each other's locks.
    # (In a process of pytest-xdist, Django has read its settings before this file.)
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(DATA / "test.sqlite3")
django.setup()


def pytest_configure(config: pytest.Config) -> None:
    # A connection that a test has left open would keep the database from being dropped at the end.
    config.option.reuse_db = postgres is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leaves out what asks no database: it has been tried beside SQLite."""
    if postgres is None:
        return
    config.hook.pytest_deselected(items=[each for each in items if not asks_database(each)])
    items[:] = [each for each in items if asks_database(each)]


def asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or {"db", "transactional_db"} & fixtures)


def pytest_unconfigure() -> None:
    if checker.cache_info().currsize:
        checker().close()
    if postgres is not None:
        postgres.stop()
        shutil.rmtree(postgres.folder, ignore_errors=True)
    shutil.rmtree(DATA, ignore_errors=True)


@pytest.fixture
def more_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Path]]:
    """Gives the prompts in use a further version; answers its folder, to be changed."""

    def forget() -> None:
        for cached in (versions.version, prompt.policy, prompt.told):
            cached.cache_clear()

    def copied(name: str) -> Path:
        folder = tmp_path / "prompts"
        for each in (versions.CURRENT, name):
            shutil.copytree(versions.FOLDER / versions.CURRENT, folder / each)
        monkeypatch.setattr(versions, "FOLDER", folder)
        forget()
        return folder / name

    yield copied
    forget()


@pytest.fixture(scope="session")
def home_valkey() -> Iterator[Embedded]:
    """The Valkey at the address that all code uses when it is not told another one."""
    with Embedded(DATA) as server:
        yield server
