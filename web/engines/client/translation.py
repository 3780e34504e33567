"""From what the openai client and its transport raise to our errors, without a key in the text."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite

import aiohttp
import httpx2
from openai import APIConnectionError, APIStatusError

from web.engines.client.chunk import ERROR_TEXT_CHARS, message_of
from web.engines.client.errors import (
    ModelBusy,
    ModelCut,
    ModelError,
    ModelRateLimited,
    ModelRefused,
    ModelUnavailable,
    Refusal,
)

# The client wraps only what fails before the headers, and its transport not all that aiohttp
# raises. ValueError: a URL or a key that cannot stand in a request, an event without an end.
PLUMBING = (
    APIConnectionError,
    APIStatusError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    OSError,
    ValueError,
)
PASSING = frozenset({408, 409, 425, 429})
"""Statuses of 4xx that pass by themselves."""
NO_ROOM = 503
TOO_OFTEN = 429


def before_headers(error: Exception, key: str) -> ModelError:
    """The error of a request that got no stream; an answered refusal keeps its cause."""
    if isinstance(error, APIStatusError):
        if error.status_code >= 500 or error.status_code in PASSING:
            return passing(error, f"status {error.status_code}: {said(error, key)}")
        return refused(error, key)
    if isinstance(root_of(error), httpx2.InvalidURL | aiohttp.InvalidURL):
        return ModelRefused(Refusal.ADDRESS, "the base URL is no URL")
    if isinstance(error, ValueError):
        return ModelRefused(Refusal.KEY, "the key cannot be sent: it has a forbidden character")
    return ModelUnavailable(f"no answer: {described(error)}")


def passing(error: APIStatusError, text: str) -> ModelError:
    """A status that another request may not get."""
    after_s = retry_after_s(error.response.headers)
    if error.status_code == TOO_OFTEN or (error.status_code == NO_ROOM and after_s is not None):
        return ModelRateLimited(text, after_s)
    return ModelBusy(text) if error.status_code == NO_ROOM else ModelUnavailable(text)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Of Retry-After, >= 0, in either of its forms (RFC 9110, 10.2.3); None if it says nothing.

    A date counts from the answer's own Date: server and worker may not agree on the time.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until, now = map(parsedate_to_datetime, (text, headers.get("Date", "")))
            seconds = (until - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if isfinite(seconds) else None


def hung_up(error: Exception) -> bool:
    """Whether the server closed the connection without an answer to the request."""
    gone = ConnectionResetError | BrokenPipeError | aiohttp.ServerDisconnectedError
    return isinstance(root_of(error), gone)


def in_stream(error: Exception, began: bool) -> ModelError:
    """The error of a stream that broke; began: a chunk had come."""
    text = str(error) if isinstance(error, ModelCut) else f"the stream broke: {described(error)}"
    return ModelCut(text) if began else ModelUnavailable(text)


def refused(error: APIStatusError, key: str) -> ModelRefused:
    text = said(error, key)
    if error.code == "model_not_found" or (error.status_code == 404 and "model" in text.lower()):
        cause = Refusal.MODEL
    elif error.status_code in (401, 403):
        # Engines repeat the key they refuse, and mask it in ways of their own.
        cause, text = Refusal.KEY, ""
    elif error.status_code in (404, 405):
        cause = Refusal.ADDRESS
    else:
        cause = Refusal.REQUEST
    return ModelRefused(cause, f"status {error.status_code}: {text}")


def said(error: APIStatusError, key: str) -> str:
    """The engine's own words; only its message, as other parts of a body may repeat the prompt."""
    text = message_of(error.body)
    return text.replace(key, "…") if key else text


def root_of(error: BaseException) -> BaseException:
    """The innermost cause, which alone names the host or what broke."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def described(error: BaseException) -> str:
    root = root_of(error)
    return " ".join(f"{type(root).__name__} {root}".split())[:ERROR_TEXT_CHARS]
