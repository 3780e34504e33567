"""The AI mode and the engines: one row of settings, a row an endpoint, a row a change of mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from broker.base import times
from broker.contract.job import Thinking
from web.engines import parameters
from web.engines.columns import key_field, seconds, url_field
from web.prepared import Prepared
from web.tutor.gate.judge import HIGHEST
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.levels import LEVELS

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Mode(models.TextChoices):
    """Which kind of engine writes hints now."""

    API = "api", _("hosted API")
    """An OpenAI API that somebody else runs."""
    VLLM = "vllm", _("vLLM")
    """vLLM servers on GPUs of one's own."""
    LOCAL = "local", _("local model")
    """The small model on the CPU, which `python -m workers engine` serves."""


EVERY_LANGUAGE = ",".join(LANGUAGES)


def language_choices() -> list[tuple[str, str]]:
    """In which languages an engine's model may be able to write a hint: all, or one of them."""
    names = {code: str(get_language_info(code)["name_translated"]) for code in LANGUAGES}
    return [(EVERY_LANGUAGE, ", ".join(names.values())), *names.items()]


class Thinks(models.TextChoices):
    """What an admin chose for broker.contract.job.Thinking."""

    AUTO = "auto", _("as known of the model")
    """As web.engines.presets has it for the model's name; UNKNOWN where it has nothing."""
    UNKNOWN = Thinking.UNKNOWN, _("may think: its text is held until it is whole")
    NEVER = Thinking.NEVER, _("does not think: its text streams")


class JudgedBy(models.TextChoices):
    """Who says of a hint that the rules have passed whether it tells the correction."""

    NOBODY = "none", _("nobody: the rules alone decide")
    """Hints are shown while they are written."""
    SAME = "same", _("the engine that wrote the hint")
    """If its model has the licence for that."""
    OTHER = "other", _("another engine")
    """The judge_engine of the AI mode."""


def fallback_choices() -> list[tuple[str, StrOrPromise]]:
    return [("", _("nobody")), *Mode.choices]


def fallback_field(label: StrOrPromise) -> models.CharField[str, str]:
    """A mode that stands in; empty for none."""
    return models.CharField(label, max_length=5, choices=fallback_choices, blank=True, default="")


TWICE = _("Choose another one: nobody stands in for itself.")


