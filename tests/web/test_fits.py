"""The table of models by GPU memory: what it picks, what it shows, and that presets agree."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from broker.contract.job import Thinking
from web.engines import fits, presets

PAGE = "/admin/engines/aimodelconfig/models/"
EVERY = [*fits.FITS, *fits.OLDER]


@pytest.mark.parametrize(
    ("memory", "picked"),
    [
        (None, []), (4, []), (7.9, []), (8, ["8–12 GB"]), (12, ["8–12 GB"]), (15.9, ["8–12 GB"]),
        (16, ["16 GB"]), (24, ["24 GB"]), (32, ["24 GB"]), (40, ["40–48 GB"]), (48, ["40–48 GB"]),
        (79, ["40–48 GB"]), (80, ["80 GB"]), (141, ["80 GB"]),
    ],
)  # fmt: skip
def test_the_largest_size_that_the_memory_reaches_is_picked(
    memory: float | None, picked: list[str]
) -> None:
    bands = fits.bands(memory)

    assert [band.title() for band in bands if band.picked] == picked
    assert [fit for band in bands for fit in band.fits] == sorted(
        fits.FITS, key=lambda fit: fit.low_gb
    )


@pytest.mark.parametrize(
    ("typed", "memory"),
    [
        ("24", 24), (" 23.5 ", 23.5), ("24GB", 24), ("80 gb", 80), ("", None), ("much", None),
        ("0", None), ("-8", None), ("nan", None), ("inf", None), ("1e9", None), ("9" * 4000, None),
        ("٢٤", 24),
    ],
)  # fmt: skip
def test_a_memory_is_read_as_people_write_it(typed: str, memory: float | None) -> None:
    assert fits.memory(typed) == memory


@pytest.mark.parametrize("fit", EVERY, ids=lambda fit: str(fit.model))
def test_each_model_of_the_table_is_known(fit: fits.Fit) -> None:
    assert presets.known(fit.model) is not None
    assert fit.needs_gb <= fit.high_gb
    assert fit.command().startswith(f"vllm serve {fit.model}")


@pytest.mark.parametrize("fit", EVERY, ids=lambda fit: str(fit.model))
def test_a_model_that_is_asked_not_to_think_has_a_parser_for_its_thoughts(fit: fits.Fit) -> None:
    asked_off = "enable_thinking" in fit.request()

    assert asked_off == ("Qwen/Qwen3." in fit.model)
    assert not asked_off or "--reasoning-parser qwen3" in fit.flags


def test_what_always_thinks_has_room_and_the_others_none() -> None:
    found = {fit.model: fit.preset().reasoning_tokens for fit in EVERY}
    rooms = {model: tokens for model, tokens in found.items() if tokens}

    assert rooms == {"openai/gpt-oss-20b": presets.REASONING_TOKENS}
    assert presets.REASONING_TOKENS >= 1000


def test_exaone_says_that_its_licence_is_not_for_business() -> None:
    assert "non-commercial" in presets.words(presets.known("LGAI-EXAONE/EXAONE-4.5-33B"))
    assert presets.known("LGAI-EXAONE/EXAONE-4.5-33B-FP8").thinking is Thinking.UNKNOWN  # type: ignore[union-attr]


def shown(admin: Client, memory: str, language: str = "en") -> str:
    answer = admin.get(PAGE, {"memory": memory}, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.mark.django_db
def test_the_page_marks_what_fits_and_what_does_not(admin: Client) -> None:
    picked = shown(admin, "24").split('class="picked"')[1].split("</tbody>")[0]
    assert {"Qwen/Qwen3.5-9B", "mistralai/Ministral-3-14B-Instruct-2512"} == set(
        re.findall(r">(\w+/[\w.-]+)</a>", picked)
    )
    assert "more than you have" not in picked

    assert shown(admin, "8").count("more than you have") == 2
    assert shown(admin, "11").count("more than you have") == 0
    assert shown(admin, "9").count("more than you have") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "english", "korean"),
    [
        ("4", "None of these fits", "맞는 모델이 없습니다"),
        ("<b>", "Write a number of gigabytes", "24처럼"),
    ],
)
def test_the_page_says_what_it_cannot_pick(
    admin: Client, typed: str, english: str, korean: str
) -> None:
    for language, words in (("en", english), ("ko", korean)):
        page = shown(admin, typed, language)
        assert words in page
        assert 'class="picked"' not in page
    assert b"<b>" not in admin.get(PAGE, {"memory": typed}).content


@pytest.mark.django_db
def test_every_row_can_be_copied_and_made_an_engine(admin: Client) -> None:
    page = shown(admin, "")

    ids = re.findall(r'<code id="([\w-]+)"', page)
    assert len(set(ids)) == len(ids) >= len(EVERY)
    assert re.findall(r'data-copy="([\w-]+)"', page) == ids
    for fit in EVERY:
        assert f">{fit.command()}</code>" in page
    form = admin.get("/admin/engines/engine/add/?kind=vllm&model_name=Qwen/Qwen3.5-9B")
    assert b'value="Qwen/Qwen3.5-9B"' in form.content


@pytest.mark.django_db
def test_the_ai_mode_leads_there(admin: Client) -> None:
    assert (
        f'href="{PAGE}"' in admin.get("/admin/engines/aimodelconfig/", follow=True).content.decode()
    )
