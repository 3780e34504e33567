"""`python -m web check`: whether the prompts can be used; with `--deploy` also what production
stands on: whether it is there and set up for it.
"""

from __future__ import annotations

from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError, connection
from django.utils import translation

from broker.base.settings import read
from broker.connect import Broker
from web.engines import roster
from web.engines.models import AIModelConfig, Engine
from web.runner import build
from web.tutor.languages import OPERATORS
from web.tutor.writing import versions
from web.tutor.writing.versions import BadVersion

Messages = list[CheckMessage]


@register("broker", deploy=True)
def broker_keeps_what_it_is_given(**_: Any) -> Messages:
    broker = Broker()
    try:
        info: dict[str, Any] = broker.client.info()
    except redis.RedisError as error:
        hint = "Check REDIS_URL, and that the server runs."
        return [Error(f"Redis does not answer: {error}", hint=hint, id="hintline.E001")]
    finally:
        broker.close()
    found: Messages = []
    if (policy := info.get("maxmemory_policy")) != "noeviction":
        hint = "Set maxmemory-policy to noeviction."
        text = f"Redis may throw away hints that wait: its maxmemory-policy is {policy}."
        found.append(Warning(text, hint=hint, id="hintline.W001"))
    if not info.get("aof_enabled"):
        hint = "Set appendonly to yes; what is lost is made good from the database, but slowly."
        text = "Redis forgets who waits when it is restarted: it writes no append-only file."
        found.append(Warning(text, hint=hint, id="hintline.W002"))
    return found


@register("runner", deploy=True)
def programs_can_be_run(**_: Any) -> Messages:
    try:
        build.require()
    except build.NotBuilt as error:
        return [Error(str(error), id="hintline.E004")]
    return []


@register("prompts")
def prompts_can_be_used(**_: Any) -> Messages:
    """Also those that only an evaluation would use."""
    found: Messages = []
    for name in versions.names():
        try:
            versions.load(versions.FOLDER / name)
        except BadVersion as error:
            found.append(Error(str(error), id="hintline.E005"))
    return found


@register("database", deploy=True)
def database_is_fit_for_many(**_: Any) -> Messages:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        hint = "Check DATABASE_URL, and that the server runs."
        return [Error(f"The database does not answer: {error}", hint=hint, id="hintline.E002")]
    if connection.vendor == "sqlite":
        text = "SQLite lets one process write at a time and serves one machine."
        hint = "Set DATABASE_URL to a PostgreSQL."
        return [Warning(text, hint=hint, id="hintline.W003")]
    return []


@register("database", deploy=True)
def stored_keys_can_be_read(**_: Any) -> Messages:
    try:
        with translation.override(OPERATORS):
            found = list(roster.unreadable(list(Engine.objects.all()), AIModelConfig.current()))
    except DatabaseError:
        return []  # the check of the database says so
    return [Error(text, id="hintline.E003") for text in found]


@register("security", deploy=True)
def secrets_are_shared_and_travel_safely(**_: Any) -> Messages:
    found: Messages = []
    if not settings.HTTPS:
        text = "Passwords and sessions travel in the open: HINTLINE_HTTPS is off."
        hint = "Put a proxy with TLS in front and set HINTLINE_HTTPS=1."
        found.append(Warning(text, hint=hint, id="hintline.W004"))
    if read("DATABASE_URL", str) and not read("HINTLINE_SECRET_KEY", str):
        text = "Every machine makes a secret key of its own: HINTLINE_SECRET_KEY is not set."
        hint = "Give all of them the same one, or a node cannot read the engines' API keys."
        found.append(Warning(text, hint=hint, id="hintline.W005"))
    return found
