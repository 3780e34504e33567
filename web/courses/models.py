"""Course, membership, exercise and authored hint: what teachers write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partialmethod
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from web.courses import checks, topics
from web.courses.checks import check_finite
from web.courses.texts import columns, in_language
from web.language import words_now
from web.people.models import MOST_HINTS
from web.runner.cases import Asserts, Io, IoCase, RunLimits, Tests
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

MOST_TOKENS = 2_000_000_000
NO_WORDS = _("Write it in one language at least.")
BOTH_TESTS = _("An exercise has asserts or cases, not both.")


LANGUAGE_NAME = r"^[a-z][a-z0-9+#.-]{0,11}$"
PYTHON = "python"
"""The language whose programs are run here; of others a platform sends the result."""
KNOWN_LANGUAGES = {
    PYTHON: "Python", "javascript": "JavaScript", "typescript": "TypeScript", "java": "Java",
    "kotlin": "Kotlin", "c": "C", "cpp": "C++", "csharp": "C#", "go": "Go", "rust": "Rust",
    "swift": "Swift", "ruby": "Ruby", "php": "PHP", "sql": "SQL",
}  # fmt: skip
"""Programming languages as people write them; an exercise may be in any other."""


class Comparison(models.TextChoices):
    """How what a program printed is compared with what a case expects."""

    EXACT = "exact", _("exactly, blanks and all")
    """The texts are equal."""
    TOKENS = "tokens", _("word by word; white space does not count")
    """The words between white space are equal."""
    FLOAT = "float", _("word by word, numbers within a tolerance")
    """As tokens, but two numbers are equal within either tolerance."""


def level_choices() -> list[tuple[int, str]]:
    """The levels as the admin offers them, in the reader's language: `1 · Notice`."""
    return [(number, f"{number} · {words_now(level.label)}") for number, level in LEVELS.items()]


