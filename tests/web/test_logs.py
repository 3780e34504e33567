"""What a line of the log looks like, and that it names the hint it is about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from logging.config import dictConfig
from pathlib import Path
from typing import Any

import pytest

from broker.base import logs
from tests.conftest import DATA
from tests.web.kit import Caller
from tests.whole.stand import ROOT
from web.ops.logs import Json, Text, config

HINT = "0b6e1c9c-5a4e-4d6f-9a55-6d2f3a1f7c11"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged in this test, as JSON lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def record(message: str, *args: object, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("test").makeRecord(
        "test", logging.WARNING, "file", 1, message, args, extra.pop("error", None), extra=extra
    )
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = Json().format(made)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_text_line_about_no_hint_may_say_none() -> None:
    assert Text().format(record("try %s of None", 3)).endswith("try 3 of None")


def test_a_json_line_says_when_who_and_what() -> None:
    line = as_json(record("두 줄\n%s", "more"))

    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "test",
        "pid": os.getpid(),
        "message": "두 줄\nmore",
    }


def test_a_json_line_holds_the_whole_error() -> None:
    try:
        raise LookupError("nowhere")
    except LookupError:
        line = as_json(record("it broke", error=sys.exc_info()))

    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("LookupError: nowhere")


def test_lines_inside_name_their_hint_and_lines_after_do_not() -> None:
    with logs.about(hint=HINT, attempt=2):
        with logs.about(engine="gpu0"):
            inside = as_json(record("slow"))
        text = Text().format(record("slow"))
    after = as_json(record("slow"))

    assert (inside["hint"], inside["attempt"], inside["engine"]) == (HINT, 2, "gpu0")
    assert text.endswith(f"WARNING test slow [hint={HINT} attempt=2]")
    assert "hint" not in after
    assert "[" not in Text().format(record("slow"))


async def test_hints_that_run_side_by_side_keep_their_names() -> None:
    async def attempt(name: str) -> str:
        logs.note(hint=name)
        await asyncio.sleep(0)
        return str(as_json(record("slow"))["hint"])

    names = await asyncio.gather(
        asyncio.create_task(attempt("a")), asyncio.create_task(attempt("b"))
    )

    assert names == ["a", "b"]
    assert "hint" not in as_json(record("slow"))


def test_a_line_that_begins_with_its_hint_is_about_it() -> None:
    made = record("hint %s: lease lost", HINT)

    assert as_json(made)["hint"] == HINT
    assert Text().format(made).count(HINT) == 1


def test_a_celery_line_about_a_task_names_hint_and_attempt() -> None:
    line = as_json(record("Task received", data={"id": f"{HINT}-3", "name": "generate_hint"}))
    other = as_json(record("Task received", data={"id": "some-other-task-7"}))

    assert (line["hint"], line["attempt"]) == (HINT, 3)
    assert "hint" not in other


def test_a_request_names_itself_in_its_lines(
    api: Caller, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    from web.hints import api as operations

    def broken(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(operations.acting, "asking", broken)
    response = api.ask()

    assert response.status_code == 500
    assert response["X-Request-Id"] in {line.get("request") for line in lines()}


def test_a_servers_own_handlers_give_way_but_what_is_off_stays_off() -> None:
    on, off = logging.getLogger("uvicorn"), logging.getLogger("uvicorn.access")
    off.propagate = False
    on.addHandler(logging.StreamHandler())
    loggers = config("json", "INFO")["loggers"]
    on.handlers.clear()
    off.propagate = True

    assert loggers["uvicorn"] == {"handlers": [], "propagate": True}
    assert loggers["uvicorn.access"] == {"handlers": [], "propagate": False}


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_form_can_be_set_up(form: str) -> None:
    kept = logging.getLogger().handlers[:]
    try:
        dictConfig(config(form, "INFO"))
    finally:
        logging.getLogger().handlers[:] = kept


@pytest.mark.parametrize("access", [True, False])
def test_a_web_process_writes_nothing_but_json(access: bool) -> None:
    """Its own lines, Django's, and the server's; no requests if it was told so."""
    program = (
        "import uvicorn.config, logging\n"
        "settings = uvicorn.Config('web.asgi:application', log_level='info',"
        f" access_log={access})\n"
        "settings.load()\n"
        "logging.getLogger('uvicorn.error').info('Started')\n"
        "logging.getLogger('uvicorn.access').info('%s - %s', 'peer', 'GET /')\n"
        "logging.getLogger('django.request').warning('Not found')\n"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HINTLINE_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean | {"HINTLINE_DATA": str(DATA), "HINTLINE_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    names = ["uvicorn.error", *["uvicorn.access"] * access, "django.request"]
    assert [line["logger"] for line in lines] == names
    assert done.stdout == ""


def test_gunicorn_writes_nothing_but_json(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HINTLINE_")}
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("gunicorn")), "--config", "python:web.ops.gunicorn",
         "--bind", "127.0.0.1:0", "--no-control-socket", "web.wsgi"],
        cwd=ROOT,
        env=clean | {"HINTLINE_DATA": str(tmp_path), "HINTLINE_LOG_FORMAT": "json"},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    with server:
        assert server.stderr is not None
        lines = []
        for line in server.stderr:
            lines.append(line)
            if "Booting worker" in line:
                server.terminate()

    messages = [json.loads(line)["message"] for line in lines]
    assert messages[0].startswith("Starting gunicorn")
    assert messages[-1].startswith("Shutting down")
