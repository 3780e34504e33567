"""The site is whole: migrations match models, texts have their Korean, codes their words."""

from __future__ import annotations

import ast
import gettext
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import translation

from broker.contract.hint import Reason
from web.api import problem
from web.hints.notices import NOTICES, notice

WEB = Path(__file__).parents[2] / "web"
LOCALE = WEB / "locale" / "ko" / "LC_MESSAGES"
CATALOG = LOCALE / "django.po"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
# Words that Korean keeps as they are.
SAME = {"AI", "URL", "vLLM", "vLLM URL"}
ENTRY = re.compile(r'^msgid "(.+)"\nmsgstr "(.*)"$', re.MULTILINE)


def marked() -> Iterator[str]:
    """The texts that code and templates mark for translation."""
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id in MARKS and isinstance(first, ast.Constant):
                    yield str(first.value)
    for path in WEB.rglob("templates/**/*.html"):
        yield from re.findall(r'{% translate "(.+?)"', path.read_text())
        blocks = re.findall(r"{% blocktranslate.*?%}(.*?){% end", path.read_text(), re.DOTALL)
        singles = (block for block in blocks if "{% plural %}" not in block)
        yield from (re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in singles)


@pytest.mark.django_db
def test_migrations_match_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_sites_own_checks_pass() -> None:
    call_command("check", fail_level="WARNING")


def test_a_terminal_that_is_not_of_utf8_breaks_no_command() -> None:
    code = "import sys; sys.argv = ['web', 'version']; from web.__main__ import main; main(); "
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}print('Web …')"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ended.stdout.endswith("Web ?\n")


def test_every_text_has_its_korean() -> None:
    korean = gettext.translation("django", str(WEB / "locale"), ["ko"])
    texts = set(marked())

    assert len(texts) > 150
    assert not {text for text in texts - SAME if korean.gettext(text) == text}


def test_the_compiled_catalog_is_that_of_the_text() -> None:
    korean = gettext.translation("django", str(WEB / "locale"), ["ko"])
    entries = [
        (msgid.replace('\\"', '"'), msgstr.replace('\\"', '"'))
        for msgid, msgstr in ENTRY.findall(CATALOG.read_text())
    ]

    assert len(entries) > 150
    assert not [msgid for msgid, msgstr in entries if korean.gettext(msgid) != msgstr]
    assert ", fuzzy" not in CATALOG.read_text()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_reason_has_its_notice(language: str) -> None:
    assert set(NOTICES) == set(Reason)
    with translation.override(language):
        notices = {notice(reason) for reason in Reason}
        assert len(notices) == len(Reason)
        assert notice("") == ""


def test_every_problem_has_its_own_name() -> None:
    kinds = [each for each in vars(problem).values() if isinstance(each, problem.ProblemKind)]

    assert len(kinds) > 10
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.name) for kind in kinds)
    assert all(400 <= kind.status < 600 for kind in kinds)
