"""What the tests of an exercise must be before they are stored; a person is told what is wrong."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from broker.contract.text import storable_json
from web.courses.texts import columns
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS
from web.tutor.parsing import read

# All of them are read with their exercise, and go to a sandbox with each run.
MOST_CASES = 200
MOST_ASSERTS = 2_000
TESTS_CHARS = 64 * 1024
CASE_CHARS = 100_000
CASES_CHARS = 1_000_000
NAME_CHARS = 100
NOTE_CHARS = 500
MOST_WRONG = 50
PROGRAM_CHARS = 20_000
LEAST_TIME_S, MOST_TIME_S = 0.1, 10
LEAST_MEMORY_MIB, MOST_MEMORY_MIB = 64, 512
# SQLite would keep a number that PostgreSQL refuses.
MOST_POSITION = 32_767
TEXTS: dict[str, int] = {
    "name": NAME_CHARS,
    "stdin": CASE_CHARS,
    "expected": CASE_CHARS,
    **dict.fromkeys(columns("note"), NOTE_CHARS),
}
"""The texts of a case, and the most characters of each; beside them it has `visible`, true or
false."""
WRONG = {"code": PROGRAM_CHARS, "why_en": NOTE_CHARS}
"""The same of a wrong program."""

MOST_EXAMPLES = 10
EXAMPLE_CHARS = 1_000
EXAMPLE = dict.fromkeys(LANGUAGES, EXAMPLE_CHARS)
"""The texts of an example answer; beside them it has `level`, and two of one level are enough."""
EXAMPLES_A_LEVEL = 2
MOST_AVOIDED = 50
AVOIDED_CHARS = 60

NO_PYTHON = _("Line %(line)s is not Python: nobody's code could be tested.")
NO_ASSERT = _("Line %(line)s is no assert: nobody's code could be tested by it.")
NO_TESTS = _("This is not Python with asserts: nobody's code could be tested.")
NO_LIST = _("Must be a list of tables.")
TOO_MANY = _("Has more than %(most)s entries.")
TOO_MUCH = _("All cases together have more than %(most)s characters.")
NO_KEY = _("%(key)s is missing.")
UNKNOWN = _("%(key)s is no key of it.")
NO_TEXT = _("%(key)s must be text.")
NO_FLAG = _("%(key)s must be true or false.")
TOO_LONG = _("%(key)s has more than %(most)s characters.")
NO_OUTPUT = _("%(key)s is empty: a case needs the output that is expected.")
EMPTY = _("%(key)s is empty.")
NO_LEVEL = _("%(key)s must be a level, %(levels)s.")
TOO_MANY_OF_LEVEL = _("Level %(level)s has more than %(most)s entries.")
TWICE = _("%(key)s: another case has the name %(name)s.")
NOT_STORABLE = _("There is a character in it that cannot be stored (NUL or a broken one).")
NO_NUMBER = _("Must be a number that is not infinite.")


def check_tests(source: str) -> None:
    """source: Python of asserts, bare or in a `def check(candidate)` that `check(f)` calls.

    Raises: ValidationError, whose params may name the line.
    """
    # Each process reads them once for all its runs, and others wait for that.
    if len(source) > TESTS_CHARS:
        raise ValidationError(TOO_LONG, params={"key": "tests", "most": f"{TESTS_CHARS:,}"})
    try:
        tree = read(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        if line is None:
            raise ValidationError(NO_TESTS) from None
        raise ValidationError(NO_PYTHON, params={"line": line}) from None
    helpers = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Name(helper))) if helper in helpers:
                continue
            # A forgotten `assert`, or a print, would pass whatever a student wrote.
            case ast.Expr() | ast.Assert(ast.Constant()):
                raise ValidationError(NO_ASSERT, params={"line": node.lineno})
    # An assert may stand in a helper or a loop.
    asserts = sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    if not asserts:
        raise ValidationError(NO_TESTS)
    if asserts > MOST_ASSERTS:
        raise ValidationError(TOO_MANY, params={"most": f"{MOST_ASSERTS:,}"})


def check_cases(value: object) -> None:
    """value: what Exercise.cases may hold, as TEXTS says.

    Raises: ValidationError, which names the case by its number from 1 and the key.
    """
    cases = tables(value, MOST_CASES)
    names: set[str] = set()
    for number, case in enumerate(cases, start=1):
        where = f"cases[{number}]"
        check_texts(case, TEXTS | {"visible": 0}, where)
        if not case["expected"].strip():
            raise ValidationError(NO_OUTPUT, params={"key": f"{where}.expected"})
        if not case["name"].strip():
            raise ValidationError(EMPTY, params={"key": f"{where}.name"})
        if case["name"] in names:
            raise ValidationError(TWICE, params={"key": f"{where}.name", "name": case["name"]})
        names.add(case["name"])
    if sum(len(case["stdin"]) + len(case["expected"]) for case in cases) > CASES_CHARS:
        raise ValidationError(TOO_MUCH, params={"most": CASES_CHARS})


def check_wrong(value: object) -> None:
    """value: what Exercise.wrong may hold, as WRONG says.

    Raises: ValidationError, which names the program by its number from 1 and the key.
    """
    for number, program in enumerate(tables(value, MOST_WRONG), start=1):
        check_texts(program, WRONG, f"wrong[{number}]")
        if not program["code"].strip():
            raise ValidationError(EMPTY, params={"key": f"wrong[{number}].code"})


def check_examples(value: object) -> None:
    """value: what Exercise.examples may hold, as EXAMPLE says.

    Raises: ValidationError, which names the example by its number from 1 and the key.
    """
    counts: Counter[int] = Counter()
    for number, example in enumerate(tables(value, MOST_EXAMPLES), start=1):
        where, level = f"examples[{number}]", example.get("level")
        # To Python, True is a number.
        if type(level) is not int or level not in LEVELS:
            levels = ", ".join(map(str, LEVELS))
            raise ValidationError(NO_LEVEL, params={"key": f"{where}.level", "levels": levels})
        texts = {key: text for key, text in example.items() if key != "level"}
        check_texts(texts, EXAMPLE, where)
        if not any(text.strip() for text in texts.values()):
            raise ValidationError(EMPTY, params={"key": f"{where}.{next(iter(EXAMPLE))}"})
        # More of them than a prompt has room for would be shown to no model.
        counts[level] += 1
        if counts[level] > EXAMPLES_A_LEVEL:
            params = {"level": level, "most": EXAMPLES_A_LEVEL}
            raise ValidationError(TOO_MANY_OF_LEVEL, params=params)


def check_avoid(value: str) -> None:
    """value: words, one a line. Raises: ValidationError."""
    lines = value.splitlines()
    if len(lines) > MOST_AVOIDED:
        raise ValidationError(TOO_MANY, params={"most": MOST_AVOIDED})
    for number, line in enumerate(lines, start=1):
        if len(line) > AVOIDED_CHARS:
            params = {"key": f"avoid[{number}]", "most": AVOIDED_CHARS}
            raise ValidationError(TOO_LONG, params=params)


def avoided(lines: Iterable[str]) -> tuple[str, ...]:
    """The words to avoid of these lines: each once, with one blank between those in a row."""
    words = (" ".join(line.split()) for line in lines)
    return tuple(dict.fromkeys(filter(None, words)))


def tables(value: object, most: int) -> list[Mapping[str, Any]]:
    """Raises: ValidationError unless it is a list of so many tables, of text that can be stored."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValidationError(NO_LIST)
    if len(value) > most:
        raise ValidationError(TOO_MANY, params={"most": most})
    # PostgreSQL stores neither NUL nor half a surrogate pair.
    if storable_json(value) != value:
        raise ValidationError(NOT_STORABLE)
    return value


def check_texts(table: Mapping[str, Any], shape: Mapping[str, int], where: str) -> None:
    """shape: the most characters of each text; 0 for what is true or false.

    Raises: ValidationError for the first key that is missing, unknown or of another type.
    """
    for key, most in shape.items():
        named = {"key": f"{where}.{key}", "most": most}
        if key not in table:
            raise ValidationError(NO_KEY, params=named)
        if not isinstance(table[key], str if most else bool):
            raise ValidationError(NO_TEXT if most else NO_FLAG, params=named)
        if most and len(table[key]) > most:
            raise ValidationError(TOO_LONG, params=named)
    if unknown := [key for key in table if key not in shape]:
        raise ValidationError(UNKNOWN, params={"key": f"{where}.{unknown[0]}"})


def check_finite(value: float) -> None:
    """A validator of a column: no bound of Django's holds back what is not a number.

    Raises: ValidationError.
    """
    if not math.isfinite(value):
        raise ValidationError(NO_NUMBER)
