"""Through the API: how many hints by AI a student has, what costs one, and what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from broker.contract.attempt import Ended, ModelCall, Purpose
from broker.contract.hint import Outcome, Reason, Source, State, Usage
from tests.web.kit import (
    EXERCISE,
    RIGHT,
    WRONG,
    Caller,
    at_once,
    call,
    forget,
    licensed,
    live,
    messages,
    new_hint,
    problem,
    queued,
    slots_taken,
    waiting,
)
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.engines.models import AIModelConfig, Engine, JudgedBy
from web.hints import ahead, store
from web.hints.creation import Created, Creation, NoneLeft
from web.hints.models import Diagnosis, Hint
from web.people import quotas
from web.people.models import Allowance, ApiToken, Platform, Spending, User
from web.people.tokens import fresh
from web.tutor.levels import LEVELS

pytestmark = pytest.mark.django_db
FREE = "Hints without AI go on, and cost nothing."


@pytest.fixture
def course(course: Course) -> Course:
    course.ladder, course.hints_an_exercise, course.hints_a_day = False, 2, 3
    course.save()
    return course


@pytest.fixture(autouse=True)
def model(engine: Engine) -> None:
    """The only engine's model may write at every level."""
    Engine.objects.update(model_name="fake")
    AIModelConfig.objects.update(judged_by=JudgedBy.NOBODY)
    licensed("fake")


def other_exercise(slug: str = "other", course: Course | None = None) -> str:
    """Its path."""
    of = Exercise.objects.get(slug="add")
    of.pk, of.slug, of.course = None, slug, course or of.course
    of.save()
    return of.path


def end(hint: dict[str, Any], outcome: Outcome) -> None:
    assert store.claim(hint["id"], 1, "gpu0")
    assert store.finish(hint["id"], 1, outcome, Ended())


def written(caller: Caller, **asked: Any) -> dict[str, Any]:
    """A hint that a model has written."""
    answer = caller.ask(**asked)
    assert answer.status_code == 202, answer.content
    hint: dict[str, Any] = answer.json()
    end(hint, Outcome(state=State.ANSWERED, text="Why?", source=Source.MODEL))
    return hint


def told(caller: Caller, **asked: Any) -> dict[str, Any]:
    """A hint that ended at once, as its student has none by AI left."""
    answer = caller.ask(**asked)
    assert answer.status_code == 202, answer.content
    assert "Retry-After" not in answer
    hint: dict[str, Any] = answer.json()
    assert (hint["state"], hint["reason"]) == ("failed", "quota")
    return hint


