"""Does an engine answer, with this key and this model? If not, what exactly is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter

import openai
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from httpx2 import InvalidURL
from openai import OpenAI

from broker.contract.job import Endpoint

TIMEOUT_S = 10.0
NOT_OPENAI = _("The answer is not that of an OpenAI server.")


@dataclass(frozen=True, slots=True)
class Check:
    """What a connection test found. detail: what to look at; never the key."""

    ok: bool
    message: str | Promise
    detail: str = ""
    took_ms: int = 0


def check(endpoint: Endpoint) -> Check:
    """Asks for the list of models, then for one token."""
    if not (endpoint.api_key.isascii() and endpoint.api_key.isprintable()):
        return unsendable(endpoint)
    started = perf_counter()
    try:
        with connected(endpoint) as client:
            known = models(client)
            if known and endpoint.model not in known:
                text = _("The server does not have this model.")
                return Check(False, text, missing(endpoint, known))
            say_one_word(client, endpoint.model)
    except openai.OpenAIError as error:
        return explain(error, endpoint)
    except InvalidURL:
        return unsendable(endpoint)
    except (ValueError, LookupError, TypeError):  # of the readers below: no JSON, or another shape
        return Check(False, NOT_OPENAI, endpoint.base_url)
    return Check(True, _("It answers."), endpoint.model, round((perf_counter() - started) * 1000))


def connected(endpoint: Endpoint) -> OpenAI:
    """Raises: InvalidURL."""
    return OpenAI(
        base_url=endpoint.base_url,
        # The client insists on a key; servers without one ignore it.
        api_key=endpoint.api_key or "none",
        timeout=TIMEOUT_S,
        max_retries=0,
    )


def models(client: OpenAI) -> list[str]:
    """Names of the server's models.

    Reads the raw answer: the client's own reader trusts that any 200 is an OpenAI server's.
    """
    answer = json.loads(client.models.with_raw_response.list().text)
    return [str(model["id"]) for model in answer["data"]]


def say_one_word(client: OpenAI, model: str) -> None:
    """As models, for one token of a chat."""
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": "Say yes."}], max_tokens=1
    )
    json.loads(raw.text)["choices"][0]["message"]


def unsendable(endpoint: Endpoint) -> Check:
    text = _("The URL or the API key has characters that cannot be sent.")
    return Check(False, text, endpoint.base_url)


def missing(endpoint: Endpoint, known: list[str]) -> str:
    return f"{endpoint.model!r} · {', '.join(known[:10])}"


def explain(error: openai.OpenAIError, endpoint: Endpoint) -> Check:
    """The failure in words that name what to change."""
    url = endpoint.base_url
    match error:
        case openai.APITimeoutError():
            return Check(False, _("The server did not answer within 10 seconds."), url)
        case openai.APIConnectionError():
            return Check(False, _("Nothing answers at this URL."), f"{url} · {error.__cause__}")
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return Check(False, _("The server refuses the API key."), url)
        case openai.NotFoundError():
            return Check(False, _("No OpenAI API at this URL; it usually ends in /v1."), url)
        case openai.RateLimitError():
            return Check(False, _("The account has no quota left, or asks too fast."), url)
        case openai.APIStatusError(status_code=status):
            return Check(False, _("The server answers with an error."), f"{url} · HTTP {status}")
    return Check(False, NOT_OPENAI, url)