class Course(models.Model):
    """Exercises for its members. slug: its name in URLs and in the API, unique on the site.

    hints_an_exercise, hints_a_day, tokens_a_day: its quotas (web.people.quotas); None for none.
    """

    slug = models.SlugField(_("slug"), unique=True)
    title_ko = models.CharField(_("title (Korean)"), max_length=200)
    title_en = models.CharField(_("title (English)"), max_length=200)
    ladder = models.BooleanField(
        _("levels open one after the other"),
        default=True,
        help_text=_(
            "The next level of help opens when the student has run a changed program, or has "
            "written what they think now. Off: all levels are open at once."
        ),
    )
    streams = models.BooleanField(
        _("show longer hints while they are written"),
        default=False,
        help_text=_(
            "From level 3 on, sentence by sentence. What the judge then holds for a leak is taken "
            "back before the eyes of the student."
        ),
    )
    trusts_unlicensed = models.BooleanField(
        _("let models write that nobody has evaluated"),
        default=False,
        help_text=_(
            "Off: hints come without a model that nobody has evaluated. On: it writes all the "
            "same in this course, and may judge hints, though nobody knows how often it is wrong "
            "or gives the solution away. The change is logged with your name."
        ),
    )
    # Set by an evaluation for a course of its own: there every model does everything.
    tries_models = models.BooleanField(default=False, editable=False)
    # The version of the prompts' words that it measures; empty everywhere else.
    prompts = models.CharField(max_length=12, blank=True, default="", editable=False)
    evaluates = models.BooleanField(
        _("requests may be used to evaluate models"),
        default=False,
        help_text=_("Without names, they are asked of a model once more to see how it does."),
    )
    tells = models.BooleanField(
        _("a last level says what to change"),
        default=False,
        help_text=_("Level 5 says in words which expression has to change. It counts as two."),
    )
    hints_an_exercise = models.PositiveSmallIntegerField(
        _("hints by AI for an exercise"),
        default=5,
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_HINTS)],
        help_text=_("Of one student. Empty: any number. Hints without AI are always free."),
    )
    hints_a_day = models.PositiveSmallIntegerField(
        _("hints by AI in 24 hours"),
        default=20,
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_HINTS)],
        help_text=_("Of one student, in all exercises of the course. Empty: any number."),
    )
    tokens_a_day = models.PositiveIntegerField(
        _("tokens in 24 hours"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_TOKENS)],
        help_text=_(
            "Of all calls to models for this course; a hint that is being written counts as 3,000. "
            "Beyond it hints come without AI, until the oldest hour is a day old. Empty: any "
            "number, and none is counted."
        ),
    )
    title = partialmethod(in_language, "title")

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """One person's place in one course; web.people.access says what follows from the role."""

    class Role(models.TextChoices):
        """What a member is in the course, and nowhere else."""

        STUDENT = "student", _("student")
        """Runs programs and asks for hints."""
        TEACHER = "teacher", _("teacher")
        """Also edits the course in the admin, and reads everybody's hints of it."""
        ADMIN = "admin", _("admin")
        """As a teacher."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("user"),
    )
    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("course")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.STUDENT)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="one_role_in_a_course")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.course} · {self.role}"


class Exercise(models.Model):
    """A task with its tests. slug: unique in its course; position: where the course lists it.

    statement: Markdown. tests: of a function; cases: of a program that reads standard input and
    prints, as web.courses.checks has them, and then there are no tests. wrong: programs that a
    beginner might hand in, `code` and `why_en`. examples: answers to a level as the author
    would write them, which the model is shown: `level`, `ko`, `en`. avoid: words, one a line.
    revision: from 1, raised with every change.
    """

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="exercises", verbose_name=_("course")
    )
    slug = models.SlugField(_("slug"))
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, validators=[MaxValueValidator(checks.MOST_POSITION)]
    )
    topic = models.CharField(_("topic"), max_length=100, blank=True)
    title_ko = models.CharField(_("title (Korean)"), max_length=200, blank=True)
    title_en = models.CharField(_("title (English)"), max_length=200, blank=True)
    statement_ko = models.TextField(_("statement (Korean)"), blank=True, help_text="Markdown")
    statement_en = models.TextField(_("statement (English)"), blank=True, help_text="Markdown")
    language = models.CharField(
        _("language"),
        max_length=12,
        default=PYTHON,
        validators=[RegexValidator(LANGUAGE_NAME)],
        help_text=_("python, java, cpp, kotlin …: of any but Python a platform sends results."),
    )
    starter = models.TextField(_("starter code"), blank=True)
    tests = models.TextField(
        _("tests"), blank=True, help_text=_("Python asserts, one a line: assert f(1) == 2")
    )
    cases = models.JSONField(_("cases"), default=list, blank=True)
    checker = models.CharField(
        _("comparison"), max_length=6, choices=Comparison, default=Comparison.TOKENS
    )
    ignores_case = models.BooleanField(
        _("letter case does not count"), default=False, help_text=_("Yes is as good as yes.")
    )
    absolute_tolerance = models.FloatField(
        _("absolute tolerance"), default=1e-6, validators=[MinValueValidator(0), check_finite]
    )
    relative_tolerance = models.FloatField(
        _("relative tolerance"), default=1e-6, validators=[MinValueValidator(0), check_finite]
    )
    time_limit_s = models.FloatField(
        _("time limit (seconds)"),
        default=1.0,
        validators=[
            MinValueValidator(checks.LEAST_TIME_S),
            MaxValueValidator(checks.MOST_TIME_S),
            check_finite,
        ],
        help_text=_("Of all tests together."),
    )
    memory_limit_mib = models.PositiveSmallIntegerField(
        _("memory limit (MiB)"),
        default=128,
        validators=[
            MinValueValidator(checks.LEAST_MEMORY_MIB),
            MaxValueValidator(checks.MOST_MEMORY_MIB),
        ],
    )
    reference = models.TextField(
        _("reference solution"),
        blank=True,
        help_text=_(
            "Never shown, and never sent to the model that writes; hints are checked against it, "
            "by the judge too."
        ),
    )
    mistakes_ko = models.TextField(_("usual mistakes (Korean)"), blank=True)
    mistakes_en = models.TextField(_("usual mistakes (English)"), blank=True)
    wrong = models.JSONField(_("wrong programs"), default=list, blank=True)
    examples = models.JSONField(_("example answers"), default=list, blank=True)
    avoid = models.TextField(
        _("words to avoid"),
        blank=True,
        validators=[checks.check_avoid],
        help_text=_(
            "One a line, in any language: no hint that a model writes says one, in whatever form, "
            "unless it stands in the student's own program."
        ),
    )
    # Part of a prompt's prefix key: prompts of two revisions share nothing in an engine's cache.
    revision = models.PositiveIntegerField(_("revision"), default=1, editable=False)
    title = partialmethod(in_language, "title")
    statement = partialmethod(in_language, "statement")
    mistakes = partialmethod(in_language, "mistakes")

    class Meta:
        verbose_name = _("exercise")
        verbose_name_plural = _("exercises")
        ordering = ["position", "slug"]
        constraints = [models.UniqueConstraint(fields=["course", "slug"], name="slug_in_a_course")]

    def __str__(self) -> str:
        return self.path

    def clean(self) -> None:
        problems: dict[str, ValidationError] = {}
        for field in ("title", "statement"):
            if not any(getattr(self, column).strip() for column in columns(field)):
                problems[columns(field)[0]] = ValidationError(NO_WORDS)
        told(problems, "cases", checks.check_cases, self.cases)
        # Tests in another language are kept, but nothing here can run them.
        can_run = self.language == PYTHON and self.tests.strip()
        if can_run and self.cases:
            problems["tests"] = ValidationError(BOTH_TESTS)
        elif can_run:
            told(problems, "tests", checks.check_tests, self.tests)
        told(problems, "wrong", checks.check_wrong, self.wrong)
        told(problems, "examples", checks.check_examples, self.examples)
        if problems:
            raise ValidationError(problems)

    def tests_to_run(self) -> Tests | None:
        """What a program of this exercise is run against; None where it has neither kind."""
        if self.cases:
            # Cases are checked when they are stored, so that their keys are all there.
            found = tuple(io_case(case) for case in self.cases)
            return Io(
                found,
                self.checker,
                self.absolute_tolerance,
                self.relative_tolerance,
                self.ignores_case,
            )
        return Asserts(self.tests) if self.tests.strip() else None

    def tests_here(self) -> Tests | None:
        """The same on this site alone; None also where only a platform can run its programs."""
        return self.tests_to_run() if self.language == PYTHON else None

    def examples_for(self, level: int, locale: Locale) -> tuple[str, ...]:
        """The author's answers to this level in this language, for their manner."""
        # Not in another language instead, as other texts are: the model would write in that one.
        texts = (each[locale] for each in self.examples if each["level"] == level)
        return tuple(filter(str.strip, texts))

    def words_to_avoid(self) -> tuple[str, ...]:
        return checks.avoided(self.avoid.splitlines())

    def limits(self) -> RunLimits:
        return RunLimits(self.time_limit_s, self.memory_limit_mib * 2**20)

    @property
    def topic_words(self) -> str:
        """In the reader's language."""
        return topics.in_words(self.topic)

    @property
    def language_name(self) -> str:
        """As people write it."""
        return KNOWN_LANGUAGES.get(self.language, self.language)

    @property
    def path(self) -> str:
        """`<course>/<exercise>`, as the API names it; needs the course loaded."""
        return f"{self.course.slug}/{self.slug}"


