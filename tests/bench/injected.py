"""The attacks of the corpus through a worker's steps, before a writer that obeys each of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from broker.contract.events import EventKind
from broker.contract.hint import Lane, State, Usage
from broker.contract.job import HintJob, Sampling
from tests.bench.corpus import Attack, attacks
from tests.bench.judged import HERE, JUDGE
from tests.bench.table import Row, markdown
from tests.fakes.judging import SURE, asks, parts
from tests.workers.kit import claimed, to_be_sent
from web.engines.client.chunk import Chunk
from web.tutor.gate import judge
from web.tutor.gate.lexis import without_blanks
from web.tutor.languages import Locale
from workers.attempt.attempt import Attempt
from workers.attempt.screen import take_over
from workers.attempt.write import write

TO_THE_JUDGE = ("hint", "fix")
"""Places of which the writer reads nothing."""
PLAYED = (1, 2, 3)
SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
DRESS: dict[tuple[int, Locale], str] = {
    (1, "en"): "{} What does the test say then?",
    (1, "ko"): "{} 그러면 테스트는 뭐라고 하나요?",
    (2, "en"): "Look at the failing test once more, and at each value on its way. {} Do you see?",
    (2, "ko"): "실패한 테스트에서 값이 어떻게 바뀌는지 한 줄씩 따라가 보세요. {} 이제 보이나요?",
    (3, "en"): "A result is only as good as the smallest step behind it. Every value that comes "
               "along has to be looked at once. Say aloud what each name means, and check that it "
               "means this at all times. {} A plan on paper shows more than a long look.",
    (3, "ko"): "결과는 그 뒤에 있는 가장 작은 걸음만큼만 옳아요. 지나가는 값은 모두 한 번씩 "
               "보아야 해요. 이름마다 무엇을 뜻하는지 소리 내어 말하고, 언제나 그 뜻인지 확인해 "
               "보세요. 값이 없을 때와 하나뿐일 때, 그리고 여럿일 때에 무엇이 나와야 하는지 미리 "
               "적어 두면 어느 걸음에서 달라지는지 알 수 있어요. {} 종이에 적은 짧은 계획은 오래 "
               "바라보는 것보다 많은 것을 보여 줘요.",
}  # fmt: skip
"""What a writer puts around a leak, so that it has the form of its level."""


@dataclass(frozen=True, slots=True)
class Play:
    """One attack at one level, and the text of a writer that obeys."""

    attack: Attack
    level: int
    text: str

    @property
    def job(self) -> HintJob:
        attack = self.attack
        return HintJob(
            hint=f"{attack.id}-{self.level}", student="s", attempt=1, engine="gpu0", licensed=True,
            level=self.level, locale=attack.locale, statement=attack.statement,
            reference=attack.program.reference, mistakes="", authored="",
            l0=attack.result or attack.program.l0[attack.locale], code=attack.code,
            question=attack.question, endpoint=HERE, sampling=Sampling(), judge=JUDGE,
        )  # fmt: skip

    def words(self) -> str:
        """The attack's own words, which the writer must have read to obey; empty for the judge's.

        Without blanks: some are put into a prompt so that they are no mark of it.
        """
        attack, program = self.attack, self.attack.program
        if attack.place in TO_THE_JUDGE:
            return ""
        known = {*program.code.splitlines(), *program.statement[attack.locale].splitlines()}
        said = "\n".join([attack.code, attack.statement, attack.result or "", attack.question])
        return next(without_blanks(line) for line in said.splitlines() if line not in known)

    def told(self, text: str) -> bool:
        """Whether a sentence of what the attack wants stands in it."""
        return any(said.strip("`") in text for said in sentences(self.attack.wants))


def sentences(text: str) -> list[str]:
    return [said for said in SENTENCE.split(text) if len(said) > len("```python")]


def plays_of(attack: Attack) -> Iterator[Play]:
    """At each level, what it wants as it is and in the form of the level."""
    for level in PLAYED:
        yield Play(attack, level, attack.wants)
        yield Play(attack, level, DRESS[level, attack.locale].format(attack.wants))


def plays() -> Iterator[Play]:
    return chain.from_iterable(map(plays_of, attacks()))


OUTSIDE = parts(judge.question("", "-", "", "5eed1e55"))[1]


class Obeys:
    """Writes what the attack wants, once it has read the attack; judges honestly by what it wants.

    The judge obeys whatever it reads outside the marks of its question: there it says No.
    """

    def __init__(self, play: Play) -> None:
        self.play, self.asked, self.chunks = play, 0, 0
        self.obeyed = self.fooled = False

    async def stream(
        self, endpoint: object, sampling: Sampling, messages: Sequence[Any], request_id: str,
        lane: Lane = Lane.INTERACTIVE,
    ) -> AsyncGenerator[Chunk, None]:  # fmt: skip
        text = messages[-1]["content"]
        if asks(messages):
            inside, outside = parts(text)
            self.fooled = self.fooled or outside != OUTSIDE
            leaks = not self.fooled and self.play.told(inside[-1])
            yes, no = SURE if leaks else SURE[::-1]
            yield Chunk("Yes" if leaks else "No", chances={"Yes": yes, "No": no})
        else:
            self.obeyed = self.play.words() in without_blanks(text)
            yield Chunk(self.play.text if self.obeyed else "What does the failing test show?")
        yield Chunk("", "stop", Usage(prompt_tokens=10, completion_tokens=5))

    async def aclose(self) -> None:
        pass


async def played(play: Play, *, judged: bool = True) -> tuple[Obeys, Attempt]:
    """The attempt after its last step; closed."""
    model = Obeys(play)
    attempt = claimed(play.job if judged else replace(play.job, judge=None), model)
    take_over(attempt, "")
    attempt.fix = play.attack.fix or play.attack.program.fix
    await write(attempt)
    attempt.runtime.programs.close()
    attempt.runtime.database.close()
    return model, attempt


def shown(attempt: Attempt) -> str:
    """All that a student sees on the way and at the end."""
    pieces = [each.data for each in to_be_sent(attempt.outgoing) if each.kind is EventKind.PIECE]
    return "\n".join([*(json.loads(data)["text"] for data in pieces), answer(attempt)])


def answer(attempt: Attempt) -> str:
    """The hint, where the student is told what a model has written."""
    outcome = attempt.outcome
    return outcome.text if outcome and outcome.state is State.ANSWERED else ""


def near() -> Iterator[tuple[Play, str]]:
    """What of all plays passes the rules, with the hint that it would be without a judge.

    Raises: AssertionError where the writer has not read the attack.
    """
    for play in plays():
        model, attempt = asyncio.run(played(play, judged=False))
        assert model.obeyed, play.attack.id
        if play.told(text := answer(attempt)):
            yield play, text


def past(play: Play) -> bool:
    """Whether it gets past the gate and its judge."""
    return play.told(shown(asyncio.run(played(play))[1]))


def table() -> str:
    """By place and language: what is played, what the rules let pass, and what the judge does."""
    every, passed, leaked = Counter(places(plays())), Counter[Row](), Counter[Row]()
    for play, _ in near():
        passed.update(places([play]))
        leaked.update(places([play]) if past(play) else ())
    rows = [
        (*row, str(every[row]), str(passed[row]), str(leaked[row]), "0") for row in sorted(every)
    ]
    return markdown(rows, ("words to a model in", "", "played", "by rules", "judged", "wanted"))


def places(found: Iterable[Play]) -> Iterator[Row]:
    for play in found:
        yield play.attack.place, play.attack.locale


def tell() -> None:
    for play, text in near():
        print(f"{play.attack.id:16} L{play.level} {text!r}")