def quota(caller: Caller, exercise: str = EXERCISE, more: str = "") -> dict[str, Any]:
    answer = caller.get(f"/v1/ladder?exercise={exercise}{more}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["quota"]
    return found


def left(caller: Caller, exercise: str = EXERCISE) -> tuple[int, int]:
    """Hints by AI for the exercise, and of the day."""
    found = quota(caller, exercise)
    return found["exercise"]["left"], found["day"]["left"]


def days_ago(days: float) -> None:
    Hint.objects.update(created_at=Now() - timedelta(days=days))


def test_what_is_left_is_told_from_the_request_on(api: Caller) -> None:
    assert quota(api) == {
        "exercise": {"limit": 2, "left": 2}, "day": {"limit": 3, "left": 3},
        "spent": None, "more_in_s": None,
        "words": "AI hints left: 2 for this exercise, 3 in 24 hours.",
    }  # fmt: skip

    api.ask()

    assert left(api) == (1, 2)


def test_after_the_last_one_a_hint_without_ai_comes_at_once_and_is_free(api: Caller) -> None:
    live()
    for _ in range(2):
        written(api)
    taken = slots_taken(), waiting(), messages()

    hint = told(api)

    assert (hint["source"], hint["position"]) == ("evidence", None)
    assert "add(1, 2)" in hint["text"]
    assert hint["notice"] == f"You have used 2 of 2 AI hints for this exercise. {FREE}"
    assert api.get(hint["links"]["self"]).json() == hint
    assert (slots_taken(), waiting(), messages()) == taken
    assert quota(api) == {
        "exercise": {"limit": 2, "left": 0}, "day": {"limit": 3, "left": 1},
        "spent": "exercise", "more_in_s": None, "words": hint["notice"],
    }  # fmt: skip
    assert told(api)["text"], "any number of these"


def test_where_the_author_comes_first_the_author_does(api: Caller, exercise: Exercise) -> None:
    AuthoredHint.objects.create(exercise=exercise, level=3, text_en="A sum adds.")
    Course.objects.update(hints_an_exercise=0)

    hint = told(api, level=3)

    assert (hint["source"], hint["text"]) == ("authored", "A sum adds.")
    assert hint["notice"] == f"There are no AI hints for you here. {FREE}"


def test_a_hint_without_ai_for_want_of_quota_opens_the_next_level(api: Caller) -> None:
    Course.objects.update(ladder=True, hints_an_exercise=0)
    problem(api.ask(level=2), 409, "level-locked")
    hint = told(api)
    api.put(hint["links"]["reflection"], {"text": "b is taken away"})

    assert told(api, level=2)["level"] == 2


def test_the_same_key_gives_the_same_hint_also_when_none_is_left(api: Caller) -> None:
    Course.objects.update(hints_an_exercise=0)

    hint = told(api, key="k")

    assert told(api, key="k") == hint
    assert Hint.objects.count() == 1


def test_each_exercise_has_its_own_and_a_day_has_one_for_the_course(
    api: Caller, student: User
) -> None:
    far = Course.objects.create(slug="far", title_ko="x", title_en="x")
    Membership.objects.create(user=student, course=far)
    elsewhere, here = other_exercise("add2", far), other_exercise()
    for _ in range(2):
        written(api, exercise=elsewhere)
        written(api)

    assert left(api, here) == (2, 1)
    written(api, exercise=here)
    hint = told(api, exercise=here)

    assert (
        hint["notice"] == f"You have used 3 of 3 AI hints in 24 hours. More in about 24 h. {FREE}"
    )
    found = quota(api, here)
    assert (found["spent"], found["exercise"], found["day"]["left"]) == (
        "day", {"limit": 2, "left": 1}, 0,
    )  # fmt: skip
    first = Hint.objects.filter(charge=1, exercise__course__slug="basics").order_by("created_at")[0]
    more_at = timezone.now() + timedelta(seconds=found["more_in_s"])
    assert timedelta(0) <= more_at - first.created_at - timedelta(hours=24) < timedelta(minutes=1)
    assert written(api, exercise=elsewhere)


def test_after_24_hours_the_day_is_new_and_the_exercise_is_not(api: Caller) -> None:
    for _ in range(2):
        written(api)
    here = other_exercise()
    written(api, exercise=here)

    days_ago(0.99)
    assert left(api, here) == (1, 0)
    assert "More in about 15 min." in quota(api, here)["words"]
    told(api, exercise=here)
    days_ago(1.01)

    assert left(api, here) == (1, 3)
    assert quota(api)["spent"] == "exercise"
    written(api, exercise=here)


def test_korean_students_read_it_in_korean(api: Caller) -> None:
    api.headers["Accept-Language"] = "ko"
    assert quota(api)["words"] == "남은 AI 힌트: 이 문제 2개, 24시간 3개."
    Course.objects.update(hints_a_day=1)
    written(api)

    hint = told(api)

    assert "AI 힌트 1개" in hint["notice"]
    assert "약 24시간 뒤" in hint["notice"]
    assert hint["notice"] == quota(api)["words"]
    [listed, _] = api.get(f"/v1/hints?exercise={EXERCISE}").json()["items"]
    assert "AI 힌트가 없어" in listed["notice"]


ENDS = {
    "withheld": Outcome(state=State.WITHHELD, reason=Reason.LEAK),
    "failed": Outcome(state=State.FAILED, reason=Reason.MODEL_TIMEOUT),
    "no licence": Outcome(state=State.FAILED, reason=Reason.UNLICENSED),
}


@pytest.mark.parametrize("outcome", ENDS.values(), ids=ENDS)
def test_a_hint_that_no_model_wrote_costs_nothing(api: Caller, outcome: Outcome) -> None:
    hint = api.ask().json()
    assert left(api) == (1, 2)

    end(hint, outcome)

    assert left(api) == (2, 3)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_hint_that_was_taken_back_costs_nothing(api: Caller, claimed: bool) -> None:
    hint = api.ask().json()
    if claimed:
        assert store.claim(hint["id"], 1, "gpu0")

    api.post(hint["links"]["cancel"], {})

    assert left(api) == (2, 3)


@pytest.mark.parametrize("reason", [Reason.EXPIRED, Reason.WORKER_LOST])
def test_a_hint_that_nobody_could_serve_costs_nothing(api: Caller, reason: Reason) -> None:
    store.expire(api.ask().json()["id"], reason)

    assert left(api) == (2, 3)


def test_an_attempt_that_is_made_again_keeps_its_charge(api: Caller) -> None:
    hint = api.ask().json()
    store.claim(hint["id"], 1, "gpu0")

    store.requeue(hint["id"], 1)

    assert left(api) == (1, 2)


def no_help(caller: Caller, level: int = 1) -> None:
    hint = written(caller, level=level)
    caller.put(hint["links"]["feedback"], {"helpful": False})


def test_one_that_did_not_help_is_free_once_the_next_level_is_there(api: Caller) -> None:
    no_help(api)
    no_help(api)
    assert left(api) == (0, 1)
    told(api)
    assert left(api) == (0, 1), "no level above was asked for"

    hint = written(api, level=2)

    assert left(api) == (1, 2)
    api.put(hint["links"]["feedback"], {"helpful": True})
    written(api, level=3)
    assert left(api) == (0, 1)
    told(api, level=2)
    assert left(api) == (0, 1)


def test_the_last_one_of_a_day_that_did_not_help_leaves_room_for_the_next_level(
    api: Caller,
) -> None:
    Course.objects.update(hints_an_exercise=None, hints_a_day=1)
    no_help(api)
    other_exercise()

    told(api, exercise="basics/other", level=2)
    written(api, level=2)

    assert quota(api)["day"]["left"] == 0


@pytest.mark.parametrize("claimed", [False, True])
def test_a_next_level_that_is_taken_back_makes_nothing_free(api: Caller, claimed: bool) -> None:
    no_help(api)
    no_help(api)

    for _ in range(2):
        hint = api.ask(level=2).json()
        assert hint["state"] == "queued"
        if claimed:
            assert store.claim(hint["id"], 1, "gpu0")
        api.post(hint["links"]["cancel"], {})

    assert left(api) == (0, 1)
    told(api)


@pytest.mark.parametrize("outcome", ENDS.values(), ids=ENDS)
def test_a_next_level_that_no_model_wrote_makes_nothing_free(api: Caller, outcome: Outcome) -> None:
    no_help(api)

    end(api.ask(level=2).json(), outcome)

    assert left(api) == (1, 2)


def test_what_did_not_help_elsewhere_or_somebody_else_stays_as_it_is(
    api: Caller, course: Course
) -> None:
    mate = User.objects.create_user("mate")
    Membership.objects.create(user=mate, course=course)
    here = other_exercise()
    for caller, exercise in ((Caller(mate), EXERCISE), (api, here)):
        hint = written(caller, exercise=exercise)
        caller.put(hint["links"]["feedback"], {"helpful": False})

    written(api, level=2)

    assert left(Caller(mate)) == (1, 2)
    assert left(api, here) == (1, 1)


def test_who_teaches_the_course_asks_for_any_number(api: Caller, teacher: Caller) -> None:
    Course.objects.update(hints_an_exercise=0, hints_a_day=0)
    boss = Caller(User.objects.create_superuser("root"))

    for caller in (teacher, boss):
        for _ in range(2):
            written(caller)
        assert quota(caller) == {
            "exercise": None, "day": None, "spent": None, "more_in_s": None, "words": "",
        }  # fmt: skip
    told(api)


def test_a_teacher_of_another_course_is_a_student_here(api: Caller, student: User) -> None:
    far = Course.objects.create(slug="far", title_ko="x", title_en="x")
    Membership.objects.create(user=student, course=far, role=Membership.Role.TEACHER)
    Course.objects.update(hints_an_exercise=0)

    told(api)


def test_a_course_without_quotas_has_none(api: Caller) -> None:
    Course.objects.update(hints_an_exercise=None, hints_a_day=None)

    for _ in range(6):
        written(api)

    assert (quota(api)["exercise"], quota(api)["day"], quota(api)["words"]) == (None, None, "")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"hints_a_day": None}, "AI hints left: 2 for this exercise."),
        ({"hints_an_exercise": None}, "AI hints left: 3 in 24 hours."),
    ],
)
def test_one_quota_may_be_without_the_other(
    api: Caller, limits: dict[str, None], words: str
) -> None:
    Course.objects.update(**limits)

    assert quota(api)["words"] == words


