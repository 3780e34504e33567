"""Ten actors, every address, every method: whom each lets in.

The addresses are those of the URL confs: one without a rule fails here, and a rule without its
address too. What an answer holds is for the tests of test_access.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.template import Origin
from django.template.loaders.base import Loader
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_celery_results.models import TaskResult

from tests.web.kit import EXERCISE, WRONG, licensed, queued
from web.courses.models import Course, Exercise, Membership
from web.engines.models import AIModelConfig, Engine, Mode, ModeChange
from web.evaluation.models import Evaluation
from web.events.app import Events
from web.events.stop import SIGNALS
from web.hints.models import Explanation, Hint
from web.ops import health, pages
from web.ops.hints.models import BulkAction
from web.people.models import Allowance, ApiToken, Platform, User
from web.people.tokens import fresh

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
ROLE = Membership.Role
ACTORS = {
    "nobody": "has not signed in",
    "stranger": "is in no course",
    "classmate": "is a student of the course",
    "student": "is one too, and asked for the hint",
    "token": "is a program of that student's",
    "platform": "is a program of a platform in the course, for a user of its own",
    "elsewhere": "teaches another course",
    "teacher": "teaches the course",
    "viewer": "is staff, and may view every table",
    "superuser": "may do what anybody may",
}
"""A letter each, in this order, in every rule below."""
TOKENS = ("token", "platform")
SIGN_IN, HIDDEN, FORBIDDEN, IN, ON, NO_METHOD = "s-x+>m"
"""Sign in first; not there, for them; forbidden; let in; let in, and sent on; no such method."""

NOT_SOLVED = "s-(409)(409)(409)(409)-(409)-(409)"
"""In, if every test of some program of theirs had passed."""
EMPTY = "(400)"
"""In, if the form were not empty."""
Rule = dict[str, str]
"""From each method to who is let in."""


def always(who: str) -> Rule:
    return dict.fromkeys(METHODS, who)


def takes(rest: str = NO_METHOD * len(ACTORS), **methods: str) -> Rule:
    """These methods. rest: for the others."""
    return always(rest) | methods


def reads(who: str) -> Rule:
    """A view of Django's that takes what changes nothing."""
    signed_in = "".join(each if each == SIGN_IN else NO_METHOD for each in who)
    return takes(signed_in, GET=who, HEAD=who, OPTIONS=who)


