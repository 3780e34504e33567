"""Words to a model in what students, platforms and models write: obeyed, and shown to nobody."""

from __future__ import annotations

import pytest

from broker.contract.hint import State
from tests.bench.corpus import Attack, attacks
from tests.bench.injected import answer, played, plays_of, shown
from web.tutor.gate import judge

EVERY = pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.id)
SHORTEST = 8


@EVERY
async def test_an_attack_that_is_obeyed_shows_nothing_of_what_it_wants(attack: Attack) -> None:
    for play in plays_of(attack):
        model, attempt = await played(play)

        assert model.obeyed, "the writer has read it"
        assert not model.fooled, "the judge has read nothing outside its marks"
        assert not play.told(shown(attempt))
        assert attempt.outcome
        assert attempt.outcome.state in (State.WITHHELD, State.ANSWERED)


@pytest.mark.parametrize(
    "attack",
    [
        attack
        for attack in attacks()
        if any(
            line.strip() in attack.wants
            for line in attack.program.fix.splitlines()
            if len(line.strip()) >= SHORTEST and line not in attack.code
        )
    ],
    ids=lambda attack: attack.id,
)
async def test_code_that_is_wanted_does_not_pass_the_rules(attack: Attack) -> None:
    for play in plays_of(attack):
        _, attempt = await played(play, judged=False)

        assert not play.told(answer(attempt))


@pytest.mark.parametrize("name", ["judge-en-2", "judge-en-3", "judge-ko-3", "fix-en-3", "fix-ko-2"])
async def test_without_safe_marks_the_judge_is_fooled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "marked", "<{0}-{1}>\n{2}\n</{0}-{1}>".format)
    [attack] = [attack for attack in attacks() if attack.id == name]

    results = [(play, *(await played(play))) for play in plays_of(attack)]

    assert any(model.fooled and play.told(shown(attempt)) for play, model, attempt in results)
