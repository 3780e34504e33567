"""Takes evaluations forward, a little at a time; what it was at when it is killed is done later."""

from __future__ import annotations

import logging
from time import monotonic

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from broker.contract.job import Endpoint
from web.database import ago
from web.engines import roster
from web.engines.client.judging import FIRST_S
from web.engines.keys import UnreadableKey
from web.engines.models import AIModelConfig
from web.evaluation import asking, creation, judging, reading, sets
from web.evaluation.figures import figures
from web.evaluation.judging import TextJudge, Unanswered
from web.evaluation.models import LATELY, Evaluation, Item
from web.runner.build import NotBuilt
from web.runner.checker import Checker, SandboxBusy

log = logging.getLogger(__name__)
ROUND_S = 10.0
"""So long a round asks the judge: a changed engine is heard of between two."""
LOST_S = 2 * FIRST_S
"""A judge's item that was taken so long ago belongs to nobody any more."""
TRIES = 5


class Driver:
    """Belongs to one thread. Several may run at once: each takes what no other one has taken."""

    def __init__(self) -> None:
        self._checker: Checker | None = None
        self._judge: TextJudge | None = None
        self._resumes_s = 0.0
        self._hurries = False

    def hurry(self) -> None:
        """From another thread: the round that runs asks nothing more."""
        self._hurries = True

    def close(self) -> None:
        """Nothing may be asked while it does."""
        self._let_go()
        if self._checker:
            self._checker.close()
            self._checker = None

    def round(self) -> bool:
        """A little of the oldest evaluation that runs; False where none does.

        Raises: DatabaseError.
        """
        row = Evaluation.objects.filter(state=Evaluation.State.RUNNING).order_by("pk").first()
        if row is None:
            self.close()
            return False
        # An admin may have changed the engine between two rounds.
        try:
            endpoint = endpoint_of(row)
        except (Unfit, UnreadableKey) as error:
            creation.stop(row, str(error))
            return True
        if trouble := reading.read(row):
            creation.stop(row, trouble)
            return True
        if judges(row):
            if monotonic() >= self._resumes_s:
                self._judge_some(row, endpoint)
            return True
        # Afterwards, for on a processor each hint that is written makes a judge late.
        try:
            self._checker = self._checker or Checker(processes=1)
            asking.ask(row, self._checker)
        except SandboxBusy:
            log.info("evaluation %s: the sandbox is busy", row.pk)
        except NotBuilt as error:
            creation.stop(row, str(error))
            return True
        finish(row)
        return True

    def _judge_some(self, row: Evaluation, endpoint: Endpoint) -> None:
        """Judges texts for ROUND_S, unless a student waits for an engine."""
        until_s = monotonic() + ROUND_S
        while monotonic() < until_s and not self._hurries and not judging.students_wait():
            item = taken(row)
            if item is None:
                return
            try:
                said, took_s = self._judge_at(endpoint).judged(sets.texts()[item.name])
            except Unanswered as error:
                log.warning("evaluation %s: %s", row.pk, error)
                self._resumes_s = monotonic() + error.pause_s
                tries = item.tries if error.failed else item.tries - 1
                Item.objects.filter(pk=item.pk).update(state=Item.State.OPEN, tries=tries)
                if error.refused or tries >= TRIES:
                    creation.stop(row, str(error))
                return
            judging.keep(item, said, took_s)

    def _judge_at(self, endpoint: Endpoint) -> TextJudge:
        if self._judge is None or self._judge.endpoint != endpoint:
            self._let_go()
            self._judge = TextJudge(endpoint, AIModelConfig.current().judge_threshold)
        return self._judge

    def _let_go(self) -> None:
        if self._judge:
            self._judge.close()
            self._judge = None


def running() -> bool:
    """Whether there is anything to do."""
    return Evaluation.objects.filter(state=Evaluation.State.RUNNING).exists()


class Unfit(Exception):
    """The engine cannot be asked now; the text says why."""


def endpoint_of(row: Evaluation) -> Endpoint:
    """Raises: Unfit, UnreadableKey."""
    config = AIModelConfig.current()
    engine = next((each for each in roster.in_use(config) if each.name == row.engine), None)
    if engine is None or engine.draining:
        raise Unfit(f"the engine {row.engine} is not in use")
    if creation.model_of(engine) != row.model:
        raise Unfit(f"the engine {row.engine} serves another model now")
    return roster.endpoint_of(engine, config)


def judges(row: Evaluation) -> bool:
    """Whether a text is yet to be judged."""
    return row.items.filter(kind=Item.Kind.JUDGE).exclude(state=Item.State.DONE).exists()


def taken(row: Evaluation) -> Item | None:
    """The next text to be judged, which is the caller's now; None where there is none, or it was
    stopped."""
    open_ = Q(state=Item.State.OPEN) | Q(state=Item.State.ASKED, asked_at__lt=ago(LOST_S))
    running = Q(evaluation__state=Evaluation.State.RUNNING)
    items = row.items.filter(open_, running, kind=Item.Kind.JUDGE)
    while (item := items.first()) is not None:
        mine = Item.objects.filter(open_, pk=item.pk)
        if mine.update(state=Item.State.ASKED, asked_at=Now(), tries=F("tries") + 1):
            item.refresh_from_db()
            return item
    return None


@transaction.atomic
def finish(row: Evaluation) -> None:
    """When all is answered: the figures stay, and what they were made with goes."""
    left = row.items.exclude(kind=Item.Kind.DIAGNOSE).exclude(state=Item.State.DONE)
    running = Evaluation.objects.filter(pk=row.pk, state=Evaluation.State.RUNNING)
    if left.exists() or not running.exists():
        return
    row.items.filter(state=Item.State.OPEN).update(state=Item.State.DONE)
    found = figures(row)
    running.update(
        state=Evaluation.State.DONE,
        finished_at=Now(),
        figures=found,
        threshold=found["threshold"],
        course=None,
    )
    # Hints, submissions and diagnoses go with their exercises.
    if row.course is not None:
        row.course.delete()
    if row.set_name.startswith(LATELY):
        row.programs.update(code="", question="")
