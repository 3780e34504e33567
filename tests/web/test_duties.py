"""What a duty in operations lets somebody see and do who is nothing else; and the log of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from tests.web.kit import queued
from web.courses.models import Course, Exercise, Membership
from web.engines.models import AIModelConfig, Engine, Mode
from web.hints.models import Hint
from web.ops import actions
from web.people import access
from web.people.models import User

pytestmark = pytest.mark.django_db
LOG = "/ops/log/"
VIEWS = ("/ops/fleet/", "/ops/fleet/now/", "/ops/fleet/charts/", "/ops/setup/", LOG, "/admin/")
DUTY = User.Duty


def on_duty(duty: str, name: str = "jiwoo") -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_user(name, duty=duty))
    return client


@pytest.fixture
def gpu0(line: None) -> Engine:
    AIModelConfig.current()
    AIModelConfig.objects.update(mode=Mode.VLLM)
    return Engine.objects.create(name="gpu0", kind=Mode.VLLM, slots=8, api_key="sk-hidden")


@pytest.mark.parametrize("duty", [DUTY.VIEWER, DUTY.OPS])
def test_who_has_a_duty_sees_operations(gpu0: Engine, duty: str) -> None:
    client = on_duty(duty)

    assert {path: client.get(path).status_code for path in VIEWS} == dict.fromkeys(VIEWS, 200)
    assert b'href="/ops/fleet/"' in client.get("/").content


def test_who_has_none_does_not(gpu0: Engine) -> None:
    client = on_duty(DUTY.NONE)

    assert {client.get(path).status_code for path in VIEWS} == {403, 302}
    assert b"/ops/" not in client.get("/").content


def test_a_viewer_may_not_act(gpu0: Engine) -> None:
    client = on_duty(DUTY.VIEWER)

    assert client.post("/ops/fleet/", {"drain": "gpu0"}).status_code == 403
    assert client.get("/ops/fleet/plan/?drain=gpu0").status_code == 403
    assert b'type="number"' not in client.get("/ops/fleet/").content
    engine = f"/admin/engines/engine/{gpu0.pk}/change/"
    page = client.get(engine)
    assert (page.status_code, b"sk-hidden" in page.content) == (200, False)
    assert client.post(engine, {"name": "gpu9"}).status_code == 403
    gpu0.refresh_from_db()
    assert (gpu0.draining, gpu0.name) == (False, "gpu0")


def test_ops_scale_drain_and_edit_engines(gpu0: Engine) -> None:
    client = on_duty(DUTY.OPS)

    assert client.post("/ops/fleet/", {"drain": "gpu0"}).status_code == 302
    assert client.get(f"/admin/engines/engine/{gpu0.pk}/change/").status_code == 200
    assert client.get("/admin/engines/engine/add/").status_code == 200
    gpu0.refresh_from_db()
    assert gpu0.draining
    assert client.get("/admin/people/user/").status_code == 403, "nor gives duties to others"


def test_neither_reads_what_students_write(gpu0: Engine, student: User, exercise: Exercise) -> None:
    hint = queued(student, exercise)
    for duty in (DUTY.VIEWER, DUTY.OPS):
        client = on_duty(duty, f"on_{duty}")
        assert client.get(f"/admin/hints/hint/{hint.pk}/change/").status_code in (302, 403)
        assert client.get(f"/v1/hints/{hint.pk}").status_code == 404


def test_a_duty_ends_with_the_row(gpu0: Engine) -> None:
    client = on_duty(DUTY.OPS)
    User.objects.filter(username="jiwoo").update(duty=DUTY.NONE)

    assert client.get("/ops/fleet/").status_code == 403
    User.objects.filter(username="jiwoo").update(duty=DUTY.OPS, is_active=False)
    assert client.get("/ops/fleet/").status_code == 302


def test_students_pages_ask_nothing_more(
    student: User, exercise: Exercise, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert not access.enters_operations(student)


def noted(by: User, row: Any, words: str) -> None:
    LogEntry.objects.log_actions(by.pk, [row], CHANGE, words, single_object=True)


def shown(client: Client, query: str = "") -> list[str]:
    return [entry["words"] for entry in client.get(f"{LOG}?{query}").context["entries"]]


def test_the_log_is_filtered_by_who_what_and_words(gpu0: Engine) -> None:
    client = on_duty(DUTY.VIEWER)
    one, other = (User.objects.create_user(name) for name in ("hana", "duri"))
    noted(one, gpu0, "workers: 1 → 2")
    noted(other, gpu0, "draining: no → yes")
    noted(other, AIModelConfig.current(), "mode: local → vllm")
    engines = ContentType.objects.get_for_model(Engine).pk

    assert len(shown(client)) == 3
    assert shown(client, "who=hana") == ["workers: 1 → 2"]
    assert shown(client, f"what={engines}") == ["draining: no → yes", "workers: 1 → 2"]
    assert shown(client, "words=local") == ["mode: local → vllm"]
    assert shown(client, "words=GPU0&who=duri") == ["draining: no → yes"]
    assert b"Nothing matches." in client.get(f"{LOG}?who=nobody").content
    assert shown(client, "did=2") == shown(client)
    assert shown(client, "did=3") == []


@pytest.mark.parametrize("query", ["before=x", "what=²", "did=9", "before=" + "9" * 99])
def test_nonsense_in_the_address_is_no_error(gpu0: Engine, query: str) -> None:
    assert on_duty(DUTY.VIEWER).get(f"{LOG}?{query}").status_code == 200


def test_older_entries_are_a_click_away(gpu0: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PAGE", 2)
    client = on_duty(DUTY.VIEWER)
    someone = User.objects.create_user("hana")
    for number in range(5):
        noted(someone, gpu0, f"change {number}")

    found, query = [], "who=hana"
    while query:
        page = client.get(f"{LOG}?{query}")
        found += [entry["words"] for entry in page.context["entries"]]
        query = page.context["older"]

    assert found == [f"change {number}" for number in (4, 3, 2, 1, 0)]


def test_reading_a_hint_in_the_admin_is_an_action(
    student: User, exercise: Exercise, course: Course
) -> None:
    hint = queued(student, exercise)
    teacher = User.objects.create_user("teacher")
    Membership.objects.create(user=teacher, course=course, role=Membership.Role.TEACHER)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(teacher)

    client.get("/admin/hints/hint/")
    assert not LogEntry.objects.exists()
    assert client.get(f"/admin/hints/hint/{hint.pk}/change/").status_code == 200

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (teacher, str(hint.pk))
    assert entry.content_type == ContentType.objects.get_for_model(Hint)
    assert entry.get_change_message() == "Read."
    client.get("/admin/hints/hint/00000000-0000-0000-0000-000000000000/change/")
    assert LogEntry.objects.count() == 1
    # Django takes an id with quoted characters too.
    client.get(f"/admin/hints/hint/urn_3Auuid_3A{hint.pk}/change/")
    client.get(f"/admin/hints/submission/_0A{hint.submission_id}/change/")
    assert LogEntry.objects.count() == 3


def test_a_permission_for_engines_gives_no_more_than_engines(
    gpu0: Engine, student: User, exercise: Exercise
) -> None:
    hint = queued(student, exercise)
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__endswith="_engine"))
    client = Client()
    client.force_login(staff)

    assert client.get("/ops/fleet/").status_code == 200
    assert client.post("/ops/fleet/", {"drain": "gpu0"}).status_code == 302
    for path in (LOG, "/ops/cost/", "/ops/hints/", f"/ops/hints/{hint.pk}/"):
        assert client.get(path).status_code == 403
        assert client.post(path).status_code in (403, 405)
    assert b"/ops/log/" not in client.get("/ops/fleet/").content