class AIModelConfig(models.Model):
    """The one row (pk 1) that says how hints are made; the next hint follows a change."""

    mode = models.CharField(_("AI mode"), max_length=5, choices=Mode, default=Mode.LOCAL)
    fallback = fallback_field(_("if it fails"))
    last_fallback = fallback_field(_("if that fails too"))
    model_name = models.CharField(
        _("model name"),
        max_length=200,
        blank=True,
        help_text=_("As the server names it; used by engines that name no model of their own."),
    )
    api_url = url_field(_("hosted API URL"), default="https://api.openai.com/v1")
    api_key = key_field()
    vllm_url = url_field(_("vLLM URL"), default="http://127.0.0.1:8001/v1")
    # Some models refuse a parameter of these that others need, so each can be left empty.
    max_tokens = models.PositiveIntegerField(
        _("max tokens"),
        default=400,
        null=True,
        blank=True,
        validators=[MinValueValidator(16), MaxValueValidator(4096)],
        help_text=_(
            "Of the answer, at most: each level asks for what it needs, level 3 for 400. Lower: "
            "long hints may be cut off. Empty: not sent."
        ),
    )
    temperature = models.FloatField(
        _("temperature"),
        default=0.7,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(2)],
        help_text=_("Empty: not sent."),
    )
    top_p = models.FloatField(
        "top_p",
        default=0.9,
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(1)],
        help_text=_("Empty: not sent."),
    )
    judged_by = models.CharField(
        _("hints are judged by"), max_length=5, choices=JudgedBy, default=JudgedBy.SAME
    )
    # Whoever deletes the judge must choose another one first, or none.
    judge_engine = models.ForeignKey(
        "Engine",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("judging engine"),
        help_text=_(
            "If another engine judges: of any kind, and it need not be enabled. It is sent the "
            "program, the correction and the hint."
        ),
    )
    judge_threshold = models.FloatField(
        _("judge's threshold"),
        default=0.5,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.99)],
        help_text=_(
            "A hint is not shown if the judge holds it for a leak with at least this probability. "
            "Lower is stricter."
        ),
    )
    diagnoses = models.BooleanField(
        _("find out first what is wrong"),
        default=True,
        help_text=_(
            "The model mends the student's program in hiding, and it is run: what passes every "
            "test tells the gate and the judge what no hint may say. One request more for each "
            "program that nobody has asked about before; only with models that have the licence "
            "for it."
        ),
    )
    runs_ahead = models.BooleanField(
        _("find out ahead of the request"),
        default=False,
        help_text=_(
            "As soon as a program fails its tests, while at least half of an engine's slots are "
            "free: a hint that is asked for afterwards comes sooner. Many of these requests are "
            "for programs that nobody asks about, so switch it on for engines of your own."
        ),
    )
    connect_s = seconds(_("connect timeout, s"), times.CONNECT_S, times.MOST_CONNECT_S)
    first_chunk_s = seconds(
        _("first token timeout, s"), times.FIRST_CHUNK_S, times.MOST_FIRST_CHUNK_S
    )
    idle_s = seconds(_("silence timeout, s"), times.IDLE_S, times.MOST_IDLE_S)
    deadline_s = seconds(_("whole answer timeout, s"), times.DEADLINE_S, times.MOST_DEADLINE_S)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("AI mode")
        verbose_name_plural = _("AI mode")

    def __str__(self) -> str:
        return str(Mode(self.mode).label)

    def clean(self) -> None:
        if self.judged_by == JudgedBy.OTHER and self.judge_engine is None:
            raise ValidationError({"judge_engine": _("Choose the engine that judges.")})
        if self.fallback == self.mode:
            raise ValidationError({"fallback": TWICE})
        if self.last_fallback and self.last_fallback in (self.mode, self.fallback):
            raise ValidationError({"last_fallback": TWICE})

    @property
    def order(self) -> list[str]:
        """The mode, and those whose engines stand in for its own, each once."""
        chosen = [self.mode, self.fallback, self.last_fallback]
        return [*dict.fromkeys(filter(None, chosen))]

    @classmethod
    def current(cls) -> AIModelConfig:
        # The row is made by whoever asks first.
        return CURRENT.first() or cls.objects.get_or_create(pk=1)[0]


CURRENT = Prepared(lambda: AIModelConfig.objects.filter(pk=1))


