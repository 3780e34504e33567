"""The lines of every process's log, as text or as JSON; each names the hint it is about.

Django sets this up wherever its settings are read: web, node and workers.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from broker.base import logs

OURS: dict[str, Any] = {"handlers": [], "propagate": True}
"""A logger whose lines all go to our handler."""
OFF: dict[str, Any] = {"handlers": [], "propagate": False}
"""A logger that was switched off."""
SERVERS = ("uvicorn", "uvicorn.access", "gunicorn.error", "gunicorn.access")
# A task's id is that of its hint, a dash, and the number of the attempt.
TASK_ID = re.compile(r"([0-9a-f]{8}-[0-9a-f-]{27})-(\d+)")


class Text(logging.Formatter):
    """One line a record, for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        found = subject(record)
        if "hint" in found and str(found["hint"]) in record.message:
            del found["hint"]
        fields = [f"{name}={value}" for name, value in found.items()]
        return f"{line} [{' '.join(fields)}]" if fields else line


class Json(logging.Formatter):
    """One object a line: time (UTC), level, logger, pid, message, error if any, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
            **subject(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


FORMATS = {"text": Text, "json": Json}


def subject(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of the code that logs; or what the line itself says.

    Celery's lines about a task come with its id, and ours about a hint begin with "hint %s".
    """
    found = dict(logs.fields())
    if isinstance(record.args, tuple) and record.msg.startswith("hint %s"):
        found["hint"] = str(record.args[0])
    data = getattr(record, "data", None)
    task = TASK_ID.fullmatch(str(data.get("id"))) if isinstance(data, dict) else None
    if task:
        found |= {"hint": task[1], "attempt": int(task[2])}
    return found


def config(form: str, level: str) -> dict[str, Any]:
    """For logging.config.dictConfig. form: one of FORMATS."""
    # A server's own handlers give way to ours. What was switched off has to be named: dictConfig
    # would let the children of `uvicorn` speak again.
    loggers = {name: logging.getLogger(name) for name in SERVERS}
    servers = {name: OFF for name, logger in loggers.items() if not logger.propagate}
    servers |= {name: OURS for name, logger in loggers.items() if logger.handlers}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMATS[form]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **servers,
            # A line for each request to a model would drown what matters.
            "httpx2": {"level": "WARNING"},
            # Four lines for each sign-in; a wrong password and a lock-out are warnings.
            "axes": {"level": "WARNING"},
            # Celery's line for each message that it receives: a hint would wait for it on its way
            # to the engine, and the pool's line about the task's end says more.
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
