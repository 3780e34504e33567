"""What a judge keeps from students, and how long diagnosis and judge make a hint take.

python -m tests.bench judging measures it; the rules alone, and one call alone, are the reference.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.table import Row
from tests.fakes.behaviour import Behaviour
from tests.fakes.launch import FakeEngine
from tests.whole.stand import Stand, standing

TOKEN_S = 0.02
HINT_TOKENS, DIAGNOSIS_TOKENS = 40, 80
ASKED = 5
HINT = (
    "Walk through the failing test with a pencil and paper, write down what each name holds after "
    "every round, and then tell me: which of these values is the first one that surprises you?"
)
DIAGNOSES = "You find out what is wrong with a student"
COUNT = "from tests.bench.judged import counted; print(*counted())"
ON = """
from web.engines.models import AIModelConfig
AIModelConfig.objects.update(judged_by="same", diagnoses=True)
"""
TOOK = """
from web.hints.models import Attempt
found = Attempt.objects.filter(hint__in=sys.argv[1:]).order_by("pk")
print(*(attempt.took_s for attempt in found))
"""
WRONG = "def rice_days(cups, per_day):\n    return cups // per_day\n"
RIGHT = "def rice_days(cups, per_day):\n    return -(-cups // per_day)\n"


def rows() -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="hl-") as folder,
        standing(Path(folder), {"gpu0": FakeEngine()}) as stand,
    ):
        leaks, rules, clean, passed, allowed = map(int, stand.shell(COUNT).split())
        alone = took(stand, ["x"] * ASKED)
        stand.shell(ON)
        anew = took(stand, [str(number) for number in range(ASKED)])
        kept = took(stand, ["0"] * ASKED)
    yield (
        "1,000 answers that leak, in words and code, before an honest judge: shown",
        f"{leaks}", f"{rules} (the rules alone)", "0",
    )  # fmt: skip
    yield (
        f"{clean:,} clean hints before an honest judge: shown",
        f"{passed:,}", f"{allowed:,} (the rules alone)", "as many",
    )  # fmt: skip
    for name, found, most in (("kept", kept, "2"), ("not kept", anew, "3.5")):
        yield (
            f"a hint of {HINT_TOKENS} tokens, judged, its diagnosis {name}, at 50 tokens/s, s",
            f"{found:.2f}", f"{alone:.2f} (one call)", f"≤ {most} × ({found / alone:.2f})",
        )  # fmt: skip


def took(stand: Stand, programs: list[str]) -> float:
    """Seconds of an attempt. programs: names that make them other programs."""
    asked = []
    for name in programs:
        stand.engines["gpu0"].script(
            streamed(diagnosis(name), DIAGNOSIS_TOKENS, when=DIAGNOSES),
            streamed(HINT, HINT_TOKENS),
        )
        code = WRONG.replace("cups", f"cups_{name}")
        asked.append(stand.ask(stand.student(), code=code)["id"])
        assert stand.final(asked[-1])["source"] == "model"
    return median(map(float, stand.shell(TOOK, *asked).split()))


def streamed(text: str, tokens: int, when: str = "") -> Behaviour:
    size = -(-len(text) // tokens)
    pieces = tuple(text[at : at + size] for at in range(0, len(text), size))
    return Behaviour(pieces=pieces, gap_s=TOKEN_S, when=when)


def diagnosis(name: str) -> str:
    return json.dumps({
        "fact": "rice_days(7, 3) gives 2", "misconception": "A rest of rice is no day.",
        "lines": [2], "contradiction": "It gives 2 and 3 was expected.",
        "fixed_code": RIGHT.replace("cups", f"cups_{name}"),
    })  # fmt: skip
