"""The fields of a body: texts that can be kept; and what is wrong with one, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from broker.contract.text import storable
from web.api.nul import DETAIL

TOLD: dict[str, Promise] = {
    "missing": _("It is missing."),
    "extra_forbidden": _("There is no field of this name."),
    "unstorable": DETAIL,
    "string_unicode": DETAIL,
    "unseen": _("It must be of characters that can be seen, without spaces around them."),
    "string_type": _("It must be a text."),
    "string_too_short": _("It needs %(min_length)d characters at least."),
    "string_too_long": _("It may have %(max_length)d characters at most."),
    "too_long": _("It may have %(max_length)d entries at most."),
    "int_type": _("It must be a whole number."),
    "float_type": _("It must be a number."),
    "finite_number": _("It must be a number."),
    "bool_type": _("It must be true or false."),
    "greater_than_equal": _("It must be %(ge)s at least."),
    "less_than_equal": _("It may be %(le)s at most."),
    "literal_error": _("It must be one of these: %(expected)s."),
    "two_inputs": _("Give a call or standard input, not both."),
    "too_many_passed": _("More tests pass than there are."),
    "list_type": _("It must be a list."),
    "dict_type": _("It must be an object."),
    "model_type": _("It must be an object."),
    "model_attributes_type": _("It must be an object."),
}
"""By pydantic's name for what is wrong; its own words, which are English, for any other."""


def kept(text: str) -> str:
    if storable(text) != text:
        raise PydanticCustomError("unstorable", "It holds a NUL or half a character.")
    return text


def seen(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise PydanticCustomError("unseen", "It holds what cannot be seen.")
    return name


def whole(value: object) -> object:
    """3.0 is a whole number in JSON; a text or a truth value is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text = Annotated[str, AfterValidator(kept)]
"""A text that every database can keep; each field says how long it may be."""
Name = Annotated[str, AfterValidator(seen)]
"""A name that looks like no other one."""
Whole = BeforeValidator(whole)
"""For a strict int."""


def told(error: Mapping[str, Any]) -> dict[str, str]:
    """One of pydantic's errors as a problem lists it."""
    words = TOLD.get(str(error.get("type")))
    what = str(words) % error.get("ctx", {}) if words else str(error["msg"])
    return {"where": where(error["loc"]), "what": what}


def where(location: tuple[str | int, ...]) -> str:
    """`cases[2].stdin` for ("body", "body", "cases", 2, "stdin"): as the caller wrote it."""
    # Ninja names the place, then its own parameter, and then the fields of a body.
    parts = location[2:] if location[:1] == ("body",) else location[1:]
    found = ""
    for part in parts or location[-1:]:
        found += f"[{part}]" if isinstance(part, int) else f".{part}"
    return found.removeprefix(".")
