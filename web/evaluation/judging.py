"""Asks an engine to judge the labelled texts, one after the other, when no student waits."""

from __future__ import annotations

from time import monotonic

from broker import dispatch
from broker.contract.attempt import UNDECIDED
from broker.contract.hint import Lane
from broker.contract.job import Endpoint
from broker.health import EngineFailure
from web.engines.client.errors import EngineFailed, ModelRefused, Refusal
from web.engines.client.judging import Judged, JudgedTexts
from web.evaluation.models import Item
from web.evaluation.sets import LabelledText
from web.link import attempt

WITHIN_S = 15.0
"""Of one answer; longer than a hint gives its judge, for nobody waits, and hints of the same
evaluation keep the engine busy."""
PAUSE_S, MOST_PAUSE_S = 5.0, 60.0
NO_ROOM = frozenset((EngineFailure.RATE_LIMITED, EngineFailure.BUSY))
"""The engine is well, and asked too much."""


class Unanswered(Exception):
    """The engine failed under a text, which is asked again. Its own text is for staff.

    pause_s: until then. failed: whether it counts for giving up; refused: it refuses every request.
    """

    def __init__(self, error: EngineFailed | ModelRefused) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.refused = isinstance(error, ModelRefused)
        self.failed, self.pause_s = True, PAUSE_S
        if isinstance(error, EngineFailed):
            self.failed = error.failure not in NO_ROOM
            self.pause_s = min(error.retry_after_s or PAUSE_S, MOST_PAUSE_S)


class TextJudge:
    """Belongs to one thread, whose loop it runs. endpoint: of the engine that is measured."""

    def __init__(self, endpoint: Endpoint, threshold: float) -> None:
        self.endpoint = endpoint
        self._texts = JudgedTexts(endpoint, threshold, WITHIN_S)

    def close(self) -> None:
        self._texts.close()

    def judged(self, text: LabelledText) -> tuple[Judged, float]:
        """What it says, and the seconds that it took. Raises: Unanswered."""
        began_s = monotonic()
        try:
            # As for a hint: the correction is that of the student's own program.
            said = self._texts.judged(text.code, text.right, text.text, text.wording)
        except EngineFailed as error:
            # As in a hint: a judge that is late says nothing, and that is measured.
            if error.failure is not EngineFailure.TIMEOUT:
                raise Unanswered(error) from error
            said = Judged(UNDECIDED)
        except ModelRefused as error:
            if error.cause is not Refusal.REQUEST:
                raise Unanswered(error) from error
            said = Judged(UNDECIDED)
        return said, monotonic() - began_s


def keep(item: Item, said: Judged, took_s: float) -> None:
    item.verdict, item.seconds = said.verdict, took_s
    item.probability, item.alone = said.probability, said.alone
    item.state = Item.State.DONE
    item.save(update_fields=["verdict", "probability", "alone", "seconds", "state"])


def students_wait() -> bool:
    """Whether a student waits for an engine; also where nobody can say, as Redis is down."""
    # What waits in the batch lane may well be this evaluation's own.
    backlog = attempt(dispatch.backlog())
    return backlog is None or any(
        there.size for lane, there in backlog.items() if lane is not Lane.BATCH
    )
