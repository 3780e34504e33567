"""The JSON of what a student may ask for: the levels that are open, and the hints that are left."""

from __future__ import annotations

from math import ceil

from ninja import Field
from pydantic import BaseModel

from web.people import quotas
from web.people.quotas import Left, Spent
from web.tutor.ladder import Opener


class LimitOut(BaseModel):
    """One quota of the student's."""

    limit: int = Field(description="Hints by AI there are.")
    left: int = Field(description="Those that are left.")


class QuotaOut(BaseModel):
    """Hints by AI that are left; those without AI, from the program or the author, cost nothing.

    A hint counts from the request on, but not if it ends without a model's text, nor if it was
    `helpful: false` and a model has then written one of a higher level. Who teaches has no quota,
    and there is none where no model may write.
    """

    exercise: LimitOut | None = Field(description="For this exercise; null: any number.")
    day: LimitOut | None = Field(
        description="In 24 hours, in all exercises of the course; null: any number."
    )
    spent: Spent | None = Field(
        description="Which one lets the student have no more: `exercise`, `day`, or `course`, "
        "whose tokens of 24 hours are used up, or may be by hints that are being written. Then a "
        "hint ends at once with the reason `quota`."
    )
    more_in_s: int | None = Field(
        description="Seconds until time alone lets the student have the next one, or until it is "
        "worth asking again: 60 where other hints are being written. null: it is there now, or "
        "does not come by itself."
    )
    words: str = Field(description="The same as a sentence for the student; empty without quotas.")


class LadderOut(BaseModel):
    """The levels of help that are open to the student for this exercise, and how much is left."""

    entry: int = Field(description="Where help begins for the program that was run last.")
    highest: int = Field(description="The highest level that is open; all below it are too.")
    opener: Opener | None = Field(
        description="What opens the next one: `hint`, of the highest that is open; `effort`, a "
        "changed program that was run, or a reflection on the last hint; null where all are open."
    )
    why: str = Field(description="The same as a sentence for the student; empty for null.")
    advised: int = Field(description="The level to ask for next.")
    levels: list[int] = Field(
        description="The levels that there are for this exercise, rising: one that only a model "
        "can write is there only where one may, or where the author has written it."
    )
    quota: QuotaOut = Field(description="The hints by AI that are left.")


def quota_out(left: Left) -> QuotaOut:
    return QuotaOut(
        exercise=limit_out(left.quota.an_exercise, left.of_exercise),
        day=limit_out(left.quota.a_day, left.of_day),
        spent=left.spent,
        more_in_s=ceil(left.more_in.total_seconds()) if left.more_in else None,
        words=quotas.words(left),
    )


def limit_out(limit: int | None, left: int | None) -> LimitOut | None:
    return None if limit is None or left is None else LimitOut(limit=limit, left=left)