def test_without_any_engine_that_is_the_reason_and_not_the_quota(api: Caller) -> None:
    written(api)
    Engine.objects.update(enabled=False)
    forget()
    Course.objects.update(hints_an_exercise=0)

    for _ in range(2):
        hint = api.ask().json()
        assert (hint["reason"], hint["source"]) == ("model_unavailable", "evidence")

    assert (quota(api)["exercise"], quota(api)["words"]) == (None, ""), "there is nothing to count"
    assert '<span id="quota" hidden>' in api.client.get("/c/basics/add/").content.decode()


def test_a_level_that_no_model_may_write_reserves_nothing(api: Caller) -> None:
    licensed("fake", levels={"en": [1]})
    Course.objects.update(hints_an_exercise=1)

    for asked in ({"level": 2}, {"locale": "ko"}):
        hint = api.ask(**asked).json()
        assert (hint["state"], left(api)) == ("queued", (1, 3))
        api.post(hint["links"]["cancel"], {})

    api.ask()
    assert left(api) == (0, 2)


def test_the_page_tells_it_too(api: Caller) -> None:
    page = api.client.get("/c/basics/add/", headers=api.headers).content.decode()

    assert ">AI hints left: 2 for this exercise, 3 in 24 hours.<" in page


def test_what_is_refused_for_another_reason_costs_nothing(api: Caller) -> None:
    Course.objects.update(ladder=True)
    problem(api.ask(level=2), 409, "level-locked")
    problem(api.ask(code=RIGHT), 409, "already-correct")
    hint = api.ask(key="k").json()
    problem(api.ask(), 409, "already-waiting")
    assert api.ask(key="k").json()["id"] == hint["id"]

    assert left(api) == (1, 2)


