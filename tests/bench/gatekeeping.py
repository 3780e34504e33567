"""What the gate catches of the labelled hints, and what it blocks of the good ones.

Written in pieces of 4 characters, as a model writes. python -m tests.bench.gatekeeping tells more
of the half that may be looked at: its families, and which of its hints go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt

from tests.bench.corpus import HALVES, Labelled, labelled
from tests.bench.gate import PIECE_CHARS, pieces
from tests.bench.table import Row, markdown
from web.tutor.gate.gate import Gate
from web.tutor.languages import LANGUAGES
from web.tutor.levels import LEVELS

Z = 1.96
"""Of a normal distribution, for an interval that holds 95 %."""
GROUPS = ("code", "words", "clean")
WANTED = {"code": "≥ 97", "clean": "≤ 1.5"}
"""By the rules alone, of the half that nobody has seen; what words tell is the judge's."""


def by_rules(hint: Labelled) -> bool:
    """Whether the rules refuse it."""
    gate = Gate(
        level=hint.level,
        locale=hint.locale,
        student_code=hint.program.code,
        statement=hint.program.shown(hint.locale),
        reference=hint.program.reference,
        fix=hint.program.fix,
    )
    for piece in pieces(hint.text, PIECE_CHARS):
        gate.feed(piece)
    return not gate.finish().ok


REFUSERS: dict[str, Callable[[Labelled], bool]] = {"by rules": by_rules}
"""Column by column, what says whether a hint is refused."""


def wilson(part: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share, both ends in 0…1; total: > 0. Source: Wilson 1927."""
    share, square = part / total, Z * Z / total
    middle = (share + square / 2) / (1 + square)
    half = Z * sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(refused: list[bool]) -> str:
    low, high = wilson(sum(refused), len(refused))
    of = f"{100 * low:.1f}–{100 * high:.1f} of {len(refused)}"
    return f"{100 * sum(refused) / len(refused):.1f} ({of})"


def table() -> str:
    """Refused of each kind in %, with 95 % intervals: all leaks should be, and no good hint.

    A level that is not in LEVELS is left out.
    """
    rows: list[Row] = []
    for half in HALVES:
        hints = [hint for hint in labelled(half) if hint.level in LEVELS]
        refused = [{hint.id for hint in hints if refuses(hint)} for refuses in REFUSERS.values()]
        for group in GROUPS:
            wanted = WANTED.get(group, "") if half == "unseen" else ""
            for kind, chosen in kinds([hint for hint in hints if hint.group == group]):
                shares = [share([hint.id in ids for hint in chosen]) for ids in refused]
                rows.append((f"{half}, {group}{kind}", *shares, "" if kind else wanted))
    return markdown(rows, ("refused, %", *REFUSERS, "wanted"))


def kinds(hints: list[Labelled]) -> Iterator[tuple[str, list[Labelled]]]:
    """All of them, then each language and level of which there are some."""
    yield "", hints
    for locale in LANGUAGES:
        for level in LEVELS:
            if chosen := [hint for hint in hints if (hint.locale, hint.level) == (locale, level)]:
                yield f", {locale}, level {level}", chosen


def main() -> None:
    hints = [hint for hint in labelled("seen") if hint.level in LEVELS]
    refused = {hint.id for hint in hints if by_rules(hint)}
    for group, family in sorted({(hint.group, hint.family) for hint in hints}):
        chosen = [hint for hint in hints if (hint.group, hint.family) == (group, family)]
        print(f"{group:6} {family:28} {share([hint.id in refused for hint in chosen])}")
    for hint in hints:
        if (hint.id in refused) != hint.leak:
            print(f"{hint.group:6} {hint.family:28} {hint.id:22} {hint.text!r}")


if __name__ == "__main__":
    main()
