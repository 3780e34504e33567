"""Every variable Hintline reads from its environment: one table, typed, read once.

A secret may also come from the file that `NAME_FILE` names. An unknown `HINTLINE_…` name or a
bad value stops the start.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar, cast
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One variable, of its default's type; without one it is a text, and None where it is unset.

    low, high: inclusive range of a number. fits: whether a text can be used;
    allowed: for people, what to write in the place of one that cannot.
    """

    name: str
    about: str
    default: Value = None
    low: float = 0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    secret: bool = False
    fits: Callable[[str], bool] | None = None
    allowed: str = ""

    @property
    def kind(self) -> type[str | int | float | bool]:
        return str if self.default is None else type(self.default)

    def parse(self, text: str) -> Value:
        """Raises: BadSetting with the name, the value (never a secret's) and what is allowed."""
        shown = self.shown(text)
        # By a table: bool("0") is true.
        if self.kind is bool:
            if text.lower() not in FLAGS:
                raise BadSetting(f"{self.name}={shown}: use one of {', '.join(FLAGS)}")
            return FLAGS[text.lower()]
        if self.kind is str:
            if self.choices and text not in self.choices:
                raise BadSetting(f"{self.name}={shown}: use one of {', '.join(self.choices)}")
            if self.schemes and text.partition(":")[0].lower() not in self.schemes:
                raise BadSetting(f"{self.name}={shown}: use a URL with {' or '.join(self.schemes)}")
            if self.fits and not self.fits(text):
                raise BadSetting(f"{self.name}={shown}: use {self.allowed}")
            return text
        try:
            number = self.kind(text)
        except ValueError:
            number = None
        # `not low <= number <= high` also refuses NaN, which no comparison holds for.
        if not isinstance(number, int | float) or not self.low <= number <= self.high:
            raise BadSetting(
                f"{self.name}={shown}: use {self.kind.__name__} from {self.low:g} to {self.high:g}"
            )
        return number

    def shown(self, text: str) -> str:
        """For people: nothing of a secret, and of a URL neither its password nor its options."""
        if not self.secret:
            return repr(text)
        return (
            repr(CREDENTIALS.sub(r"\1…@", text).partition("?")[0]) if self.schemes else "(secret)"
        )