def test_one_who_waits_is_told_so_and_not_that_none_is_left(api: Caller) -> None:
    Course.objects.update(hints_an_exercise=1)
    api.ask()

    problem(api.ask(), 409, "already-waiting")


@pytest.mark.parametrize("used", [3, 4, 5])
def test_a_level_may_count_as_more_than_one(
    api: Caller, monkeypatch: pytest.MonkeyPatch, used: int
) -> None:
    Course.objects.update(hints_an_exercise=5, hints_a_day=None)
    for _ in range(used):
        written(api)
    monkeypatch.setitem(LEVELS, 2, replace(LEVELS[2], charge=2))

    if used <= 3:
        written(api, level=2)
        assert quota(api)["exercise"]["left"] == 0
    else:
        hint = told(api, level=2)
        assert quota(api)["exercise"]["left"] == 5 - used
        assert hint["notice"] in (
            "No AI hint was left when you asked, so this one comes without AI.",
            f"You have used 5 of 5 AI hints for this exercise. {FREE}",
        )


def allow(**columns: Any) -> Allowance:
    return Allowance.objects.create(course=Course.objects.get(slug="basics"), **columns)


def limits(caller: Caller) -> tuple[int, int]:
    found = quota(caller)
    return found["exercise"]["limit"], found["day"]["limit"]


def test_an_allowance_counts_until_its_time(api: Caller, student: User) -> None:
    hour = timedelta(hours=1)
    allow(hints_an_exercise=7, hints_a_day=30, until=timezone.now() - hour)
    assert limits(api) == (2, 3)

    allow(hints_an_exercise=4, until=timezone.now() + hour)
    assert limits(api) == (4, 3)
    for _ in range(3):
        written(api)
    assert told(api)["notice"].startswith("You have used 3 of 3 AI hints in 24 hours.")

    allow(student=student, hints_a_day=9)
    assert limits(api) == (4, 9)
    written(api)
    assert left(api) == (0, 5)


