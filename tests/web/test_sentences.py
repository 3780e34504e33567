"""`python -m web sentences`: all that a composed hint may say, on one page."""

from __future__ import annotations

import re
from io import StringIO

from django.core.management import call_command

from web.tutor.evidence.wording import TABLES
from web.tutor.languages import LANGUAGES


def test_every_wording_is_printed_and_filled() -> None:
    out = StringIO()

    call_command("sentences", stdout=out)

    told = [line for line in out.getvalue().splitlines() if line and not line.startswith("##")]
    shown = {line for line in out.getvalue().splitlines() if line.startswith("## ")}
    examples = {kind.removeprefix("## ") for kind in shown}
    wordings = [
        wording
        for locale in LANGUAGES
        for kind, levels in TABLES[locale].sentences.items()
        for wordings in levels.values()
        for wording in wordings
        if kind in examples
    ]
    assert len(told) == len(wordings) > 300
    # A program's own code may hold a bracket.
    assert not [line for line in told if "{" in re.sub(r"`[^`]*`", "", line)]
