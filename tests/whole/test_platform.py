"""The client of a platform that the README shows, run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.behaviour import Behaviour
from tests.whole.stand import ROOT, Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
CLIENT = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MOST_LINES = 32
TEXTS = "Look at your loop. Where does it end?", "What does the last round change?"
MAKE = """
from web.courses.models import Course
from web.people.models import ApiToken, Platform, User
from web.people.tokens import fresh
platform = Platform.objects.create(slug="judge")
platform.courses.set(Course.objects.filter(slug="python-steps"))
token = ApiToken(user=User.objects.create_user("owner"), platform=platform, name="service")
text = fresh(token)
token.save()
print(text)
"""
SHOW = """
from web.courses.models import Exercise
from web.hints.models import Hint
for hint in Hint.objects.filter(student__username="judge:student-4711").order_by("created_at"):
    print(hint.submission.source, hint.exercise.path, hint.exercise.revision, hint.state)
"""


def test_the_client_of_the_readme_gets_its_hint(stand: Stand, tmp_path: Path) -> None:
    (source,) = CLIENT.findall((ROOT / "README.md").read_text())
    assert len(source.splitlines()) <= MOST_LINES
    client = tmp_path / "client.py"
    client.write_text(source)
    token = stand.shell(MAKE).strip()

    # Twice: its exercise stays as it is, and its user may ask again.
    for text in TEXTS:
        stand.engines["gpu0"].script(Behaviour(pieces=(text,)))
        said = subprocess.run(
            [sys.executable, client, stand.url, token],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        assert said.stdout == f"model: {text}\n"

    rows = stand.shell(SHOW).splitlines()
    assert rows == ["platform python-steps/sum-java 1 answered"] * 2


def test_the_client_is_told_why_it_is_refused(stand: Stand, tmp_path: Path) -> None:
    (source,) = CLIENT.findall((ROOT / "README.md").read_text())
    client = tmp_path / "client.py"
    client.write_text(source)

    said = subprocess.run(
        [sys.executable, client, stand.url, "hl_wrong"], capture_output=True, text=True, timeout=60
    )

    assert said.returncode != 0
    assert "HTTP Error 401" in said.stderr
