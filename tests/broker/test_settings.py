"""A bad setting is named, with its value but no password, and with what is allowed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from broker.base.errors import BadSetting
from broker.base.settings import TABLE

ROOT = Path(__file__).parents[2]
PASSWORD = "hush-hush"
BAD = [
    ("HINTLINE_TIME_ZONE", "KST"),
    ("HINTLINE_TIME_ZONE", "Asia"),
    ("HINTLINE_TIME_ZONE", "../../etc/passwd"),
    ("REDIS_URL", "nonsense"),
    ("REDIS_URL", "redis://h/abc"),
    ("REDIS_URL", "redis://h/-1"),
    ("REDIS_URL", "redis://h:99999"),
    ("REDIS_URL", "redis://h:0"),
    ("REDIS_URL", "redis://h:port/0"),
    ("REDIS_URL", "redis://"),
    ("REDIS_URL", "redis:h"),
    ("REDIS_URL", "unix://"),
    ("REDIS_URL", "http://h/0"),
    ("REDIS_URL", "redis://[::1/0"),
    ("REDIS_URL", "redis://h/0?db=two"),
    ("REDIS_URL", "redis://h/0?no_such_option=1"),
    ("REDIS_URL", "rediss://h/0?ssl_cert_reqs=maybe"),
    ("REDIS_URL", f"redis://:{PASSWORD}@h/abc"),
    ("REDIS_URL", f"redis://u:{PASSWORD}/x@h/0"),
    ("REDIS_URL", f"redis://h/abc?password={PASSWORD}"),
    ("REDIS_URL", f"rediss://u:{PASSWORD}@h:99999"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "mysql://u@h/n"),
    ("DATABASE_URL", "postgresql://h"),
    ("DATABASE_URL", "postgresql://h:99999/n"),
    ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:x/n"),
    ("DATABASE_URL", f"postgresql:u:{PASSWORD}@h/n"),
    ("DATABASE_URL", "sqlite:///"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_named_without_its_password(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as error:
        TABLE[name].parse(value)

    text = str(error.value)
    assert text.startswith(f"{name}=")
    assert ": use " in text
    assert PASSWORD not in text
    assert value.partition("@")[0].partition(":")[0] in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HINTLINE_TIME_ZONE", "UTC"),
        ("HINTLINE_TIME_ZONE", "Europe/Berlin"),
        ("REDIS_URL", "redis://h"),
        ("REDIS_URL", "redis://h/"),
        ("REDIS_URL", f"redis://:{PASSWORD}@valkey:6379/0"),
        ("REDIS_URL", "redis://[::1]:6379/3"),
        ("REDIS_URL", "redis://h?db=3&socket_timeout=2"),
        ("REDIS_URL", "rediss://u:p@h:6380/0?ssl_ca_certs=/ca.pem&ssl_check_hostname=false"),
        ("REDIS_URL", "unix:///a/b.sock?db=3"),
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:5432/name"),
        ("DATABASE_URL", "postgres://%2Fvar%2Frun%2Fpostgresql/name"),
        ("DATABASE_URL", "postgresql:///name"),
        ("DATABASE_URL", "sqlite:////srv/hl.sqlite3"),
        ("DATABASE_URL", "sqlite://:memory:"),
    ],
)
def test_a_good_value_is_taken(name: str, value: str) -> None:
    assert TABLE[name].parse(value) == value


def test_the_readme_says_of_every_setting_what_it_is_for_and_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?\.) \|$", (ROOT / "README.md").read_text(), re.M)
    defaults = {name: re.search(r" Default: `(.+)`\.$", about) for name, about in rows}

    assert [name for name, _ in rows] == list(TABLE)
    for name, told in defaults.items():
        assert TABLE[name].default == (TABLE[name].parse(told[1]) if told else None), name


COMMANDS = {
    "web": ["-m", "web", "check"],
    "workers": ["-m", "workers", "status", "--once"],
    "broker": ["-m", "broker"],
    "celery": ["-m", "celery", "-A", "workers.app", "report"],
    "uvicorn": ["-m", "uvicorn", "web.asgi:application", "--port", "0"],
    "gunicorn": ["-c", "import web.wsgi"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_it_in_one_line(command: str, data_dir: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HINTLINE_", "REDIS_"))}
    bad = {"HINTLINE_TIME_ZONE": "KST", "HINTLINE_DATA": str(data_dir)}

    done = subprocess.run(
        [sys.executable, *COMMANDS[command]],
        cwd=ROOT, env=clean | bad, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "HINTLINE_TIME_ZONE='KST': use a name" in line