HINT = "/v1/hints/<uuidstr:hint_id>"
EVENTS = "/v1/events"
WRITTEN = "/v1/exercises/<slug:course_slug>/<slug:slug>"
RULES: dict[str, Rule] = {
    "/v1/checks": takes(POST="s-++++-+-+"),
    "/v1/hints": takes(GET="s-++++-+-+", POST="s-++++-+-+"),
    HINT: takes(GET="s--++--+-+"),
    f"{HINT}/cancel": takes(POST="s--++--x-x"),
    f"{HINT}/feedback": takes(PUT="s--++--x-x"),
    f"{HINT}/reflection": takes(PUT="s--++--x-x"),
    "/v1/ladder": takes(GET="s-++++-+-+"),
    "/v1/explanations": takes(GET="s-++++-+-+", PUT=NOT_SOLVED),
    EVENTS: takes(GET="s--++--+-+"),
    WRITTEN: takes(PUT="s-xxx+-+-+"),
    "/v1/docs": always("++++++++++"),
    "/v1/openapi.json": always("++++++++++"),
    "/v1/": always("----------"),
    "/": always("s+++ss++++"),
    "/c/<slug:course_slug>/<slug:slug>/": always("s-++ss-+-+"),
    "/accounts/login/": takes("m>>>mm>>>>")
    | dict.fromkeys(("GET", "HEAD", "OPTIONS", "POST", "PUT"), "+>>>++>>>>"),
    "/accounts/logout/": takes(OPTIONS="++++++++++", POST="ssssssssss"),
    "/accounts/password/": takes("s+++ss++++", PATCH="smmmssmmmm", DELETE="smmmssmmmm"),
    "/accounts/leave/": takes(
        "s+++ss++++", POST="s+++ssxxxx", PUT="s+++ssxxxx", PATCH="smmmssmmmm", DELETE="smmmssmmmm"
    ),
    "/accounts/password/done/": reads("s+++ss++++"),
    "/ops/": always(">>>>>>>>>>"),
    "/ops/fleet/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++", POST="sxxxssxxx>"),
    "/ops/fleet/now/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++"),
    "/ops/fleet/charts/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++"),
    "/ops/fleet/plan/": takes("smmmssmmmm", GET="sxxxssxxx+", HEAD="sxxxssxxx+"),
    "/ops/cost/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD", "POST"), "sxxxssxxx+")),
    "/ops/log/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD"), "sxxxssxxx+")),
    "/ops/ai/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++", POST="sxxxssxxx+"),
    "/ops/ai/known/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++"),
    "/ops/ai/models/": takes("smmmssmmmm", POST=f"sxxxssxxx{EMPTY}"),
    "/ops/ai/test/": takes("smmmssmmmm", POST=f"sxxxssxxx{EMPTY}"),
    "/ops/setup/": takes("smmmssmmmm", GET="sxxxssxx++", HEAD="sxxxssxx++"),
    "/ops/hints/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD"), "sxxxssxxx+")),
    # Who asks by POST reads the words too.
    "/ops/hints/<uuid:hint_id>/": takes(
        "smmmssmmmm", **dict.fromkeys(("GET", "HEAD", "POST"), "sxxxssxxx+")
    ),
    "/ops/hints/saved/": takes("smmmssmmmm", POST="sxxxssxxx>"),
    "/ops/hints/act/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD", "POST"), "sxxxssxxx>")),
    "/ops/hints/act/<int:action_id>/": takes(
        "smmmssmmmm", **dict.fromkeys(("GET", "HEAD", "POST"), "sxxxssxxx+")
    ),
    "/ops/hints/export/": takes("smmmssmmmm", POST="sxxxssxxx>"),
    "/ops/calls/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD"), "sxxxssxxx+")),
    "/ops/tasks/": takes("smmmssmmmm", **dict.fromkeys(("GET", "HEAD"), "sxxxssxxx+")),
    "/i18n/setlang/": always(">>>>>>>>>>"),
    "/favicon.ico": always(">>>>>>>>>>"),
    pages.LIVE: always("++++++++++"),
    pages.READY: always("++++++++++"),
    pages.METRICS: always("++++++++++"),
    # The admin site's own.
    "/admin/": always("ssssss++++"),
    "/admin/<app_label>/": always("ssssss++++"),
    "/admin/<url>": always("ssssss----"),
    "/admin/autocomplete/": reads("ssssss++++"),
    "/admin/jsi18n/": reads("ssssss++++"),
    "/admin/login/": takes("++++++++++", GET="++++++>>>>", PATCH="mmmmmmmmmm", DELETE="mmmmmmmmmm"),
    "/admin/logout/": takes(">>>>>>mmmm", OPTIONS=">>>>>>++++", POST=">>>>>>ssss"),
    "/admin/password_change/": always("ssssss>>>>"),
    "/admin/password_change/done/": reads("ssssss++++"),
    "/admin/r/<path:content_type_id>/<path:object_id>/": always("ssssss----"),
    # Our own pages in it.
    "/admin/people/user/<id>/password/": always("ssssssxxx+"),
    "/admin/courses/course/<int:pk>/import/": always("ssssss-+-+"),
    "/admin/engines/aimodelconfig/test/": always("ssssssxxx>"),
    "/admin/engines/aimodelconfig/models/": takes("ssssssxx++", POST="ssssssxxx>"),
    "/admin/engines/aimodelconfig/models/now/": always("ssssssxx++"),
    "/admin/engines/engine/<int:pk>/test/": takes("ssssssxxx>", POST="ssssssxxx+"),
    "/admin/engines/engine/preset/": always("ssssssxx++"),
    "/admin/evaluation/evaluation/<int:pk>/now/": always("ssssssxx++"),
    "/admin/evaluation/evaluation/<int:pk>/texts/": always("ssssssxx++"),
}
# Of those whom the admin lets in, the last four: who sees the list; and who sees a row of it,
# changes it, deletes it, and adds one.
TABLES = {
    "auth/group": "xx++ xx++ xxx+ xxx+ xxx+",
    "axes/accessattempt": "xx++ xx++ xxx> xxx+ xxxx",
    "axes/accessfailurelog": "xx++ xx++ xxx> xxx+ xxxx",
    "axes/accesslog": "xx++ xx++ xxx> xxx+ xxxx",
    "courses/course": "++++ -+-+ -+x+ xxx+ xxx+",
    "courses/exercise": "++++ -+-+ -+x+ -+x+ ++x+",
    "django_celery_results/taskresult": "xx++ xx++ xxxx xxx+ xxxx",
    "engines/aimodelconfig": ">>>> xx++ xxx+ xxxx xxxx",
    "engines/engine": "xx++ xx++ xxx+ xxx+ xxx+",
    "engines/licence": "xx++ xx++ xxx+ xxx+ xxx+",
    "engines/modechange": "xx++ xx++ xxxx xxxx xxxx",
    "evaluation/evaluation": "xx++ xx++ xxx> xxx+ xxx+",
    "hints/hint": "++++ -+-+ xxxx xxx+ xxxx",
    "hints/explanation": "++++ -+-+ xxxx xxx+ xxxx",
    "hints/submission": "++++ -+-+ xxxx xxx+ xxxx",
    "people/allowance": "++++ -+-+ -+x+ -+x+ ++x+",
    "people/apitoken": "xx++ xx++ xxx+ xxx+ xxx+",
    "people/platform": "xx++ xx++ xxx+ xxx+ xxx+",
    "people/user": "xx++ xx++ xxx+ xxx+ xxx+",
}
for table, rules in TABLES.items():
    base, row = f"/admin/{table}/", f"/admin/{table}/<path:object_id>/"
    every, look, change, delete, add = (SIGN_IN * 6 + who for who in rules.split())
    RULES |= {
        base: always(every),
        row: always(SIGN_IN * 6 + ON * 4),
        f"{row}change/": takes(look, POST=change),
        f"{row}history/": always(look),
        f"{row}delete/": always(delete),
        f"{base}add/": always(add),
    }
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/checks"): {"exercise": EXERCISE, "code": WRONG},
    ("POST", "/v1/hints"): {"exercise": EXERCISE, "level": 1, "code": WRONG},
    ("PUT", f"{HINT}/feedback"): {"helpful": True},
    ("PUT", f"{HINT}/reflection"): {"text": "b is taken away"},
    ("PUT", "/v1/explanations"): {"exercise": EXERCISE, "text": "the signs agree"},
    ("PUT", WRITTEN): {"title_en": "Sum", "statement_en": "Return the sum."},
}
"""What is right to send; a form of a page is sent empty, and comes back with what it lacks."""
FOR_SOMEBODY = ("/v1/checks", "/v1/hints", "/v1/ladder", "/v1/explanations")
"""Where a platform says for which of its users it asks."""
QUERIES = {
    "/v1/hints": f"exercise={EXERCISE}",
    "/v1/ladder": f"exercise={EXERCISE}",
    "/v1/explanations": f"exercise={EXERCISE}",
    "/admin/autocomplete/": "app_label=courses&model_name=exercise&field_name=course&term=",
}


