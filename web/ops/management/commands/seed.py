import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from broker.base.settings import need
from web.courses.models import Course, Membership
from web.courses.seeding import Seed, load
from web.engines.models import AIModelConfig, Engine, Mode
from web.people.models import User

ROLES = Membership.Role
DEMO = (("student", ROLES.STUDENT), ("teacher", ROLES.TEACHER), ("admin", ROLES.ADMIN))


class Command(BaseCommand):
    help = "Store the demo course, the engines and the demo accounts, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA / "accounts.txt"
        # An account is never committed without its password in the file.
        with transaction.atomic():
            course = store_course(load())
            store_engines()
            made = store_accounts(course)
            keep(made, path)
        for name, password in made.items():
            self.stdout.write(f"{name:10} {password}")
        if made:
            self.stdout.write(f"Demo accounts, shown only now; kept in {path} (yours to read).")


def store_course(seed: Seed) -> Course:
    """The course with all its exercises; one that exists is not touched: teachers own it."""
    course = Course.objects.filter(slug=seed.course.slug).first() or seed.course
    if course.pk is None:
        course.save()
    existing = set(course.exercises.values_list("slug", flat=True))
    for exercise in seed.exercises:
        if exercise.row.slug not in existing:
            exercise.row.course = course
            exercise.row.save()
            exercise.row.authored_hints.add(*exercise.hints.values(), bulk=False)
    return course


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
