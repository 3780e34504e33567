"""How an engine fails or refuses; the texts hold neither a key nor a prompt."""

from __future__ import annotations

from enum import StrEnum

from broker.base.errors import HintlineError
from broker.health import EngineFailure
from web.engines.client.complaint import Complaint


class ModelError(HintlineError):
    """Root of what a stream from an engine may raise."""


class EngineFailed(ModelError):
    """The engine failed under the request; another one may do. failure: as the breaker has it.

    retry_after_s: when the server wants to be asked again; None: it does not say.
    """

    def __init__(
        self, failure: EngineFailure, text: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(text)
        self.failure, self.retry_after_s = failure, retry_after_s


class ErrorFrame(EngineFailed):
    """The server says in the stream what is wrong; its words may repeat the prompt."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(EngineFailure.CUT, "error frame")
        self.complaint = complaint


class Refusal(StrEnum):
    """What an engine will refuse again, however often it is asked."""

    KEY = "key"
    """The API key is missing, wrong, or may not do this; or its account has no money left."""
    MODEL = "model"
    """The engine serves no model of this name."""
    ADDRESS = "address"
    """There is no chat endpoint under the base URL."""
    REQUEST = "request"
    """The request itself: too long, or a parameter the engine does not know."""


class ModelRefused(ModelError):
    """The engine refused for good; cause says what an admin must mend."""

    def __init__(self, cause: Refusal, text: str) -> None:
        super().__init__(text)
        self.cause = cause