def walk(patterns: Iterable[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    for each in patterns:
        # Of a regular expression only the names of its groups.
        route = before + re.sub(r"\^?\(\?P<(\w+)>[^)]*\)(.*)\$", r"<\1>\2", str(each.pattern))
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns, route)
        else:
            yield route


def routes() -> set[str]:
    """Every address of the site: of the URL confs, and what is answered before they are asked."""
    own = {EVENTS, pages.LIVE, pages.READY, pages.METRICS}
    return own | set(walk(get_resolver().url_patterns))


class EmptyPages(Loader):
    """Every template is empty: to fill pages takes long, and decides nothing about access."""

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        yield Origin(name=template_name, template_name=template_name, loader=self)

    def get_contents(self, origin: Origin) -> str:
        return ""


class World:
    """Everybody of ACTORS, and one row of each table that the admin shows."""

    def __init__(self, course: Course, exercise: Exercise) -> None:
        elsewhere = Course.objects.create(slug="elsewhere", title_ko="x", title_en="x")
        people = {name: User.objects.create_user(name) for name in set(ACTORS) - {*TOKENS}}
        for name, where, role in (
            ("classmate", course, ROLE.STUDENT),
            ("student", course, ROLE.STUDENT),
            ("teacher", course, ROLE.TEACHER),
            ("elsewhere", elsewhere, ROLE.TEACHER),
        ):
            Membership.objects.create(user=people[name], course=where, role=role)
        User.objects.filter(username__in=("viewer", "superuser")).update(is_staff=True)
        User.objects.filter(username="superuser").update(is_superuser=True)
        people["viewer"].user_permissions.set(
            Permission.objects.filter(codename__startswith="view_")
        )
        self.hint = self.answered(people["student"], exercise)
        token = ApiToken(user=people["student"], name="script")
        # Whose own rights are all that there are, and no help to the token.
        service = ApiToken(user=people["superuser"], platform=self.platform(course))
        self.bearers = {
            name: {"Authorization": f"Bearer {fresh(row)}"}
            for name, row in zip(TOKENS, (token, service), strict=True)
        }
        token.save()
        service.save()
        self.action = BulkAction.objects.create(
            by=people["superuser"], kind=BulkAction.Kind.CANCEL, query="level=1"
        )
        self.rows = self.one_of_each(people["student"], exercise, token)
        self.clients: dict[str, Client] = {}
        for name in ACTORS:
            self.clients[name] = Client(headers=self.bearers.get(name))
            if name not in ("nobody", *TOKENS):
                self.clients[name].force_login(people[name])
        self.cookies = {
            name: client.cookies.output(header="") for name, client in self.clients.items()
        }

    def platform(self, course: Course) -> Platform:
        platform = Platform.objects.create(slug="judge")
        platform.courses.add(course)
        return platform

    def answered(self, student: User, exercise: Exercise) -> Hint:
        """A hint that may be rated, and leaves its student free to ask for another one."""
        hint = queued(student, exercise)
        Hint.objects.filter(pk=hint.pk).update(
            state=Hint.State.ANSWERED, attempt=1, finished_at=timezone.now()
        )
        return hint

    def one_of_each(self, student: User, exercise: Exercise, token: ApiToken) -> dict[str, Model]:
        tried = {"username": "x", "attempt_time": timezone.now(), "failures_since_start": 1}
        return {
            "auth/group": Group.objects.create(name="x"),
            "axes/accessattempt": AccessAttempt.objects.create(**tried),
            "axes/accessfailurelog": AccessFailureLog.objects.create(username="x"),
            "axes/accesslog": AccessLog.objects.create(username="x"),
            "courses/course": exercise.course,
            "courses/exercise": exercise,
            "django_celery_results/taskresult": TaskResult.objects.create(task_id="x"),
            "engines/aimodelconfig": AIModelConfig.current(),
            "engines/engine": Engine.objects.create(name="gpu9", kind=Mode.VLLM),
            "engines/licence": licensed(),
            "engines/modechange": ModeChange.objects.create(by=student, before="api", after="vllm"),
            "evaluation/evaluation": Evaluation.objects.create(engine="gpu9", model="m"),
            "hints/explanation": Explanation.objects.create(
                student=student, exercise=exercise, submission=self.hint.submission, text="x"
            ),
            "hints/hint": self.hint,
            "hints/submission": self.hint.submission,
            "people/allowance": Allowance.objects.create(course=exercise.course, hints_a_day=30),
            "people/apitoken": token,
            "people/platform": Platform.objects.get(),
            "people/user": student,
        }

    def path(self, route: str) -> str:
        """The address of this world's rows."""
        table = "/".join(route.split("/")[2:4])
        row = self.rows.get(table, self.rows["courses/exercise"]).pk
        content_type = ContentType.objects.get_for_model(Exercise).pk
        known = {
            "hint_id": self.hint.pk, "course_slug": "basics", "slug": "add", "app_label": "courses",
            "url": "nowhere", "content_type_id": content_type, "object_id": row, "pk": row,
            "id": row, "action_id": self.action.pk,
        }  # fmt: skip
        filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(known[found[1]]), route)
        return f"{filled}?{QUERIES[route]}" if route in QUERIES else filled

    def answers(self, route: str, method: str) -> str:
        """Who is let in, as a rule says it; nothing of it stays in the database."""
        found = ""
        for who, client in self.clients.items():
            client.cookies = SimpleCookie(self.cookies[who])
            path, body = self.path(route), BODIES.get((method, route), {})
            if who == "platform" and route in FOR_SOMEBODY:
                body = body | {"on_behalf_of": "7f3c"}
                path += "&on_behalf_of=7f3c" if "?" in path else ""
            sent = json.dumps(body) if body else ""
            with transaction.atomic():
                answer = client.generic(method, path, sent, "application/json")
                transaction.set_rollback(True)
            to = answer.get("Location", "")
            found += letter(answer.status_code, to, "messages" in answer.cookies)
        return found


