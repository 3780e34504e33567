"""What one frame of a chat stream says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jiter import from_json

from broker.contract.hint import Usage
from broker.contract.job import Dialect
from broker.health import EngineFailure
from web.engines.client.complaint import Complaint
from web.engines.client.errors import EngineFailed, ErrorFrame

ENDS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("completed", "done", "end", "finished", "normal"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "limit", "max_length"), "length"),
    **dict.fromkeys(("model_context_window_exceeded", "token_limit"), "length"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "sensitive"), "content_filter"),
    **dict.fromkeys(("refusal", "prohibited_content", "blocklist"), "content_filter"),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call"), "tool_calls"),
}
"""Reasons with which servers say that an answer has ended, in lower case, by OpenAI's name."""
PREFIX = "finish_reason_"
"""Of reasons in Google's names."""
GIVEN_UP = re.compile(
    r"abort|error|cancel|fail|time.?out|time.?limit|preempt|interrupt|overload|insufficient"
)
"""In a finish reason that says that the server stopped early: the text is not complete."""
THOUGHTS = (
    *("reasoning_content", "reasoning", "reasoning_text", "reasoning_details"),
    *("thinking", "thought", "thoughts"),
)
"""Fields in which servers keep a model's thoughts apart, some under two names at once."""
THINKING = re.compile(r"thinking|thought|reasoning")
MAX_TOKENS_COUNTED = 10_000_000
"""Most tokens that a usage may count; one that counts more is not believed."""
MAX_CHANCES = 20
MAX_TOKEN_CHARS = 20
LEAST_LOGARITHM = -1000


class Chunk(NamedTuple):
    """What one frame adds to the answer; finish_reason and usage come once, near the end.

    thoughts: characters that the model has thought, kept apart by its server; learned: comes first,
    if the request had to be put otherwise than the endpoint's dialect says. chances: logarithms of
    the probabilities of the first token of the text and of others in its place, if asked for.
    """

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    thoughts: int = 0
    learned: Dialect | None = None
    chances: Mapping[str, float] | None = None

    @property
    def alive(self) -> bool:
        """Whether the model wrote or thought something: more than a role, or usage."""
        return bool(self.text or self.thoughts)


NOTHING = Chunk()


def parse(data: bytes) -> Chunk:
    """The chunk in the data of an event, or in a whole answer; NOTHING for a role or the like.

    Its text may hold half of a surrogate pair. Only the choice with index 0 is read.
    Raises: ErrorFrame; EngineFailed for a reason of GIVEN_UP, and for what is no chat frame.
    """
    try:
        frame = loaded(data)
        if frame is None:
            return NOTHING
        if text := only_text(frame):
            return Chunk(text, usage=counted(frame.get("usage")))
        error = frame.get("error") or (frame if complains(frame) else None)
        # Some gateways send an `error` of empty fields beside a good choice.
        if error and not (isinstance(error, dict) and not any(error.values())):
            raise ErrorFrame(Complaint.of(frame))
        usage = counted(frame.get("usage"))
        choice = first_of(frame.get("choices"))
        if choice is None:
            return Chunk(usage=usage) if usage else NOTHING
        delta = choice.get("delta")
        # Some servers repeat the whole answer so far beside each delta.
        whole = choice.get("message") if delta is None else None
        delta = delta or whole or {}
        text, thoughts = said(delta.get("content") or choice.get("text"))
        if thinks(delta):
            text, thoughts = "", thoughts + len(text)
        thoughts += thought(delta)
        reason = ended(choice, whole=bool(whole))
        said_something = text or thoughts or reason or usage
        if not said_something:
            return NOTHING
        return Chunk(text, reason, usage, thoughts, chances=chances_in(choice.get("logprobs")))
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise EngineFailed(EngineFailure.CUT, "an unreadable frame") from None


def only_text(frame: dict[str, Any]) -> str:
    """The text of a frame that says no more, but how much there is; empty for any other frame.

    It is what the long way would find, at a third of its cost.
    """
    choices = frame.get("choices")
    if type(choices) is not list or len(choices) != 1:
        return ""
    choice = choices[0]
    if frame.get("error") or frame.get("object") == "error" or type(choice) is not dict:
        return ""
    if choice.get("index") != 0 or choice.get("finish_reason"):
        return ""
    if choice.get("logprobs"):
        return ""
    delta = choice.get("delta")
    text = delta.get("content") if type(delta) is dict and len(delta) == 1 else ""
    return text if type(text) is str else ""


