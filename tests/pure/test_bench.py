"""The rules of others that the simulator plays, and how the benches read what they saw."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest

from tests.bench.flow import Ended, Page, Window, ends_in, judged
from tests.bench.policies import AtOnce, CacheAware, TokenAware
from tests.bench.simulation import PREFILL_TOKENS_S, Gpu, Hint, Policy
from tests.bench.table import at, ratio, runs
from tests.fakes.launch import ROOT

OWN_TOKENS, PREFIX_TOKENS = 500, 2000
COLD, WARM = OWN_TOKENS + PREFIX_TOKENS, OWN_TOKENS


def hints(*exercises: int) -> list[Hint]:
    return [
        Hint(number, 0.0, exercise, 0, PREFIX_TOKENS, OWN_TOKENS, 100)
        for number, exercise in enumerate(exercises)
    ]


def gpus(count: int) -> list[Gpu]:
    return [Gpu(number) for number in range(count)]


def placed(policy: Policy, *exercises: int) -> list[int]:
    """The numbers of the GPUs that hints of these exercises get, which all stay in their queues."""
    numbers = []
    for hint in hints(*exercises):
        ((_, gpu),) = policy.arrive(hint, 0.0)
        gpu.queue.append(hint)
        numbers.append(gpu.number)
    return numbers


def test_llm_d_sends_a_new_prefix_where_the_fewest_tokens_are_unread() -> None:
    assert placed(TokenAware(gpus(3)), 1, 2, 3) == [0, 1, 2]


@pytest.mark.parametrize("stays", [1, 2, 5])
def test_llm_d_stays_until_the_warm_gpu_has_tau_more_unread_tokens(stays: int) -> None:
    # The first hint is there for COLD tokens, each later one for WARM.
    tau_s = (COLD + (stays - 1) * WARM) / PREFILL_TOKENS_S
    policy = TokenAware(gpus(2), tau_s)

    numbers = placed(policy, *[7] * (stays + 2))

    assert numbers == [0] * (stays + 1) + [1]


def test_llm_d_counts_no_tokens_of_a_hint_that_has_its_first_one() -> None:
    policy = TokenAware(gpus(2), tau_s=0)
    first, second = hints(7, 7)
    ((_, gpu),) = policy.arrive(first, 0.0)

    first.written = 1

    assert policy.arrive(second, 0.0) == [(second, gpu)]


@pytest.mark.parametrize("count", [2, 4])
def test_smg_leaves_a_warm_gpu_that_is_far_above_the_mean(count: int) -> None:
    numbers = placed(AtOnce(gpus(count), CacheAware()), *[7] * 20)

    stayed = numbers.index(1)
    assert numbers[:stayed] == [0] * stayed
    mean = stayed / count
    assert stayed > mean + 4
    assert stayed - 1 <= max((stayed - 1) / count + 4, 1.5 * mean)


def test_smg_sends_a_new_prefix_to_the_least_loaded_gpu() -> None:
    assert placed(AtOnce(gpus(3), CacheAware()), 1, 2, 3, 4, 1) == [0, 1, 2, 0, 0]


def test_a_sentence_is_late_from_when_its_last_character_was_sent() -> None:
    sent = {"a-1": [(10.0, 4), (10.1, 8), (10.2, 12), (10.3, 16)]}
    read = {"a-1": [Ended(10.15, 8), Ended(10.5, 15)]}

    flow = judged(read, sent, Window(10.0, 11.0, {}))

    assert flow.delays_ms == pytest.approx([50, 200])
    assert flow.gaps_ms == pytest.approx([150])
    assert flow.late == 0
    assert judged({"a-1": [Ended(10.6, 16)]}, sent, Window(10.0, 11.0, {})).late == 1


def test_a_hint_that_was_started_anew_is_late_for_ever() -> None:
    heard = Page.ends(
        [
            (1.0, b'event: piece\ndata: {"text": "One. Tw"}\n\nevent: pie'),
            (2.0, b'ce\ndata: {"text": "o. Thr"}\n\n'),
            (3.0, b'event: reset\ndata: {}\n\nevent: piece\ndata: {"text": "One."}\n\n'),
        ]
    )

    assert heard == [Ended(1.0, 4), Ended(2.0, 9), Ended(math.inf, 13)]
    sent = {"a-1": [(0.5, 8), (1.5, 20)]}
    assert judged({"a-1": heard}, sent, Window(0.0, 9.0, {})).late == 3


def test_what_was_due_outside_the_window_does_not_count() -> None:
    sent = {"a-1": [(10.0, 4), (12.0, 8), (14.0, 12)]}
    read = {"a-1": [Ended(10.1, 4), Ended(12.1, 8), Ended(14.1, 12)]}

    assert len(judged(read, sent, Window(11.0, 13.0, {})).delays_ms) == 1


@pytest.mark.parametrize(
    ("text", "before", "ends"),
    [("no end", 0, []), ("One. Two. Th", 0, [4, 9]), ("ree.", 12, [16]), ("", 3, [])],
)
def test_each_sentence_of_a_piece_has_its_own_end(text: str, before: int, ends: list[int]) -> None:
    assert ends_in(text, before) == ends


@pytest.mark.parametrize(
    ("values", "part", "value"),
    [([3, 1, 2], 0.5, 2), ([1], 0.99, 1), (list(range(100)), 0.99, 99), ([5, 4], 0.0, 4)],
)
def test_a_quantile_is_one_of_the_values(values: list[float], part: float, value: float) -> None:
    assert at(values, part) == value


def test_a_row_says_its_ratio_to_the_reference_of_its_own_run() -> None:
    assert ratio("r", 30, 20, "≥ 1", "other") == (
        "r", "30.0 (1.50 of the reference)", "20.0 (other)", "≥ 1",
    )  # fmt: skip
    assert runs("r", [10, 30], [20, 20], "") == (
        "r", "10, 30 (0.50, 1.50 of the reference)", "20, 20", "",
    )  # fmt: skip


def test_the_bench_begins_without_djangos_settings() -> None:
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-m", "tests.bench", "--help"], cwd=ROOT, env=env, check=True)