def told(
    problems: dict[str, ValidationError], field: str, check: Callable[[Any], None], value: object
) -> None:
    """Adds what the check says of the field's value."""
    try:
        check(value)
    except ValidationError as error:
        problems[field] = error


def io_case(case: Mapping[str, Any]) -> IoCase:
    return IoCase(
        name=case["name"],
        stdin=case["stdin"],
        expected=case["expected"],
        visible=case["visible"],
        note={locale: case[f"note_{locale}"] for locale in LANGUAGES},
    )


class AuthoredHint(models.Model):
    """A teacher's hint of one level: in the prompt, and shown where no model's text is."""

    exercise = models.ForeignKey(
        Exercise,
        on_delete=models.CASCADE,
        related_name="authored_hints",
        verbose_name=_("exercise"),
    )
    # A callable: labels are in the reader's language, and a further level needs no migration.
    level = models.PositiveSmallIntegerField(_("level"), choices=level_choices)
    text_ko = models.TextField(_("text (Korean)"), blank=True)
    text_en = models.TextField(_("text (English)"), blank=True)
    text = partialmethod(in_language, "text")

    class Meta:
        verbose_name = _("authored hint")
        verbose_name_plural = _("authored hints")
        ordering = ["exercise", "level"]
        constraints = [
            models.UniqueConstraint(fields=["exercise", "level"], name="one_authored_hint_a_level")
        ]

    def __str__(self) -> str:
        return f"{self.exercise_id} · L{self.level}"

    def clean(self) -> None:
        if not any(getattr(self, column).strip() for column in columns("text")):
            raise ValidationError({columns("text")[0]: NO_WORDS})
