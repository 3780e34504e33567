"""The page of the AI mode in a real browser: an admin goes from the local model to two vLLMs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.kit import accessible, sign_in_as, watched
from tests.fakes.launch import FakeVllm
from tests.whole.stand import Stand, standing, until

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]
PAGE = "/ops/ai/"
WORDS = {
    "en-US": {
        "known": "It does not think.", "used": "Will be used as http://gpu0:8000/v1",
        "ended": "The test has ended.", "works": "works", "first": "time to the first word",
        "taking": "2 engines take hints: gpu0, gpu1", "saved": "Saved.", "local": "local model",
        "back": "Back to what was before", "refused": "Nothing was saved.",
    },
    "ko-KR": {
        "known": "생각을 쓰지 않습니다.", "used": "실제로 쓸 주소: http://gpu0:8000/v1",
        "ended": "시험이 끝났습니다.", "works": "정상", "first": "첫 단어나 생각까지",
        "taking": "엔진 2개가 씁니다: gpu0, gpu1", "saved": "저장했습니다.", "local": "로컬 모델",
        "back": "변경 전으로", "refused": "저장하지 않았습니다.",
    },
}  # fmt: skip
BEFORE = """
from web.engines.models import AIModelConfig, ModeChange
AIModelConfig.objects.update(
    mode="local", model_name="fake", vllm_url="http://127.0.0.1:8001/v1", temperature=0.7
)
ModeChange.objects.all().delete()
"""


@pytest.fixture(scope="module")
def vllms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    engines = {name: FakeVllm(step_s=0.01) for name in ("gpu0", "gpu1")}
    with standing(tmp_path_factory.mktemp("stand"), engines, students=1) as stand:  # type: ignore[arg-type]
        yield stand


@pytest.fixture
def page(browser: Browser, vllms: Stand, locale: str, console: list[str]) -> Iterator[Page]:
    """Of an admin whose site uses the local model."""
    vllms.shell(BEFORE)
    with watched(browser, vllms.url, locale, console) as page:
        sign_in_as(page, vllms, "admin", to=PAGE)
        yield page


def fits(page: Page) -> None:
    """Without scrolling sideways, on a phone and on a desk."""
    for width, height in ((390, 800), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        accessible(page)


def test_an_admin_goes_from_the_local_model_to_vllm_with_the_keyboard(
    page: Page, vllms: Stand, locale: str
) -> None:
    words = WORDS[locale]
    expect(page.locator("#mode-local")).to_be_checked()
    fits(page)

    page.locator("#mode-local").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#mode-vllm")).to_be_checked()
    expect(page.locator("#id_vllm_url")).to_be_visible()
    expect(page.locator("#id_api_url")).to_be_hidden()
    page.locator("#id_vllm_url").fill("http://gpu0:8000")
    expect(page.locator("[data-used=vllm_url]")).to_have_text(words["used"])
    use = page.locator("[data-use='Qwen/Qwen2.5-Coder-32B-Instruct']")
    use.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_model_name")).to_have_value("Qwen/Qwen2.5-Coder-32B-Instruct")
    expect(page.locator("#id_model_name")).to_be_focused()
    expect(page.locator("#known")).to_contain_text(words["known"])
    page.locator("#list-models").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="fake", exact=True).press("Enter")
    expect(page.locator("#id_model_name")).to_have_value("fake")

    page.locator("#test").press("Enter")
    expect(page.locator("#trial-state")).to_have_text(words["ended"])
    trials = page.locator(".trial")
    expect(trials).to_have_count(4)
    for trial in trials.all():
        expect(trial.locator(".chip")).to_have_text(words["works"])
        expect(trial.locator(".hint-text")).to_contain_text(re.compile(r"\w"))
        expect(trial.locator("dl")).to_contain_text(words["first"])
    fits(page)

    page.locator("#id_temperature").fill("")
    page.locator("button[value=save]").press("Enter")
    expect(page.locator(".effects")).to_contain_text(words["taking"])
    fits(page)
    assert vllms.live() == set()
    page.locator("button[value=back]").press("Enter")
    expect(page.locator("#mode-vllm")).to_be_checked()
    expect(page.locator("#id_temperature")).to_have_value("")
    page.locator("button[value=save]").press("Enter")
    page.locator("button[value=confirm]").press("Enter")

    expect(page.locator(".notice").first).to_contain_text(words["saved"])
    expect(page.locator(".way[data-current] #mode-vllm")).to_be_checked()
    until(lambda: vllms.live() == {"gpu0", "gpu1"})
    expect(page.locator(".changes del").first).to_have_text(words["local"])
    fits(page)

    page.get_by_role("link", name=words["back"]).press("Enter")
    expect(page.locator("#mode-local")).to_be_checked()
    expect(page.locator("#id_temperature")).to_have_value("0.7")
    page.locator("button[value=save]").press("Enter")
    page.locator("button[value=confirm]").press("Enter")
    expect(page.locator(".changes > li")).to_have_count(2)
    until(lambda: vllms.live() == set())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_cannot_be_saved_is_named_and_stays(
    page: Page, locale: str, console: list[str], scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator("#id_max_tokens").fill("3")
    page.locator("button[value=save]").press("Enter")

    refused = page.locator("#refused")
    expect(refused).to_be_focused()
    expect(refused).to_contain_text(WORDS[locale]["refused"])
    expect(page.locator("#id_max_tokens")).to_have_value("3")
    fits(page)

    page.locator("#test").press("Enter")
    expect(page.locator("#trial-state")).to_contain_text("16")
    # The browser itself tells of the answer, which is a 400.
    until(lambda: console)
    assert "400" in console.pop()