def loaded(data: bytes) -> Any:
    """Raises: ValueError, RecursionError."""
    try:
        return from_json(data)
    except ValueError:
        # The fast parser refuses half of a surrogate pair, and both refuse thousands of digits.
        return json.loads(data.decode(), parse_int=integer)


def integer(digits: str) -> int:
    """The number; -1 for one of 20 digits or more, which counts nothing: int() has a limit too."""
    return int(digits) if len(digits) < 20 else -1


def first_of(choices: Any) -> dict[str, Any] | None:
    for choice in choices or ():
        if choice is not None and choice.get("index") in (0, "0", None):
            found: dict[str, Any] = choice
            return found
    return None


def said(content: Any) -> tuple[str, int]:
    """Text, and characters of thoughts, of a message's content: a string, a part, or parts."""
    if not content:
        return "", 0
    if isinstance(content, str):
        return content, 0
    text, thoughts = "", 0
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            text += part
        elif part.get("type") in (None, "text", "output_text") and not thinks(part):
            text += part.get("text") or ""
        else:
            # Servers shape these parts in many ways, so one counts as a single character.
            thoughts += thinks(part) or bool(THINKING.match(part.get("type") or ""))
    return text, thoughts


def thinks(part: dict[str, Any]) -> bool:
    """Whether a delta, or a part of its content, is marked as thoughts, or as another's words."""
    extra = part.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return (
        part.get("thought") is True
        or (isinstance(google, dict) and google.get("thought") is True)
        or part.get("channel") in ("analysis", "commentary")
        or part.get("role") in ("reasoning", "tool")
    )


def complains(frame: dict[str, Any]) -> bool:
    """Whether a frame without a member `error` is an error all the same."""
    if "choices" in frame or frame.get("object") == "error":
        return frame.get("object") == "error"
    return bool(frame.get("detail") or (frame.get("message") and frame.get("code")))


def thought(delta: dict[str, Any]) -> int:
    """Characters of thoughts in fields of their own; 1 if they are no plain text."""
    for name in THOUGHTS:
        if field := delta.get(name):
            return len(field) if isinstance(field, str) else 1
    return 0


def chances_in(logprobs: Any) -> dict[str, float] | None:
    """What might have been said first, by token; None where the server does not tell."""
    if not isinstance(logprobs, dict):
        return None
    content = logprobs.get("content")
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        return None
    others = content[0].get("top_logprobs")
    entries = [content[0], *(others if isinstance(others, list) else [])[:MAX_CHANCES]]
    chances: dict[str, float] = {}
    # Most servers name the token that was said among the others too: it counts once.
    for entry in entries:
        token = entry.get("token") if isinstance(entry, dict) else None
        if isinstance(token, str) and type(logarithm := entry.get("logprob")) in (int, float):
            # A certain token may be written as 0, which is a whole number; no true one is below.
            chances[token[:MAX_TOKEN_CHARS]] = float(max(LEAST_LOGARITHM, min(logarithm, 0)))
    return chances or None


def ended(choice: dict[str, Any], *, whole: bool) -> str | None:
    """Why the answer has ended, by OpenAI's name for it; None while it has not.

    whole: the choice holds the whole answer, which has ended even if no reason is given.
    """
    reason = choice.get("finish_reason")
    name = reason.strip().lower() if reason and isinstance(reason, str) else ""
    end = ENDS.get(name.removeprefix(PREFIX), "stop" if whole else None)
    if name not in ENDS and (found := GIVEN_UP.search(name)):
        # The word alone: what else stands there may repeat the prompt.
        raise EngineFailed(EngineFailure.CUT, f"the engine gave up: {found[0]}")
    return end


def counted(usage: Any) -> Usage | None:
    """The tokens that a server counted; None where it gives no count that can be true."""
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = [count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))]
    found = Usage(prompt_tokens=counts[0], completion_tokens=counts[1], cached_tokens=count(cached))
    return found if any(counts) else None


def count(tokens: Any) -> int:
    # Not isinstance: True is an int to Python.
    return tokens if type(tokens) is int and 0 <= tokens <= MAX_TOKENS_COUNTED else 0
