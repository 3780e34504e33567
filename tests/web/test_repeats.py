"""Where no model writes, a second hint tells something else than the first one."""

from __future__ import annotations

import pytest

from broker.contract.hint import Source
from tests.web.kit import Caller
from web.courses.models import Course, Exercise
from web.engines.models import Engine
from web.hints import lookup
from web.hints.models import Hint
from web.people.models import User
from web.tutor.gate.whole import repeats

pytestmark = pytest.mark.django_db
LOOPS = "def add(a, b):\n    for i in range(2):\n        a -= b\n    return a\n"
STOPS = (
    "def add(a, b):\n    found = {}\n    for i in range(b):\n        a += found[i]\n    return a\n"
)
NEVER_ENDS = "def add(a, b):\n    while b > 0:\n        a += 1\n    return a\n"


@pytest.fixture(autouse=True)
def no_model(exercise: Exercise) -> None:
    Course.objects.update(ladder=False)
    Engine.objects.all().delete()


def texts(caller: Caller, code: str, level: int, count: int) -> list[str]:
    hints = [caller.ask(code=code, level=level).json() for _ in range(count)]
    assert {hint["source"] for hint in hints} == {Source.EVIDENCE}
    return [hint["text"] for hint in hints]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("code", [LOOPS, STOPS, NEVER_ENDS], ids=["loops", "stops", "never ends"])
def test_the_next_one_differs(student: User, code: str, level: int, language: str) -> None:
    first, second = texts(Caller(student, language=language), code, level, 2)

    assert not repeats(second, [first])


def test_a_higher_level_does_not_repeat_the_lower_one(student: User) -> None:
    caller = Caller(student)
    [first], [second] = texts(caller, LOOPS, 1, 1), texts(caller, LOOPS, 2, 1)

    assert not repeats(second, [first])


def test_where_nothing_else_is_known_it_is_said_again(student: User) -> None:
    """Better than nothing: there are only so many facts of a program."""
    assert len(texts(Caller(student), LOOPS, 1, 5)) == 5


def test_what_others_have_had_is_new_here(
    student: User, course: Course, exercise: Exercise
) -> None:
    other = User.objects.create_user("other")
    course.memberships.create(user=other)
    [first] = texts(Caller(student), LOOPS, 1, 1)
    [second], [third] = texts(Caller(other), LOOPS, 1, 1), texts(Caller(student), LOOPS, 1, 1)

    own = Hint.objects.filter(student=student)
    rows = [own.get(text=text) for text in (first, third)]
    assert second
    assert [lookup.earlier(row) for row in rows] == [(third,), (first,)]
