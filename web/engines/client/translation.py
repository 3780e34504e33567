"""From what the openai client and its transport raise to our errors, safe to be logged."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from math import isfinite
from time import time

import aiohttp
import httpx2
from openai import APIConnectionError

from broker.contract.job import Endpoint
from web.engines.client.body import Answered
from web.engines.client.complaint import Complaint
from web.engines.client.errors import (
    ErrorFrame,
    ModelBusy,
    ModelCut,
    ModelError,
    ModelRateLimited,
    ModelRefused,
    ModelUnavailable,
    Refusal,
)
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
PASSING = frozenset({408, 409, 425})
"""Statuses of 4xx that pass by themselves."""
NO_ROOM = frozenset({503, 529})
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
        return self._of_status(error.status, Complaint.read(error.body), retry_after_s(error))

    def before_headers(self, error: Exception) -> ModelError:
        """The error of a request that got no answer."""
        if isinstance(root_of(error), httpx2.InvalidURL | aiohttp.InvalidURL):
            return ModelRefused(Refusal.ADDRESS, "the base URL is no URL")
        if isinstance(error, ValueError):
            return ModelRefused(Refusal.KEY, "the key cannot be sent: it has a forbidden character")
        return ModelUnavailable(f"no answer: {self._described(error)}")

    def in_stream(self, error: Exception, began: bool) -> ModelError:
        """The error of a stream that broke; began: a word or a thought had come."""
        if isinstance(error, ErrorFrame):
            complaint = error.complaint
            if complaint.status and not began:
                return self._of_status(complaint.status, complaint, None)
            text = f"error frame: {self._redaction.of(complaint.text)}"
        elif isinstance(error, ModelCut):
            text = str(error)
        else:
            text = f"the stream broke: {self._described(error)}"
        return ModelCut(text) if began else ModelUnavailable(text)

    def _of_status(self, status: int, complaint: Complaint, pause_s: float | None) -> ModelError:
        sentence = self._redaction.of(complaint.text)
        text = f"status {status}: {sentence}" if sentence else f"status {status}"
        if status == 429 and complaint.code in QUOTA:
            return ModelRefused(Refusal.KEY, text)
        # A vLLM has no limit on how fast it is asked: its 429 is want of room.
        if status == 429 and (self._endpoint.kind == "api" or pause_s is not None):
            return ModelRateLimited(text, pause_s)
        if status == 429 or status in NO_ROOM:
            return ModelBusy(text, pause_s)
        if status >= 500 or status in PASSING:
            return ModelUnavailable(text)
        return refused(status, complaint, text)

    def _described(self, error: Exception) -> str:
        root = root_of(error)
        # aiohttp repeats what it cannot parse, which may be anything.
        return f"{type(root).__name__} {self._redaction.of(str(root))}".rstrip()


def refused(status: int, complaint: Complaint, text: str) -> ModelRefused:
    missing = complaint.code == "model_not_found" or "model" in complaint.names
    if missing or (status == 404 and "model" in complaint.text.lower()):
        cause = Refusal.MODEL
    elif status in (401, 403):
        # Engines repeat the key they refuse, and mask it in ways of their own.
        cause, text = Refusal.KEY, f"status {status}"
    elif status == 402:
        cause = Refusal.KEY
    elif status in (404, 405):
        cause = Refusal.ADDRESS
    else:
        cause = Refusal.REQUEST
    return ModelRefused(cause, text)


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


def retry_after_s(error: Answered) -> float | None:
    """Seconds that the server asks us to wait, at most LONGEST_PAUSE_S; None: it does not say.

    Source: RFC 9110, section 10.2.3; OpenAI adds retry-after-ms. A date is read by the clock of the
    server that wrote it: ours may be another.
    """
    headers = error.headers
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if isfinite(seconds) and seconds >= 0:
            return min(seconds, LONGEST_PAUSE_S)
    until_s = seconds_of(headers.get("retry-after", ""))
    if until_s is None:
        return None
    return min(max(0.0, until_s - (seconds_of(headers.get("date", "")) or time())), LONGEST_PAUSE_S)


def seconds_of(date: str) -> float | None:
    """Since 1970; None for what is no date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def root_of(error: BaseException) -> BaseException:
    """The innermost cause, which alone names the host or what broke."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
