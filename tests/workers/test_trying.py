"""Code in a hint is run before anybody reads it: what solves the exercise is the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from broker.contract.attempt import PASSED
from broker.contract.events import EventKind
from broker.contract.hint import Reason, Source, State
from tests.workers import kit
from tests.workers.conftest import ScriptedModel
from tests.workers.kit import claimed, placed, submitted, to_be_sent, written
from tests.workers.test_attempt import row, told
from tests.workers.test_judging import CLEAN, JOB
from web.courses.models import Exercise
from web.hints.models import Hint, ModelCall
from web.people.models import User
from web.runner.cases import Asserts, Io, IoCase, RunLimits
from web.runner.checker import checker
from web.tutor.evidence.report import Report, Verdict
from web.tutor.languages import Locale
from workers.attempt import attempt, trying
from workers.attempt.asking import asking
from workers.attempt.trying import alone, any_solves
from workers.runtime import Runtime

pytestmark = pytest.mark.django_db(transaction=True)
COUNTS = "def count(xs):\n    n = 1\n    for x in xs:\n        n += 1\n    return n\n"
LOOPS = "def count(xs):\n    n = len(xs)\n    while n < 1:\n        n -= 1\n    return n + 1\n"
PRINTS = "n = int(input())\nfor i in range(n):\n    print('*', end=' ')\nprint('x')\n"


@dataclass(frozen=True)
class Task:
    """An exercise and a wrong program of it; the solution that is known goes another way."""

    code: str
    reference: str
    tests: str = ""
    cases: list[dict[str, Any]] = field(default_factory=list)


def case(stdin: str, expected: str) -> dict[str, Any]:
    return {"name": stdin, "stdin": stdin, "expected": expected, "visible": True,
            "note_ko": "", "note_en": ""}  # fmt: skip


COUNT = Task(COUNTS, "def count(xs):\n    return len(xs)\n",
             "assert count([5, 7]) == 2\nassert count([]) == 0\n")  # fmt: skip
LOOP = replace(COUNT, code=LOOPS)
STARS = Task(PRINTS, "print('* ' * int(input()))\n", cases=[case("2\n", "* *"), case("1\n", "*")])


def make(student: User, exercise: Exercise, task: Task, level: int, locale: Locale) -> str:
    Exercise.objects.filter(pk=exercise.pk).update(
        tests=task.tests, cases=task.cases, reference=task.reference,
        statement_en="What it is about.", statement_ko="무엇을 하는지.",
    )  # fmt: skip
    exercise.refresh_from_db()
    program = submitted(student, exercise, task.code)
    assert program.report["verdict"] != Verdict.PASSED
    return placed(student, exercise, level=level, locale=locale, submission=program)


@dataclass
class Asked:
    """A hint that a model of this script has written, as it ended."""

    hint: Hint
    shown: str
    verdicts: list[str]
    runs: int
    again: str
    """What the model was asked at its second try."""


Asks = Callable[..., Any]


@pytest.fixture
def asks(runtime: Runtime, student: User, exercise: Exercise) -> Asks:
    """Has a hint written. says: what the model answers, to each request; changes: of the exercise,
    once it was asked for."""

    async def ask(
        task: Task, says: str, level: int = 1, locale: Locale = "en", **changes: str
    ) -> Asked:
        hint = await runtime.database.run(make, student, exercise, task, level, locale)
        if changes:
            await runtime.database.run(partial(Exercise.objects.update, **changes))
        model = runtime.model = ScriptedModel([says], [says])  # type: ignore[assignment]
        run, runs = runtime.programs.run, []

        async def counted(work: Any) -> Any:
            runs.append(work)
            return await run(work)

        runtime.programs.run = counted  # type: ignore[method-assign]
        await attempt.generate(runtime, hint)
        verdicts = await runtime.database.run(
            lambda: [*ModelCall.objects.order_by("pk").values_list("verdict", flat=True)]
        )
        again = model.requests[1][1][-1]["content"] if len(model.requests) > 1 else ""
        shown = json.dumps(await told(runtime, hint))
        return Asked(await row(runtime, hint), shown, verdicts, len(runs), again)

    return ask


PLAN = (
    "A count says how many things have gone by so far, and so it has to be right before the first "
    "of them comes and after the last one has gone. Write down by hand what you expect for a short "
    "list, and go through the loop with it round by round. "
)
PLAN_KO = (
    "개수는 지금까지 지나간 것이 몇 개인지 말해 주는 값이에요. 그러니 첫 번째가 오기 전에도 맞아야 "
    "하고 마지막 것이 지나간 뒤에도 맞아야 해요. 짧은 목록을 하나 정해서 바라는 결과를 손으로 "
    "적고, 반복을 한 바퀴씩 따라가며 이름이 가진 값을 나란히 적어 보세요. 처음으로 어긋나는 바퀴가 "
    "어디인지 찾아보면, 그 앞에서 무엇이 이미 잘못되어 있었는지 보일 거예요. "
)
LEAKS: dict[str, tuple[Task, int, Locale, str]] = {
    "an assignment": (COUNT, 1, "en", "What would you see if `n = 0` stood there?"),
    "without blanks": (COUNT, 1, "en", "What would you see if `n=0` stood there?"),
    "a value": (COUNT, 1, "en", "What would you see with `0.0` there?"),
    "level 2": (COUNT, 2, "en", "Look at the line where the count begins. What if `n = 0` ran?"),
    "level 3": (COUNT, 3, "en", f"{PLAN}Think of `n = 0` there."),
    "Korean": (COUNT, 1, "ko", "거기에 `n = 0`이 있으면 무엇이 보일까요?"),
    "Korean, level 2": (
        COUNT,
        2,
        "ko",
        "개수를 세기 시작하는 줄을 다시 보세요. 거기가 `n = 0`이면 무엇이 보일까요?",
    ),
    "Korean, level 3": (COUNT, 3, "ko", f"{PLAN_KO}그곳에서 `n = 0`을 떠올려 보세요."),
    "among others": (COUNT, 1, "en", "Which is it there, `n = 5`, `n = 7` or `n = 0`?"),
    "what is printed": (STARS, 1, "en", "What would you see if it were `''` there?"),
    "what is printed, Korean": (STARS, 1, "ko", "거기에 `''`이 있으면 무엇이 보일까요?"),
}


@pytest.mark.parametrize("name", LEAKS)
async def test_a_span_that_solves_the_exercise_is_shown_to_nobody(asks: Asks, name: str) -> None:
    task, level, locale, text = LEAKS[name]

    found = await asks(task, text, level, locale)

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.LEAK)
    assert found.verdicts == ["R6", "R6"]
    assert found.hint.source != Source.MODEL
    assert "which was refused" in found.again or "거절" in found.again
    assert f"`{text.split('`')[1]}`" in found.again
    last = text.rsplit(". ", 1)[-1].split("`")[0].strip()
    assert json.dumps(last)[1:-1] not in found.shown


GOOD: dict[str, tuple[Task, int, Locale, str, int]] = {
    "its own code": (COUNT, 1, "en", "What is `n` after `n += 1` ran for the first time?", 0),
    "the failing call": (COUNT, 1, "en", "What should `count([5, 7])` give, and why?", 0),
    "its own code, Korean": (COUNT, 1, "ko", "`n += 1`이 처음 실행된 뒤에 `n`은 얼마인가요?", 0),
    "a value that it had": (COUNT, 1, "en", "When is it true that `n = 4`, and in which round?", 1),
    "no span": (COUNT, 1, "en", "What does your program give for an empty list?", 0),
    # Where it stands for the last line, the program never comes to its end.
    "endless": (LOOP, 1, "en", "When is it that `n = 9` in your loop?", 1),
    "what it printed": (STARS, 1, "en", "Why does it print `'9'` there?", 1),
}


@pytest.mark.parametrize("name", GOOD)
async def test_what_solves_nothing_is_shown(asks: Asks, name: str) -> None:
    task, level, locale, text, runs = GOOD[name]

    found = await asks(task, text, level, locale)

    assert (found.hint.state, found.hint.text, found.hint.reason) == (State.ANSWERED, text, "")
    assert (found.verdicts, found.runs) == ([PASSED], runs)


async def test_what_cannot_be_run_is_not_shown(
    asks: Asks, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(work: Any) -> None:
        return None

    monkeypatch.setattr(runtime.programs, "run", busy)

    found = await asks(COUNT, "When is it true that `n = 4`, and in which round?")

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.UNJUDGED)
    assert found.verdicts == ["R6", "R6"]


async def test_too_much_code_is_not_tried_in_part(asks: Asks) -> None:
    values = " ".join(f"`{number}`" for number in range(30, 60))

    found = await asks(COUNT, f"Which is it of {values} or `0`?")

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.UNJUDGED)
    assert found.runs == 0


@pytest.mark.parametrize("change", [{"language": "java"}, {"tests": ""}])
async def test_where_nothing_is_run_the_other_rules_decide(
    asks: Asks, change: dict[str, str]
) -> None:
    found = await asks(COUNT, "What would you see if `n = 0` stood there?", **change)

    assert (found.hint.state, found.runs) == (State.ANSWERED, 0)


async def test_without_tests_no_example_is_shown(asks: Asks) -> None:
    found = await asks(COUNT, EXAMPLE, 4, tests="")

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.UNJUDGED)


class Slow:
    """A checker that finds nothing, and counts."""

    def __init__(self, verdict: Verdict = Verdict.FAILED, kind: str = "") -> None:
        from web.tutor.evidence.report import ProgramError

        self.tried: list[str] = []
        self.report = Report(verdict=verdict, error=ProgramError(kind=kind, message=""))

    def check(self, program: str, tests: Any, limits: Any) -> Report:
        self.tried.append(program)
        return self.report


def solves(checker: Any, programs: Sequence[str]) -> bool | None:
    return any_solves(checker, programs=programs, tests=Asserts(""), limits=RunLimits())


def test_running_them_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert solves(Slow(), ["a", "b"]) is False
    assert solves(Slow(Verdict.TIME), ["a", "b"]) is False
    monkeypatch.setattr(trying, "WITHIN_S", -1.0)
    assert solves(slow := Slow(), ["a", "b"]) is None
    assert slow.tried == []


def test_a_lost_sandbox_says_nothing() -> None:
    assert solves(Slow(Verdict.NOT_RUN, "Lost"), ["a"]) is None
    assert solves(Slow(Verdict.NOT_RUN, "NoTests"), ["a"]) is False
    assert solves(slow := Slow(Verdict.PASSED), ["a", "b"]) is True
    assert slow.tried == ["a"]


EXAMPLE = """\
A clerk weighs bags one by one, and writes the weight down:

