"""What models cost: counted once a minute, at the price of that time, and shown to who may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.timezone import localdate

from broker.contract.attempt import Purpose
from broker.contract.hint import State
from tests.web.kit import queued
from web.courses.models import Course, Exercise
from web.engines.models import Engine, Mode
from web.fleet import costs, minutes
from web.fleet.models import Budget, Cost, Minute, Price, Tally
from web.hints.models import Attempt, Diagnosis, Hint, ModelCall
from web.ops.doctor import spending
from web.ops.doctor.observation import Severity
from web.people.models import Spending, User

pytestmark = pytest.mark.django_db
PAGE = "/ops/cost/"
BEGAN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
NUMBER = round(BEGAN.timestamp()) // 60


@pytest.fixture
def gpu0(line: None) -> Engine:
    return Engine.objects.create(name="gpu0", kind=Mode.VLLM)


@pytest.fixture
def price(gpu0: Engine) -> Price:
    return Price.objects.create(engine=gpu0, read=Decimal(1), cached=Decimal("0.1"), written=4)


def answered(student: User, exercise: Exercise, source: str = "model") -> Hint:
    hint = queued(student, exercise, level=2)
    end = {"state": State.ANSWERED, "source": source, "finished_at": BEGAN + timedelta(seconds=9)}
    Hint.objects.filter(pk=hint.pk).update(**end, created_at=BEGAN)
    return hint


def called(owner: Hint | Diagnosis, purpose: str = Purpose.WRITE, engine: str = "gpu0") -> None:
    """A million tokens read, 600,000 of them from the cache, and 200,000 written."""
    of: dict[str, Any] = {"diagnosis": owner}
    if isinstance(owner, Hint):
        of = {"attempt": Attempt.objects.get_or_create(hint=owner, number=1, engine=engine)[0]}
    row = ModelCall.objects.create(
        **of, purpose=purpose, prompt_tokens=1_000_000, cached_tokens=600_000,
        completion_tokens=200_000,
    )  # fmt: skip
    ModelCall.objects.filter(pk=row.pk).update(created_at=BEGAN + timedelta(seconds=5))


def test_a_call_costs_what_its_price_is(student: User, exercise: Exercise, price: Price) -> None:
    called(answered(student, exercise))

    minutes.keep(NUMBER, ())

    row = Cost.objects.get()
    assert (row.engine, row.course, row.level) == ("gpu0", exercise.course.slug, 2)
    assert (row.calls, row.read, row.cached, row.written) == (1, 1_000_000, 600_000, 200_000)
    # 400,000 at 1, 600,000 at 0.1, 200,000 at 4, each for a million.
    assert (row.amount, row.unpriced) == (Decimal("1.26"), 0)
    price.delete()
    assert Cost.objects.get().amount == Decimal("1.26"), "a later price changes no past bill"


def test_without_a_price_for_the_cache_it_is_read_at_the_full_one(
    student: User, exercise: Exercise, price: Price
) -> None:
    Price.objects.update(cached=None)
    called(answered(student, exercise))

    minutes.keep(NUMBER, ())

    assert Cost.objects.get().amount == Decimal("1.8")


def test_tokens_without_a_price_are_told_apart(student: User, exercise: Exercise) -> None:
    called(answered(student, exercise))

    minutes.keep(NUMBER, ())

    assert (Cost.objects.get().amount, Cost.objects.get().unpriced) == (0, 1_200_000)


def test_no_minute_is_counted_twice(student: User, exercise: Exercise, price: Price) -> None:
    hint = answered(student, exercise)
    called(hint)
    for _ in range(3):
        minutes.keep(NUMBER, ())
    assert (Cost.objects.get().calls, Tally.objects.get().hints) == (1, 1)

    called(hint, Purpose.JUDGE)
    minutes.keep(NUMBER + 1, ())
    Minute.objects.all().delete()
    minutes.keep(NUMBER, ())
    assert sum(row.calls for row in Cost.objects.all()) == 3, "what is counted anew is added"


def test_a_diagnosis_that_ran_ahead_is_its_courses(exercise: Exercise) -> None:
    row = Diagnosis.objects.create(exercise=exercise, revision=1, fingerprint="f" * 32)
    called(row, Purpose.DIAGNOSE)

    minutes.keep(NUMBER, ())

    kept = Cost.objects.get()
    assert (kept.engine, kept.course, kept.level) == ("", exercise.course.slug, 0)


def bill(amount: int, **more: Any) -> None:
    sums = {"calls": 1, "read": 1000, "cached": 400, "written": 100, "amount": amount}
    kind = {"day": localdate(), "engine": "gpu0", "course": "c", "level": 1, "purpose": "write"}
    Cost.objects.create(**(kind | sums | more))


def test_bills_are_put_together_the_largest_first(line: None) -> None:
    bill(3)
    bill(2, level=2)
    bill(4, engine="api")
    bill(9, day=localdate() - timedelta(days=8))
    since = localdate() - timedelta(days=6)

    assert [(each.name, each.amount) for each in costs.bills(since, "engine")] == [
        ("gpu0", 5), ("api", 4),
    ]  # fmt: skip
    assert costs.daily(since)["amount"] == [0, 0, 0, 0, 0, 0, 9]


def test_what_was_saved(gpu0: Engine, price: Price) -> None:
    bill(3)
    Tally.objects.create(day=localdate(), course="c", source="model", hints=2)
    Tally.objects.create(day=localdate(), course="c", source="evidence", hints=10)

    found = savings()

    assert found.cached_tokens == 400
    assert found.cached_amount == Decimal("0.00036")
    assert (found.evidence, found.evidence_tokens) == (10, 5500)
    assert (found.diagnoses, found.diagnosis_tokens) == (0, 0)


def savings() -> costs.Savings:
    compared = [costs.bills(localdate(), by) for by in ("engine", "purpose")]
    return costs.savings(localdate(), *compared)


def test_what_kept_diagnoses_saved(student: User, exercise: Exercise, price: Price) -> None:
    first, second = answered(student, exercise), answered(student, exercise)
    called(first, Purpose.DIAGNOSE)
    called(first)
    called(second)
    Attempt.objects.filter(hint=second).update(kept_diagnosis=True)
    Attempt.objects.create(hint=second, number=2, engine="gpu0", kept_diagnosis=True)

    minutes.keep(NUMBER, ())

    found = savings()
    assert Tally.objects.get().hints == 2
    assert (found.diagnoses, found.diagnosis_tokens) == (2, 2 * 1_200_000)


def test_without_a_request_to_go_by_no_tokens_are_named(line: None) -> None:
    Tally.objects.create(day=localdate(), course="c", source="model", hints=2, kept_diagnoses=2)

    assert (savings().diagnoses, savings().diagnosis_tokens) == (2, 0)


@pytest.mark.parametrize(("spent", "tone"), [(79, "ok"), (80, "warning"), (101, "error")])
def test_a_budget_warns_from_four_fifths_on(line: None, spent: int, tone: str) -> None:
    Budget.objects.update_or_create(pk=1, defaults={"a_month": 100, "currency": "KRW"})
    bill(spent, day=localdate().replace(day=1))
    bill(999, day=localdate().replace(day=1) - timedelta(days=1))

    month = costs.month()

    assert month is not None
    assert (month.used, month.tone) == (spent, tone)
    (told,) = spending.budgets()
    assert told.severity is (Severity.OK if tone == "ok" else Severity.WARNING)
    assert f"{spent} %" in str(told.text)


def test_a_course_that_has_used_its_tokens_is_told(course: Course) -> None:
    Course.objects.filter(pk=course.pk).update(tokens_a_day=1000)
    assert [each.severity for each in spending.budgets()] == []
    Spending.objects.create(course=course, hour=datetime.now(UTC), tokens=900)

    (told,) = spending.budgets()

    assert told.severity is Severity.WARNING
    assert course.slug in str(told.text)


def fields(client: Client, **typed: str) -> dict[str, str]:
    """The page's form as a browser sends it."""
    found = {}
    for _engine, form in client.get(PAGE).context["forms"]:
        for field in form:
            was = "" if field.value() is None else str(field.value())
            found |= {field.html_name: was, field.html_initial_name: was}
    return found | typed


