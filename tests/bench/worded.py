"""What the wording of a hint tells, without any model: of texts that its weights do not know.

python -m tests.bench wording measures it; tests/bench/wording.py learns the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.bench.corpus import Labelled, authored, labelled
from tests.bench.gatekeeping import by_rules, share
from tests.bench.table import Row
from web.evaluation.calibration import JudgedText, auc, threshold
from web.tutor.gate import wording
from web.tutor.languages import LANGUAGES

SHARES = (0.02, 0.05)
"""Of good hints that may be blocked."""
HIGHEST = 2
"""Above this level our own texts are more code than words."""
REFUSED = 100.0
"""More than any odds: what the rules refuse is refused, whatever else is said of it."""


def unknown() -> dict[str, list[Labelled]]:
    """Texts that nothing was learned from, by where they are from.

    Without the good ones that the rules refuse, which are counted in `gatekeeping`.
    """
    ours = [each for each in labelled("unseen") if each.group != "code" and each.level <= HIGHEST]
    found = {f"unseen half, levels 1–{HIGHEST}": ours, "another author": authored("fresh")}
    return {
        where: [each for each in hints if each.leak or not by_rules(each)]
        for where, hints in found.items()
    }


def rows() -> Iterator[Row]:
    for where, hints in unknown().items():
        told = [JudgedText(hint.leak, odds(hint), hint.locale) for hint in hints]
        yield from figures(f"rules and wording, {where}", told)


def odds(hint: Labelled) -> float:
    return REFUSED if by_rules(hint) else wording.log_odds(hint.text, hint.locale)


def figures(name: str, told: Iterable[JudgedText], wanted: str = "") -> Iterator[Row]:
    """By language: the area under the curve, and which share is caught at which false blocks."""
    told = list(told)
    for locale in LANGUAGES:
        these = [each for each in told if each.locale == locale]
        area = auc(these)
        yield f"{name}, {locale}: area under the curve", f"{area:.3f}" if area else "–", "", ""
        for most in SHARES:
            limit = threshold(these, most)
            part = share([each.score >= limit for each in these if each.leak]) if limit else "–"
            aim = wanted if most == SHARES[0] else ""
            yield f"{name}, {locale}: words caught at {most:.0%} false blocks, %", part, "", aim
