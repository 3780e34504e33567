"""What can be wrong with a hint that a model has written, as the model itself is told."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """A key of [faults] in a version's words.toml."""

    LEAK = "leak"
    """It says or suggests what to change."""
    CODE = "code"
    """It has code, or something like it, that does not stand in the student's program."""
    AVOID = "avoid"
    """It says a word that the author does not want in a hint."""
    SHORT = "short"
    """It has fewer words than its level must have; code is no word."""
    LONG = "long"
    """It has more words than its level may have, or does not end."""
    NO_QUESTION = "no_question"
    """Its last sentence asks nothing, at a level that wants a question there."""
    QUESTIONS = "questions"
    """It asks more than one thing, at a level that wants a single question."""
    LANGUAGE = "language"
    """It is not all in the student's language."""
    HARD = "hard"
    """It is hard to read. Only English is graded."""
    ECHO = "echo"
    """It repeats itself, or what the model was told."""
    EXAMPLE = "example"
    """Its example is missing, is no short block of Python, or is too close to the exercise."""
    THOUGHTS = "thoughts"
    """It has the model's thoughts in it, or marks of a chat."""
    UNTRUE = "untrue"
    """It names a line that is not there, or tells of something that the program did not do."""
    REPEATS = "repeats"
    """It says what an earlier hint has said."""