```python
scale = [4, 2]
heavy = []
for bag in scale:
    if bag > 3:
        heavy.append(bag)
print(heavy)
```

Each bag is looked at once, and the list starts empty. Where does your own program start?
"""
EXAMPLE_KO = EXAMPLE.replace(
    EXAMPLE.split("\n\n")[0], "점원이 가방을 하나씩 달아 무게를 적는 예시예요."
).replace(
    EXAMPLE.split("\n\n")[-1],
    "가방마다 한 번씩 보고, 처음에는 목록이 비어 있어요. 내 프로그램은 어디에서 시작하나요?\n",
)


@pytest.mark.parametrize(("locale", "text"), [("en", EXAMPLE), ("ko", EXAMPLE_KO)])
async def test_an_example_of_another_domain_is_shown_whole(
    asks: Asks, runtime: Runtime, locale: Locale, text: str
) -> None:
    found = await asks(COUNT, text, 4, locale)

    assert (found.hint.state, found.hint.text) == (State.ANSWERED, text.strip())
    pieces = [data["text"] for kind, data in await told(runtime, str(found.hint.pk))
              if kind is EventKind.PIECE]  # fmt: skip
    assert pieces == [text.strip()]
    assert found.runs == 1


def example(code: str) -> str:
    return f"Somebody else had this idea:\n\n```python\n{code}```\n\nWhat of it do you know?"


ADDS = Task("def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n",
            "assert add(1, 2) == 3\nassert add(0, 0) == 0\n")  # fmt: skip
WEIGH = """\
def weigh(apple, pear):
    both = apple
    for _ in range(pear):
        both = both + 1
    if both == 10**9:
        print("heavy")
    return both