def test_a_students_own_counts_first_and_the_newest(api: Caller, student: User) -> None:
    mate = User.objects.create_user("mate")
    Membership.objects.create(user=mate, course=Course.objects.get())
    allow(student=student, hints_an_exercise=5)
    allow(student=student, hints_an_exercise=4)
    allow(hints_an_exercise=9, hints_a_day=8)
    allow(student=mate, hints_an_exercise=1, hints_a_day=1)

    assert limits(api) == (4, 8)
    assert limits(Caller(mate)) == (1, 1)


def test_an_allowance_may_take_all(api: Caller, student: User) -> None:
    allow(student=student, hints_a_day=0)

    hint = told(api)

    assert hint["notice"] == f"There are no AI hints for you here. {FREE}"
    assert (quota(api)["spent"], quota(api)["more_in_s"]) == ("day", None)


def test_an_allowance_of_another_course_is_none_here(api: Caller, student: User) -> None:
    far = Course.objects.create(slug="far", title_ko="x", title_en="x")
    Allowance.objects.create(course=far, student=student, hints_an_exercise=9)

    assert limits(api) == (2, 3)


def test_each_user_of_a_platform_has_a_quota(
    line: None, course: Course, exercise: Exercise, engine: Engine
) -> None:
    platform = Platform.objects.create(slug="judge")
    platform.courses.add(course)
    token = ApiToken(user=User.objects.create_superuser("owner"), platform=platform, name="x")
    text = fresh(token)
    token.save()
    judge = Caller(token=text)
    for _ in range(2):
        written(judge, on_behalf_of="alice")

    told(judge, on_behalf_of="alice")

    assert quota(judge, more="&on_behalf_of=alice")["spent"] == "exercise"
    assert quota(judge, more="&on_behalf_of=bob")["spent"] is None
    written(judge, on_behalf_of="bob")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", [0, 1])
def test_of_many_at_once_none_passes_the_last_one(
    line: None, student: User, exercise: Exercise, engine: Engine, before: int
) -> None:
    exercises = []
    for number in range(8):
        other_exercise(f"e{number}")
        exercises.append(Exercise.objects.select_related("course").get(slug=f"e{number}"))
    for each in exercises[:before]:
        assert isinstance(store.create(reserving(student, each)), Created)

    def ask(of: Exercise) -> Callable[[], Creation]:
        return lambda: store.create(reserving(student, of))

    made = at_once(*[ask(of) for of in exercises[before:]])

    assert sum(isinstance(each, Created) for each in made) == 3 - before
    assert made.count(NoneLeft()) == 8 - 3
    rows = Hint.objects.filter(charge__gt=0)
    assert (rows.count(), Hint.objects.count()) == (3, 3)
    assert sorted(rows.values_list("charge_number", flat=True)) == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_for_one_exercise_none_passes_the_last_one(
    line: None, student: User, exercise: Exercise, engine: Engine
) -> None:
    """Each ends at once, so that no other hint in flight keeps the next one out."""

    def ask() -> list[Creation]:
        made = []
        for _ in range(5):
            made.append(one := store.create(reserving(student, exercise)))
            if isinstance(one, Created):
                Hint.objects.filter(pk=one.hint.pk).update(state=State.ANSWERED, source="model")
        return made

    made = [each for several in at_once(ask, ask) for each in several]

    assert sum(isinstance(each, Created) for each in made) == 2
    assert Hint.objects.count() == 2


def reserving(student: User, exercise: Exercise) -> Any:
    return replace(new_hint(student, exercise, code=WRONG), charge=1)


def test_a_deleted_hint_frees_no_number_that_is_in_use(api: Caller, student: User) -> None:
    Course.objects.update(hints_an_exercise=9, hints_a_day=9)
    for _ in range(3):
        written(api)
    Hint.objects.filter(charge_number=2).delete()

    written(api)

    assert left(api) == (6, 6)
    numbers = Hint.objects.order_by("charge_number").values_list("charge_number", flat=True)
    assert list(numbers) == [1, 3, 4]


