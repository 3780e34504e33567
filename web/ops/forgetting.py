"""Leaves nothing of one person: rows, what Redis keeps, and the disk on which they stood.

Logs hold no words of students, and backups are whoever makes them to forget.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from time import monotonic, sleep
from urllib.parse import parse_qsl, quote_plus

import redis
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q, QuerySet
from django_celery_results.models import TaskResult

from broker import dispatch, nodes, streams
from broker.base.times import LEASE_S
from broker.queue import task_id
from web.courses.models import Exercise
from web.evaluation.models import LATELY, Item, Program
from web.hints import ahead, backlog, store
from web.hints.models import IN_FLIGHT, Diagnosis, Explanation, Hint, Submission
from web.link import broker
from web.ops.hints.models import BulkAction, SavedFilter
from web.people.models import Allowance, ApiToken, User

OWN = (Hint, Submission, Explanation, Allowance, ApiToken)
"""Tables whose rows go with their user, and which the admin's log may name."""
OWNER: dict[type[Model], str] = {ApiToken: "user", User: "pk"}
"""The column that names it, where that is not `student`."""
SIGN_INS = (AccessAttempt, AccessFailureLog, AccessLog)
SETTLED_S = LEASE_S + 10.0
"""By then a worker whose hint was taken back has settled, or its lease is over."""
RESULTS_S = 2.0
REWRITTEN_S = 60.0
LOOK_S = 0.1
BATCH = 500
"""Of values in one statement: SQLite takes some thousands, and PostgreSQL no end of them slowly."""


class StillBusy(Exception):
    """A worker still has a hint of theirs; nothing was deleted, and it can be tried again."""


def extent(user: User) -> dict[str, int]:
    """How many rows of each table are theirs, by its name."""
    return {str(table._meta.verbose_name_plural): owned(table, user).count() for table in OWN}


def forget(user: User, told: Callable[[str], object]) -> None:
    """told: hears what is done. Raises: BrokerDown, StillBusy, DatabaseError; then no row is gone,
    and what was on its way has been taken back."""
    # Nobody may come in meanwhile: what is asked now would be left behind.
    User.objects.filter(pk=user.pk).update(is_active=False)
    try:
        hints = [*map(str, user.hints.values_list("pk", flat=True)), *evaluated_hints(user)]
        take_back(user, hints)
        settle(hints)
        broker().run_many([streams.erase(hint) for hint in hints])
        # A worker writes the results of its tasks a moment after it has let go of them.
        sleep(RESULTS_S)
        gone = delete(user, hints)
    # Also where somebody breaks it off.
    except BaseException:
        User.objects.filter(pk=user.pk).update(is_active=user.is_active)
        raise
    for name, count in sorted(gone.items()):
        told(f"{name}: {count}")
    for line in cleaned():
        told(line)


@transaction.atomic
def delete(user: User, hints: Iterable[str]) -> Counter[str]:
    """How many rows went, by name. hints: theirs, and those of evaluations of their programs."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # What is deleted is overwritten, and not only marked as free.
            cursor.execute("PRAGMA secure_delete = ON")
    gone = Counter[str]()
    for name, count in deleted(user, hints):
        gone[name] += count
    return gone


def take_back(user: User, hints: Iterable[str]) -> None:
    for hint in Hint.objects.filter(in_any("pk", hints), state__in=IN_FLIGHT):
        if store.cancel(str(hint.pk)):
            backlog.leave(hint)
    # What would be found out about their programs ahead of any hint.
    waiting = Diagnosis.objects.filter(submission__student=user, done=False)
    jobs = [ahead.name(pk) for pk in waiting.values_list("pk", flat=True)]
    broker().run_many([dispatch.forget(job) for job in jobs])


def evaluated_hints(user: User) -> list[str]:
    """Hints that an evaluation has had written about their programs."""
    found = Item.objects.filter(program__in=evaluated_programs(user), hint__isnull=False)
    return [str(pk) for pk in found.values_list("hint", flat=True)]


def evaluated_programs(user: User) -> QuerySet[Program]:
    """Of sets that were made of real requests, those whose program is theirs."""
    made = Program.objects.filter(evaluation__set_name__startswith=LATELY)
    return made.filter(in_any("code", codes(user)))


def settle(hints: Iterable[str]) -> None:
    """Waits until no worker has one of them: it could still write what the program was.

    Raises: BrokerDown, StillBusy.
    """
    until_s = monotonic() + SETTLED_S
    while left := broker().run(dispatch.known(hints)):
        if not broker().run(nodes.live()):
            # No worker is alive, and nobody who would take their hints from them.
            broker().run_many([dispatch.forget(hint) for hint in left])
        elif monotonic() >= until_s:
            raise StillBusy
        sleep(LOOK_S)


def deleted(user: User, hints: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Name and number of the rows that went."""
    yield from rows_of(TaskResult.objects.filter(in_any("task_id", tasks(user, hints))))
    yield from evaluated(evaluated_programs(user))
    # One that is done no longer knows whose programs its texts are about.
    done = Item.objects.filter(evaluation__set_name__startswith=LATELY, program__code="")
    done.exclude(text="").update(text="")
    # Of a program that another student wrote too it is found out anew.
    yield from rows_of(Diagnosis.objects.filter(in_any("code", codes(user))))
    for table in SIGN_INS:
        yield from rows_of(table.objects.filter(username=user.username))
    for table in (User, *OWN):
        keys = [str(pk) for pk in owned(table, user).values_list("pk", flat=True)]
        entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(table))
        yield from rows_of(entries.filter(in_any("object_id", keys)))
    # Of rows that are gone, or are others', the log has the name.
    word = re.compile(rf"(?<![\w@.+-]){re.escape(user.username)}(?![\w@.+-])")
    naming = Q(object_repr__contains=user.username) | Q(change_message__contains=user.username)
    for entry in LogEntry.objects.filter(naming):
        told = entry.object_repr, entry.change_message
        entry.object_repr, entry.change_message = (word.sub("…", each) for each in told)
        entry.save(update_fields=["object_repr", "change_message"])
    # Somebody may have kept a filter for their name, or under it.
    kept_under = SavedFilter.objects.filter(name__contains=user.username)
    about = [row.pk for row in kept_under if word.search(row.name)]
    yield from rows_of(SavedFilter.objects.filter(pk__in=about))
    for table in (SavedFilter, BulkAction):
        kept = table._default_manager.filter(query__contains=quote_plus(user.username))
        named = [row.pk for row in kept if user.username in dict(parse_qsl(row.query)).values()]
        yield from rows_of(kept.filter(pk__in=named))
    # Whose a session is stands in what only Django reads.
    sessions = {each.pk: each.get_decoded() for each in Session.objects.all()}
    own = [key for key, data in sessions.items() if data.get(SESSION_KEY) == str(user.pk)]
    yield from rows_of(Session.objects.filter(in_any("pk", own)))
    yield from rows_of(User.objects.filter(pk=user.pk))


