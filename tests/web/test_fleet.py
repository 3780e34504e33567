"""Changing the fleet: what is refused, that nothing is half done, and what is recorded."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from broker import fleet as slots
from broker import nodes
from broker.embedded import Embedded
from broker.nodes import NodeState
from web.engines.models import AIModelConfig, Engine, Mode
from web.fleet import changes
from web.fleet.changes import Counts
from web.link import broker
from web.people.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def engines(line: None, boss: User) -> None:
    """gpu0, gpu1 and gpu2, and a node for each of the first two."""
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM)
    for name in ("gpu0", "gpu1", "gpu2"):
        Engine.objects.create(name=name, kind=Mode.VLLM, workers=1, worker_slots=8)
    for number in (0, 1):
        serve(f"node{number}", f"gpu{number}")


def serve(node: str, *engines: str) -> None:
    broker().run(nodes.beat(node, f"token of {node}", NodeState(frozenset(engines) or None)))


def counts() -> dict[str, tuple[int, int]]:
    rows = Engine.objects.values_list("name", "workers", "worker_slots")
    return {name: (workers, slots) for name, workers, slots in rows}


def history() -> list[tuple[str, str, str]]:
    return [
        (entry.user.username, entry.object_repr, entry.change_message)
        for entry in LogEntry.objects.order_by("pk")
    ]


SAME = {"gpu0": (1, 8), "gpu1": (1, 8), "gpu2": (1, 8)}


def test_counts_are_set_and_recorded(engines: None, boss: User) -> None:
    asked = {"gpu0": Counts("3", "64"), "gpu1": Counts("0")}

    assert changes.scale(boss, asked, via="here") == []

    assert counts() == {"gpu0": (3, 64), "gpu1": (0, 8), "gpu2": (1, 8)}
    assert history() == [
        ("boss", "gpu0", "workers: 1 → 3; slots of a worker: 8 → 64 (here)"),
        ("boss", "gpu1", "workers: 1 → 0 (here)"),
    ]


def test_what_is_so_already_is_not_recorded(engines: None, boss: User) -> None:
    assert changes.scale(boss, {"gpu0": Counts("1", "8")}) == []
    assert changes.resume(boss, ["gpu0"]) == []

    assert history() == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"gpu1": Counts("-1")}, "gpu1: “-1” is no number of workers: use 0 to 64."),
        ({"gpu1": Counts("65")}, "gpu1: “65” is no number of workers: use 0 to 64."),
        ({"gpu1": Counts("1.5")}, "gpu1: “1.5” is no number of workers: use 0 to 64."),
        ({"gpu1": Counts("٣")}, "gpu1: “٣” is no number of workers: use 0 to 64."),
        ({"gpu1": Counts("0" * 9 + "65")}, "gpu1: “00000000065” is no number of workers"),
        ({"gpu1": Counts("0" * 5000)}, f"gpu1: “{'0' * 20}” is no number of workers"),
        ({"gpu1": Counts("9" * 5000)}, f"gpu1: “{'9' * 20}” is no number of workers"),
        ({"gpu1": Counts("1", "0")}, "gpu1: “0” is no number of slots of a worker: use 1 to 1024."),
        ({"gpu1": Counts("", "1025")}, "gpu1: “1025” is no number of slots of a worker"),
        ({"gpu9": Counts("1")}, "gpu9: there is no such engine. There are: gpu0, gpu1, gpu2."),
        (
            {"gpu2": Counts("1")},
            "gpu2: no live node serves it. Live nodes: node0 (gpu0), node1 (gpu1).",
        ),
    ],
)
def test_one_bad_part_changes_nothing(
    engines: None, boss: User, wrong: dict[str, Counts], problem: str
) -> None:
    problems = changes.scale(boss, {"gpu0": Counts("3"), **wrong})

    assert [text.startswith(problem) for text in problems] == [True]
    assert (counts(), history()) == (SAME, [])


def test_every_problem_is_told_at_once(engines: None, boss: User) -> None:
    asked = {"gpu0": Counts("-1", "0"), "gpu8": Counts("1"), "gpu9": Counts("1")}

    problems = changes.scale(boss, asked)

    assert [text.partition(":")[0] for text in problems] == ["gpu8", "gpu9", "gpu0", "gpu0"]


def test_an_engine_that_nobody_serves_can_be_set_to_none(engines: None, boss: User) -> None:
    assert changes.scale(boss, {"gpu2": Counts("0")}) == []

    assert counts()["gpu2"] == (0, 8)


def test_without_any_node_that_is_said(engines: None, boss: User) -> None:
    broker().client.flushall()

    problems = changes.scale(boss, {"gpu0": Counts("2")})

    assert problems == ["gpu0: no live node serves it. Live nodes: none."]


def test_a_node_for_every_engine_serves_all(engines: None, boss: User) -> None:
    serve("big")

    assert changes.scale(boss, {"gpu2": Counts("2")}) == []


@pytest.mark.django_db(transaction=True)
def test_a_drain_stops_grants_at_once_and_is_recorded(engines: None, boss: User) -> None:
    assert changes.drain(boss, ["gpu0", "gpu1"]) == []
    assert given() == {"gpu2"}
    assert changes.resume(boss, ["gpu1"]) == []
    assert given() == {"gpu1", "gpu2"}

    assert Engine.objects.get(name="gpu0").draining
    assert [text for _, _, text in history()] == ["draining: no → yes"] * 2 + ["draining: yes → no"]


def given() -> set[str]:
    """The engines that get hints."""
    return {name for name, load in broker().run(slots.snapshot()).items() if load.max_slots}


def test_an_unknown_engine_drains_nothing(engines: None, boss: User) -> None:
    problems = changes.drain(boss, ["gpu0", "gpu9"])

    assert problems == ["gpu9: there is no such engine. There are: gpu0, gpu1, gpu2."]
    assert not Engine.objects.filter(draining=True).exists()
    assert history() == []


def test_the_last_engine_can_drain_with_a_warning(engines: None, boss: User) -> None:
    assert changes.idle_mode() == ""

    changes.drain(boss, ["gpu0", "gpu1", "gpu2"])

    assert changes.idle_mode() == "No engine takes hints now: hints come from their authors."


def test_nobody_signs_in_as_the_command_line(engines: None) -> None:
    user = changes.command_line()

    assert changes.command_line() == user
    assert not user.is_active
    assert not user.is_staff
    assert not user.has_usable_password()


def test_counts_can_be_set_while_redis_is_down(
    engines: None, boss: User, home_valkey: Embedded
) -> None:
    home_valkey.stop()
    try:
        assert changes.scale(boss, {"gpu2": Counts("4")}) == []
        assert changes.scale(boss, {"gpu2": Counts("-4")}) != []
    finally:
        home_valkey.start()

    assert counts()["gpu2"] == (4, 8)
