"""Every variable Hintline reads from its environment: one table, typed, read once.

The table in README.md says what each is for. A secret may also come from the file that `NAME_FILE`
names. An unknown `HINTLINE_…` name or a bad value stops the start.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from broker import urls
from broker.base.errors import BadSetting

Value = str | int | float | bool | None
T = TypeVar("T", str, int, float, bool)
FLAGS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)
CREDENTIALS = re.compile(r"^([^/]*//)?.*@", re.DOTALL)
"""All that may hold a password, also where a stray mark in it makes the URL another one."""


def is_time_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable, of its default's type; without one it is a text, and None where it is unset.

    low, high: inclusive range of a number. fits: whether a text can be used;
    allowed: for people, what to write in the place of one that cannot.
    """

    name: str
    default: Value = None
    _: KW_ONLY
    low: float = 0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    secret: bool = False
    fits: Callable[[str], bool] | None = None
    allowed: str = ""

    def value(self) -> Value:
        """As read."""
        # Empty is unset: compose files hand on variables that nobody has set.
        text = os.environ.get(self.name) or self.from_file()
        return self.parse(text) if text else self.default

    def from_file(self) -> str:
        path = os.environ.get(f"{self.name}_FILE") if self.secret else None
        try:
            return Path(path).read_text().strip() if path else ""
        except OSError as error:
            raise BadSetting(f"{self.name}_FILE={path!r}: {error.strerror}") from error

    def parse(self, text: str) -> Value:
        """Raises: BadSetting with the name, the value (never a secret's) and what is allowed."""
        shown, kind = self.shown(text), type(self.default)
        # By a table: bool("0") is true.
        if kind is bool:
            if text.lower() not in FLAGS:
                raise BadSetting(f"{self.name}={shown}: use one of {', '.join(FLAGS)}")
            return FLAGS[text.lower()]
        if not issubclass(kind, int | float):
            if self.choices and text not in self.choices:
                raise BadSetting(f"{self.name}={shown}: use one of {', '.join(self.choices)}")
            if self.schemes and text.partition(":")[0].lower() not in self.schemes:
                raise BadSetting(f"{self.name}={shown}: use a URL with {' or '.join(self.schemes)}")
            if self.fits and not self.fits(text):
                raise BadSetting(f"{self.name}={shown}: use {self.allowed}")
            return text
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        # `not low <= number <= high` also refuses NaN, which no comparison holds for.
        if not self.low <= number <= self.high:
            within = f"{kind.__name__} from {self.low:g} to {self.high:g}"
            raise BadSetting(f"{self.name}={shown}: use {within}")
        return number

    def shown(self, text: str) -> str:
        """For people: nothing of a secret, and of a URL neither its password nor its options."""
        if not self.secret:
            return repr(text)
        shown = repr(CREDENTIALS.sub(r"\1…@", text).partition("?")[0])
        return shown if self.schemes else "(secret)"


SETTINGS = (
    Setting(
        "DATABASE_URL",
        secret=True,
        schemes=("postgres", "postgresql", "sqlite"),
        fits=urls.names_a_database,
        allowed="postgresql://user:password@host:5432/name or sqlite:///path",
    ),
    Setting(
        "REDIS_URL",
        secret=True,
        schemes=("redis", "rediss", "unix"),
        fits=urls.names_a_redis,
        allowed="redis://:password@host:6379/0 with a port to 65535 and a number at its end, or "
        "unix:///path?db=0",
    ),
    Setting("HINTLINE_DATA", ".data"),
    Setting("HINTLINE_SECRET_KEY", secret=True),
    Setting("HINTLINE_SECRET_KEY_FALLBACKS", secret=True),
    Setting("HINTLINE_DEBUG", False),
    Setting("HINTLINE_HOSTS", "localhost,127.0.0.1,[::1]"),
    Setting("HINTLINE_HTTPS", False),
    Setting("HINTLINE_PORT", 8000, low=1, high=65535),
    Setting(
        "HINTLINE_TIME_ZONE",
        "Asia/Seoul",
        fits=is_time_zone,
        allowed="a name of the IANA database, such as Asia/Seoul or UTC",
    ),
    Setting("HINTLINE_BACKLOG_MAX", 1000, low=1, high=1_000_000),
    Setting("HINTLINE_HINT_TTL_S", 300, low=10, high=86_400),
    Setting("HINTLINE_TTFT_TARGET_S", 5.0, low=0.1, high=300),
    Setting("HINTLINE_RAW_DAYS", 14, high=3650),
    Setting("HINTLINE_RECORD_DAYS", 90, low=1, high=3650),
    Setting("HINTLINE_MAX_STREAMS", 5000, low=1, high=100_000),
    Setting("HINTLINE_NODE"),
    Setting("HINTLINE_LOCAL_MODEL"),
    Setting("HINTLINE_LOCAL_SLOTS", 2, low=1, high=64),
    Setting("HINTLINE_LOCAL_HOST", "127.0.0.1"),
    Setting("HINTLINE_LOCAL_PORT", 8071, low=1, high=65535),
    Setting("HF_ENDPOINT", "https://huggingface.co", schemes=("http", "https")),
    Setting("HINTLINE_LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")),
    Setting("HINTLINE_LOG_FORMAT", "text", choices=("text", "json")),
    Setting("HINTLINE_METRICS_TOKEN", secret=True),
    Setting("HINTLINE_METRICS_PORT", 0, high=65535),
    Setting("HINTLINE_TASK_EVENTS", False),
)
TABLE = {setting.name: setting for setting in SETTINGS}


def read(name: str, kind: type[T]) -> T | None:
    """The value of a variable of the table, checked; its default where the environment has none.

    Raises: BadSetting for a bad value, or a NAME_FILE that cannot be read.
    """
    value = TABLE[name].value()
    assert value is None or isinstance(value, kind), f"{name} is no {kind.__name__}"
    return value


def need(name: str, kind: type[T]) -> T:
    """As read, for a variable that has a default."""
    value = read(name, kind)
    assert value is not None, f"{name} has no default"
    return value


@cache
def check_environment() -> None:
    """Raises: BadSetting for a HINTLINE_… variable that is not in the table, or a bad value."""
    known = set(TABLE) | {f"{setting.name}_FILE" for setting in SETTINGS if setting.secret}
    for name in sorted(os.environ):
        if name.startswith("HINTLINE_") and name not in known:
            raise BadSetting(f"{name}: no such setting; known: {', '.join(sorted(TABLE))}")
    for setting in SETTINGS:
        setting.value()


def exit_on_bad_settings() -> None:
    """For a module that another program loads, which would show a stack of calls."""
    try:
        check_environment()
    except BadSetting as error:
        sys.exit(f"Bad setting: {error}")