def tasks(user: User, hints: Iterable[str]) -> Iterator[str]:
    """The Celery tasks of these hints, and of what was found out ahead of them: one an attempt."""
    asked = Hint.objects.filter(in_any("pk", hints)).values_list("pk", "attempt")
    about = Diagnosis.objects.filter(in_any("code", codes(user))).values_list("pk", "attempt")
    jobs = [
        *((str(pk), last) for pk, last in asked),
        *((ahead.name(pk), last) for pk, last in about),
    ]
    return (task_id(job, number) for job, last in jobs for number in range(1, last + 1))


def codes(user: User) -> set[str]:
    """The texts of their programs."""
    return {*user.submissions.values_list("code", flat=True)}


def evaluated(programs: QuerySet[Program]) -> Iterator[tuple[str, int]]:
    """What real requests an evaluation was made of: the words go, and the figures stay."""
    for program in programs:
        if program.exercise is not None:
            # It runs still: its hints and submissions hold the same words, and nothing more is
            # asked about them.
            yield from rows_of(Exercise.objects.filter(pk=program.exercise.pk))
        Item.objects.filter(program=program).update(text="", state=Item.State.DONE)
        Program.objects.filter(pk=program.pk).update(code="", question="", fix="")
        yield Program._meta.label, 1


def owned(table: type[Model], user: User) -> QuerySet[Model]:
    return table._default_manager.filter(**{OWNER.get(table, "student"): user.pk})


def rows_of(rows: QuerySet[Model]) -> Iterator[tuple[str, int]]:
    """Deletes them, and all that goes with them."""
    yield from rows.delete()[1].items()


def in_any(column: str, values: Iterable[str]) -> Q:
    """That the column has one of these values, however many they are."""
    left, found = iter(values), Q(pk__in=[])
    while some := list(islice(left, BATCH)):
        found |= Q(**{f"{column}__in": some})
    return found


def cleaned() -> Iterator[str]:
    """Has the stores write anew what they keep on disk; says what is left there."""
    if connection.vendor == "sqlite":
        try:
            with connection.cursor() as cursor:
                cursor.execute("VACUUM")
                # 1 where a reader of before keeps it from being emptied.
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                if cursor.fetchone()[0]:
                    yield "The database's log still has old pages; they go as it is used."
        except OperationalError as error:
            yield f"The database's file still has old pages ({error}); they go as it is used."
    else:
        yield "PostgreSQL overwrites the deleted rows at its next VACUUM FULL; backups keep them."
    try:
        if rewritten():
            yield "Redis has written its append-only file anew."
    # A hosted one may not let us; all that is deleted is deleted.
    except redis.RedisError as error:
        yield f"Redis' append-only file still has old entries ({type(error).__name__})."


def rewritten() -> bool:
    """False where Redis keeps no such file, or is at it for too long."""
    client, until_s = broker().client, monotonic() + REWRITTEN_S
    asked = False
    while monotonic() < until_s:
        now: dict[str, int] = client.info("persistence")
        if not now["aof_enabled"]:
            return False
        if not now["aof_rewrite_in_progress"] and not now["aof_rewrite_scheduled"]:
            if asked:
                return True
            # One that was at it already may have copied what has gone since.
            client.bgrewriteaof()
            asked = True
        sleep(LOOK_S)
    return False
