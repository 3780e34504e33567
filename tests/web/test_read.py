"""Reading a hint: what each state shows, ETags, the list; cancel, rate, run the tests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from broker import dispatch, streams
from broker.connect import Broker
from broker.contract.attempt import Ended
from broker.contract.events import EventKind
from broker.contract.hint import Outcome, Reason, Source, State
from broker.streams import Append
from tests.broker.helpers import scripts_run
from tests.web.kit import (
    EXERCISE,
    RIGHT,
    WRONG,
    Caller,
    live,
    messages,
    problem,
    queued,
    slots_taken,
    waiting,
)
from web import link
from web.courses.models import Exercise
from web.engines.models import Engine
from web.hints import store
from web.hints.models import Hint, Submission
from web.link import broker
from web.people import access
from web.people.models import User

pytestmark = pytest.mark.django_db
ANSWER = Outcome(state=State.ANSWERED, text="Is **a** right?", source=Source.MODEL)


def write(
    hint: str, owner: User, first_seq: int, *events: tuple[EventKind, dict[str, str]]
) -> None:
    """As the worker of attempt 1 does."""
    texts = [(kind, json.dumps(data)) for kind, data in events]
    call = streams.append(hint, 1, first_seq, texts, str(owner.pk))
    assert broker().run(call) is Append.OK


@pytest.fixture
def running(api: Caller, student: User, engine: Engine) -> str:
    """A hint of which a worker has written the first words."""
    live()
    hint: str = api.ask().json()["id"]
    claim_and_write(hint, student)
    return hint


def claim_and_write(hint: str, owner: User) -> None:
    claim = broker().run(dispatch.claim(hint, "gpu0", "w"))
    assert claim
    assert (claim.attempt, claim.affinity) == (1, "home")
    assert store.claim(hint, 1, "gpu0")
    write(
        hint,
        owner,
        1,
        (EventKind.STARTED, {"engine": "gpu0"}),
        (EventKind.PIECE, {"text": "Look "}),
    )


def finish(hint: str) -> None:
    assert store.finish(hint, 1, ANSWER, Ended())


def test_a_waiting_hint_shows_its_place(api: Caller, course: Any, exercise: Exercise) -> None:
    other = User.objects.create_user("first")
    course.memberships.create(user=other)
    Caller(other).ask()

    answer = api.get(api.ask()["Location"])

    assert (answer.status_code, answer.json()["position"]) == (200, 2)
    assert int(answer["Retry-After"]) >= 1


def test_a_running_hint_shows_the_words_so_far(api: Caller, running: str, student: User) -> None:
    write(
        running,
        student,
        3,
        (EventKind.RESET, {"reason": "leak"}),
        (EventKind.PIECE, {"text": "See *b*"}),
    )

    hint = api.get(f"/v1/hints/{running}").json()

    assert (hint["state"], hint["attempt"], hint["text"]) == ("running", 1, "See *b*")
    assert hint["html"] == "<p>See <em>b</em></p>\n"


def test_a_final_hint_shows_everything(api: Caller, running: str) -> None:
    finish(running)

    answer = api.get(f"/v1/hints/{running}")

    hint = answer.json()
    assert (hint["state"], hint["source"], hint["reason"]) == ("answered", "model", None)
    assert (hint["text"], hint["notice"]) == ("Is **a** right?", "")
    assert "<strong>a</strong>" in hint["html"]
    assert (hint["code"], hint["position"]) == (WRONG, None)
    assert hint["finished_at"]
    assert "Retry-After" not in answer


@pytest.mark.parametrize(("language", "word"), [("ko", "AI 없이"), ("en", "without it")])
def test_the_notice_is_in_the_readers_language(
    api: Caller, running: str, language: str, word: str
) -> None:
    store.finish(running, 1, Outcome(state=State.WITHHELD, reason=Reason.LEAK), Ended())
    api.headers["Accept-Language"] = language

    hint = api.get(f"/v1/hints/{running}").json()

    assert hint["reason"] == "leak"
    assert word in hint["notice"]


def test_an_unchanged_hint_in_flight_is_304_without_its_row(api: Caller, running: str) -> None:
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    assert tag.startswith('W/"running-1-2')

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = api.get(f"/v1/hints/{running}", tag)

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert answer["Retry-After"]
    assert len(queries) == 2, "the session and its user"
    assert "hints_hint" not in str(queries.captured_queries)


@pytest.mark.parametrize("tag", ["", "stale", "current", 'W/"running-1-1-0"', "x" * 5000, "*"])
@pytest.mark.parametrize("state", ["waiting", "granted", "running"])
def test_a_poll_asks_redis_once(
    api: Caller, student: User, engine: Engine, state: str, tag: str
) -> None:
    if state != "waiting":
        live()
    hint = api.ask()["Location"].rpartition("/")[2]
    if state == "running":
        claim_and_write(hint, student)
    headers = {"stale": 'W/"queued-0-0-7"', "current": api.get(f"/v1/hints/{hint}")["ETag"]}
    before = scripts_run(broker())

    answer = api.get(f"/v1/hints/{hint}", headers.get(tag, tag))

    assert answer.status_code == (304 if tag == "current" else 200)
    assert scripts_run(broker()) - before == 1


def test_a_waiting_hint_that_has_not_moved_is_304_without_its_row(
    api: Caller, teacher: Caller
) -> None:
    hint = api.ask()["Location"]
    tag = api.get(hint)["ETag"]

    with CaptureQueriesContext(connection) as queries:
        answers = [api.get(hint, tag), teacher.get(hint, tag)]

    assert [answer.status_code for answer in answers] == [304, 304]
    found = [each["sql"] for each in queries.captured_queries if "hints_hint" in each["sql"]]
    assert len(found) == 1, "of the teacher, whose hint it is not"


def test_a_final_hint_that_has_not_moved_is_asked_of_its_row_alone(
    api: Caller, running: str
) -> None:
    finish(running)
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    before = scripts_run(broker())

    assert api.get(f"/v1/hints/{running}", tag).status_code == 304
    assert scripts_run(broker()) == before


def test_a_tag_is_never_newer_than_what_it_comes_with(
    api: Caller, student: User, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live()
    hint = api.ask().json()["id"]
    find = access.hint

    def claimed_meanwhile(user: User, hint_id: UUID) -> Hint | None:
        monkeypatch.undo()
        found = find(user, hint_id)
        claim_and_write(hint, student)
        return found

    monkeypatch.setattr(access, "hint", claimed_meanwhile)
    early = api.get(f"/v1/hints/{hint}")

    late = api.get(f"/v1/hints/{hint}", early["ETag"])
    assert (late.status_code, late.json()["text"]) == (200, "Look ")


def test_new_words_are_a_new_tag(api: Caller, running: str, student: User) -> None:
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    write(running, student, 3, (EventKind.PIECE, {"text": "again."}))

    answer = api.get(f"/v1/hints/{running}", tag)

    assert (answer.status_code, answer.json()["text"]) == (200, "Look again.")
    assert answer["ETag"] != tag


def test_a_place_in_the_line_is_part_of_the_tag(api: Caller, course: Any) -> None:
    other = User.objects.create_user("first")
    course.memberships.create(user=other)
    first = Caller(other).ask().json()
    mine = api.ask()["Location"]
    tag = api.get(mine)["ETag"]
    assert api.get(mine, tag).status_code == 304

    Caller(other).post(first["links"]["cancel"])

    assert api.get(mine, tag).json()["position"] == 1


def test_the_end_is_a_new_tag(api: Caller, running: str, student: User) -> None:
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    finish(running)
    write(running, student, 3, (EventKind.DONE, {"state": "answered"}))

    final = api.get(f"/v1/hints/{running}", tag)

    assert (final.status_code, final.json()["state"]) == (200, "answered")
    assert api.get(f"/v1/hints/{running}", final["ETag"]).status_code == 304


def test_an_end_that_no_event_told_is_seen_once_the_slot_is_free(api: Caller, running: str) -> None:
    """The broker was down for a moment: the row is final, its stream is open."""
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    finish(running)
    broker().run(dispatch.settle(running, "gpu0", 1, None))

    assert api.get(f"/v1/hints/{running}", tag).json()["state"] == "answered"


@pytest.mark.parametrize(("change", "status"), [("rating", 200), ("language", 200), ("", 304)])
def test_a_final_tag_changes_with_what_can_change(
    api: Caller, running: str, change: str, status: int
) -> None:
    finish(running)
    tag = api.get(f"/v1/hints/{running}")["ETag"]
    if change == "rating":
        api.put(f"/v1/hints/{running}/feedback", {"helpful": True})
    if change == "language":
        api.headers["Accept-Language"] = "ko"

    assert api.get(f"/v1/hints/{running}", tag).status_code == status


def test_a_stranger_who_knows_the_tag_learns_nothing(
    api: Caller, stranger: Caller, running: str
) -> None:
    tag = api.get(f"/v1/hints/{running}")["ETag"]

    problem(stranger.get(f"/v1/hints/{running}", tag), 404, "not-found")


def test_a_teacher_may_read_but_not_act(api: Caller, teacher: Caller, running: str) -> None:
    assert teacher.get(f"/v1/hints/{running}").json()["state"] == "running"

    problem(teacher.post(f"/v1/hints/{running}/cancel"), 403, "forbidden")
    problem(teacher.put(f"/v1/hints/{running}/feedback", {"helpful": True}), 403, "forbidden")

    assert Hint.objects.get().state == State.RUNNING


def test_the_list_holds_ones_own_hints_newest_first(
    api: Caller, student: User, exercise: Exercise
) -> None:
    rows = []
    for _ in range(3):
        rows.append(queued(student, exercise))
        store.cancel(str(rows[-1].pk))
    for days, row in enumerate(rows):
        Hint.objects.filter(pk=row.pk).update(created_at=row.created_at - timedelta(days=days))
    other = User.objects.create_user("other")
    queued(other, exercise)

    items = api.get(f"/v1/hints?exercise={EXERCISE}").json()["items"]

    assert [item["id"] for item in items] == [str(row.pk) for row in rows]


def test_the_list_costs_the_same_for_many_hints(
    api: Caller, student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        store.cancel(str(queued(student, exercise).pk))

    # Session, person, exercise, hints.
    with django_assert_num_queries(4):
        api.get(f"/v1/hints?exercise={EXERCISE}")


def test_cancel_while_queued_frees_the_slot(api: Caller, course: Any) -> None:
    live(slots=1)
    first = api.ask().json()
    other = User.objects.create_user("next")
    course.memberships.create(user=other)
    second = Caller(other).ask().json()
    assert (slots_taken(), waiting(), messages()) == (1, 1, 1)

    answer = api.post(first["links"]["cancel"])

    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert broker().run(dispatch.known([first["id"], second["id"]])) == {second["id"]}
    assert (slots_taken(), waiting(), messages()) == (1, 0, 2)
    tip = broker().run(streams.tip(first["id"]))
    assert tip is not None
    assert (tip.status, tip.closed) == ("cancelled", True)


def test_cancel_in_the_line_leaves_the_line(api: Caller) -> None:
    answer = api.post(api.ask().json()["links"]["cancel"])

    assert answer.json()["state"] == "cancelled"
    assert (slots_taken(), waiting()) == (0, 0)


def test_cancel_while_running_tells_the_worker(api: Caller, running: str, student: User) -> None:
    hint = api.post(f"/v1/hints/{running}/cancel").json()

    assert (hint["state"], hint["text"]) == ("cancelled", "")
    assert hint["notice"] == "You took this request back."
    assert broker().run(streams.closed([(running, 1)])) == {running}
    assert broker().run(dispatch.known([running])) == {running}, "its worker settles it"
    events = broker().run(streams.after(running))
    assert [str(event.kind) for event in events] == ["started", "piece", "done"]


@pytest.mark.parametrize("state", ["waiting", "granted", "running", "cancelled"])
def test_a_cancel_asks_redis_once(api: Caller, student: User, engine: Engine, state: str) -> None:
    if state != "waiting":
        live()
    links = api.ask().json()["links"]
    if state == "running":
        claim_and_write(links["self"].rpartition("/")[2], student)
    if state == "cancelled":
        api.post(links["cancel"])
    before = scripts_run(broker())

    assert api.post(links["cancel"]).json()["state"] == "cancelled"

    assert scripts_run(broker()) - before == 1


def test_cancel_twice_is_cancel_once(api: Caller) -> None:
    links = api.ask().json()["links"]
    first = api.post(links["cancel"]).json()

    assert api.post(links["cancel"]).json() == first
    assert Hint.objects.count() == 1


def test_cancel_with_redis_down_is_made_good_by_the_next(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    live()
    links = api.ask().json()["links"]
    with monkeypatch.context() as patch:
        patch.setattr(link, "broker", lambda: Broker("unix:///nowhere/valkey.sock"))
        assert api.post(links["cancel"]).json()["state"] == "cancelled"
    assert slots_taken() == 1

    api.post(links["cancel"])

    assert slots_taken() == 0


def test_cancel_after_the_end_changes_nothing(api: Caller, running: str) -> None:
    finish(running)

    answer = api.post(f"/v1/hints/{running}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (202, "answered")


def test_a_hint_can_be_rated_and_rated_again(api: Caller, running: str) -> None:
    finish(running)
    path = f"/v1/hints/{running}/feedback"

    api.put(path, {"helpful": True, "comment": "좋아요"})
    answer = api.put(path, {"helpful": False})

    assert answer.json()["feedback"] == {"helpful": False, "comment": ""}
    assert api.get(f"/v1/hints/{running}").json()["feedback"]["helpful"] is False


def test_a_hint_in_flight_cannot_be_rated(api: Caller, running: str) -> None:
    problem(api.put(f"/v1/hints/{running}/feedback", {"helpful": True}), 409, "not-final")

    assert Hint.objects.get().helpful is None


@pytest.mark.parametrize(
    "body", [{}, {"helpful": 7}, {"helpful": True, "comment": "\0"}, {"comment": "x" * 2001}]
)
def test_a_bad_rating_is_refused(api: Caller, running: str, body: dict[str, Any]) -> None:
    finish(running)

    problem(api.put(f"/v1/hints/{running}/feedback", body), 422, "invalid")


def test_checks_run_the_tests_and_ask_for_nothing(api: Caller) -> None:
    wrong = api.post("/v1/checks", {"exercise": EXERCISE, "code": WRONG})
    right = api.post("/v1/checks", {"exercise": EXERCISE, "code": RIGHT})

    assert wrong.json()["report"]["verdict"] == "failed"
    assert "add(1, 2)" in wrong.json()["words"]
    assert (right.status_code, right.json()["report"]["verdict"]) == (200, "passed")
    assert not Hint.objects.exists()


def test_an_old_row_with_a_huge_report_makes_a_small_answer(api: Caller) -> None:
    live()
    hint = api.ask().json()["id"]
    row = Submission.objects.get()
    row.report["first"] |= {"got": "x" * 10**6, "call": [["y" * 10**5] * 9] * 9}
    Submission.objects.update(report=row.report | {"output": "\\" * 10**6})

    one = api.get(f"/v1/hints/{hint}")
    all_of_them = api.get(f"/v1/hints?exercise={EXERCISE}")

    assert one.status_code == all_of_them.status_code == 200
    assert max(len(one.content), len(all_of_them.content)) < 16 * 1024


@pytest.mark.parametrize("helpful", [0, 1, "yes", "true", 1.0, [], {}])
def test_a_verdict_is_a_truth_or_nothing(api: Caller, helpful: object) -> None:
    live()
    hint = api.ask().json()["id"]
    store.cancel(hint)

    answer = api.put(f"/v1/hints/{hint}/feedback", {"helpful": helpful})

    assert [each["where"] for each in problem(answer, 422, "invalid")["errors"]] == ["helpful"]
    assert Hint.objects.get().helpful is None


def test_the_words_of_a_report_know_the_students_code(api: Caller, engine: Engine) -> None:
    code = "def plus(a, b):\n    return a + b\n"

    checked = api.post("/v1/checks", {"exercise": EXERCISE, "code": code}).json()
    asked = api.ask(code=code).json()

    assert "`plus`" in checked["words"]
    assert "`plus`" in asked["l0"]["words"]
