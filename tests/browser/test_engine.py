"""An engine's form and the test of its connection in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.fakes.launch import BadServer
from tests.whole.stand import Stand

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
ADD = "/admin/engines/engine/add/"
WORDS = {
    "en-US": {
        "known": "asked not to",
        "shown": "what a student would see",
        "thoughts": "thoughts, not shown",
        "renamed": "max_completion_tokens instead of max_tokens",
        "refused": "The server refuses a hint's request.",
        "key": "model cannot be set here",
    },
    "ko-KR": {
        "known": "쓰지 말라고 요청합니다",
        "shown": "학생이 보게 될 글",
        "thoughts": "보여 주지 않은 생각",
        "renamed": "max_tokens 대신 max_completion_tokens",
        "refused": "서버가 힌트의 요청을 거절합니다.",
        "key": "model 값은 Hintline이 정하므로",
    },
}


@pytest.fixture(scope="module")
def bad_server() -> Iterator[BadServer]:
    with BadServer() as server:
        yield server


@pytest.fixture
def untried(stand: Stand) -> Iterator[Stand]:
    """No engine is left behind."""
    yield stand
    stand.shell(
        "from web.engines.models import Engine\nEngine.objects.filter(name='tried').delete()"
    )


@pytest.fixture
def page(browser: Browser, untried: Stand, locale: str, console: list[str]) -> Iterator[Page]:
    """The form of a new engine, signed in."""
    with watched(browser, untried.url, locale, console) as page:
        sign_in_as(page, untried, "admin", to=ADD)
        expect(page.locator("#id_model_name")).to_be_visible()
        yield page


def add(page: Page, url: str) -> None:
    """Fills in the form and saves it; the page of the engine is open then."""
    page.locator("#id_name").fill("tried")
    page.locator("#id_kind").select_option("api")
    page.locator("#id_url").fill(url)
    page.locator("#id_model_name").fill("fake")
    # The server writes English, which the gate blocks where a hint in Korean is asked for.
    page.locator("#id_languages").select_option("en")
    page.locator("[name=_continue]").click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_the_form_follows_the_name_of_the_model(page: Page, locale: str) -> None:
    page.locator("#id_model_name").fill("Qwen/Qwen3.5-4B")
    expect(page.locator("#known")).to_contain_text(WORDS[locale]["known"])

    page.locator("#use-known").click()
    expect(page.locator("#id_thinking")).to_have_value("unknown")
    expect(page.locator("#id_extra_body")).to_have_value(
        '{"chat_template_kwargs": {"enable_thinking": false}}'
    )

    page.locator("#id_model_name").fill("our-own-model")
    expect(page.locator("#use-known")).to_be_hidden()
    page.locator("#id_extra_body").fill('{"model": "other"}')
    page.locator("#id_name").fill("tried")
    page.locator("#id_kind").select_option("api")
    page.locator("[name=_save]").click()
    expect(page.locator(".errorlist").last).to_contain_text(WORDS[locale]["key"])
    expect(page.locator("#id_extra_body")).to_have_value('{"model": "other"}')


@pytest.mark.parametrize("mode", ["good", "gpt5", "think-no-open"])
def test_a_good_engine(page: Page, bad_server: BadServer, locale: str, mode: str) -> None:
    words = WORDS[locale]
    add(page, bad_server.at(mode))

    page.locator(".object-tools button").click()

    tested = page.locator(".tested")
    expect(tested.locator(".messagelist .success")).to_be_visible()
    expect(tested.locator(f"tr:has-text('{words['shown']}') td")).to_contain_text(
        "how many days the rice lasts?"
    )
    expect(tested.get_by_text(words["thoughts"])).to_have_count(int(mode == "think-no-open"))
    expect(tested.get_by_text(words["renamed"])).to_have_count(int(mode == "gpt5"))
    if mode == "good":
        accessible(page, ".tested")


def test_an_engine_that_refuses(page: Page, bad_server: BadServer, locale: str) -> None:
    add(page, bad_server.at("context-full"))

    page.locator(".object-tools button").click()

    error = page.locator(".tested .messagelist .error")
    expect(error).to_contain_text(WORDS[locale]["refused"])
    expect(error).to_contain_text("maximum context length is 2048 tokens")
