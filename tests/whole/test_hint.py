"""A hint from the request to its end, over real processes."""

from __future__ import annotations

import pytest

from broker.keys import DOORBELLS
from broker.queue import doorbell
from tests.fakes.behaviour import Behaviour, Then
from tests.fakes.launch import FakeEngine
from tests.whole.conftest import SLOW
from tests.whole.stand import Stand, frames, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
TEXT = "Look at your loop. Where does it end?"


def test_the_words_arrive_and_the_row_says_the_same(stand: Stand) -> None:
    student = stand.student()
    hint = stand.ask(student)

    with student.stream("GET", hint["links"]["events"]) as stream:
        events = list(frames(stream.iter_lines()))

    kinds = [kind for _, kind, _ in events if kind != "position"]
    assert kinds[0] == "started"
    assert kinds[-1] == "done"
    pieces = "".join(data["text"] for _, kind, data in events if kind == "piece")
    final = student.get(hint["links"]["self"]).json()
    assert final["state"] == "answered"
    assert final["text"] == pieces == TEXT
    until(lambda: stand.task_results(hint["id"]) == ["1:SUCCESS"])


def test_a_dropped_connection_resumes_without_a_gap(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    student = stand.student()
    hint = stand.ask(student, level=1)

    seen: list[tuple[str, str]] = []
    last = ""
    for most in (2, 1, 1000):
        headers = {"Last-Event-ID": last} if last else {}
        with student.stream("GET", hint["links"]["events"], headers=headers) as stream:
            for number, (event_id, kind, data) in enumerate(frames(stream.iter_lines()), start=1):
                if kind != "position":
                    seen.append((event_id, data.get("text", "")))
                    last = event_id
                if number >= most or kind == "done":
                    break

    numbers = [int(event_id.rpartition("-")[2]) for event_id, _ in seen]
    assert numbers == list(range(1, len(seen) + 1))
    assert "".join(text for _, text in seen) == stand.final(hint["id"])["text"]


def test_a_message_delivered_twice_changes_nothing(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    started = engine.stats()["started"]
    hint = stand.ask(stand.student())
    message = doorbell()
    for blank, value in {"hint": hint["id"], "attempt": 1, "engine": "gpu0", "sent_s": 1}.items():
        message = message.replace(f"<{blank}>", str(value))
    until(lambda: engine.stats()["active"])

    stand.broker.client.lpush(DOORBELLS("gpu0"), message, message)
    before = stand.final(hint["id"])
    stand.broker.client.lpush(DOORBELLS("gpu0"), message)
    later = stand.ask(stand.student())
    stand.final(later["id"])

    # Results are written many at a time: what ends later is there later.
    until(lambda: stand.task_results(later["id"]))
    assert stand.hint(hint["id"]) == before
    assert stand.task_results(hint["id"]) == ["1:SUCCESS"]
    assert engine.stats()["started"] == started + 2


def test_cancel_while_streaming_frees_the_engine(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW)
    student = stand.student()
    hint = stand.ask(student)
    until(lambda: engine.stats()["active"])

    answer = student.post(hint["links"]["cancel"])

    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelled"
    until(lambda: engine.stats()["active"] == 0)
    until(stand.clean)
    assert stand.hint(hint["id"])["text"] == ""
    assert stand.task_results(hint["id"]) == []


def test_cancel_while_queued_never_reaches_the_engine(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW, SLOW)
    running = [stand.ask(stand.student()) for _ in range(2)]
    student = stand.student()
    waiting = stand.ask(student)
    until(lambda: engine.stats()["active"] == 2)
    started = engine.stats()["started"]
    assert waiting["position"] == 1

    student.post(waiting["links"]["cancel"])

    for hint in running:
        stand.final(hint["id"])
    assert stand.hint(waiting["id"])["state"] == "cancelled"
    assert engine.stats()["started"] == started


def test_a_waiting_hint_is_served_when_a_slot_is_free(stand: Stand, engine: FakeEngine) -> None:
    engine.script(SLOW, SLOW)
    for _ in range(2):
        stand.ask(stand.student())
    student = stand.student()
    hint = stand.ask(student)

    with student.stream("GET", hint["links"]["events"]) as stream:
        events = list(frames(stream.iter_lines()))

    places = [data["position"] for _, kind, data in events if kind == "position"]
    assert places[0] == 1
    assert stand.hint(hint["id"])["state"] == "answered"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), "off_template"),
        (("```python\n", "return -(-cups // per_day)\n", "```"), "leak"),
        (("\x00\ufffd<|im_start|>", "zzz " * 50), "off_template"),
    ],
    ids=["nothing", "only code", "garbage"],
)
def test_a_useless_model_ends_in_a_hint_of_evidence(
    stand: Stand, engine: FakeEngine, pieces: tuple[str, ...], reason: str
) -> None:
    engine.script(Behaviour(pieces=pieces), Behaviour(pieces=pieces))

    final = stand.final(stand.ask(stand.student())["id"])

    assert (final["state"], final["reason"], final["source"]) == ("withheld", reason, "evidence")
    assert final["text"].endswith("?")
    assert final["notice"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(status=503), "model_unavailable"),
        (Behaviour(status=401), "model_refused"),
        (Behaviour(pieces=("Look at",), then=Then.CUT), "truncated"),
        (Behaviour(pieces=("Look at",), then=Then.EOF), "truncated"),
        (Behaviour(pieces=("Look at",), then=Then.ERROR_FRAME), "truncated"),
        (Behaviour(pieces=("Look at",), then=Then.HANG), "model_timeout"),
        (Behaviour(pieces=(), then=Then.COMMENTS), "model_timeout"),
    ],
    ids=["503", "401", "cut", "eof", "error frame", "hang", "comments only"],
)
def test_the_only_engine_fails_and_the_hint_still_ends(
    stand: Stand, engine: FakeEngine, behaviour: Behaviour, reason: str
) -> None:
    engine.script(behaviour)

    final = stand.final(stand.ask(stand.student())["id"])

    assert (final["state"], final["reason"], final["source"]) == ("failed", reason, "evidence")
    assert "Look at" not in final["text"]


def test_switching_the_mode_serves_the_next_hint_without_a_restart(stand: Stand) -> None:
    with FakeEngine() as other:
        stand.shell(
            "from web.engines.models import *\n"
            "Engine.objects.create(name='other', kind='api', url=sys.argv[1], model_name='fake')\n"
            "c = AIModelConfig.current(); c.mode = 'api'; c.save()",
            other.url,
        )
        try:
            until(lambda: stand.live() == {"other"})
            final = stand.final(stand.ask(stand.student())["id"])
            assert other.stats()["finished"] == 1
        finally:
            stand.shell(
                "from web.engines.models import *\n"
                "Engine.objects.filter(name='other').delete()\n"
                "c = AIModelConfig.current(); c.mode = 'vllm'; c.save()"
            )
            until(lambda: stand.live() == {"gpu0"})
    assert final["state"] == "answered"


def test_a_mode_without_engines_ends_hints_at_once(stand: Stand) -> None:
    mode = (
        "from web.engines.models import *\n"
        "c = AIModelConfig.current(); c.mode = sys.argv[1]; c.save()"
    )
    stand.shell(mode, "api")
    try:
        until(lambda: not stand.live())
        final = stand.final(stand.ask(stand.student())["id"])
    finally:
        stand.shell(mode, "vllm")
        until(lambda: stand.live() == {"gpu0"})

    assert (final["state"], final["reason"]) == ("failed", "model_unavailable")
    assert final["source"] == "evidence"