class Engine(models.Model):
    """One OpenAI-compatible endpoint. An empty URL or model means the one of the AI mode."""

    # Also the name of its Celery queue and a label of its metrics, so few characters are allowed.
    name = models.CharField(
        _("name"),
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9-]*\Z", _("Use a-z, 0-9 and '-': gpu0."))],
        help_text=_("gpu0, gpu1, … for a vLLM server on a GPU"),
    )
    kind = models.CharField(_("kind"), max_length=5, choices=Mode)
    url = url_field(_("URL"), blank=True)
    model_name = models.CharField(_("model name"), max_length=200, blank=True)
    api_key = key_field()
    slots = models.PositiveIntegerField(
        _("slots"),
        default=32,
        validators=[MinValueValidator(1), MaxValueValidator(1024)],
        help_text=_("How many hints this engine may write at once."),
    )
    # Choices are a callable: they are in the reader's language, and migrations do not list them.
    languages = models.CharField(
        _("languages"),
        max_length=len(EVERY_LANGUAGE),
        choices=language_choices,
        default=EVERY_LANGUAGE,
        help_text=_("A hint in another language comes from its author, at once."),
    )
    thinking = models.CharField(
        _("thinking"),
        max_length=7,
        choices=Thinks,
        default=Thinks.AUTO,
        help_text=_(
            "Thoughts are never shown. As known of the model: what Hintline knows of the model's "
            "name is used, and what is written below comes first; a model that it does not know "
            "may think."
        ),
    )
    reasoning_tokens = models.PositiveIntegerField(
        _("tokens for thoughts"),
        default=0,
        validators=[MaxValueValidator(32_768)],
        help_text=_(
            "On top of the max tokens of the answer. 0: as known of the model, else no room."
        ),
    )
    extra_body = models.JSONField(
        _("more parameters"),
        default=dict,
        blank=True,
        validators=[parameters.check],
        help_text=_('A JSON object whose keys are sent with each request, such as {"top_k": 20}.'),
    )
    dialect = models.JSONField(
        _("learned from refusals"),
        default=dict,
        editable=False,
        help_text=_(
            "Parameters that this server refused, and which are left out or renamed. It is "
            "forgotten when the URL, the model or its parameters change."
        ),
    )
    workers = models.PositiveIntegerField(
        _("workers"),
        default=1,
        validators=[MaxValueValidator(64)],
        help_text=_("Worker processes, over all nodes that serve this engine."),
    )
    worker_slots = models.PositiveIntegerField(
        _("slots of a worker"),
        default=64,
        validators=[MinValueValidator(1), MaxValueValidator(1024)],
        help_text=_("How many hints one worker process may write at once."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    draining = models.BooleanField(
        _("draining"),
        default=False,
        help_text=_("It finishes what it has and gets nothing new; then its workers stop."),
    )

    class Meta:
        verbose_name = _("engine")
        verbose_name_plural = _("engines")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


def check_levels(value: Any) -> None:
    """Lists of levels by language, as the column has them: {"ko": [1, 2], "en": []}."""
    well = isinstance(value, dict) and all(
        language in LANGUAGES
        and isinstance(levels, list)
        and all(isinstance(each, int) and each in LEVELS for each in levels)
        for language, levels in value.items()
    )
    if not well:
        raise ValidationError(_("Choose levels that there are, in languages that there are."))


class Licence(models.Model):
    """What one model may do for students with one set of templates; web.engines.licences.

    A row says that its model was evaluated, or that an admin takes it as if it were: where it lists
    nothing, the model may do nothing.
    """

    model = models.CharField(
        _("model name"),
        max_length=200,
        help_text=_("As its server names it; of the local model the name of its file."),
    )
    template_version = models.CharField(_("templates"), max_length=100, editable=False)
    levels = models.JSONField(
        _("levels that it writes"), default=dict, blank=True, validators=[check_levels]
    )
    judges_to = models.PositiveSmallIntegerField(
        _("judges hints up to level"),
        default=0,
        validators=[MaxValueValidator(HIGHEST)],
        help_text=_("0: none. Hints above it come without a model where this model judges them."),
    )
    # NULL: that of the AI mode.
    judge_threshold = models.FloatField(
        _("judge's threshold"),
        null=True,
        blank=True,
        # Small judges have been seen to be sure of next to nothing, or of nearly everything.
        validators=[MinValueValidator(0.0001), MaxValueValidator(1)],
        help_text=_("Empty: that of the AI mode."),
    )
    diagnoses = models.BooleanField(_("finds out what is wrong"), default=False)
    granted_at = models.DateTimeField(_("granted"), auto_now=True)
    # NULL where an evaluation granted it, or its user is deleted.
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
        verbose_name=_("by"),
    )
    evaluation = models.CharField(_("evaluation"), max_length=50, blank=True, editable=False)
    """Its id; empty where an admin granted this by hand, and nobody has evaluated the model."""
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("licence")
        verbose_name_plural = _("licences")
        ordering = ["model", "-granted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "template_version"], name="one_licence_of_a_model"
            )
        ]

    def __str__(self) -> str:
        return self.model

    def written(self, locale: Locale) -> tuple[int, ...]:
        """The levels that the model may write in this language."""
        return tuple(self.levels.get(locale, ()))


class ModeChange(models.Model):
    """One change of the AI mode: when, by whom, from what to what.

    before, after: the mode itself, which may have stayed as it was. changed: the fields, as
    web.engines.history has them; empty in rows of before, which tell of the mode alone.
    """

    at = models.DateTimeField(_("when"), auto_now_add=True)
    # NULL where a command made the change, or its user is deleted.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, verbose_name=_("by")
    )
    before = models.CharField(_("before"), max_length=5, choices=Mode)
    after = models.CharField(_("after"), max_length=5, choices=Mode)
    changed = models.JSONField(_("changed fields"), default=dict)

    class Meta:
        verbose_name = _("change of the AI mode")
        verbose_name_plural = _("changes of the AI mode")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
