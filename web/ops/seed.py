"""Stores the seed course, the engines and the demo accounts; what is there is left alone."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from broker.base.settings import need
from web.courses.models import Course, Membership
from web.courses.seeding import Seed, load
from web.engines.models import AIModelConfig, Engine, Mode
from web.people.models import User

ROLES = Membership.Role
DEMO = (("student", ROLES.STUDENT), ("teacher", ROLES.TEACHER), ("admin", ROLES.ADMIN))


@dataclass(frozen=True, slots=True)
class Account:
    """A demo account made just now: the only moment its password is known."""

    name: str
    password: str


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
    # The bundled model was taught English only.
    bundled = {"slots": need("HINTLINE_LOCAL_SLOTS", int), "languages": "en"}
    engines: dict[str, dict[str, Any]] = {
        "local": {"kind": Mode.LOCAL, **bundled},
        "api": {"kind": Mode.API},
        "gpu0": {"kind": Mode.VLLM},
    }
    for name, defaults in engines.items():
        Engine.objects.get_or_create(name=name, defaults=defaults)


def store_accounts(course: Course) -> list[Account]:
    """The demo accounts that are missing, with new random passwords."""
    made = []
    for name, role in DEMO:
        if User.objects.filter(username=name).exists():
            continue
        password = secrets.token_urlsafe(9)
        # The teacher's membership is what opens the admin to a teacher.
        boss = role == ROLES.ADMIN
        user = User.objects.create_user(name, password=password, is_staff=boss, is_superuser=boss)
        Membership.objects.create(user=user, course=course, role=role)
        made.append(Account(name, password))
    return made


def keep(accounts: list[Account], path: Path) -> None:
    """Adds the passwords to a file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(handle, 0o600)  # the file may be older than this rule
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{account.name} {account.password}\n" for account in accounts)


@transaction.atomic
def seed_all(passwords: Path) -> list[Account]:
    """Everything; answers the accounts made now. Raises: BadSeed.

    passwords: the file that keeps them; an account is never committed without its password there.
    """
    course = store_course(load())
    store_engines()
    made = store_accounts(course)
    keep(made, passwords)
    return made