SETTINGS = (
    Setting(
        name="DATABASE_URL",
        secret=True,
        schemes=("postgres", "postgresql", "sqlite"),
        fits=urls.names_a_database,
        allowed="postgresql://user:password@host:5432/name or sqlite:///path",
        about="postgresql://user:password@host:5432/name; unset: SQLite in HINTLINE_DATA",
    ),
    Setting(
        name="REDIS_URL",
        secret=True,
        schemes=("redis", "rediss", "unix"),
        fits=urls.names_a_redis,
        allowed="redis://:password@host:6379/0 with a port to 65535 and a number at its end, or "
        "unix:///path?db=0",
        about="Redis or Valkey; unset: the embedded Valkey that `make run` starts",
    ),
    Setting(
        name="HINTLINE_DATA",
        default=".data",
        about="folder of the embedded database, Valkey's files, keys and logs",
    ),
    Setting(
        name="HINTLINE_SECRET_KEY",
        secret=True,
        about="signs sessions, encrypts stored API keys; unset: made once, kept in HINTLINE_DATA",
    ),
    Setting(
        name="HINTLINE_SECRET_KEY_FALLBACKS",
        secret=True,
        about="secret keys of before, by comma: what they signed or encrypted can still be read",
    ),
    Setting(
        name="HINTLINE_DEBUG", default=False, about="Django's debug pages; never in production"
    ),
    Setting(
        name="HINTLINE_HOSTS",
        default="localhost,127.0.0.1,[::1]",
        about="host names the site answers to, by comma",
    ),
    Setting(
        name="HINTLINE_HTTPS",
        default=False,
        about="the site is reached over TLS: secure cookies, HSTS, and trust in X-Forwarded-Proto",
    ),
    Setting(
        name="HINTLINE_PORT",
        default=8000,
        low=1,
        high=65535,
        about="port of the web app in `make run`",
    ),
    Setting(
        name="HINTLINE_TIME_ZONE",
        default="Asia/Seoul",
        fits=is_time_zone,
        allowed="a name of the IANA database, such as Asia/Seoul or UTC",
        about="time zone in which pages show times",
    ),
    Setting(
        name="HINTLINE_BACKLOG_MAX",
        default=1000,
        low=1,
        high=1_000_000,
        about="hints that may wait; one more is answered 429",
    ),
    Setting(
        name="HINTLINE_HINT_TTL_S",
        default=300,
        low=10,
        high=86_400,
        about="seconds a hint may wait before it ends with an authored hint",
    ),
    Setting(
        name="HINTLINE_TTFT_TARGET_S",
        default=5.0,
        low=0.1,
        high=300,
        about="seconds to the first token, of 95 % of hints; an engine that is slower gets fewer",
    ),
    Setting(
        name="HINTLINE_RAW_DAYS",
        default=14,
        high=3650,
        about="days that staff may read what a model wrote before the gate; 0 keeps nothing",
    ),
    Setting(
        name="HINTLINE_RECORD_DAYS",
        default=90,
        low=1,
        high=3650,
        about="days that staff may read how attempts and tasks ended, and who signed in from where",
    ),
    Setting(
        name="HINTLINE_MAX_STREAMS",
        default=5000,
        low=1,
        high=100_000,
        about="open event streams of one web process",
    ),
    Setting(
        name="HINTLINE_NODE",
        about="name of this worker node, one live node each; unset: the host's name",
    ),
    Setting(
        name="HINTLINE_LOCAL_MODEL",
        about="GGUF file the local engine serves; unset: the bundled SmolLM2-135M-Instruct",
    ),
    Setting(
        name="HINTLINE_LOCAL_SLOTS",
        default=2,
        low=1,
        high=64,
        about="hints the local engine writes at once",
    ),
    Setting(
        name="HINTLINE_LOCAL_HOST",
        default="127.0.0.1",
        about="host of the local model server: where it listens, and where workers reach it",
    ),
    Setting(
        name="HINTLINE_LOCAL_PORT",
        default=8071,
        low=1,
        high=65535,
        about="port of the local model server",
    ),
    Setting(
        name="HINTLINE_LOG_LEVEL",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        about="how much is logged",
    ),
    Setting(
        name="HINTLINE_LOG_FORMAT",
        default="text",
        choices=("text", "json"),
        about="text for people, json (an object a line) for a log store",
    ),
    Setting(
        name="HINTLINE_METRICS_TOKEN",
        secret=True,
        about="what Prometheus sends as bearer token to read /metrics; unset: private peers may",
    ),
    Setting(
        name="HINTLINE_METRICS_PORT",
        default=0,
        high=65535,
        about="port on which a node serves /metrics for all its workers; 0 for none",
    ),
    Setting(
        name="HINTLINE_TASK_EVENTS",
        default=False,
        about="Celery task events, for Flower (1 ms CPU a hint)",
    ),
)
TABLE = {setting.name: setting for setting in SETTINGS}


def read(name: str, kind: type[T], environ: Mapping[str, str] = os.environ) -> T | None:
    """The value of a variable of the table, checked; its default where the environment has none.

    Raises: BadSetting for a bad value, or a NAME_FILE that cannot be read.
    """
    setting = TABLE[name]
    assert setting.kind is kind, f"{name} is {setting.kind}"
    return cast(T | None, value_of(setting, environ))


def need(name: str, kind: type[T]) -> T:
    """As read, for a variable that has a default."""
    value = read(name, kind)
    assert value is not None, f"{name} has no default"
    return value


def value_of(setting: Setting, environ: Mapping[str, str]) -> Value:
    # Empty is unset: compose files hand on variables that nobody has set.
    text = environ.get(setting.name) or from_file(setting, environ)
    return setting.parse(text) if text else setting.default


def from_file(setting: Setting, environ: Mapping[str, str]) -> str:
    path = environ.get(f"{setting.name}_FILE") if setting.secret else None
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise BadSetting(f"{setting.name}_FILE={path!r}: {error.strerror}") from error


@cache
def check_environment() -> None:
    """Raises: BadSetting for a HINTLINE_… variable that is not in the table, or a bad value."""
    known = set(TABLE) | {f"{setting.name}_FILE" for setting in SETTINGS if setting.secret}
    for name in sorted(os.environ):
        if name.startswith("HINTLINE_") and name not in known:
            raise BadSetting(f"{name}: no such setting; known: {', '.join(sorted(TABLE))}")
    for setting in SETTINGS:
        value_of(setting, os.environ)


def exit_on_bad_settings() -> None:
    """For a module that another program loads, which would show a stack of calls."""
    try:
        check_environment()
    except BadSetting as error:
        sys.exit(f"Bad setting: {error}")
