"""How long a hint takes while another one at the same engine meets a server that misbehaves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from tests.bench.table import Row
from tests.fakes.badserver import MODES
from tests.whole.modes import misbehaving

# Nobody is served fast by an account whose requests are all spent.
LIMITED = {"rpm", "rate-limited"}


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="hl-") as folder, misbehaving(Path(folder)) as site:
        alone = [site.beside("")[2] for _ in range(20)]
        took = {mode: site.beside(f"mode={mode} BANG")[2] for mode in sorted({*MODES} - LIMITED)}
    slowest = max(took, key=lambda mode: took[mode])
    name = f"hint beside each of {len(took)} modes, s, p50 / max"
    reference = f"{median(alone):.2f} / {max(alone):.2f} (beside a good one)"
    figure = f"{median(took.values()):.2f} / {took[slowest]:.2f} ({slowest})"
    return [(name, figure, reference, "≤ 1")]
