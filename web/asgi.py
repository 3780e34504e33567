"""The ASGI entry: /v1/events goes to the bare event app, everything else to Django."""

import asyncio
import os
import warnings
from typing import Any

import django

from broker.base.settings import exit_on_bad_settings

exit_on_bad_settings()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
# Whitenoise hands static files to ASGI as plain iterators; they are small, and nginx serves them in
# production.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

django.setup(set_prefix=False)

from broker.base.heartbeat import beat_from  # noqa: E402
from web.api.body import limited_asgi  # noqa: E402  # needs the app registry of the line above
from web.events.app import events, tune  # noqa: E402  # the same
from web.handler import Handler  # noqa: E402  # the same

site = Handler()
tune()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        beat_from(asyncio.get_running_loop())
    if scope["type"] == "lifespan" or scope["path"] == "/v1/events":
        await events(scope, receive, send)
    else:
        await site(scope, limited_asgi(scope, receive), send)