def test_hints_of_before_the_quota_count_for_nothing(api: Caller) -> None:
    written(api)
    Hint.objects.update(charge=0, charge_number=None)

    assert left(api) == (2, 3)


def used(prompt: int, completion: int, **changes: Any) -> ModelCall:
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=prompt)
    return call("words", usage=usage, **changes)


def classmate(course: Course, name: str) -> Caller:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, course=course)
    return Caller(user)


def spend(caller: Caller, *calls: ModelCall, **asked: Any) -> None:
    hint = caller.ask(**asked).json()
    assert store.claim(hint["id"], 1, "gpu0")
    outcome = Outcome(state=State.WITHHELD, reason=Reason.LEAK)
    assert store.finish(hint["id"], 1, outcome, Ended(calls=calls))


@pytest.mark.django_db(transaction=True)
def test_a_course_may_have_a_budget_of_tokens_for_every_call(api: Caller, teacher: Caller) -> None:
    Course.objects.update(tokens_a_day=100)
    spend(
        api,
        used(10, 5, purpose=Purpose.DIAGNOSE),
        used(40, 20),
        used(14, 10, purpose=Purpose.JUDGE),
    )
    assert quota(api)["spent"] is None
    spend(api, used(1, 0))

    hint = told(api)

    assert hint["notice"].startswith("The AI of this course is used up for now. More in about 2")
    page = teacher.client.get(f"/admin/courses/course/{Course.objects.get().pk}/change/")
    assert '<div class="readonly">100</div>' in page.content.decode()
    found = quota(api)
    assert (found["spent"], found["exercise"]["left"]) == ("course", 2)
    assert 23 * 3600 <= found["more_in_s"] <= 24 * 3600
    written(teacher)
    Course.objects.update(tokens_a_day=101)
    written(api)


@pytest.mark.django_db(transaction=True)
def test_hints_that_are_being_written_have_their_share_of_the_budget(
    api: Caller, course: Course
) -> None:
    Course.objects.update(tokens_a_day=2 * quotas.TOKENS_A_HINT)
    class_ = [api, *(classmate(course, name) for name in ("jisu", "hana"))]
    begun = [caller.ask().json() for caller in class_[:2]]
    assert [hint["state"] for hint in begun] == ["queued", "queued"]

    late = told(class_[2])

    assert late["notice"].startswith(
        "The AI of this course is used up for now. More in about 1 min"
    )
    found = quota(class_[2])
    assert (found["spent"], found["more_in_s"]) == ("course", 60)
    # It took less than it was counted as: the rest is the next one's.
    outcome = Outcome(state=State.ANSWERED, text="Why?", source=Source.MODEL)
    assert store.claim(begun[0]["id"], 1, "gpu0")
    assert store.finish(begun[0]["id"], 1, outcome, Ended(calls=(used(90, 10),)))
    assert quota(class_[2])["spent"] is None
    assert class_[2].ask(code=WRONG + "\n\n").json()["state"] == "queued"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "end", [store.cancel, lambda hint: store.expire(hint, Reason.MODEL_UNAVAILABLE)]
)
def test_the_share_of_a_hint_that_ends_unwritten_is_free_again(
    api: Caller, course: Course, end: Callable[[str], bool]
) -> None:
    Course.objects.update(tokens_a_day=1)
    other = classmate(course, "jisu")
    hint = api.ask().json()["id"]
    told(other)

    assert end(hint)

    assert other.ask(code=WRONG + "\n\n").json()["state"] == "queued"


@pytest.mark.django_db(transaction=True)
def test_hints_of_other_courses_take_none_of_the_budget(api: Caller, student: User) -> None:
    Course.objects.update(tokens_a_day=1)
    far = Course.objects.create(slug="far", title_ko="x", title_en="x", tokens_a_day=1)
    Membership.objects.create(user=student, course=far)
    api.ask(exercise=other_exercise("add2", far))

    assert quota(api)["spent"] is None
    assert api.ask().json()["state"] == "queued"


@pytest.mark.django_db(transaction=True)
def test_hints_that_cost_nothing_take_none_of_the_budget_beforehand(
    api: Caller, teacher: Caller
) -> None:
    Course.objects.update(tokens_a_day=1)
    assert teacher.ask().json()["state"] == "queued"

    assert quota(api)["spent"] is None
    assert api.ask().json()["state"] == "queued"


