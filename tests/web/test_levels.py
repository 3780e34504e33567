"""One table of levels: a further one is an entry there, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from web.courses.models import AuthoredHint, level_choices
from web.hints.models import Hint
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS, Level

ROOT = Path(__file__).parents[2]
INSIDE = "tests/web/with_a_sixth_level.py"


def test_a_sixth_level_reaches_everybody_who_asks() -> None:
    """In a process of its own: much of a site is made from the table as it is loaded."""
    plugins = ("no:playwright", "no:cacheprovider", "tests.web.sixth")
    chosen = [part for plugin in plugins for part in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", "-q", *chosen, INSIDE]
    # Our own conftest has set it; that of the new process must be the first to load the settings.
    environ = {name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110
    )

    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize("model", [Hint, AuthoredHint])
def test_a_further_level_needs_no_migration(model: type[Hint | AuthoredHint]) -> None:
    assert model._meta.get_field("level").deconstruct()[3]["choices"] is level_choices


@pytest.mark.parametrize("level", LEVELS.values(), ids=lambda level: level.name)
def test_every_level_has_its_words_in_every_language(level: Level) -> None:
    for words in (level.label, level.about):
        assert words.keys() == LANGUAGES.keys()
        assert all(words.values())


def test_levels_are_numbered_from_one_up() -> None:
    assert list(LEVELS) == list(range(1, len(LEVELS) + 1))
