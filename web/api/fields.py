"""The fields of a body: texts that can be kept; and what is wrong with one, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from broker.contract.text import storable
from web.api.nul import DETAIL

TOLD: dict[str, Promise] = {
    "missing": _("It is missing."),
    "extra_forbidden": _("There is no field of this name."),
    "unstorable": DETAIL,
    "string_unicode": DETAIL,
    "unseen": _("It must be of characters that can be seen, without spaces around them."),
    "string_type": _("It must be a text."),
    "string_too_short": _("It may not be empty."),
    "string_too_long": _("It may have %(max_length)d characters at most."),
    "too_long": _("It may have %(max_length)d entries at most."),
    "int_type": _("It must be a whole number."),
    "float_type": _("It must be a number."),
    "finite_number": _("It must be a number."),
    "bool_type": _("It must be true or false."),
    "greater_than_equal": _("It must be %(ge)s at least."),
    "less_than_equal": _("It may be %(le)s at most."),
    "literal_error": _("It must be one of these: %(expected)s."),
    "string_pattern_mismatch": _("It has another form than it must have."),
    "no_words": _("Write it in one language at least."),
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
    if not NAME.fullmatch(name) or storable(name) != name:
        raise PydanticCustomError("unseen", "It holds what cannot be seen.")
    return name


def whole(value: object) -> object:
    """3.0 is a whole number in JSON; a text or a truth value is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Rule:
    """What a text must be beyond its length, which stands before it: `Annotated[str, Field(…),
    KEPT]`. pattern: as the description of the API has it."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"pattern": self.pattern}


# Controls, marks of direction, and others that leave no trace on a page.
UNSEEN = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ue000-\uf8ff\ufeff\ufff9-\ufffb"
)
NAME = re.compile(rf"^([^\s{UNSEEN}]([^{UNSEEN}]*[^\s{UNSEEN}])?)?$")
KEPT = Rule(kept, r"^[^\u0000]*$")
"""It can be stored in every database."""
SEEN = Rule(seen, NAME.pattern)
"""A name without what cannot be seen, and without blanks around it."""
Whole = BeforeValidator(whole)
"""For a strict int; behind its bounds."""


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
        # What pydantic adds where it is a key itself that is wrong.
        if part == "[key]":
            continue
        found += f"[{part}]" if isinstance(part, int) else f".{part}"
    return found.removeprefix(".")
