"""Course, membership, exercise and authored hint: what teachers write."""

from __future__ import annotations

from functools import partialmethod

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from web.courses.texts import in_language
from web.language import words_now
from web.runner import cases
from web.tutor.levels import LEVELS


class ProgramLanguage(models.TextChoices):
    """Programming language of an exercise; only Python has a sandbox, so only it has L0."""

    PYTHON = "python", "Python"
    JAVASCRIPT = "javascript", "JavaScript"
    JAVA = "java", "Java"
    CPP = "cpp", "C/C++"


def level_choices() -> list[tuple[int, str]]:
    """The levels as the admin offers them, in the reader's language: `1 · Notice`."""
    return [(number, f"{number} · {words_now(level.label)}") for number, level in LEVELS.items()]


class Course(models.Model):
    """Exercises for its members. slug: its name in URLs and in the API, unique on the site."""

    slug = models.SlugField(_("slug"), unique=True)
    title_ko = models.CharField(_("title (Korean)"), max_length=200)
    title_en = models.CharField(_("title (English)"), max_length=200)
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

    statement: Markdown. revision: from 1, raised with every change in the admin.
    """

    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, related_name="exercises", verbose_name=_("course")
    )
    slug = models.SlugField(_("slug"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    topic = models.CharField(_("topic"), max_length=100, blank=True)
    title_ko = models.CharField(_("title (Korean)"), max_length=200)
    title_en = models.CharField(_("title (English)"), max_length=200)
    statement_ko = models.TextField(_("statement (Korean)"), help_text="Markdown")
    statement_en = models.TextField(_("statement (English)"), help_text="Markdown")
    language = models.CharField(
        _("language"), max_length=12, choices=ProgramLanguage, default=ProgramLanguage.PYTHON
    )
    starter = models.TextField(_("starter code"), blank=True)
    tests = models.TextField(
        _("tests"), blank=True, help_text=_("Python asserts, one a line: assert f(1) == 2")
    )
    reference = models.TextField(
        _("reference solution"),
        blank=True,
        help_text=_("Never shown and never sent to a model; hints are checked against it."),
    )
    mistakes_ko = models.TextField(_("usual mistakes (Korean)"), blank=True)
    mistakes_en = models.TextField(_("usual mistakes (English)"), blank=True)
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
        # Tests in another language are kept, but nothing here can run them.
        can_run = self.language == ProgramLanguage.PYTHON and self.tests.strip()
        if can_run and not cases.asserts_in(self.tests):
            text = _("This is not Python with asserts: nobody's code could be tested.")
            raise ValidationError({"tests": text})

    @property
    def path(self) -> str:
        """`<course>/<exercise>`, as the API names it; needs the course loaded."""
        return f"{self.course.slug}/{self.slug}"


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
    text_ko = models.TextField(_("text (Korean)"))
    text_en = models.TextField(_("text (English)"))
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