"""
SOLVED: dict[str, tuple[Task, str]] = {
    "another function that does it": (ADDS, WEIGH),
    "in a class": (COUNT, "class Sack(int):\n    def __new__(cls, bags):\n"
                   "        return int.__new__(cls, sum(1 for _ in bags))\n"),
    "another program that prints it": (
        STARS, "stars = int(input())\nwhile stars:\n    stars -= 1\n    print('*')\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVED)
async def test_an_example_that_solves_the_exercise_is_shown_to_nobody(
    asks: Asks, name: str
) -> None:
    task, code = SOLVED[name]

    found = await asks(task, example(code), 4)

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.LEAK)
    assert found.verdicts == ["R5", "R5"]
    assert "weigh" not in found.shown


async def test_an_example_shares_no_name_with_the_tests(asks: Asks) -> None:
    task = replace(COUNT, tests="bags = [5, 7]\nassert count(bags) == 2\n")

    found = await asks(task, EXAMPLE.replace("scale", "bags"), 4)

    assert (found.hint.state, found.verdicts, found.runs) == (State.WITHHELD, ["R5", "R5"], 0)


def test_an_example_is_tried_under_the_names_that_the_tests_call() -> None:
    asserts = Asserts("def check(candidate):\n    assert candidate(1) == len([2])\ncheck(f)\n")

    found = alone("def g(x):\n    return x\n", asserts)

    assert found is not None
    assert found[0] == "def g(x):\n    return x\n"
    assert [each.splitlines()[-1] for each in found[1:]] == ["candidate = check = f = g"]
    assert alone("", asserts) == []
    assert alone("a = 1\n", Io((IoCase(stdin="", expected=""),))) == ["a = 1\n"]
    assert alone("def g(): pass\n" * 20, asserts) is None
    assert alone("def g(): pass\n", Asserts("def broken(:")) == ["def g(): pass\n"]


@pytest.mark.parametrize(
    ("text", "earlier", "same"),
    [
        (CLEAN, (CLEAN,), True),
        (CLEAN, ("Something else?", "So, look at the sign. What does it do?"), True),
        (CLEAN, ("Which line gives the result back?", ""), False),
        (CLEAN, (), False),
    ],
)
def test_a_hint_that_was_said_before_is_asked_for_once_more(
    text: str, earlier: tuple[str, ...], same: bool
) -> None:
    other = "Which of the two numbers is smaller?"
    model = ScriptedModel([text], [other])

    found = asyncio.run(written(replace(JOB, judge=None, earlier=earlier), model))

    assert found.outcome
    assert found.outcome.text == (other if same else text)
    assert [call.verdict for call in found.calls] == (["R7", PASSED] if same else [PASSED])
    if same:
        _, messages = model.requests[1]
        assert "Your last answer said what an earlier hint has said." in messages[-1]["content"]
        kinds = [event.kind for event in to_be_sent(found.outgoing)]
        assert kinds == [EventKind.STARTED, EventKind.PIECE, EventKind.RESET, EventKind.PIECE]


def test_a_hint_that_repeats_itself_twice_is_taken_back() -> None:
    said = "부호를 다시 보세요. 무엇을 하는 부호인가요?"
    job = replace(JOB, judge=None, locale="ko", earlier=(said,))

    found = asyncio.run(written(job, ScriptedModel([said], [said])))

    assert found.outcome
    assert (found.outcome.state, found.outcome.reason) == (State.WITHHELD, Reason.OFF_TEMPLATE)
    assert to_be_sent(found.outgoing)[-1].kind is EventKind.RESET


@pytest.mark.parametrize(("level", "told"), [(1, False), (3, False), (4, False), (5, True)])
def test_only_who_may_tell_the_change_is_told_it(level: int, told: bool) -> None:
    async def asked() -> str:
        found = claimed(replace(JOB, level=level, judge=None), ScriptedModel())
        found.fix, found.diagnosis = JOB.reference, "The sign takes away."
        return str(asking(found, "").messages[-1]["content"])

    text = asyncio.run(asked())

    assert "The sign takes away." in text
    assert ("+     return a + b" in text) is told


TWO = replace(COUNT, tests="assert count([5, 7]) == 2\n")
UNTRUE = {
    "a value": (1, "en", "After the first round `n = 9` stands there. What did you expect?"),
    "in words": (1, "en", "In the last round `n` is `7`. What did you expect there?"),
    "a result": (1, "en", "Why do you think that `count([5, 7])` gives `8` here?"),
    "a value, Korean": (1, "ko", "첫 바퀴 뒤에 `n`은 `9`예요. 무엇을 기대했나요?"),
    "a result, Korean": (1, "ko", "`count([5, 7])`의 결과는 `8`이에요. 왜 그렇게 되나요?"),
    "level 3": (3, "en", f"{PLAN}After the first round `n` is `9`."),
}


@pytest.mark.parametrize("name", UNTRUE)
async def test_what_the_program_did_not_do_is_told_nobody(
    asks: Asks, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    level, locale, text = UNTRUE[name]
    monkeypatch.setattr(kit, "checker", lambda: Explaining())

    found = await asks(TWO, text, level, locale)

    assert (found.hint.state, found.hint.reason) == (State.WITHHELD, Reason.OFF_TEMPLATE)
    assert found.verdicts == ["R9", "R9"]
    assert found.hint.source != Source.MODEL


async def test_what_it_did_may_be_told(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "checker", lambda: Explaining())
    text = "After the first round `n` is `2`, and `count([5, 7])` gives `3`. Why is that?"

    found = await asks(TWO, text)

    assert (found.hint.state, found.hint.text) == (State.ANSWERED, text)


class Explaining:
    """Runs a program as a page does, which also finds out what it did."""

    def check(self, *run: Any) -> Report:
        report = checker().check(*run)
        return checker().explain(report, *run)
