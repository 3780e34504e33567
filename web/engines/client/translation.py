"""From what the openai client and its transport raise to our errors, safe to be logged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from math import isfinite

import aiohttp
import httpx2
from openai import APIConnectionError

from broker.contract.job import Endpoint
from broker.health import EngineFailure
from web.engines.client.body import Answered
from web.engines.client.complaint import Complaint
from web.engines.client.errors import EngineFailed, ErrorFrame, ModelError, ModelRefused, Refusal
from web.engines.client.redaction import Redaction

# The client wraps only what fails before the headers, and its transport not all that aiohttp
# raises. ValueError: a URL or a key that cannot stand in a request, an event without an end.
PLUMBING = (
    APIConnectionError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    OSError,
    ValueError,
)
QUOTA = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
"""Codes of a 429 that does not pass by waiting."""
LONGEST_PAUSE_S = 3600.0


class Translation:
    """The errors of one request. redaction: of the prompt that it sends."""

    def __init__(self, endpoint: Endpoint, redaction: Redaction) -> None:
        self._endpoint, self._redaction = endpoint, redaction

    def answered(self, error: Answered) -> ModelError:
        """The error of an answer that is no stream."""
        if 300 <= error.status < 400:
            text = f"status {error.status}: it sends us on to {self._redaction.of(target(error))}"
            return ModelRefused(Refusal.ADDRESS, text)
        return self._of_status(
            error.status, Complaint.read(error.body), retry_after_s(error.headers)
        )

    def before_headers(self, error: Exception) -> ModelError:
        """The error of a request that got no answer."""
        if isinstance(root_of(error), httpx2.InvalidURL | aiohttp.InvalidURL):
            return ModelRefused(Refusal.ADDRESS, "the base URL is no URL")
        if isinstance(error, ValueError):
            key = self._endpoint.api_key
            if key.isascii() and key.isprintable():
                return ModelRefused(Refusal.REQUEST, "the request cannot be written as UTF-8")
            return ModelRefused(Refusal.KEY, "the key cannot be sent: it has a forbidden character")
        return EngineFailed(EngineFailure.UNREACHABLE, f"no answer: {self._described(error)}")

    def in_stream(self, error: Exception, began: bool) -> ModelError:
        """The error of a stream that broke; began: a word or a thought had come."""
        if isinstance(error, ErrorFrame):
            complaint = error.complaint
            if complaint.status and not began:
                return self._of_status(complaint.status, complaint, None)
            text = f"error frame: {self._redaction.of(complaint.text)}"
        elif isinstance(error, EngineFailed):
            text = str(error)
        else:
            text = f"the stream broke: {self._described(error)}"
        return EngineFailed(EngineFailure.CUT if began else EngineFailure.UNREACHABLE, text)

    def _of_status(self, status: int, complaint: Complaint, pause_s: float | None) -> ModelError:
        sentence = self._redaction.of(complaint.text)
        text = f"status {status}: {sentence}" if sentence else f"status {status}"
        match status:
            case 429 if complaint.code in QUOTA:
                return ModelRefused(Refusal.KEY, text)
            case 429 | 503 if pause_s is not None:
                return EngineFailed(EngineFailure.RATE_LIMITED, text, pause_s)
            case 429 if self._endpoint.has.rate_limit:
                return EngineFailed(EngineFailure.RATE_LIMITED, text)
            case 429 | 503 | 529:
                return EngineFailed(EngineFailure.BUSY, text)
            # Those of 4xx pass by themselves: a timeout, a conflict, and what came too early.
            case _ if status >= 500 or status in (408, 409, 425):
                return EngineFailed(EngineFailure.UNREACHABLE, text)
        return refused(status, complaint, text)

    def _described(self, error: Exception) -> str:
        root = root_of(error)
        # aiohttp repeats what it cannot parse, which may be anything.
        return f"{type(root).__name__} {self._redaction.of(str(root))}".rstrip()


def refused(status: int, complaint: Complaint, text: str) -> ModelRefused:
    """The refusal behind a status of 4xx that asking again will not change. text: redacted."""
    # Before the status: OpenAI answers 403 where a key may not use the model.
    missing = complaint.code == "model_not_found" or "model" in complaint.names
    if missing or (status == 404 and "model" in complaint.text.lower()):
        return ModelRefused(Refusal.MODEL, text)
    match status:
        case 401 | 403:
            # Engines repeat the key they refuse, and mask it in ways of their own.
            return ModelRefused(Refusal.KEY, f"status {status}")
        case 402:
            return ModelRefused(Refusal.KEY, text)
        case 404 | 405:
            return ModelRefused(Refusal.ADDRESS, text)
    return ModelRefused(Refusal.REQUEST, text)


def hung_up(error: Exception) -> bool:
    """Whether the server closed the connection without an answer to the request."""
    gone = ConnectionResetError | BrokenPipeError | aiohttp.ServerDisconnectedError
    return isinstance(root_of(error), gone)


def target(error: Answered) -> str:
    """Where a redirect leads, without what may be secret in its query."""
    try:
        url = error.url.join(error.headers.get("location", ""))
        return str(url.copy_with(query=None, fragment=None, username=None, password=None))
    except (httpx2.InvalidURL, ValueError):
        return "an address that is none"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks us to wait, 0 to LONGEST_PAUSE_S; None: it does not say.

    A date counts from the answer's own: the server's clock and ours may differ.
    Source: RFC 9110, section 10.2.3; OpenAI adds retry-after-ms.
    """
    text = headers.get("retry-after", "")
    for number, unit_s in ((headers.get("retry-after-ms", ""), 0.001), (text, 1.0)):
        with suppress(ValueError):
            seconds = float(number) * unit_s
            return min(max(0.0, seconds), LONGEST_PAUSE_S) if isfinite(seconds) else None
    try:
        until, now = map(parsedate_to_datetime, (text, headers.get("date", "")))
        return min(max(0.0, (until - now).total_seconds()), LONGEST_PAUSE_S)
    except (ValueError, TypeError, OverflowError):
        return None


def root_of(error: BaseException) -> BaseException:
    """The innermost cause, which alone names the host or what broke."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
