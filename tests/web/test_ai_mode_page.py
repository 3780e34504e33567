"""The page of the AI mode: what it saves and when, what it refuses, and what it never shows."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from broker import fleet
from tests.fakes.launch import BadServer, FakeEngine
from tests.web.kit import TTL_S, WRONG, licensed
from tests.whole.stand import until
from web.courses.models import Exercise
from web.engines import addresses, history
from web.engines.keys import Unreadable
from web.engines.models import AIModelConfig, Engine, JudgedBy, Mode, ModeChange
from web.engines.panel import trial
from web.link import broker
from web.people.models import User

pytestmark = pytest.mark.django_db
PAGE, TEST, MODELS, KNOWN = (f"/ops/ai/{each}" for each in ("", "test/", "models/", "known/"))
KEY, NEW = "sk-very-secret-1", "sk-brand-new-2"


@pytest.fixture
def config(db: None) -> AIModelConfig:
    config = AIModelConfig.current()
    config.mode, config.model_name, config.api_key = Mode.LOCAL, "fake", KEY
    config.vllm_url, config.api_url = "http://gpu:8001/v1", "https://api.example/v1"
    config.save()
    return config


@pytest.fixture
def vllms(config: AIModelConfig) -> list[Engine]:
    return [
        Engine.objects.create(name=name, kind=Mode.VLLM, slots=8, url=f"http://{name}:8000/v1")
        for name in ("gpu0", "gpu1")
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[BadServer]:
    with BadServer(gap_s=0) as server:
        yield server


def staff(*codenames: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def lose_key(engine: str) -> None:
    """As if its key was encrypted with a secret key that nobody knows any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE engines_engine SET api_key = 'gAAAAAbroken' WHERE name = %s", [engine]
        )


def form(**changes: Any) -> dict[str, Any]:
    """As a browser sends it: it holds no stored key, and when it was opened."""
    config = AIModelConfig.current()
    fields = {
        **{name: value for name, value in history.values(config).items() if value is not None},
        "version": config.changed_at.isoformat(),
        "step": "save",
    }
    fields = {name: value for name, value in fields.items() if value is not False}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def text(answer: Any) -> str:
    """What it says, checked to hold no key in any form."""
    html: str = answer.content.decode()
    assert "sk-" not in html
    assert "gAAAAA" not in html
    return html


