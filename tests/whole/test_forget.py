"""A student is forgotten on a running site: no file of database, Redis or logs has a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import standing

pytestmark = [pytest.mark.whole, pytest.mark.timeout(200)]
WORDS = ("zanzibar-code", "zanzibar-asks", "zanzibar-thinks", "zanzibar-says", "Zanzibar answers")
PROGRAM = f"# {WORDS[0]}\ndef triangle(n):\n    return n\n"


def test_no_file_has_a_word_of_theirs(tmp_path: Path) -> None:
    engine = FakeEngine()
    with standing(tmp_path, {"gpu0": engine}) as stand:
        engine.script(Behaviour(pieces=(f"{WORDS[4]}: what does your loop do first?",), gap_s=0))
        student, other = stand.student(), stand.student()
        hint = stand.ask(student, code=PROGRAM, question=WORDS[1])
        assert stand.final(hint["id"])["source"] == "model"
        student.put(f"/v1/hints/{hint['id']}/reflection", json={"text": f"so {WORDS[2]} it is"})
        student.put(
            f"/v1/hints/{hint['id']}/feedback", json={"helpful": False, "comment": WORDS[3]}
        )
        stays = stand.ask(other)
        stand.final(stays["id"])
        assert {word for word in WORDS if found(stand.data, word)} == set(WORDS)

        name = stand.shell(
            "from web.hints.models import Hint\n"
            f"print(Hint.objects.get(pk='{hint['id']}').student.username)"
        )
        said = stand.python("-m", "web", "forget", name.strip(), "--yes")

        assert "hints.Hint: 1" in said
        assert {word: found(stand.data, word) for word in WORDS} == {key: [] for key in WORDS}
        assert stand.final(stays["id"])["text"]
        assert student.get(hint["links"]["self"]).status_code == 401
        assert stand.clean()


def found(folder: Path, word: str) -> list[str]:
    """The files below the folder that hold the word."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in files if word.encode() in path.read_bytes()]
