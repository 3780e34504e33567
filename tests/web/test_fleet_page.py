"""The fleet page: who sees it, what it shows of each state, and what its buttons do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from broker import dispatch, fleet, health, nodes
from broker.embedded import Embedded
from broker.health import Reading, Why
from broker.nodes import CrewReport, NodeState
from tests.broker.helpers import ticket
from web.engines.models import AIModelConfig, Engine, Mode
from web.fleet import page
from web.link import broker
from web.people.models import User

pytestmark = pytest.mark.django_db
PAGE = "/ops/fleet/"
NOW = f"{PAGE}now/"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is a new one."""
    monkeypatch.setattr(page, "NOW_S", -1)


def client_of(user: User, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


@pytest.fixture
def admin(line: None) -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def viewer(line: None) -> Client:
    """Staff who may look at engines and change nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_engine"))
    return client_of(user)


@pytest.fixture
def gpu0(db: None) -> Engine:
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM)
    return Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=32, workers=2, worker_slots=8)


def works(workers: int = 2, **crew: Any) -> None:
    """A node with live workers of gpu0."""
    live = CrewReport(engine="gpu0", wanted=2, slots=8, live=workers, **crew)
    broker().run(nodes.beat("box", "token", NodeState(None, (live,))))
    broker().run(fleet.set_engines({"gpu0": 32}))
    for number in range(workers):
        broker().run(fleet.beat("gpu0", f"gpu0-{number}@box", 8, 60))


def form(engine: Engine, **changes: str) -> dict[str, str]:
    """The page's form as a browser sends it. changes: workers, slots."""
    fields = {}
    for name, value in (("workers", engine.workers), ("slots", engine.worker_slots)):
        fields[f"was-{name}-{engine.name}"] = str(value)
        fields[f"{name}-{engine.name}"] = changes.get(name, str(value))
    return fields


def row(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(NOW).json()["rows"]["gpu0"]
    return found


def state(client: Client) -> str:
    return str(row(client)["cells"]["state"])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_it_shows_engines_and_nodes(admin: Client, gpu0: Engine) -> None:
    works(crashes=3, last_exit="SIGKILL", leaving=1)
    reading = Reading(running=3, waiting=7, kv_usage=0.5, tokens_s=1234.0, cached_ratio=0.87)
    broker().run(health.read("gpu0", reading))

    shown = admin.get(NOW).json()

    assert shown["rows"]["gpu0"] == {
        "cells": {
            "state": "up", "live": "2", "slots": "16", "in_flight": "0", "waiting": "7",
            "tokens_s": "1,234", "cached": "87%", "crashes": "3 · SIGKILL",
        },
        "tone": "up", "crash": "", "workers": 2, "slots": 8, "draining": False,
    }  # fmt: skip
    assert shown["nodes"] == [["box", "every engine", "gpu0 2/2 (−1)"]]
    assert (shown["notice"], shown["backlog"]) == ("", "Hints that wait for a slot: 0")
    html = text(admin.get(PAGE))
    assert all(cell in html for cell in ("1,234", "87%", "3 · SIGKILL", "every engine"))


def test_diagnoses_that_run_ahead_are_shown_beside_hints(admin: Client, gpu0: Engine) -> None:
    works()
    for number in range(9):
        broker().run(dispatch.admit(ticket(f"diagnosis-{number}", lane="batch")))
    for number in range(3):
        broker().run(dispatch.admit(ticket(f"h{number}")))

    assert row(admin)["cells"]["in_flight"] == "3 + 8"
    assert admin.get(NOW).json()["backlog"] == (
        "Hints that wait for a slot: 0 · diagnoses that run ahead: 8 (behind a +), waiting: 1"
    )


def test_the_adaptive_limit_is_shown(admin: Client, gpu0: Engine) -> None:
    works()
    broker().run(health.set_limit("gpu0", 0, 12.4, None))

    assert row(admin)["cells"]["slots"].endswith(" / 12")


def test_every_state_has_its_word(admin: Client, gpu0: Engine) -> None:
    assert state(admin) == "no workers"
    works(0, crashes=2, last_exit="exit 1", retry_s=3.2)
    assert state(admin) == "workers crash"
    assert row(admin)["cells"]["crashes"] == "2 · exit 1 · next try in 3 s"
    works()
    assert state(admin) == "up"
    broker().run(health.pause("gpu0", 4))
    assert state(admin) == "paused 4 s"
    broker().run(health.down("gpu0", Why.REFUSED))
    assert state(admin) == "down: nothing listens at its address"
    broker().run(health.probe("gpu0"))
    assert state(admin) == "being tried"
    Engine.objects.update(draining=True)
    assert state(admin) == "draining"
    for number in range(2):
        broker().run(fleet.leave("gpu0", f"gpu0-{number}@box"))
    assert state(admin) == "drained"
    Engine.objects.update(enabled=False)
    assert state(admin) == "off"


def test_counts_are_changed(admin: Client, gpu0: Engine) -> None:
    works()

    answer = admin.post(PAGE, form(gpu0, workers="5", slots="16"), follow=True)

    gpu0.refresh_from_db()
    assert (gpu0.workers, gpu0.worker_slots) == (5, 16)
    assert "Saved: gpu0." in text(answer)
    assert "workers: 2 → 5" in text(admin.get(f"/admin/engines/engine/{gpu0.pk}/history/"))


def test_what_was_not_touched_is_left_as_others_set_it(admin: Client, gpu0: Engine) -> None:
    works()
    sent = form(gpu0, workers="5")
    Engine.objects.update(worker_slots=99)

    admin.post(PAGE, sent)

    gpu0.refresh_from_db()
    assert (gpu0.workers, gpu0.worker_slots) == (5, 99)


@pytest.mark.parametrize("wrong", ["-1", "65", "many", ""])
def test_a_bad_count_is_named_and_stays_in_its_field(
    admin: Client, gpu0: Engine, wrong: str
) -> None:
    works()

    html = text(admin.post(PAGE, form(gpu0, workers=wrong, slots="16")))

    assert "is no number of workers: use 0 to 64." in html
    assert f'name="workers-gpu0" value="{wrong}"' in html
    assert 'name="slots-gpu0" value="16"' in html
    gpu0.refresh_from_db()
    assert (gpu0.workers, gpu0.worker_slots) == (2, 8)


def test_a_gpu_that_nobody_has_is_refused(admin: Client, gpu0: Engine) -> None:
    broker().run(nodes.beat("box", "token", NodeState(frozenset({"gpu1"}))))

    html = text(admin.post(PAGE, form(gpu0, workers="3")))

    assert "gpu0: no live node serves it. Live nodes: box (gpu1)." in html


def test_the_text_of_a_request_is_escaped(admin: Client, gpu0: Engine) -> None:
    html = text(admin.post(PAGE, {"workers-<i>": "<script>", "drain": ""}))

    assert "&lt;i&gt;: there is no such engine." in html
    assert "<i>" not in html


@pytest.mark.django_db(transaction=True)
def test_drain_and_resume(admin: Client, gpu0: Engine) -> None:
    works()

    answer = admin.post(PAGE, form(gpu0, workers="9") | {"drain": "gpu0"}, follow=True)
    assert "Draining: gpu0." in text(answer)
    assert "No engine takes hints now" in text(answer)
    gpu0.refresh_from_db()
    assert (gpu0.draining, gpu0.workers) == (True, 2)

    answer = admin.post(PAGE, {"resume": "gpu0"}, follow=True)
    assert "Resumed: gpu0." in text(answer)
    gpu0.refresh_from_db()
    assert not gpu0.draining


def test_an_engine_that_is_gone_cannot_drain(admin: Client, gpu0: Engine) -> None:
    assert "gone: there is no such engine." in text(admin.post(PAGE, {"drain": "gone"}))


def test_who_may_only_look_changes_nothing(viewer: Client, gpu0: Engine) -> None:
    works()

    html = text(viewer.get(PAGE))

    assert "gpu0" in html
    assert "workers-gpu0" not in html
    assert "drain" not in {part.partition('"')[0] for part in html.split('<button name="')}
    assert viewer.get(NOW).status_code == 200
    for sent in ({"drain": "gpu0"}, form(gpu0, workers="5")):
        assert viewer.post(PAGE, sent).status_code == 403
    gpu0.refresh_from_db()
    assert (gpu0.draining, gpu0.workers) == (False, 2)


def test_the_index_and_the_list_lead_to_it(admin: Client, viewer: Client, gpu0: Engine) -> None:
    for client in (admin, viewer):
        for path in ("/admin/", "/admin/engines/engine/"):
            assert f'href="{PAGE}"' in text(client.get(path))
    stranger = client_of(User.objects.create_user("other", is_staff=True))
    assert PAGE not in text(stranger.get("/admin/"))


def test_without_redis_it_says_so_and_still_works(
    admin: Client, gpu0: Engine, home_valkey: Embedded
) -> None:
    works()
    home_valkey.stop()
    try:
        shown = admin.get(NOW).json()
        html = text(admin.get(PAGE))
        saved = admin.post(PAGE, form(gpu0, workers="5"), follow=True)
    finally:
        home_valkey.start()

    assert "Redis does not answer" in shown["notice"]
    assert shown["rows"]["gpu0"]["cells"] == {"state": "unknown"}
    assert "Redis does not answer" in html
    assert 'name="workers-gpu0" value="2"' in html
    assert "Saved: gpu0." in text(saved)
    gpu0.refresh_from_db()
    assert gpu0.workers == 5


def test_it_speaks_korean(gpu0: Engine, line: None) -> None:
    works()
    html = text(client_of(User.objects.create_superuser("root"), "ko").get(PAGE))

    for word in ("엔진·워커 현황", "정상", "원하는 워커", "모든 엔진", "비우기", "수 저장"):
        assert word in html


def planned(client: Client, query: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = client.get(f"{PAGE}plan/", query).json()
    return found


def test_what_a_change_would_do_is_told_before_it_is_made(admin: Client, gpu0: Engine) -> None:
    works()

    more = planned(admin, form(gpu0, workers="3"))
    assert more == {
        "told": ["gpu0: up to 24 hints at once instead of 16."], "problems": [],
    }  # fmt: skip
    (fewer,) = planned(admin, form(gpu0, workers="1"))["told"]
    assert fewer.startswith("gpu0: up to 8 hints at once instead of 16; it has 0 now")
    (same,) = planned(admin, form(gpu0, workers="9"))["told"]
    assert "up to 32 hints at once instead of 16" in same
    (slots,) = planned(admin, form(gpu0, slots="4", workers="4"))["told"]
    assert "as many hints at once as before, 16" in slots
    assert "replaced one after the other" in slots
    (none,) = planned(admin, form(gpu0, workers="0"))["told"]
    assert "gets no new hints" in none
    assert planned(admin, form(gpu0)) == {"told": [], "problems": []}
    assert planned(admin, form(gpu0, workers="x"))["problems"]
    gpu0.refresh_from_db()
    assert gpu0.workers == 2, "nothing is changed"


def test_a_drain_tells_where_new_hints_go(admin: Client, gpu0: Engine) -> None:
    works()

    alone = planned(admin, {"drain": "gpu0"})["told"]
    assert "It finishes the 0 it has, within 120 s" in alone[0]
    assert "No other engine takes hints" in alone[1]

    Engine.objects.create(name="gpu1", kind=Mode.VLLM, slots=4)
    assert planned(admin, {"drain": "gpu0"})["told"][1] == "New hints go to gpu1."
    assert planned(admin, {"drain": "nobody"})["told"] == []


def test_a_viewer_is_told_of_no_plan(viewer: Client, gpu0: Engine) -> None:
    assert viewer.get(f"{PAGE}plan/", form(gpu0, workers="3")).status_code == 403


def test_the_last_lines_of_a_crash_are_shown(admin: Client, gpu0: Engine) -> None:
    works(crashes=1, last_exit="exit 1", last_lines="Traceback …\nOSError: <no space left>")

    assert row(admin)["crash"] == "Traceback …\nOSError: <no space left>"
    assert "OSError: &lt;no space left&gt;" in text(admin.get(PAGE))


def test_pages_that_are_open_at_the_same_time_look_once(
    admin: Client, gpu0: Engine, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(page, "NOW_S", 60)
    page.seen_by_all.forget()
    works()
    assert row(admin)["workers"] == 2

    Engine.objects.update(workers=7)
    with django_assert_num_queries(2):  # the session and who it is
        assert row(admin)["workers"] == 2
    korean = client_of(User.objects.create_superuser("root2"), "ko")
    assert row(korean)["cells"]["state"] == "정상"
    admin.post(PAGE, form(Engine.objects.get(), workers="5"))
    assert row(admin)["workers"] == 5, "who changes something sees it"
    page.seen_by_all.forget()


@pytest.mark.django_db(transaction=True)
def test_a_plan_locks_nothing(admin: Client, gpu0: Engine) -> None:
    works()

    # Outside of a transaction, where PostgreSQL refuses a lock.
    assert planned(admin, form(gpu0, workers="0"))["told"]
    assert planned(admin, {"drain": "gpu0"})["told"]