def letter(status: int, to: str = "", told: bool = False) -> str:
    """to: where the answer sends the browser. told: it also leaves a message for it."""
    # The admin sends its user to its first page, with a message that there is no such row.
    gone = to == "/admin/" and told
    if status == 401 or re.match("/(accounts|admin)/login/", to):
        return SIGN_IN
    if status == 404 or gone:
        return HIDDEN
    return {403: FORBIDDEN, 405: NO_METHOD}.get(status) or {2: IN, 3: ON}.get(
        status // 100, f"({status})"
    )


def part(route: str) -> str:
    """The tables of one of the admin's apps, the rest of the admin, the API, or the pages."""
    first, second, *_ = [*route[1:].split("/"), ""]
    if first == "admin":
        return second if any(table.startswith(f"{second}/") for table in TABLES) else first
    return first if first == "v1" else "pages"


PARTS = sorted({part(route) for route in RULES})


@asynccontextmanager
async def opened(events: Events) -> AsyncIterator[Events]:
    """As the server starts and stops it, but for the signals, which stay pytest's."""
    before = [signal.getsignal(number) for number in SIGNALS]
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    serving = asyncio.create_task(events({"type": "lifespan"}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)
    yield events
    await told.put({"type": "lifespan.shutdown"})
    await serving


async def asked(events: Events, method: str, world: World, who: str) -> str:
    """The letter of one answer; the hint has ended, and so its stream ends too."""
    headers = [(b"cookie", world.cookies[who].partition(";")[0].strip().encode())]
    if who in TOKENS:
        headers = [(b"authorization", world.bearers[who]["Authorization"].encode())]
    scope = {
        "type": "http", "method": method, "path": EVENTS, "headers": headers,
        "query_string": f"hint={world.hint.pk}".encode(),
    }  # fmt: skip
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    await asyncio.wait_for(events(scope, asyncio.Event().wait, send), 30)
    return letter(said[0]["status"])


def unlike(rules: dict[str, Rule], world: World) -> dict[str, tuple[str, str]]:
    """What answers otherwise than its rule: (rule, answer) of each method and route."""
    found = {
        f"{method} {route}": (who, world.answers(route, method))
        for route, rule in rules.items()
        for method, who in rule.items()
    }
    return {name: both for name, both in found.items() if both[0] != both[1]}


@pytest.fixture
def world(
    line: None,
    course: Course,
    exercise: Exercise,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> World:
    # A line for each refusal would be thousands.
    caplog.set_level(logging.CRITICAL)
    empty = {"loaders": [f"{__name__}.EmptyPages"], "context_processors": []}
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": empty}]
    # It looks at the database by another connection, which waits for this test's transaction.
    parts = health.PARTS | health.ASIDE
    monkeypatch.setattr(health.readiness, "states", lambda: dict.fromkeys(parts, health.OK))
    return World(course, exercise)


def test_every_address_has_its_rule() -> None:
    assert routes() == set(RULES)


# Up to 1,500 requests: a machine that is busy takes its time.
@pytest.mark.timeout(300)
@pytest.mark.django_db
@pytest.mark.parametrize("name", PARTS)
def test_each_method_of_each_address_lets_in_whom_its_rule_says(world: World, name: str) -> None:
    rules = {route: rule for route, rule in RULES.items() if part(route) == name}
    rules.pop(EVENTS, None)

    assert unlike(rules, world) == {}


@pytest.mark.django_db(transaction=True)
async def test_the_event_streams_let_in_whom_their_rule_says(
    line: None, course: Course, exercise: Exercise
) -> None:
    world = await sync_to_async(World)(course, exercise)
    async with opened(Events()) as events:
        found = {
            method: "".join([await asked(events, method, world, who) for who in ACTORS])
            for method in METHODS
        }

    assert found == RULES[EVENTS]
