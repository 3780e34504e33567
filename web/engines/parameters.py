"""The parameters that an admin wants in each request: a small JSON object, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from broker.contract.text import storable_json

MAX_BYTES = 4096
MAX_DEPTH = 5
OURS = frozenset({
    "model", "messages", "prompt", "stream", "stream_options", "n", "best_of", "echo", "priority",
    "tools", "tool_choice", "functions", "function_call", "continue_final_message",
    "add_generation_prompt",
})  # fmt: skip
"""What Hintline itself says, or what would make the answer something other than one text."""
FIELDS = frozenset({"max_tokens", "max_completion_tokens"})
"""What has a field of its own, as the room for thoughts is added to it."""
NO_OBJECT = _('Write a JSON object, such as {"top_k": 20}.')
TOO_LONG = _("Longer than %(limit)s bytes.")
TOO_DEEP = _("Nested deeper than %(limit)s levels.")
NO_NUMBER = _("NaN and Infinity are no numbers of JSON.")
NO_TEXT = _("It has a character that cannot be stored.")
TAKEN = _("%(key)s cannot be set here: Hintline sets it.")
ELSEWHERE = _("%(key)s is set in the AI mode.")


def parse(text: str) -> dict[str, Any]:
    """The object that a person wrote; an empty text is an empty object.

    Raises: ValidationError.
    """
    # The length comes first: what is read afterwards costs little.
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ValidationError(TOO_LONG, params={"limit": MAX_BYTES})
    try:
        value = json.loads(text) if text.strip() else {}
    except RecursionError:
        # Some thousand levels fit into so few bytes.
        raise ValidationError(TOO_DEEP, params={"limit": MAX_DEPTH}) from None
    except ValueError:
        raise ValidationError(NO_OBJECT) from None
    check(value)
    return dict(value)


def check(value: object) -> None:
    """Raises: ValidationError, which names the key."""
    if not isinstance(value, dict):
        raise ValidationError(NO_OBJECT)
    if depth(value) > MAX_DEPTH:
        raise ValidationError(TOO_DEEP, params={"limit": MAX_DEPTH})
    # PostgreSQL stores neither NUL nor half a surrogate pair.
    if storable_json(value) != value:
        raise ValidationError(NO_TEXT)
    try:
        # Python reads and writes NaN and Infinity, which are no JSON and which servers refuse.
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise ValidationError(NO_NUMBER) from None
    except TypeError:
        raise ValidationError(NO_OBJECT) from None
    if size > MAX_BYTES:
        raise ValidationError(TOO_LONG, params={"limit": MAX_BYTES})
    for keys, text in ((OURS, TAKEN), (FIELDS, ELSEWHERE)):
        if wrong := sorted(keys & value.keys()):
            raise ValidationError(text, params={"key": ", ".join(wrong)})


def depth(value: object, deepest: int = MAX_DEPTH + 1) -> int:
    """Levels of objects and lists, counted no further than `deepest`; a plain value has none."""
    if not deepest or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return 1 + max((depth(each, deepest - 1) for each in inner), default=0)


def written(value: Mapping[str, Any]) -> str:
    """The object as a person may edit it; an empty one is an empty text."""
    return json.dumps(value, ensure_ascii=False) if value else ""