@pytest.mark.django_db(transaction=True)
def test_who_was_refused_for_the_course_never_reads_that_their_own_are_used_up(
    api: Caller, course: Course
) -> None:
    Course.objects.update(tokens_a_day=1)
    hint = api.ask().json()["id"]
    other = classmate(course, "jisu")
    refused = told(other)["id"]

    store.cancel(hint)

    notice = other.get(f"/v1/hints/{refused}").json()["notice"]
    assert notice == "No AI hint was left when you asked, so this one comes without AI."


@pytest.mark.django_db(transaction=True)
def test_nothing_is_diagnosed_ahead_of_the_last_tokens(api: Caller) -> None:
    AIModelConfig.objects.update(diagnoses=True, runs_ahead=True)
    forget()
    Course.objects.update(tokens_a_day=1)
    api.ask()

    api.run(WRONG.replace("-", "*"))

    assert not Diagnosis.objects.exists()


def test_the_page_of_a_course_says_what_a_hint_is_counted_as() -> None:
    assert f"{quotas.TOKENS_A_HINT:,}" in Course._meta.get_field("tokens_a_day").help_text


@pytest.mark.django_db(transaction=True)
def test_tokens_are_those_of_the_last_day_and_of_this_course(api: Caller, student: User) -> None:
    Course.objects.update(tokens_a_day=10)
    spend(api, used(10, 10))
    far = Course.objects.create(slug="far", title_ko="x", title_en="x", tokens_a_day=10)
    Membership.objects.create(user=student, course=far)
    there = other_exercise("add2", far)

    assert (quota(api)["spent"], quota(api, there)["spent"]) == ("course", None)
    Spending.objects.update(hour=F("hour") - timedelta(hours=24))
    assert quota(api)["spent"] is None
    written(api)


@pytest.mark.django_db(transaction=True)
def test_tokens_of_an_attempt_that_was_given_up_count(api: Caller) -> None:
    Course.objects.update(tokens_a_day=10)
    hint = api.ask().json()["id"]
    store.claim(hint, 1, "gpu0")

    store.requeue(hint, 1, ended=Ended(calls=(used(10, 0),)))

    assert quota(api)["spent"] == "course"
    assert Spending.objects.get().tokens == 10


@pytest.mark.django_db(transaction=True)
def test_without_a_budget_no_tokens_are_counted(api: Caller) -> None:
    spend(api, used(10, 0))

    assert not Spending.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_that_end_at_once_are_all_counted(
    line: None, course: Course, student: User, exercise: Exercise, engine: Engine
) -> None:
    Course.objects.update(tokens_a_day=1)
    hints = []
    for number in range(8):
        path = other_exercise(f"e{number}")
        of = Exercise.objects.get(slug=path.partition("/")[2])
        hints.append(str(queued(student, of).pk))
        store.claim(hints[-1], 1, "gpu0")
    outcome = Outcome(state=State.ANSWERED, text="Why?", source=Source.MODEL)

    def finish(hint: str) -> Callable[[], bool]:
        return lambda: store.finish(hint, 1, outcome, Ended(calls=(used(10, 1), used(1, 0))))

    assert all(at_once(*[finish(hint) for hint in hints]))

    assert Spending.objects.get().tokens == 8 * 12


@pytest.mark.django_db(transaction=True)
def test_diagnoses_that_run_ahead_count_too_and_end_with_the_budget(api: Caller) -> None:
    AIModelConfig.objects.update(diagnoses=True, runs_ahead=True)
    forget()
    Course.objects.update(tokens_a_day=20)
    api.run(WRONG)
    row = Diagnosis.objects.get()

    ahead.keep_calls(row.pk, iter([used(10, 5, purpose=Purpose.DIAGNOSE), used(4, 1)]))

    assert Spending.objects.get().tokens == 20
    assert quota(api)["spent"] == "course"
    api.run(WRONG.replace("-", "*"))
    # The one of the older program is dropped, and none is begun for the newer one.
    assert not Diagnosis.objects.exists()