def hidden(html: str) -> dict[str, str]:
    """What a browser sends from the confirmation, but for the button."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)
    return {name: value for name, value in found if name != "next"}


def confirm(client: Client, **changes: Any) -> Any:
    """Save, and then confirm what the page asks."""
    asked = client.post(PAGE, form(**changes))
    assert asked.status_code == 200, asked
    return client.post(PAGE, hidden(text(asked)) | {"step": "confirm"}, follow=True)


def lines(answer: Any) -> list[dict[str, Any]]:
    body = b"".join(answer.streaming_content).decode()
    assert "sk-" not in body
    return [json.loads(line) for line in body.splitlines()]


def test_three_ways_and_what_each_costs(admin: Client, vllms: list[Engine]) -> None:
    html = text(admin.get(PAGE))

    assert re.findall(r'type="radio" name="mode" value="(\w+)"', html) == ["api", "vllm", "local"]
    assert html.count("in use now") == 1
    assert "2 engines are enabled; their workers start once this is chosen" in html
    assert "There is no engine of this kind." in html
    assert "/admin/engines/engine/add/?kind=api" in html


def test_a_card_tells_what_its_engines_do(admin: Client, vllms: list[Engine]) -> None:
    AIModelConfig.objects.update(mode=Mode.VLLM)
    broker().run(fleet.set_engines({"gpu0": 8, "gpu1": 8}))
    broker().run(fleet.beat("gpu0", "gpu0@here", 8, TTL_S))

    html = text(admin.get(PAGE))

    assert "up: gpu0; no workers: gpu1" in html
    assert "no licence to write" in html
    lose_key("gpu0")
    assert "down: gpu0; no workers: gpu1" in text(admin.get(PAGE))
    licensed("fake")
    assert "may write hints" in text(admin.get(PAGE))


def test_what_a_card_lacks_is_named(admin: Client, vllms: list[Engine]) -> None:
    lose_key("gpu0")
    AIModelConfig.objects.update(model_name="")
    Engine.objects.create(name="away", kind=Mode.API, enabled=False)

    html = text(admin.get(PAGE))

    assert "Engine “gpu0”: its API key cannot be read" in html
    assert "gpu1 has no model name." in html
    assert "No engine of this kind is enabled." in html


def test_the_models_of_the_owner_are_listed(admin: Client, config: AIModelConfig) -> None:
    html = text(admin.get(PAGE))

    for model in (
        "Qwen/Qwen2.5-Coder-32B-Instruct",
        "Qwen/Qwen2.5-Coder-7B-Instruct",
        "ModelCloud/Brumby-14B-Base-GPTQMODEL-W4A16-v2",
        "google/gemma-4-12B-it-qat-w4a16-ct",
    ):
        assert f'<option value="{model}">' in html
        assert f'data-use="{model}"' in html
    assert "32.76 GB" in html
    assert "base model without a chat template" in html


def test_nothing_is_saved_before_it_is_confirmed(admin: Client, vllms: list[Engine]) -> None:
    asked = text(admin.post(PAGE, form(mode="vllm", temperature="")))

    assert AIModelConfig.current().mode == Mode.LOCAL
    assert not ModeChange.objects.exists()
    assert "local model" in asked
    assert "vLLM" in asked
    assert "not sent" in asked
    assert "2 engines take hints: gpu0, gpu1 (16 at once)." in asked
    assert "No model of these engines may write hints yet" in asked
    assert "finish where" in asked or "finishes where" in asked or "would finish" in asked


def test_what_is_confirmed_is_saved_and_the_dispatcher_is_told(
    admin: Client, vllms: list[Engine], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        said = text(confirm(admin, mode="vllm", temperature=""))

    config = AIModelConfig.current()
    assert (config.mode, config.temperature, config.api_key) == (Mode.VLLM, None, KEY)
    assert set(broker().run(fleet.snapshot())) >= {"gpu0", "gpu1"}
    assert "Saved." in said
    change = ModeChange.objects.get()
    assert (str(change.by), change.before, change.after) == ("root", "local", "vllm")
    assert change.changed == {"mode": ["local", "vllm"], "temperature": [0.7, None]}


def test_a_mode_without_engines_is_warned_about(admin: Client, config: AIModelConfig) -> None:
    asked = text(admin.post(PAGE, form(mode="api")))

    assert "No engine of this mode is enabled: hints come without a model." in asked


def test_back_keeps_what_was_typed(admin: Client, config: AIModelConfig) -> None:
    asked = text(admin.post(PAGE, form(model_name="typed/model", api_key=NEW)))

    back = text(admin.post(PAGE, hidden(asked) | {"step": "back"}))

    assert 'value="typed/model"' in back
    assert "The key that you typed is kept until you confirm." in back
    assert AIModelConfig.current().model_name == "fake"
    again = text(admin.post(PAGE, hidden(back) | form(model_name="typed/model")))
    admin.post(PAGE, hidden(again) | {"step": "confirm"})
    assert AIModelConfig.current().api_key == NEW


def test_a_new_key_is_kept_encrypted_until_it_is_confirmed(
    admin: Client, config: AIModelConfig
) -> None:
    asked = text(admin.post(PAGE, form(api_key=NEW)))
    assert NEW not in json.dumps(dict(admin.session.items()))
    assert AIModelConfig.current().api_key == KEY

    admin.post(PAGE, hidden(asked) | {"step": "confirm"})

    assert AIModelConfig.current().api_key == NEW
    assert ModeChange.objects.get().changed == {"api_key": ["stored", "other"]}
    assert "ai_mode_key" not in admin.session


def test_a_key_that_is_kept_no_longer_must_be_typed_again(
    admin: Client, config: AIModelConfig
) -> None:
    asked = text(admin.post(PAGE, form(api_key=NEW, model_name="m")))
    text(admin.post(PAGE, form(api_key="sk-other-draft")))

    said = text(admin.post(PAGE, hidden(asked) | {"step": "confirm"}))

    assert "type it again" in said
    assert (AIModelConfig.current().api_key, AIModelConfig.current().model_name) == (KEY, "fake")
    # Whoever types none then goes on with the one that is stored.
    assert "Nothing was saved." not in text(admin.post(PAGE, form(model_name="m")))
    assert "draft" not in hidden(said)


def test_the_box_forgets_the_key(admin: Client, config: AIModelConfig) -> None:
    asked = text(admin.post(PAGE, form(forget_key="on")))
    assert "The stored API key is removed" in asked

    said = text(admin.post(PAGE, hidden(asked) | {"step": "confirm"}, follow=True))

    assert not AIModelConfig.current().api_key
    assert ModeChange.objects.get().changed == {"api_key": ["stored", "none"]}
    assert "No key is stored." in said


def test_a_key_that_cannot_be_read_is_named_and_stays(
    admin: Client, config: AIModelConfig, settings: Any
) -> None:
    settings.SECRET_KEY = "another"
    admin.force_login(User.objects.get())

    assert "it cannot be read" in text(admin.get(PAGE))
    confirm(admin, max_tokens=300)

    assert isinstance(AIModelConfig.current().api_key, Unreadable)
    assert ModeChange.objects.get().changed == {"max_tokens": [400, 300]}


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("https://router.huggingface.co", "https://router.huggingface.co/v1"),
        ("https://router.huggingface.co/v1/", "https://router.huggingface.co/v1"),
        ("http://gpu0:8000/", "http://gpu0:8000/v1"),
        ("https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
        ("https://g.example/v1beta/openai/", "https://g.example/v1beta/openai"),
        ("https://h.example/v1/chat/completions", "https://h.example/v1"),
        ("http://[", "http://[/v1"),
    ],
)
def test_an_address_is_taken_with_and_without_its_end(
    admin: Client, config: AIModelConfig, typed: str, used: str
) -> None:
    assert addresses.whole(typed) == used
    assert admin.get(KNOWN, {"api_url": typed}).json()["addresses"]["api_url"] == used

    confirm(admin, api_url=typed)

    assert AIModelConfig.current().api_url == used


def test_an_address_that_nobody_touches_stays_as_it_is(
    admin: Client, config: AIModelConfig
) -> None:
    AIModelConfig.objects.update(api_url="https://odd.example")

    confirm(admin, max_tokens=300)

    assert AIModelConfig.current().api_url == "https://odd.example"


@pytest.mark.parametrize(
    "wrong",
    [{"max_tokens": 15}, {"temperature": 2.1}, {"top_p": 0}, {"mode": "x"}, {"api_url": "ftp://x"}],
)
def test_a_value_out_of_range_is_refused(
    admin: Client, config: AIModelConfig, wrong: dict[str, Any]
) -> None:
    said = text(admin.post(PAGE, form(model_name="typed", **wrong)))

    assert "Nothing was saved." in said
    assert 'value="typed"' in said
    errors = admin.post(TEST, form(**wrong))
    assert (errors.status_code, bool(errors.json()["errors"])) == (400, True)


def test_a_form_of_before_somebody_elses_change_is_refused(
    admin: Client, config: AIModelConfig
) -> None:
    mine = form(model_name="mine")
    confirm(admin, model_name="theirs")

    said = text(admin.post(PAGE, mine))

    assert "root changed the AI mode" in said
    assert 'value="mine"' in said
    assert AIModelConfig.current().model_name == "theirs"
    asked = text(admin.post(PAGE, mine | {"version": hidden(said)["version"]}))
    assert "theirs" in asked


def test_a_confirmation_of_before_somebody_elses_change_is_refused(
    admin: Client, config: AIModelConfig
) -> None:
    mine = hidden(text(admin.post(PAGE, form(model_name="mine", api_key=NEW))))
    AIModelConfig.current().save()

    said = text(admin.post(PAGE, mine | {"step": "confirm"}))

    assert "changed after you had opened this page" in said
    assert 'value="mine"' in said
    assert AIModelConfig.current().model_name == "fake"


def test_nothing_typed_is_nothing_saved(admin: Client, config: AIModelConfig) -> None:
    assert "Nothing is changed" in text(admin.post(PAGE, form()))
    assert not ModeChange.objects.exists()


def test_the_history_says_who_changed_what_and_leads_back(
    admin: Client, config: AIModelConfig
) -> None:
    confirm(admin, model_name="second", max_tokens="")
    first = ModeChange.objects.get()
    confirm(admin, model_name="third", judged_by=JudgedBy.NOBODY)

    html = text(admin.get(PAGE))
    assert "<del>fake</del>" in html
    assert "<ins>third</ins>" in html
    assert f"?back={first.pk}" in html

    back = text(admin.get(PAGE, {"back": first.pk}))

    assert 'value="fake"' in back
    assert 'name="max_tokens" value="400"' in back
    assert re.search(r'<option value="same" selected', back)
    assert AIModelConfig.current().model_name == "third"
    asked = text(admin.post(PAGE, form(model_name="fake", max_tokens=400, judged_by="same")))
    admin.post(PAGE, hidden(asked) | {"step": "confirm"})
    assert history.values(AIModelConfig.current()) == history.values(config)
    assert ModeChange.objects.count() == 3


def test_the_way_back_brings_the_judge_back_by_its_name(admin: Client, vllms: list[Engine]) -> None:
    AIModelConfig.objects.update(judged_by=JudgedBy.OTHER, judge_engine=vllms[1])
    confirm(admin, judge_engine=vllms[0].pk)
    change = ModeChange.objects.get()
    assert change.changed == {"judge_engine": ["gpu1", "gpu0"]}

    back = text(admin.get(PAGE, {"back": change.pk}))

    assert f'<option value="{vllms[1].pk}" selected>gpu1</option>' in back
    vllms[1].delete()
    assert "selected>gpu" not in text(admin.get(PAGE, {"back": change.pk}))


def test_a_change_of_before_there_were_fields_tells_of_the_mode(
    admin: Client, config: AIModelConfig
) -> None:
    older = ModeChange.objects.create(before="api", after="local")

    assert "<del>hosted API</del>" in text(admin.get(PAGE))

    back = text(admin.get(PAGE, {"back": older.pk}))
    assert re.search(r'value="api" id="mode-api"[^>]* checked', back)


def test_there_is_no_way_back_to_what_is_not_there(admin: Client, config: AIModelConfig) -> None:
    assert admin.get(PAGE, {"back": "77"}).status_code == 404
    assert admin.get(PAGE, {"back": "x"}).status_code == 200


def test_the_form_of_the_admin_records_the_same(admin: Client, config: AIModelConfig) -> None:
    fields = {name: value for name, value in form(max_tokens=300, api_key=NEW).items()}

    assert admin.post("/admin/engines/aimodelconfig/1/change/", fields).status_code == 302

    change = ModeChange.objects.get()
    assert change.changed == {"max_tokens": [400, 300], "api_key": ["stored", "other"]}
    assert "Max tokens: 400 → 300; API key: stored → another one" in text(
        admin.get("/admin/engines/modechange/")
    )


def test_a_viewer_reads_and_changes_nothing(line: None, config: AIModelConfig) -> None:
    viewer = staff("view_aimodelconfig")

    html = text(viewer.get(PAGE))

    assert "You may look at this page" in html
    assert '<fieldset class="all" disabled>' in html
    assert 'name="step"' not in html
    for path in (PAGE, TEST, MODELS):
        assert viewer.post(path, form(model_name="theirs")).status_code == 403
    assert AIModelConfig.current().model_name == "fake"


@pytest.mark.parametrize("path", [PAGE, KNOWN])
def test_who_may_see_no_mode_sees_nothing(line: None, config: AIModelConfig, path: str) -> None:
    assert staff("view_engine").get(path).status_code == 403
    assert Client().get(path)["Location"].startswith("/accounts/login/")


def typed(server: BadServer, way: str, **changes: Any) -> dict[str, Any]:
    return form(mode="api", api_url=server.at(way), api_key=NEW, **changes)


def test_a_test_streams_what_comes_of_what_is_typed(
    admin: Client, config: AIModelConfig, server: BadServer
) -> None:
    server.reset()
    answer = admin.post(TEST, typed(server, "think-tags"))

    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["X-Accel-Buffering"] == "no"
    told = lines(answer)
    begun = [line for line in told if line["kind"] == "begin"]
    assert [line["language"] for line in begun] == ["Korean", "English"]
    ends = {line["at"].rpartition("-")[2]: line for line in told if line["kind"] == "end"}
    assert ends["en"]["tone"] == "ok"
    said = "".join(line["piece"] for line in told if line["kind"] == "text")
    assert "Does that number tell how many days the rice lasts?" in said
    assert "the student" not in said
    labels = [label for label, _value in ends["en"]["lines"]]
    assert {
        "thoughts, not shown",
        "time to the first word or thought",
        "whole time",
        "licence",
    } <= {*labels}
    # Nothing is kept of it.
    assert AIModelConfig.current().mode == Mode.LOCAL
    assert not Engine.objects.exists()
    assert {each["headers"].get("authorization") for each in server.log()} == {f"Bearer {NEW}"}


def test_a_test_asks_the_engines_of_the_mode_that_is_chosen(
    admin: Client, config: AIModelConfig, server: BadServer
) -> None:
    for name, languages in (("one", "en"), ("two", "ko,en")):
        url = server.at("good")
        Engine.objects.create(name=name, kind=Mode.VLLM, url=url, languages=languages)

    told = lines(admin.post(TEST, form(mode="vllm")))

    assert {line["at"] for line in told} == {"one-ko", "one-en", "two-ko", "two-en"}
    assert "writes no hints in this language" in next(
        line["message"] for line in told if line["at"] == "one-ko" and line["kind"] == "end"
    )
    assert Engine.objects.get(name="one").dialect == {}


def test_a_test_is_of_the_exercise_that_is_chosen(
    admin: Client, exercise: Exercise, config: AIModelConfig, server: BadServer
) -> None:
    exercise.wrong = [{"code": WRONG, "why_en": "It takes away."}]
    exercise.save()
    server.reset()

    assert f'<option value="{exercise.pk}">Add</option>' in text(admin.get(PAGE))
    lines(admin.post(TEST, typed(server, "good", exercise=str(exercise.pk))))

    asked = json.dumps([each["body"] for each in server.log() if each["body"]])
    assert "return a - b" in asked
    assert "`add(1, 2)` should give `3`" in asked


def test_the_stored_key_goes_to_no_other_host(
    admin: Client, config: AIModelConfig, server: BadServer
) -> None:
    server.reset()
    elsewhere = form(mode="api", api_url=server.at("good"))

    told = lines(admin.post(TEST, elsewhere))
    admin.post(MODELS, elsewhere)

    assert KEY not in json.dumps(server.log())
    assert any("The stored key was not sent" in json.dumps(line) for line in told)
    asked = text(admin.post(PAGE, form(mode="api", api_url="https://other.example/v1")))
    assert "No engine of this mode" in asked
    Engine.objects.create(name="api", kind=Mode.API)
    asked = text(admin.post(PAGE, form(mode="api", api_url="https://other.example/v1")))
    assert "The stored API key will be sent to the new address." in asked


def test_a_key_that_cannot_be_read_is_said_in_the_test(
    admin: Client, config: AIModelConfig
) -> None:
    Engine.objects.create(name="gpu0", kind=Mode.VLLM, url="http://127.0.0.1:1/v1")
    lose_key("gpu0")

    told = lines(admin.post(TEST, form(mode="vllm")))

    assert [line["tone"] for line in told if line["kind"] == "end"] == ["error", "error"]
    assert "cannot be read" in json.dumps(told)


def test_whoever_leaves_a_test_breaks_its_requests_off(
    admin: Client, config: AIModelConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeEngine(seconds=20) as slow:
        # Of a model that may think, no word would come before the last.
        known = form(mode="api", api_url=slow.url, api_key=NEW, model_name="Qwen2.5-Coder-7B")
        answer = admin.post(TEST, known)
        stream = iter(answer.streaming_content)
        while json.loads(next(stream))["kind"] != "text":
            pass
        answer.close()

        until(lambda: slow.stats()["aborted"] == 1)
        assert slow.stats()["active"] == 0
    # asyncio complains of what nobody has waited for when it is thrown away.
    del stream, answer
    gc.collect()
    assert not [each for each in caplog.records if each.name == "asyncio"]


def test_lines_that_a_thread_leaves_are_closed_at_once() -> None:
    closed = []

    async def lines() -> AsyncGenerator[bytes, None]:
        try:
            yield b"first"
            yield b"second"
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    kept = lines()
    stream = trial.in_thread(kept)
    assert next(stream) == b"first"
    stream.close()

    assert closed == [True]


def test_the_server_is_asked_for_its_models(
    admin: Client, config: AIModelConfig, server: BadServer
) -> None:
    assert admin.post(MODELS, typed(server, "good")).json() == {"models": ["fake"], "whys": []}

    found = admin.post(MODELS, form(mode="api", api_url="http://127.0.0.1:1", api_key=NEW)).json()

    assert found["models"] == []
    assert "http://127.0.0.1:1/v1" in found["whys"][0]


def test_what_is_known_follows_the_name(admin: Client, config: AIModelConfig) -> None:
    words = admin.get(KNOWN, {"model_name": "Qwen/Qwen3.5-9B"}).json()["words"]

    assert "asked not to" in words