def test_ops_set_prices_and_a_budget(gpu0: Engine, admin_client: Client) -> None:
    key = f"price-{gpu0.pk}"
    typed = {f"{key}-read": "0.5", f"{key}-written": "2", "budget-a_month": "300000",
             "budget-currency": "KRW"}  # fmt: skip

    answer = admin_client.post(PAGE, fields(admin_client, **typed), follow=True)

    assert answer.status_code == 200
    row = Price.objects.get()
    assert (row.engine, row.read, row.cached, row.written) == (gpu0, Decimal("0.5"), None, 2)
    assert (Budget.current().a_month, Budget.current().currency) == (300_000, "KRW")
    told = [entry.get_change_message() for entry in LogEntry.objects.all()]
    assert len(told) == 2
    assert any("– → 0.5" in text for text in told)
    admin_client.post(PAGE, fields(admin_client))
    assert LogEntry.objects.count() == 2, "nothing has changed"

    open_before = fields(admin_client)
    Price.objects.update(read=7)
    admin_client.post(PAGE, open_before | {f"{key}-written": "0"})
    assert (Price.objects.get().read, Price.objects.get().written) == (7, 0)
    assert LogEntry.objects.first().get_change_message().endswith("→ 0")  # type: ignore[union-attr]
    emptied = {f"{key}-read": "", f"{key}-cached": "", f"{key}-written": ""}
    admin_client.post(PAGE, fields(admin_client, **emptied))
    assert not Price.objects.exists(), "a price can be taken away"


@pytest.mark.parametrize(
    ("name", "text"),
    [("read", "-1"), ("read", "9" * 30), ("written", "x"), ("written", ""), ("read", "NaN")],
)
def test_a_bad_price_is_told_and_nothing_saved(
    gpu0: Engine, admin_client: Client, name: str, text: str
) -> None:
    key = f"price-{gpu0.pk}"
    typed = {f"{key}-read": "1", f"{key}-written": "1", "budget-a_month": "5"}

    typed |= {f"{key}-{name}": text}
    answer = admin_client.post(PAGE, fields(admin_client, **typed))

    assert answer.status_code == 200
    assert b'class="problem"' in answer.content
    assert not Price.objects.exists()
    assert Budget.current().a_month is None


def test_a_viewer_sees_it_and_changes_nothing(gpu0: Engine, price: Price) -> None:
    client = Client()
    client.force_login(User.objects.create_user("viewer", duty=User.Duty.VIEWER))
    bill(3)

    assert b"3.00" in client.get(PAGE).content
    assert client.post(PAGE, fields(client)).status_code == 403


@pytest.mark.parametrize("query", ["days=x", "days=7", "days=99999"])
def test_the_span_is_one_of_those_offered(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"{PAGE}?{query}").context["days"] == (7 if query == "days=7" else 30)
