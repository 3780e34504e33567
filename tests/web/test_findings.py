"""The page of a connection test: what it shows, what it keeps, and what it never shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from broker.contract.job import Dialect
from tests.fakes.launch import BadServer
from tests.web.kit import licensed
from web.engines import roster
from web.engines.keys import Unreadable
from web.engines.models import AIModelConfig, Engine, Mode
from web.people.models import User

pytestmark = pytest.mark.django_db
KEY = "sk-very-secret-1"


@pytest.fixture(scope="module")
def server() -> Iterator[BadServer]:
    with BadServer(gap_s=0) as server:
        yield server


def engine(server: BadServer, mode: str, name: str = "api") -> Engine:
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.API, model_name="fake")
    return Engine.objects.create(name=name, kind=Mode.API, url=server.at(mode), api_key=KEY)


def page(client: Client, engine: Engine, language: str = "en") -> str:
    answer = client.post(
        f"/admin/engines/engine/{engine.pk}/test/", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200
    html: str = answer.content.decode()
    assert KEY not in html
    return html


def test_it_shows_what_a_student_would_see(admin: Client, server: BadServer) -> None:
    html = page(admin, engine(server, "think-no-open"))

    assert 'class="success"' in html
    assert "Does that number tell how many days the rice lasts?" in html
    assert "Okay, the student wrote" not in html
    assert "thoughts, not shown" in html
    assert "fake" in html


@pytest.mark.parametrize(
    ("granted", "en", "ko"),
    [
        (False, "not evaluated yet: it writes no hints", "아직 평가하지 않아 힌트를 쓰지 않습니다"),
        (True, "writes level 1 in English", "영어 1단계를 씀"),
    ],
)
def test_it_says_whether_a_student_would_see_anything_of_the_model(
    admin: Client, server: BadServer, granted: bool, en: str, ko: str
) -> None:
    row = engine(server, "think-no-open")
    if granted:
        licensed("fake", levels={"en": [1]})

    assert en in page(admin, row)
    assert ko in page(admin, row, "ko")


def test_what_a_server_refused_is_kept_and_shown(admin: Client, server: BadServer) -> None:
    row = engine(server, "gpt5")
    learned = "max_completion_tokens instead of max_tokens; left out: temperature"

    assert learned in page(admin, row)

    row.refresh_from_db()
    dialect = roster.endpoint_of(row, AIModelConfig.current()).dialect
    assert dialect == Dialect(
        left_out=frozenset({"temperature"}), renamed={"max_tokens": "max_completion_tokens"}
    )
    assert learned in admin.get(f"/admin/engines/engine/{row.pk}/change/").content.decode()
    server.reset()
    assert learned in page(admin, row)
    assert len([each for each in server.log() if each["method"] == "POST"]) == 1


@pytest.mark.parametrize(("left_out", "told"), [("response_format", True), ("temperature", False)])
def test_an_engine_without_schemas_says_so(admin: Client, left_out: str, told: bool) -> None:
    row = Engine.objects.create(name="plain", kind="vllm", model_name="m")
    endpoint = roster.endpoint_of(row, AIModelConfig.current())
    roster.learn(row.name, endpoint, Dialect(left_out=frozenset({left_out})))

    shown = admin.get(f"/admin/engines/engine/{row.pk}/change/").content.decode()

    assert ("it takes no schema" in shown) is told


def test_a_second_turn_knows_what_the_first_learned(admin: Client, server: BadServer) -> None:
    row = engine(server, "gpt5")
    server.reset()

    page(admin, row, language="ko")

    assert len([each for each in server.log() if each["method"] == "POST"]) == 4


def test_a_refusal_is_shown_in_the_servers_words(admin: Client, server: BadServer) -> None:
    html = page(admin, engine(server, "context-full"))

    assert 'class="error"' in html
    assert "maximum context length is 2048 tokens" in html


def test_too_little_room_is_told_with_what_to_do(admin: Client, server: BadServer) -> None:
    html = page(admin, engine(server, "reasoning-eats-all"))

    assert 'class="error"' in html
    assert "Raise max tokens in the AI mode, or turn thinking off." in html


def test_what_the_gate_blocks_is_shown_to_the_admin_alone(admin: Client, server: BadServer) -> None:
    html = page(admin, engine(server, "good"), language="ko")

    assert 'class="warning"' in html
    assert "학생에게 보여 줄 수 없는" in html
    assert "규칙 R8에 따라" in html
    assert "Does that number tell" in html


def test_all_engines_of_the_mode_are_tested_on_one_page(admin: Client, server: BadServer) -> None:
    engine(server, "good", "one")
    engine(server, "html-error", "two")

    html = admin.post("/admin/engines/aimodelconfig/test/").content.decode()

    assert html.count('class="success"') == html.count('class="error"') == 1
    assert {">one<", ">two<"} <= {f">{name}<" for name in ("one", "two") if f">{name}<" in html}


def test_a_key_that_cannot_be_read_is_named_and_the_others_are_tested(
    admin: Client, server: BadServer
) -> None:
    lost = engine(server, "good", "lost")
    Engine.objects.filter(pk=lost.pk).update(api_key=Unreadable("gAAAA"))
    engine(server, "good", "kept")

    html = admin.post("/admin/engines/aimodelconfig/test/").content.decode()
    form = admin.get(f"/admin/engines/engine/{lost.pk}/change/").content.decode()

    assert "“lost”: its API key cannot be read" in html
    assert html.count('class="success"') == 1
    assert "it cannot be read" in form


def test_a_gone_engine_is_not_found(admin: Client) -> None:
    assert admin.post("/admin/engines/engine/999/test/").status_code == 404


def test_nothing_is_asked_by_get_or_by_who_may_not_change(admin: Client, server: BadServer) -> None:
    row = engine(server, "good")
    server.reset()
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_engine"))
    client = Client()
    client.force_login(viewer)
    path = f"/admin/engines/engine/{row.pk}/test/"

    assert admin.get(path).status_code == 302
    assert client.post(path).status_code == 403
    action = {"action": "test_connection", "_selected_action": row.pk}
    client.post("/admin/engines/engine/", action)
    assert server.log() == []


@pytest.mark.parametrize("model", ["engine", "aimodelconfig"])
def test_who_may_only_look_sees_the_row(server: BadServer, line: None, model: str) -> None:
    row = engine(server, "good")
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename=f"view_{model}"))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(viewer)
    pk = row.pk if model == "engine" else 1

    html = client.get(f"/admin/engines/{model}/{pk}/change/").content.decode()

    assert "there is one" in html or "none" in html
    assert "Forget the stored key" not in html
    assert "Test the connection" not in html
    assert KEY not in html


def test_a_start_of_the_web_does_not_load_the_openai_client() -> None:
    script = "import django, sys; django.setup(); import web.urls; print('openai' in sys.modules)"
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "web.settings"}

    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=60
    )

    assert done.stdout == "False\n", done.stderr


def typed(server: BadServer, **changes: str) -> dict[str, str]:
    """A new engine, as a browser sends its form."""
    return {
        "name": "gpu0", "kind": "api", "url": server.at("good"), "model_name": "fake",
        "api_key": KEY, "slots": "4", "languages": "ko,en", "workers": "1", "worker_slots": "64",
        "thinking": "never", "reasoning_tokens": "0", "extra_body": "{}", **changes,
    }  # fmt: skip


ADD = "/admin/engines/engine/add/"


def test_a_new_engine_is_saved_and_tested_by_one_button(admin: Client, server: BadServer) -> None:
    assert 'name="_test"' in admin.get(ADD).content.decode()

    answer = admin.post(ADD, typed(server, _test="1"), follow=True)

    html = answer.content.decode()
    row = Engine.objects.get()
    assert answer.redirect_chain == [(f"/admin/engines/engine/{row.pk}/test/", 302)]
    assert "was added successfully" in html
    assert 'class="success"' in html
    assert "time to the first word" in html
    assert KEY not in html
    # To load the page again, or to follow a link to it, asks no server.
    again = admin.get(f"/admin/engines/engine/{row.pk}/test/")
    assert (again.status_code, again["Location"]) == (
        302, f"/admin/engines/engine/{row.pk}/change/"
    )  # fmt: skip


def test_a_change_is_saved_and_tested_too_and_a_bad_one_is_neither(
    admin: Client, server: BadServer
) -> None:
    row = engine(server, "good")
    path = f"/admin/engines/engine/{row.pk}/change/"

    bad = admin.post(path, typed(server, name="GPU 0", _test="1"), follow=True)
    assert bad.redirect_chain == []
    assert "_test" not in admin.session

    html = admin.post(path, typed(server, url=server.at("404"), _test="1"), follow=True)
    assert 'class="error"' in html.content.decode()
    row.refresh_from_db()
    assert row.url == server.at("404")


def test_who_may_add_but_not_change_is_offered_no_test(server: BadServer) -> None:
    user = User.objects.create_user("adds", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("add_engine", "view_engine")))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)

    assert 'name="_test"' not in client.get(ADD).content.decode()
    answer = client.post(ADD, typed(server, _test="1"))
    assert answer.status_code == 302
    assert not answer["Location"].endswith("/test/")
