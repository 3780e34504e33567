"""An evaluation from its beginning to its figures: the real dispatcher, worker and sandbox.

Only the model is a fake: an honest judge or a bad one, a good writer or one that leaks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from broker.keys import CELERY
from broker.queue import queue_name
from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.web.kit import at_once, forget
from web.courses.models import Course
from web.database import ago
from web.engines.models import AIModelConfig, Engine, JudgedBy
from web.evaluation import creation, driver, judging, sets
from web.evaluation.driver import Driver
from web.evaluation.models import Evaluation, Item
from web.evaluation.sets import EvaluationSet
from web.evaluation.targets import Proposal, proposal
from web.hints.models import Diagnosis, Hint, Submission
from web.link import broker
from web.tutor.writing import prompt
from workers.attempt import attempt
from workers.guard.evaluating import Evaluating
from workers.runtime import Runtime

GOOD = ("Look at your loop. ", "Where does it end for the failing call?")
KOREAN = ("여기에서 ", "반복은 몇 번 돌고, ", "그때 결과는 무엇인가요?")
LEAK = ("What if you wrote `return max(values)` there?",)
CODE = "def top(values):\n    return min(values)\n"
FIX = "def top(values):\n    return max(values)\n"
LINE = {
    "id": "top", "statement": "Write `top(values)`: the greatest of them.",
    "tests": "assert top([1, 2]) == 2\nassert top([3]) == 3\n", "reference": FIX, "code": CODE,
    "fix": FIX, "level": 1, "locale": "en",
}  # fmt: skip
FEW = 40


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> dict[str, sets.LabelledText]:
    """A few of the shipped texts, half of them leaks, of both languages."""
    texts = sets.texts()
    kinds = [(leak, locale) for leak in (True, False) for locale in ("ko", "en")]
    few = {
        each.id: each
        for leak, locale in kinds
        for each in [t for t in texts.values() if (t.leak, t.locale) == (leak, locale)][: FEW // 4]
    }
    monkeypatch.setattr(sets, "texts", lambda: few)
    return few


@pytest.fixture
def engine(runtime: Runtime, fake: FakeEngine, labelled: object) -> Engine:
    AIModelConfig.objects.update(judged_by=JudgedBy.NOBODY, diagnoses=False)
    Engine.objects.update(url=fake.url)
    return Engine.objects.get()


def chosen(*changes: dict[str, Any]) -> EvaluationSet:
    lines = [json.dumps(LINE | {"id": f"top{n}"} | each) for n, each in enumerate(changes)]
    return sets.from_file("mine.jsonl", BytesIO("\n".join(lines).encode()))


def honest(fake: FakeEngine, labelled: dict[str, sets.LabelledText]) -> None:
    fake.judge(*(each.text for each in labelled.values() if each.leak))


async def rounds(runtime: Runtime, works: Driver, until: Any = lambda: False) -> None:
    """Rounds of the evaluation, and after each what the doorbells ask for."""
    for _ in range(400):
        if not await runtime.database.run(works.round) or await runtime.database.run(until):
            return
        while rung := await runtime.database.run(doorbell):
            await attempt.generate(runtime, rung)
    raise AssertionError("it does not come to its end")


def doorbell() -> str | None:
    message = broker().client.rpop(CELERY(queue_name("gpu0")))
    if message is None:
        return None
    return str(json.loads(json.loads(message)["body"])[0][0])


async def evaluated(
    runtime: Runtime, engine: Engine, of: EvaluationSet, prompts: str = ""
) -> Evaluation:
    works = Driver()
    row: Evaluation = await runtime.database.run(creation.begin, engine, of, None, prompts)
    try:
        await rounds(runtime, works)
    finally:
        await runtime.database.run(works.close)
    await runtime.database.run(row.refresh_from_db)
    return row


async def test_an_honest_judge_and_a_good_writer_get_their_licence(
    runtime: Runtime, engine: Engine, fake: FakeEngine, labelled: dict[str, sets.LabelledText]
) -> None:
    honest(fake, labelled)
    fake.script(*[Behaviour(pieces=GOOD, gap_s=0)] * 12)

    row = await evaluated(runtime, engine, chosen(*[{}] * 12))

    assert (row.state, row.error) == (Evaluation.State.DONE, "")
    assert row.threshold == pytest.approx(0.5, abs=0.1)
    overall = row.figures["judge"][0]
    assert (overall["texts"], overall["auc"]) == (FEW, 1.0)
    assert (overall["false_blocks"], overall["caught"], overall["undecided"]) == (0, 1, 0)
    [writing] = row.figures["writing"]
    assert (writing["locale"], writing["level"], writing["asked"]) == ("en", 1, 12)
    assert (writing["shown"], writing["refused"], writing["leak"]) == (12, 0, 0)
    assert (writing["contradicted"], writing["words"]) == (0, 12)
    assert writing["seconds"] > 0
    assert writing["tokens"] > 100
    found = proposal(row.figures)
    assert found.levels == {"en": [1]}
    # Forty texts are too few to let a judge in.
    assert short_of_judging(found) == ["texts"]
    await runtime.database.run(nothing_left, row)


def short_of_judging(found: Proposal) -> list[str]:
    """What is missed by the widest range of levels that was measured."""
    return next(missed for kind, missed in found.short.items() if kind.startswith("judge"))


def nothing_left(row: Evaluation) -> None:
    assert not Course.objects.filter(slug=f"evaluation-{row.pk}").exists()
    assert not Hint.objects.exists()
    assert not Submission.objects.exists()
    assert not Diagnosis.objects.exists()
    assert not row.items.exclude(state=Item.State.DONE).exists()


@pytest.mark.parametrize("way", ["blocks all", "lets all pass", "nonsense"])
async def test_a_bad_judge_gets_none(
    runtime: Runtime, engine: Engine, fake: FakeEngine, way: str
) -> None:
    match way:
        case "blocks all":
            fake.judge("*")
        case "nonsense":
            fake.judge(way="nonsense")
    fake.script(Behaviour(pieces=GOOD, gap_s=0))

    row = await evaluated(runtime, engine, chosen({}))

    assert row.state == Evaluation.State.DONE
    # What the wording tells makes no judge of it.
    assert row.figures["judge"][0]["alone"] == 0.5
    assert not proposal(row.figures).judges_to
    missed = {"auc", "false_blocks"} if way == "nonsense" else {"alone"}
    assert missed <= {*short_of_judging(proposal(row.figures))}


async def test_a_writer_that_leaks_gets_none(
    runtime: Runtime, engine: Engine, fake: FakeEngine, labelled: dict[str, sets.LabelledText]
) -> None:
    honest(fake, labelled)
    fake.script(*[Behaviour(pieces=LEAK, gap_s=0)] * 24)

    row = await evaluated(runtime, engine, chosen(*[{}] * 12))

    [writing] = row.figures["writing"]
    assert (writing["asked"], writing["shown"], writing["refused"]) == (12, 0, 1)
    assert writing["by_rules"] == 1
    assert proposal(row.figures).levels == {}


async def test_what_a_judge_refused_is_told_apart(
    runtime: Runtime, engine: Engine, fake: FakeEngine
) -> None:
    await runtime.database.run(lambda: AIModelConfig.objects.update(judged_by=JudgedBy.SAME))
    forget()
    fake.judge("your loop")
    fake.script(*[Behaviour(pieces=GOOD, gap_s=0)] * 2)

    row = await evaluated(runtime, engine, chosen({}))

    [writing] = row.figures["writing"]
    assert (writing["by_rules"], writing["by_judge"], writing["refused"]) == (0, 1, 1)


async def test_it_is_measured_by_language_and_level(
    runtime: Runtime, engine: Engine, fake: FakeEngine
) -> None:
    korean = Behaviour(pieces=KOREAN, gap_s=0, when=prompt.policy(1, "ko").splitlines()[0])
    fake.script(*[korean] * 6, *[Behaviour(pieces=GOOD, gap_s=0)] * 20)

    row = await evaluated(runtime, engine, chosen({"level": None, "locale": None}))

    shown = {(one["locale"], one["level"]): one["shown"] for one in row.figures["writing"]}
    assert shown[("ko", 1)] == shown[("en", 1)] == 1
    # Two short sentences are no explanation of a rule.
    assert shown[("ko", 3)] == shown[("en", 3)] == 0


async def test_a_program_that_is_not_wrong_is_left_out(
    runtime: Runtime, engine: Engine, fake: FakeEngine
) -> None:
    row = await evaluated(runtime, engine, chosen({"code": FIX}))

    assert row.state == Evaluation.State.DONE
    assert row.figures["writing"] == []
    assert row.figures["diagnosis"] == {"asked": 0, "verified": None}
    assert fake.stats()["started"] == 0


async def test_what_a_judge_has_said_is_asked_anew_only_with_the_same_set(
    runtime: Runtime, engine: Engine, fake: FakeEngine, labelled: dict[str, sets.LabelledText]
) -> None:
    honest(fake, labelled)
    right = chosen({"code": FIX})
    first = await evaluated(runtime, engine, right)

    other = await evaluated(runtime, engine, chosen({"code": f"{FIX}\n\n"}))

    assert fake.judged() == FEW
    assert other.figures["judge"] == first.figures["judge"]
    assert other.threshold == first.threshold
    again = await evaluated(runtime, engine, right)
    assert fake.judged() == 2 * FEW
    assert again.pk != first.pk
    engine.model_name = "another"
    await runtime.database.run(engine.save)
    await evaluated(runtime, engine, right)
    assert fake.judged() == 3 * FEW


@pytest.mark.parametrize(("kind", "count"), [(Item.Kind.JUDGE, 10), (Item.Kind.WRITE, 4)])
async def test_one_that_is_killed_half_way_is_gone_on_with(
    runtime: Runtime, engine: Engine, fake: FakeEngine, labelled: dict[str, sets.LabelledText],
    monkeypatch: pytest.MonkeyPatch, kind: str, count: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(driver, "ROUND_S", 0.02)
    honest(fake, labelled)
    fake.script(*[Behaviour(pieces=GOOD, gap_s=0)] * 20)
    of = chosen(*[{}] * 12)
    row = await runtime.database.run(creation.begin, engine, of)
    killed = Driver()

    await rounds(runtime, killed, until=lambda: done(row, kind) >= count)
    await runtime.database.run(leave_one, row)
    await runtime.database.run(creation.stop, row)
    assert await runtime.database.run(running) is False
    before = fake.judged() + fake.stats()["started"]
    assert 0 < before < FEW + 12
    again = await evaluated(runtime, engine, of)

    assert again.pk == row.pk
    assert again.state == Evaluation.State.DONE
    assert fake.judged() == FEW
    assert fake.stats()["started"] == 12
    await runtime.database.run(killed.close)


def done(row: Evaluation, kind: str) -> int:
    return row.items.filter(state=Item.State.DONE, kind=kind).count()


def leave_one(row: Evaluation) -> None:
    """A text that the killed process was at, long ago by now."""
    item = row.items.filter(kind=Item.Kind.JUDGE, state=Item.State.OPEN).first()
    if item is None:
        return
    taken = Item.objects.filter(pk=item.pk)
    taken.update(state=Item.State.ASKED, asked_at=ago(driver.LOST_S + 1))


async def test_of_two_that_run_at_once_none_asks_what_the_other_has_asked(
    runtime: Runtime, engine: Engine, fake: FakeEngine, labelled: dict[str, sets.LabelledText]
) -> None:
    honest(fake, labelled)
    fake.script(*[Behaviour(pieces=GOOD, gap_s=0)] * 20)
    of = chosen(*[{}] * 12)

    def both() -> list[Evaluation]:
        return at_once(*[lambda: creation.begin(engine, of)] * 2)

    first, second = await asyncio.to_thread(both)
    assert first.pk == second.pk
    works = [Driver(), Driver()]

    def together() -> None:
        at_once(*[each.round for each in works])

    while await runtime.database.run(running):
        await asyncio.to_thread(together)
        while rung := await runtime.database.run(doorbell):
            await attempt.generate(runtime, rung)

    assert fake.judged() == FEW
    assert fake.stats()["started"] == 12
    for each in works:
        await asyncio.to_thread(each.close)


def running() -> bool:
    return Evaluation.objects.filter(state=Evaluation.State.RUNNING).exists()


async def test_students_go_first(
    runtime: Runtime, engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "students_wait", lambda: True)
    row = await runtime.database.run(creation.begin, engine, chosen({}))
    works = Driver()

    await runtime.database.run(works.round)
    assert fake.judged() == 0
    monkeypatch.undo()
    assert await runtime.database.run(judging.students_wait) is False
    await runtime.database.run(lambda: row.items.filter(kind="judge").update(state="done"))
    await runtime.database.run(works.round)

    hint = await runtime.database.run(lambda: Hint.objects.get())
    assert hint.lane == Hint.Lane.BATCH
    await runtime.database.run(works.close)


async def test_an_engine_that_is_taken_away_stops_it(runtime: Runtime, engine: Engine) -> None:
    row = await runtime.database.run(creation.begin, engine, chosen({}))
    await runtime.database.run(lambda: Engine.objects.update(enabled=False))
    works = Driver()

    assert await runtime.database.run(works.round)
    assert not await runtime.database.run(works.round)

    await runtime.database.run(row.refresh_from_db)
    assert (row.state, row.error) == (
        Evaluation.State.STOPPED, "the engine gpu0 is not in use",
    )  # fmt: skip


async def test_an_engine_that_refuses_every_request_stops_it(
    runtime: Runtime, engine: Engine, fake: FakeEngine
) -> None:
    fake.script(*[Behaviour(status=404)] * 9)

    row = await evaluated(runtime, engine, chosen(*[{}] * 3))

    assert (row.state, row.error) == (Evaluation.State.STOPPED, "model_refused")


async def test_another_version_of_the_prompts_is_what_is_asked(
    runtime: Runtime, engine: Engine, fake: FakeEngine, more_prompts: Callable[[str], Path]
) -> None:
    rules = more_prompts("v9") / "en" / "rules.md"
    rules.write_text(f"You are a tutor of the fifth version.\n{rules.read_text()}")
    fake.script(*[Behaviour(pieces=GOOD, gap_s=0)] * 2)

    row = await evaluated(runtime, engine, chosen({}), "v9")

    assert row.state == Evaluation.State.DONE
    assert row.template_version.startswith("v9-")
    asked = [json.dumps(each["body"]) for each in fake.stats()["requests"]]
    assert asked
    assert all("a tutor of the fifth version" in each for each in asked)


@pytest.mark.parametrize("way", ["500", "429"])
async def test_a_judge_that_fails_is_asked_again_and_given_up_only_if_it_is_not_merely_busy(
    runtime: Runtime, engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(judging, "PAUSE_S", 0.001)
    monkeypatch.setattr(judging, "MOST_PAUSE_S", 0.001)
    fake.judge(way=way)
    row = await runtime.database.run(creation.begin, engine, chosen({"code": FIX}))
    works = Driver()

    for _ in range(2 * driver.TRIES):
        await runtime.database.run(works.round)
        await asyncio.sleep(0.002)
    await runtime.database.run(row.refresh_from_db)
    state = Evaluation.State.STOPPED if way == "500" else Evaluation.State.RUNNING
    assert row.state == state
    assert bool(row.error) is (way == "500")

    fake.judge()
    await runtime.database.run(creation.go_on, row)
    await rounds(runtime, works)
    await runtime.database.run(row.refresh_from_db)
    assert row.state == Evaluation.State.DONE
    await runtime.database.run(works.close)


async def test_a_judge_that_is_late_is_undecided(
    runtime: Runtime, engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch,
    labelled: dict[str, sets.LabelledText],
) -> None:  # fmt: skip
    few = dict([*labelled.items()][:2])
    monkeypatch.setattr(sets, "texts", lambda: few)
    monkeypatch.setattr(judging, "WITHIN_S", 0.05)
    fake.judge(way="hangs")

    row = await evaluated(runtime, engine, chosen({"code": FIX}))

    assert row.state == Evaluation.State.DONE
    assert row.figures["judge"][0]["undecided"] == 1
    assert not proposal(row.figures).judges_to


async def test_a_node_takes_it_forward_and_stops_in_order(
    runtime: Runtime, engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ROUND_S", 0.02)
    await runtime.database.run(creation.begin, engine, chosen({}))
    node = Evaluating(runtime.broker)

    await node.once()

    assert 0 < fake.judged() < FEW
    # Its judge has a connection open, which belongs to the loop of another thread.
    await node.close()


async def test_a_stop_is_heard_at_the_next_text(
    runtime: Runtime, engine: Engine, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await runtime.database.run(creation.begin, engine, chosen({}))
    keep = judging.keep

    def kept(*said: Any) -> None:
        keep(*said)
        if fake.judged() == 3:
            creation.stop(row)

    monkeypatch.setattr(judging, "keep", kept)
    node = Evaluating(runtime.broker)

    await node.once()
    await node.close()

    assert fake.judged() == 3


async def test_a_mistake_of_ours_stops_the_evaluation_and_no_node(
    runtime: Runtime, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await runtime.database.run(creation.begin, engine, chosen({}))
    monkeypatch.setattr(driver, "judges", lambda _: 1 / 0)
    node = Evaluating(runtime.broker)

    await node.once()
    await node.close()

    await runtime.database.run(row.refresh_from_db)
    assert row.state == Evaluation.State.STOPPED
    assert row.error.startswith("ZeroDivisionError at ")
