"""The languages a hint can be in."""

from typing import Literal

Locale = Literal["ko", "en"]
