"""The pages of hints for operations: the list, its filters, one hint, acts on all that match."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from statistics import median
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from broker.contract.attempt import Ended
from broker.contract.hint import Outcome, Reason, Source, State
from tests.web.kit import call, live, queued, waiting
from web.courses.models import Course, Exercise
from web.engines.models import Engine
from web.hints import attempts, backlog, store
from web.hints.models import Attempt, Hint, ModelCall, Submission
from web.ops.hints import bulk
from web.ops.hints.models import BulkAction, SavedFilter
from web.ops.hints.walk import Walk
from web.ops.lists import bounded, walk
from web.ops.lists.walk import look
from web.people.models import User

pytestmark = pytest.mark.django_db
LIST = "/ops/hints/"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRET = "the secret words"
DONE = Outcome(state=State.ANSWERED, text=SECRET, source=Source.MODEL)


def ended(student: User, exercise: Exercise, **columns: Any) -> Hint:
    """A hint that a model has written on gpu0, but for these columns."""
    hint = queued(student, exercise)
    assert store.claim(str(hint.pk), 1, "gpu0")
    assert store.finish(str(hint.pk), 1, DONE, Ended())
    Hint.objects.filter(pk=hint.pk).update(**columns)
    hint.refresh_from_db()
    return hint


def many(student: User, exercise: Exercise, count: int, **columns: Any) -> list[Hint]:
    """Rows alone, a second between two of them, the last one at noon."""
    program = Submission.objects.create(
        student=student, exercise=exercise, code="x = 1", fingerprint="f", report={}
    )
    made = [
        Hint(
            student=student, exercise=exercise, submission=program, level=1, prefix="p",
            **{"state": State.FAILED, "created_at": NOON - timedelta(seconds=n), "locale": "en"}
            | {"finished_at": NOON} | columns,
        )
        for n in range(count)
    ]  # fmt: skip
    return Hint.objects.bulk_create(made)


@pytest.fixture
def viewer(line: None, db: None) -> Client:
    """Sees the operations, and may do nothing there."""
    user = User.objects.create_user("viewer", duty=User.Duty.VIEWER)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def shown(client: Client, query: str = "", **given: Any) -> list[str]:
    """The ids of the hints on a page, from its first row on."""
    html = client.get(f"{LIST}?{query}", given).content.decode()
    return re.findall(r'<td class="when"><a href="/ops/hints/([0-9a-f-]{36})/', html)


def link(client: Client, query: str, rel: str) -> str:
    """The query behind a page's link to another page; empty if it has none."""
    html = client.get(f"{LIST}?{query}").content.decode()
    found = re.search(rf'rel="{rel}" href="\?([^"]*)"', html)
    return found[1].replace("&amp;", "&") if found else ""


def ids(hints: list[Hint]) -> list[str]:
    return [str(hint.pk) for hint in hints]


def test_nobody_signs_in_first_and_a_student_stays_outside(line: None, student: User) -> None:
    client = Client()
    assert client.get(LIST)["Location"].startswith("/accounts/login/")

    client.force_login(student)
    assert client.get(LIST).status_code == 403


def test_pages_go_back_and_forth_though_all_were_asked_at_one_moment(
    viewer: Client, student: User, exercise: Exercise
) -> None:
    many(student, exercise, 120, created_at=NOON)
    own = [str(pk) for pk in Hint.objects.order_by("-pk").values_list("pk", flat=True)]

    first = shown(viewer)
    second = shown(viewer, older := link(viewer, "", "next"))
    third = shown(viewer, oldest := link(viewer, older, "next"))

    assert [first, second, third] == [own[:50], own[50:100], own[100:]]
    assert link(viewer, oldest, "next") == ""
    assert shown(viewer, back := link(viewer, oldest, "prev")) == second
    assert shown(viewer, start := link(viewer, back, "prev")) == first
    assert link(viewer, start, "prev") == ""


