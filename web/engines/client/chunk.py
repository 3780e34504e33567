"""What one frame of a chat stream says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jiter import from_json

from broker.contract.hint import Usage
from web.engines.client.errors import ModelCut

GIVEN_UP = frozenset({"abort", "error"})
"""Finish reasons with which vLLM says that it stopped early: the text is not complete."""
ERROR_TEXT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one frame adds to the answer; finish_reason and usage come once, near the end."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


def parse(data: bytes) -> Chunk:
    """The chunk in the data of an event; an empty one where the frame has only a role or the like.

    Raises: ModelCut for an error frame, a reason in GIVEN_UP, and for what is no chat frame.
    """
    try:
        frame = from_json(data)
        if "error" in frame:
            raise ModelCut(f"error frame: {message_of(frame['error'])}")
        usage = frame.get("usage")
        choices = frame.get("choices")
        if not choices:
            return Chunk(usage=usage and counted(usage))
        text = choices[0].get("delta", {}).get("content") or ""
        reason = choices[0].get("finish_reason")
        if reason in GIVEN_UP:
            raise ModelCut(f"the engine gave up: {reason}")
        return Chunk("" + text, reason, usage and counted(usage))
    except (ValueError, TypeError, AttributeError, LookupError):
        raise ModelCut("an unreadable frame") from None


def counted(usage: dict[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        cached_tokens=details.get("cached_tokens") or 0,
    )


def message_of(error: object) -> str:
    """The short text of an engine's error, an object {"message": …} or a string; "" if none."""
    text = error.get("message") if isinstance(error, dict) else error
    return text[:ERROR_TEXT_CHARS] if isinstance(text, str) else ""
