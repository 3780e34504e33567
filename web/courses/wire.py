"""The JSON of an exercise, as a platform sends it: each field is a column of the exercise."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from ninja import Field, Schema
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic_core import PydanticCustomError

from web.api.fields import KEPT, Whole
from web.courses import checks
from web.courses.models import LANGUAGE_NAME, Comparison
from web.tutor.levels import LEVELS

TEXT_CHARS = 64 * 1024
TITLE_CHARS, TOPIC_CHARS, HINT_CHARS = 200, 100, 2_000
# A key that is misspelt is named: it would else be lost in silence.
KEYS = ConfigDict(extra="forbid")
Title = Annotated[str, Field(max_length=TITLE_CHARS), KEPT]
Long = Annotated[str, Field(max_length=TEXT_CHARS), KEPT]
Note = Annotated[str, Field(max_length=checks.NOTE_CHARS), KEPT]
Data = Annotated[str, Field(max_length=checks.CASE_CHARS), KEPT]
Hint = Annotated[str, Field(max_length=HINT_CHARS), KEPT]
Example = Annotated[str, Field(max_length=checks.EXAMPLE_CHARS), KEPT]
Avoid = Annotated[str, Field(max_length=checks.MOST_AVOIDED * (checks.AVOIDED_CHARS + 1)), KEPT]
Finite = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
TimeS = Annotated[float, Field(strict=True, ge=checks.LEAST_TIME_S, le=checks.MOST_TIME_S)]
MemoryMib = Annotated[
    int, Field(strict=True, ge=checks.LEAST_MEMORY_MIB, le=checks.MOST_MEMORY_MIB), Whole
]
Position = Annotated[int, Field(strict=True, ge=0, le=checks.MOST_POSITION), Whole]


class CaseIn(BaseModel):
    """One run of a program that reads standard input and prints."""

    model_config = KEYS
    name: Annotated[str, Field(max_length=checks.NAME_CHARS), KEPT] = Field(
        "", description="Its own among the cases; left out: its number."
    )
    stdin: Data = Field("", description="What the program reads.")
    expected: Data = Field(description="What it should print.")
    visible: bool = Field(
        False, strict=True, description="Whether students see it, as an example; else no value."
    )
    note_ko: Note = Field("", description="What a student reads where it fails (Korean).")
    note_en: Note = Field("", description="The same in English.")


class ProgramIn(BaseModel):
    """A program that a beginner might hand in."""

    model_config = KEYS
    code: Annotated[str, Field(min_length=1, max_length=checks.PROGRAM_CHARS), KEPT] = Field(
        description="It does not pass."
    )
    why_en: Note = Field("", description="What is amiss in it.")


class ExampleIn(BaseModel):
    """A hint as its author would write it, shown to the model for its manner."""

    model_config = KEYS
    level: Annotated[int, Field(strict=True, ge=min(LEVELS), le=max(LEVELS)), Whole] = Field(
        description="For hints of this level; at most two of one."
    )
    ko: Example = Field("", description="In one language at least (Korean).")
    en: Example = Field("", description="The same in English.")


class WordsIn(BaseModel):
    """A text in both languages, or in one of them."""

    model_config = KEYS
    ko: Hint = Field("", description="Korean.")
    en: Hint = Field("", description="English.")

    @model_validator(mode="after")
    def said(self) -> Self:
        if not (self.ko.strip() or self.en.strip()):
            raise PydanticCustomError("no_words", "It is empty.")
        return self


class ExerciseIn(Schema):
    """An exercise as it shall be: what is left out is as in a new one.

    But hints and position stay as they are if they are left out.
    """

    model_config = KEYS
    title_ko: Title = Field("", description="In one language at least (Korean).")
    title_en: Title = Field("", description="The same in English.")
    statement_ko: Long = Field("", description="Markdown, in one language at least (Korean).")
    statement_en: Long = Field("", description="The same in English.")
    topic: Annotated[str, Field(max_length=TOPIC_CHARS), KEPT] = Field(
        "", description="What it is of."
    )
    language: Annotated[str, Field(pattern=LANGUAGE_NAME)] = Field(
        "python",
        description="Of its programs: `python`, which is run here, or `java`, `cpp`, `kotlin` … "
        "in small letters, whose results come with the request.",
    )
    starter: Long = Field("", description="What a student begins with.")
    tests: Long = Field("", description="Python asserts, a line each; or there are cases.")
    cases: list[CaseIn] = Field(
        [], max_length=checks.MOST_CASES, description="Of a program that reads and prints."
    )
    checker: Literal[tuple(Comparison.values)] = Field(  # type: ignore[valid-type]
        Comparison.TOKENS.value, description="How what it prints is compared."
    )
    ignores_case: bool = Field(False, description="Whether `Yes` is as good as `yes`.")
    absolute_tolerance: Finite = Field(1e-6, description="Of checker `float`.")
    relative_tolerance: Finite = Field(1e-6, description="Of checker `float`; either is enough.")
    time_limit_s: TimeS = Field(1.0, description="Seconds, of all its tests together.")
    memory_limit_mib: MemoryMib = Field(128, description="MiB.")
    reference: Long = Field("", description="A solution: never shown, never sent to a model.")
    mistakes_ko: Long = Field("", description="Usual mistakes, for the model (Korean).")
    mistakes_en: Long = Field("", description="The same in English.")
    wrong: list[ProgramIn] = Field(
        [], max_length=checks.MOST_WRONG, description="Programs that do not pass."
    )
    examples: list[ExampleIn] = Field(
        [], max_length=checks.MOST_EXAMPLES, description="Answers as the author would write them."
    )
    avoid: Avoid = Field(
        "",
        description="Words that no hint of a model may say, one a line, in any language and form; "
        "what stands in the student's own program is allowed.",
    )
    hints: dict[Literal[tuple(map(str, LEVELS))], WordsIn] | None = Field(  # type: ignore[valid-type]
        None, description="The author's hints by level; left out: they stay as they are."
    )
    position: Position | None = Field(
        None, description="Where the course lists it; left out: last, or where it is."
    )

    @field_validator("cases")
    @classmethod
    def named(cls, cases: list[CaseIn]) -> list[CaseIn]:
        for number, case in enumerate(cases, start=1):
            case.name = case.name or str(number)
        return cases


class ExerciseOut(BaseModel):
    """What is stored now."""

    exercise: str = Field(description="`<course>/<exercise>`, as hints name it.")
    revision: int = Field(description="From 1; higher with every change.")
    changed: bool = Field(description="Whether something is stored that was not before.")
