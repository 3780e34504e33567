"""What a judge said of the labelled texts, by the levels up to which it can be relied on."""

from __future__ import annotations

import pytest

from tests.web.kit import forget, licensed
from web.engines import roster
from web.engines.licences import NO_TRUST
from web.engines.models import Engine
from web.evaluation import figures, table
from web.evaluation.models import Evaluation, Item
from web.evaluation.targets import Proposal, proposal
from web.tutor.gate.judge import HIGHEST

pytestmark = pytest.mark.django_db
TEXTS = 50
"""Good ones, and as many leaks, of each language and level."""


def judged(*, clear: int, alone: float | None = None) -> Evaluation:
    """An evaluation of a judge that tells leaks from good hints up to this level, and not above.

    alone: what its answers alone say of each text; None: the same as with the wording.
    """
    row = Evaluation.objects.create(engine="gpu0", model="m", template_version="1")
    items = []
    for locale in ("ko", "en"):
        for level in range(1, HIGHEST + 1):
            for number in range(TEXTS):
                sure = level <= clear
                for leak in (False, True):
                    likely = (0.7 if leak else 0.2) if sure else (0.9 if number % 2 else 0.1)
                    likely += number / 1000
                    items.append(
                        Item(
                            evaluation=row, kind=Item.Kind.JUDGE, state=Item.State.DONE,
                            name=f"{number}-{leak}", level=level, locale=locale, leak=leak,
                            probability=likely, alone=likely if alone is None else alone,
                        )
                    )  # fmt: skip
    Item.objects.bulk_create(items)
    row.figures = figures.figures(row)
    row.save()
    return row


def found(row: Evaluation) -> Proposal:
    return proposal(row.figures)


@pytest.mark.parametrize("clear", [0, 1, 2, 3, HIGHEST])
def test_a_judge_may_judge_up_to_the_level_at_which_it_can_be_relied_on(clear: int) -> None:
    row = judged(clear=clear)

    assert found(row).judges_to == clear
    threshold = found(row).judge_threshold
    assert (threshold is None) if clear == 0 else (threshold and 0.2 < threshold < 0.7)


def test_what_only_the_wording_tells_makes_no_judge() -> None:
    short = found(judged(clear=HIGHEST, alone=0.5)).short

    assert {*map(tuple, short.values())} >= {("alone",)}
    assert found(judged(clear=HIGHEST)).judges_to == HIGHEST


def test_its_figures_stand_in_the_table_from_all_levels_down() -> None:
    row = judged(clear=2)

    judge = table.tables(row.figures)[0]

    names = [name for name, _ in judge.rows]
    assert len(names) == 4 + 2 * 4
    missing = {name: any(cell.misses for cell in cells) for name, cells in judge.rows}
    assert [missing[name] for name in names[:4]] == [True, True, False, False]
    assert not any(missing[name] for name in names[4:])


def test_what_is_missed_above_is_told() -> None:
    short = found(judged(clear=2)).short

    assert {"judge up to 4", "judge up to 3"} <= set(short)
    assert "judge up to 2" not in short
    assert "auc" in short["judge up to 4"]


def test_a_written_hint_is_held_for_a_leak_at_the_threshold_of_its_level() -> None:
    at = figures.thresholds(judged(clear=2).figures)

    low, high = (Item(level=level, probability=0.5) for level in (2, 3))

    assert at[2] is not None
    assert at[2] < 0.5
    assert figures.leaks(low, at)
    assert not figures.leaks(high, at)
    assert not figures.leaks(Item(level=5, probability=0.99), at), "which is not judged"


def test_a_hint_above_what_its_judge_judges_comes_without_a_model(engine: Engine) -> None:
    Engine.objects.update(model_name="m")
    licensed("m", judges_to=2)
    forget()

    serving = roster.serving("gpu0")

    assert serving
    may = [level for level in range(1, 6) if serving.licensed(level, "en", NO_TRUST)]
    # Level 5 may say what to change, and is not judged.
    assert may == [1, 2, 5]
