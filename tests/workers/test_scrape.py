"""What is read from a vLLM's metrics, one page and several."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.health import Reading
from tests.workers.pages import page_text
from workers.guard.scrape import SERIES, History, Page, parse, quantile

REAL = Path(__file__).parents[1] / "data" / "vllm-0.32-metrics.txt"


def page(**values: float) -> Page:
    found = parse(page_text(**values))
    assert found is not None
    return found


def history(*pages: Page) -> History:
    """One page a second."""
    found = History()
    for second, each in enumerate(pages):
        found.add(float(second), each)
    return found


def test_a_real_vllm_shows_every_series_we_read() -> None:
    found = parse(REAL.read_text())

    assert found is not None
    assert found.missing == ()
    assert found.kv_tokens == 364 * 128
    assert [le for le, _ in found.first_tokens][-3:] == [640.0, 2560.0, float("inf")]


def test_numbers_are_summed_over_the_engines_of_a_server() -> None:
    text = page_text(running=3, waiting=2, capacity=1, kv_usage=0.25, steps=7) + page_text(
        engine=1, running=1, waiting=1, capacity=1, kv_usage=0.5, steps=5
    )
    found = parse(text)

    assert found is not None
    assert (found.crowd, found.kv_tokens) == (2, 2 * 1600)
    reading = history(found).reading()
    assert (reading.running, reading.waiting, reading.kv_usage) == (4, 3, 0.5)
    assert found.values["iteration_tokens_total_count"] == 12


@pytest.mark.parametrize(
    "text", ["", "<html>", "python_gc_objects_collected_total 3", "vllm:num_requests_running NaN"]
)
def test_what_no_vllm_wrote_is_no_page(text: str) -> None:
    assert parse(text) is None


def test_series_that_are_not_there_are_named() -> None:
    text = page_text().replace("kv_cache_usage_perc", "gpu_cache_usage_perc")
    found = parse(text.replace("waiting_by_reason", "waiting_for"))

    assert found is not None
    assert found.missing == ("num_requests_waiting_by_reason", "kv_cache_usage_perc")
    reading = history(found).reading()
    assert reading.kv_usage is None
    assert reading.missing == found.missing


def test_without_reasons_all_who_wait_count() -> None:
    found = parse("vllm:num_requests_waiting 3.0\n")

    assert found is not None
    assert found.crowd == 3
    assert set(found.missing) == set(SERIES) - {"num_requests_waiting"}


def test_odd_labels_and_numbers_are_read() -> None:
    found = parse(
        'vllm:num_requests_waiting{model_name="a } b \\" c",engine="0"} 1.2e+01 1795370911\n'
        'vllm:cache_config_info{block_size="16",num_gpu_blocks="None"} 1.0\n'
    )

    assert found is not None
    assert (found.crowd, found.kv_tokens) == (12, None)


@given(
    st.lists(
        st.lists(
            st.builds(
                "vllm:{}{} {}".format,
                st.sampled_from(SERIES),
                st.sampled_from(
                    ['{le="x"}', '{le="0.5"}', '{le="+Inf"', "{", "", '{reason="capacity"}']
                )
                | st.builds('{{block_size="{}",num_gpu_blocks="7"}}'.format, st.text("0١9e-.")),
                st.sampled_from(["0", "NaN", "-1", "1e999", "9" * 400, "1.5"])
                | st.floats().map(str),
            )
        ).map("\n".join),
        min_size=1,
    )
)
def test_no_page_is_too_odd_to_read(texts: list[str]) -> None:
    found = History()
    for second, page in enumerate(filter(None, map(parse, texts))):
        found.add(float(second), page)

        reading = found.reading()
        assert reading.ttft_p95_s is None or reading.ttft_p95_s >= 0
        assert found.preempted() >= 0


def test_rates_are_means_over_the_window() -> None:
    pages = [page(generated=100 * n, queries=10 * n, hits=9 * n) for n in range(15)]

    reading = history(*pages).reading()

    assert reading.tokens_s == 100
    assert reading.cached_ratio == 0.9
    assert len(history(*pages).pages) == 11


def test_one_page_has_no_rates() -> None:
    reading = history(page(generated=100, queries=10, hits=9)).reading()

    assert reading == Reading(running=0, waiting=0, kv_usage=0.0, kv_tokens=1600)


def test_without_new_prompts_the_share_from_cache_is_unknown() -> None:
    assert history(page(queries=10), page(queries=10)).reading().cached_ratio is None


def test_preemptions_are_those_since_the_page_before() -> None:
    found = history(page(), page(preemptions=3), page(preemptions=4))

    assert found.preempted() == 1
    assert history(page(preemptions=3)).preempted() == 0


def test_a_server_that_restarted_starts_a_new_history() -> None:
    found = history(page(generated=500, preemptions=3), page(generated=20, preemptions=0))

    assert found.preempted() == 0
    assert found.reading().tokens_s is None


def test_time_to_first_token_is_that_of_the_window() -> None:
    old, new = {1.0: 50, 5.0: 50}, {1.0: 50, 5.0: 60}

    assert history(page(ttft=old), page(ttft=new)).reading().ttft_p95_s == pytest.approx(4.8)


def test_time_to_first_token_judged_already_does_not_count_again() -> None:
    found = history(page(), page(ttft={1.0: 0, 5.0: 10}))
    found.judged_s = 1.0
    assert found.ttft_p95_s() is None

    found.add(2.0, page(ttft={1.0: 10, 5.0: 20}))

    assert found.ttft_p95_s() == pytest.approx(0.95)


def test_a_few_first_tokens_say_nothing() -> None:
    assert history(page(), page(ttft={1.0: 4, 5.0: 4})).ttft_p95_s() is None
    assert history(page(), page(ttft={1.0: 5, 5.0: 5})).ttft_p95_s() == pytest.approx(0.95)


def test_quantile_is_that_of_prometheus() -> None:
    buckets = [(1.0, 10.0), (2.0, 15.0), (4.0, 20.0), (float("inf"), 20.0)]

    assert quantile(0.5, buckets) == 1.0
    assert quantile(0.625, buckets) == 1.5
    assert quantile(0.95, buckets) == pytest.approx(3.6)
    assert quantile(0.95, [(1.0, 0.0), (2.0, 0.0), (float("inf"), 9.0)]) == 2.0
    assert quantile(0.95, []) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "labels",
    ["a" * 500_000, 'a="' * 200_000, 'a="\\' * 200_000, "a" * 500_000 + '="b"', "}" * 500_000],
)
def test_a_long_line_is_read_once(labels: str) -> None:
    """It took minutes when each letter of a word was tried as the beginning of a name."""
    found = parse(f"vllm:num_requests_running{{{labels}}} 3\n")

    assert found is not None
    assert found.values["num_requests_running"] == 3
