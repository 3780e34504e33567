import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from broker.base.settings import need
from web.courses import seeding
from web.courses.models import AuthoredHint, Course, Exercise, Membership
from web.courses.seeding import Seed, SeedExercise
from web.courses.texts import in_columns
from web.engines.models import AIModelConfig, Engine, Mode
from web.people.models import User

FOLDER = Path(seeding.__file__).parent / "seed"
ROLES = Membership.Role
DEMO = (("student", ROLES.STUDENT), ("teacher", ROLES.TEACHER), ("admin", ROLES.ADMIN))


class Command(BaseCommand):
    help = "Store the demo course, the engines and the demo accounts, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA / "accounts.txt"
        # An account is never committed without its password in the file.
        with transaction.atomic():
            course = store_course(seeding.load(FOLDER))
            store_engines()
            made = store_accounts(course)
            keep(made, path)
        for name, password in made.items():
            self.stdout.write(f"{name:10} {password}")
        if made:
            self.stdout.write(f"Demo accounts, shown only now; kept in {path} (yours to read).")


def store_course(seed: Seed) -> Course:
    """The course with all its exercises; one that exists is not touched: teachers own it."""
    course, _ = Course.objects.get_or_create(
        slug=seed.course.slug,
        defaults=in_columns("title", seed.course.title),
    )
    existing = set(course.exercises.values_list("slug", flat=True))
    for exercise in seed.exercises:
        if exercise.slug not in existing:
            store_exercise(course, exercise)
    return course


def store_exercise(course: Course, seed: SeedExercise) -> None:
    exercise = Exercise.objects.create(
        course=course,
        slug=seed.slug,
        position=seed.position,
        topic=seed.topic,
        **in_columns("title", seed.title),
        **in_columns("statement", seed.statement),
        **in_columns("mistakes", seed.mistakes),
        language=seed.language,
        starter=seed.starter,
        tests=seed.tests,
        reference=seed.reference,
    )
    AuthoredHint.objects.bulk_create(
        AuthoredHint(exercise=exercise, level=level, **in_columns("text", text))
        for level, text in seed.hints.items()
    )


def store_engines() -> None:
    """The AI mode, and one engine of each kind, so that switching the mode needs no new row."""
    AIModelConfig.current()
    slots = need("HINTLINE_LOCAL_SLOTS", int)
    engines: dict[str, dict[str, Any]] = {
        # The bundled model was taught English only.
        "local": {"kind": Mode.LOCAL, "slots": slots, "languages": "en"},
        "api": {"kind": Mode.API},
        "gpu0": {"kind": Mode.VLLM},
    }
    for name, defaults in engines.items():
        Engine.objects.get_or_create(name=name, defaults=defaults)


def store_accounts(course: Course) -> dict[str, str]:
    """The demo accounts that are missing: names, and their new random passwords."""
    made = {}
    for name, role in DEMO:
        if User.objects.filter(username=name).exists():
            continue
        made[name] = secrets.token_urlsafe(9)
        # The teacher's membership is what opens the admin to a teacher.
        boss = role == ROLES.ADMIN
        user = User.objects.create_user(name, password=made[name], is_staff=boss, is_superuser=boss)
        Membership.objects.create(user=user, course=course, role=role)
    return made


def keep(accounts: dict[str, str], path: Path) -> None:
    """Adds the passwords to a file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # The file may be older than this rule.
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{name} {password}\n" for name, password in accounts.items())