def test_times_that_the_database_gave_are_paged_alike(
    viewer: Client,
    student: User,
    exercise: Exercise,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQLite writes them with three digits, and Python's with six."""
    monkeypatch.setattr("web.ops.hints.page.PAGE", 1)
    found = [str(ended(student, exercise).pk) for _ in range(3)][::-1]

    query, seen = "", []
    for _ in found:
        seen += shown(viewer, query)
        query = link(viewer, query, "next")
    assert (seen, query) == (found, "")


@pytest.fixture
def varied(student: User, exercise: Exercise, course: Course) -> dict[str, str]:
    """Hints by the filter that finds each of them alone."""
    other = Exercise.objects.create(course=course, slug="loop", tests="assert True")
    else_ = Course.objects.create(slug="other", title_ko="x", title_en="x")
    far = Exercise.objects.create(course=else_, slug="far", tests="assert True")
    friend = User.objects.create_user("yuna")
    rows = {
        "state": ended(student, exercise, state=State.WITHHELD, source=Source.EVIDENCE),
        "source": ended(student, exercise, source=Source.AUTHORED),
        "reason": ended(student, exercise, reason=Reason.QUOTA),
        "engine": ended(student, exercise, engine="gpu9"),
        "level": ended(student, exercise, level=4),
        "locale": ended(student, exercise, locale="en"),
        "course": ended(student, far),
        "exercise": ended(student, other),
        "student": ended(friend, exercise),
        "model": ended(student, exercise),
        "verdict": ended(student, exercise),
        "slower": ended(student, exercise),
        "since": ended(student, exercise, created_at=NOON + timedelta(days=365)),
        "until": ended(student, exercise, created_at=NOON - timedelta(days=365)),
        "q": ended(student, exercise),
    }
    attempts.keep(str(rows["model"].pk), 1, [call("x", model="tried-once")])
    attempts.keep(str(rows["verdict"].pk), 1, [call("x", "R2")])
    late = rows["slower"]
    Hint.objects.filter(pk=late.pk).update(first_piece_at=late.created_at + timedelta(seconds=9))
    Attempt.objects.filter(hint=rows["q"]).update(error="CUDA error: out of memory")
    return {name: str(row.pk) for name, row in rows.items()}


FILTERS = {
    "state": "withheld", "source": "authored", "reason": "quota", "engine": "gpu9", "level": "4",
    "locale": "en", "course": "other", "exercise": "loop", "student": "yu", "model": "tried-once",
    "verdict": "R2", "slower": "8.5", "since": "2027-01-01T00:00", "until": "2026-01-01T00:00",
    "q": "cuda",
}  # fmt: skip


def test_each_filter_finds_its_hints_and_can_be_taken_away(
    viewer: Client, engine: Engine, varied: dict[str, str]
) -> None:
    assert set(FILTERS) == set(varied)
    for name, value in FILTERS.items():
        html = viewer.get(LIST, {name: value}).content.decode()

        assert shown(viewer, **{name: value}) == [varied[name]], name
        assert ">1 hint<" in html
        assert re.search(r'<li class="chip"><span>.*<a href="\?" aria-label="Remove', html), name


def test_filters_come_together(viewer: Client, engine: Engine, varied: dict[str, str]) -> None:
    assert shown(viewer, course="basics", exercise="loop", student="min") == [varied["exercise"]]
    assert shown(viewer, course="other", exercise="loop") == []
    assert shown(viewer, model="tried-once", verdict="R2") == []


def test_a_search_knows_ids_and_usernames(
    viewer: Client, engine: Engine, varied: dict[str, str]
) -> None:
    assert shown(viewer, q=varied["level"]) == [varied["level"]]
    assert shown(viewer, q="yuna") == [varied["student"]]
    assert shown(viewer, q="yun") == []
    assert shown(viewer, q=str(uuid4())) == []


BAD = (
    "state=gone", "level=x", "slower=-1", "slower=nan", "since=yesterday", "course=a b",
    "engine=" + "x" * 51, "older=x", "newer=99999999999999999999_0", "source=%00", "student=%00",
    "older=2026-99-99 10:00:00_" + "0" * 32, "older=2026-11-01 10:00:00-23:59_" + "0" * 32,
    "q=" + "x" * 101, "locale=%ED%A0%80",
)  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_a_bad_address_is_told_in_a_sentence(
    viewer: Client, student: User, exercise: Exercise, query: str
) -> None:
    answer = viewer.get(f"{LIST}?{query}")

    if answer.status_code != 200:
        # No page takes a character that no database stores.
        assert (answer.status_code, "%00" in query) == (400, True)
        return
    assert 'role="alert"' in answer.content.decode()


def test_what_has_been_looked_for_too_long_is_told_with_the_rows_so_far(
    viewer: Client, student: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = many(student, exercise, 100)
    monkeypatch.setattr(walk, "FIRST_PART", 10)
    rows = Hint.objects.filter(pk__in=[hints[3].pk, hints[15].pk, hints[90].pk])
    monkeypatch.setattr(walk, "within", Impatient(walk.within, [0, 4]))

    found = look(Walk(), rows, 50)

    assert ([hint.pk for hint in found.rows], found.stopped) == ([hints[3].pk], True)
    assert found.end
    rest = look(Walk(found.end), rows, 50, 9)
    assert [hint.pk for hint in rest.rows] == [hints[15].pk, hints[90].pk]


def test_the_page_says_how_far_it_has_looked_and_goes_on_from_there(
    viewer: Client, student: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = many(student, exercise, 30)
    Hint.objects.filter(pk=hints[25].pk).update(level=3)
    viewer.get(LIST)
    monkeypatch.setattr(walk, "FIRST_PART", 10)
    monkeypatch.setattr(walk, "within", Impatient(walk.within, [0, 4]))

    html = viewer.get(LIST, {"level": "3"}).content.decode()

    assert "narrow it down" in html
    assert "back to 2026-11-01 20:59:51" in html or "back to 2026-11-01 11:59:51" in html
    (query,) = re.findall(r'rel="next" href="\?([^"]*)">Look further back', html)
    assert shown(viewer, query.replace("&amp;", "&")) == [str(hints[25].pk)]


class Impatient:
    """Has no time in these of its turns."""

    def __init__(self, real: Any, at: list[int]) -> None:
        self.real, self.at, self.turn = real, at, -1

    def __call__(self, seconds: float) -> Any:
        self.turn += 1
        if self.turn in self.at:
            raise bounded.OutOfTime
        return self.real(9)


@pytest.mark.django_db(transaction=True)
def test_a_query_that_takes_too_long_is_ended(line: None) -> None:
    slow = {
        "postgresql": "SELECT pg_sleep(20)",
        "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT count(*) FROM n",
    }[connection.vendor]

    with pytest.raises(bounded.OutOfTime), bounded.within(0.1), connection.cursor() as cursor:
        cursor.execute(slow)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_page_takes_a_few_queries_however_many_hints_it_shows(
    viewer: Client, student: User, exercise: Exercise
) -> None:
    many(student, exercise, 60)
    viewer.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        viewer.get(LIST, {"state": "failed", "student": "min", "course": "basics"})

    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT set_config")
    assert sum(not each["sql"].startswith(control) for each in queries) <= 12


def test_a_filter_is_kept_under_a_name_until_it_is_deleted(viewer: Client, admin: Client) -> None:
    saved = f"{LIST}saved/"
    for query in ("state=failed&older=x&page=3", "state=failed&level=2"):
        viewer.post(saved, {"name": "Sad", "query": query})
    row = SavedFilter.objects.get()

    assert (row.name, row.query) == ("Sad", "state=failed&level=2")
    assert '<a href="?state=failed&amp;level=2">Sad</a>' in viewer.get(LIST).content.decode()
    assert "Sad" not in admin.get(LIST).content.decode()

    admin.post(saved, {"drop": row.pk})
    assert SavedFilter.objects.count() == 1
    assert viewer.post(saved, {"drop": row.pk, "query": "level=1"})["Location"] == f"{LIST}?level=1"
    assert not SavedFilter.objects.exists()
    for bad in ({}, {"drop": "x"}, {"name": "x" * 61, "query": "level=1"}, {"name": "x"}):
        assert viewer.post(saved, bad).status_code == 302
    assert not SavedFilter.objects.exists()


@pytest.fixture
def told(student: User, exercise: Exercise, engine: Engine) -> Hint:
    """A hint with words in every place that has any."""
    hint = ended(
        student, exercise, question=f"{SECRET} 1", comment=f"{SECRET} 2", reflection=f"{SECRET} 3"
    )
    attempts.keep(str(hint.pk), 1, [call(f"{SECRET} 4", "R2")])
    Submission.objects.update(code=f"{SECRET} 5")
    TaskResult.objects.create(task_id=f"{hint.pk}-1", status="SUCCESS", worker="gpu0@here")
    Attempt.objects.filter(hint=hint).update(kept_diagnosis=True)
    return hint


def test_a_hint_shows_its_way_without_a_word(viewer: Client, told: Hint) -> None:
    html = viewer.get(f"{LIST}{told.pk}/").content.decode()

    for seen in (
        "Attempt 1 on gpu0",
        "fake",
        "template 1",
        "blocked by R2",
        "gpu0@here",
        "minji",
        "known before",
    ):
        assert seen in html
    assert SECRET not in html
    assert "Show the words" not in html
    assert viewer.post(f"{LIST}{told.pk}/").status_code == 403
    assert viewer.get(f"{LIST}{uuid4()}/").status_code == 404


def test_who_operates_reads_the_words_and_that_is_recorded(admin: Client, told: Hint) -> None:
    path = f"{LIST}{told.pk}/"
    assert SECRET not in admin.get(path).content.decode()
    assert not LogEntry.objects.exists()

    html = admin.post(path).content.decode()

    assert set(re.findall(rf"{SECRET} (\d)", html)) == set("12345")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user.get_username()) == (str(told.pk), "root")


def begin(client: Client, **body: str) -> str:
    """The path of the page of a new action."""
    answer = client.post(f"{LIST}act/", body)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def run(client: Client, path: str) -> dict[str, Any]:
    """What the page says at the end."""
    for _ in range(1000):
        now: dict[str, Any] = client.post(path).json()
        if not now["running"]:
            return now
    raise AssertionError("it never ends")


def test_what_is_on_its_way_is_cancelled_as_its_student_would(
    admin: Client, exercise: Exercise, engine: Engine
) -> None:
    live()
    people = [User.objects.create_user(f"s{n}") for n in range(5)]
    for user in people:
        hint = queued(user, exercise)
        assert backlog.join(hint)
    over = ended(people[0], Exercise.objects.create(course=exercise.course, slug="b"))
    page = admin.get(f"{LIST}act/", {"do": "cancel", "student": "s"}).content.decode()
    assert "5 hints." in page

    now = run(admin, begin(admin, do="cancel", student="s"))

    assert (now["passed"], now["total"], now["state"]) == (5, 5, "done")
    assert Hint.objects.filter(state=State.CANCELLED).count() == 5
    assert State(Hint.objects.get(pk=over.pk).state) is State.ANSWERED
    assert waiting() == 0
    assert LogEntry.objects.count() == 2


def test_a_deletion_is_stopped_and_gone_on_with(
    admin: Client, student: User, exercise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = many(student, exercise, 40)
    Attempt.objects.bulk_create(Attempt(hint=hint, number=1, engine="gpu0") for hint in hints)
    rows = Attempt.objects.all()
    ModelCall.objects.bulk_create(ModelCall(attempt=row, purpose="write") for row in rows)
    on = queued(student, exercise)
    monkeypatch.setattr(bulk, "BATCH", 10)
    monkeypatch.setattr(bulk, "STEP_S", 0.0)
    path = begin(admin, do="delete", student="minji")
    # Ended, or asked, after it began: neither was among what was confirmed.
    now = datetime.now(UTC)
    Hint.objects.filter(pk=on.pk).update(state=State.ANSWERED, finished_at=now + timedelta(hours=1))
    (later,) = many(student, exercise, 1, created_at=datetime.now(UTC) + timedelta(hours=1))

    row = BulkAction.objects.get()
    bulk.part(row, 9e9)
    assert Hint.objects.count() == 32
    admin.post(path, {"stop": ""})
    assert admin.post(path).json()["state"] == "stopped"
    assert Hint.objects.count() == 32
    assert "10 of 40 done" in admin.get(path).content.decode()
    assert f'href="{path}"' in admin.get(LIST).content.decode()

    monkeypatch.setattr(bulk, "STEP_S", 5.0)
    admin.post(path, {"go_on": ""})
    now = run(admin, path)

    assert LogEntry.objects.count() == 4, "begun, stopped, gone on, done"
    assert (now["passed"], now["state"]) == (40, "done")
    assert {*Hint.objects.values_list("pk", flat=True)} == {on.pk, later.pk}
    assert not ModelCall.objects.exists()
    assert f'href="{path}"' not in admin.get(LIST).content.decode()


def test_two_pages_do_not_do_one_part_twice(
    admin: Client, student: User, exercise: Exercise
) -> None:
    many(student, exercise, 3)
    path = begin(admin, do="delete", student="minji")
    BulkAction.objects.update(busy_until=datetime.now(UTC) + timedelta(minutes=1))

    assert admin.post(path).json()["passed"] == 0
    BulkAction.objects.update(busy_until=datetime.now(UTC) - timedelta(minutes=1))
    assert run(admin, path)["passed"] == 3


def test_five_thousand_go_in_requests_that_are_short(
    admin: Client, student: User, exercise: Exercise
) -> None:
    many(student, exercise, 5000)
    path = begin(admin, do="delete", state="failed")

    took_s, running = [], True
    while running:
        began_s = monotonic()
        now = admin.post(path).json()
        took_s.append(monotonic() - began_s)
        running = now["running"]

    assert (now["passed"], now["total"]) == (5000, 5000)
    assert median(took_s) < 1
    assert not Hint.objects.exists()


def test_who_only_sees_acts_on_nothing(viewer: Client, student: User, exercise: Exercise) -> None:
    many(student, exercise, 1)
    row = BulkAction.objects.create(by=student, kind="delete", query="state=failed")

    assert viewer.get(f"{LIST}act/", {"do": "delete", "state": "failed"}).status_code == 403
    assert viewer.post(f"{LIST}act/", {"do": "delete", "state": "failed"}).status_code == 403
    assert viewer.post(f"{LIST}act/{row.pk}/").status_code == 403
    assert viewer.post(f"{LIST}export/", {"words": "on", "state": "failed"}).status_code == 403
    assert Hint.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"do": "delete"}, {"do": "retry", "level": "1"}, {"do": "delete", "level": "x"}]
)
def test_nothing_is_done_without_a_good_filter(
    admin: Client, student: User, exercise: Exercise, body: dict[str, str]
) -> None:
    many(student, exercise, 1)

    assert admin.post(f"{LIST}act/", body)["Location"].startswith(f"{LIST}?")
    assert not BulkAction.objects.exists()


def test_an_export_has_every_match_and_words_only_if_they_are_wanted(
    viewer: Client, admin: Client, told: Hint, student: User, exercise: Exercise
) -> None:
    many(student, exercise, 3, locale="ko")
    Hint.objects.filter(pk=told.pk).update(comment="=1+1")
    path, state = f"{LIST}export/", {"student": "minji"}

    lines = b"".join(viewer.post(path, state | {"format": "jsonl"})).decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert {row["id"] for row in found} == {*ids([*Hint.objects.all()])}
    assert {"student": "minji", "course": "basics", "exercise": "add"}.items() <= found[0].items()
    assert SECRET not in "".join(lines)

    text = b"".join(admin.post(path, state | {"format": "csv", "words": "on"})).decode()
    rows = [*csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))]
    (own,) = [row for row in rows if row["id"] == str(told.pk)]
    assert (len(rows), own["text"], own["code"]) == (4, SECRET, f"{SECRET} 5")
    assert own["comment"] == "'=1+1", "no spreadsheet works it out"
    assert LogEntry.objects.filter(change_message__contains="with words").count() == 1
    assert viewer.post(path, state | {"format": "xlsx"}).status_code == 302
