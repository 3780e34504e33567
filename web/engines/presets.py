"""What is known of models by their names: whether they think, how to ask them not to, and room."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.contract.job import Thinking

ASKED_OFF = {"chat_template_kwargs": {"enable_thinking": False}}
REASONING_TOKENS = 2000
"""Room for a model that cannot be kept from thinking: a page of thoughts for a small exercise."""
SAYS_IT_THINKS = re.compile(r"think|reason|distill|\bcot\b|\br1\b")
"""A fine-tuned model with such a name thinks, whatever the model that it was made of does."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings for one family of models. pattern: matches the start of a bare name.

    thinking: NEVER only for models that have no thoughts to write. A model that is asked not to
    think stays UNKNOWN: a server may ignore the request.
    advised: the temperature and top_p of its makers, as words for people; None: nothing is known.
    note: what a person should know; "": what these settings say.
    """

    title: str
    pattern: str
    thinking: Thinking = Thinking.UNKNOWN
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    reasoning_tokens: int = 0
    advised: tuple[float, float] | None = None
    note: str | Promise = ""

    def about(self) -> str | Promise:
        """Whether it thinks, in a sentence."""
        if self.note:
            return self.note
        if self.thinking is Thinking.NEVER:
            return _("It does not think.")
        if self.reasoning_tokens:
            return _("It always thinks, and needs room for that.")
        return _("It thinks by default, and is asked not to.")


NEVER = Thinking.NEVER
# The first one that matches counts. Sources: the models' cards and vLLM's recipes, autumn 2026.
PRESETS = (
    Preset("Qwen 2.5", r"qwen-?2\.5", NEVER, advised=(0.7, 0.8)),
    Preset(
        "Qwen 3 Instruct, Qwen 3 Coder", r"qwen-?3-(coder|.*instruct)", NEVER, advised=(0.7, 0.8)
    ),
    Preset(
        "Qwen Thinking",
        r"qwq|qwen.*thinking",
        reasoning_tokens=REASONING_TOKENS,
        advised=(0.6, 0.95),
    ),
    Preset("Qwen 3, 3.5, 3.8", r"qwen-?3", extra_body=ASKED_OFF, advised=(0.7, 0.8)),
    Preset(
        "EXAONE 4",
        r"exaone-4",
        extra_body=ASKED_OFF,
        note=_(
            "It thinks by default, and is asked not to. Its licence is for non-commercial use only."
        ),
    ),
    Preset(
        "Gemma", r"gemma", NEVER, advised=(1.0, 0.95), note=_("It thinks only when it is asked to.")
    ),
    Preset(
        "gpt-oss",
        r"gpt-oss",
        extra_body={"reasoning_effort": "low"},
        reasoning_tokens=REASONING_TOKENS,
        advised=(1.0, 1.0),
    ),
    Preset(
        "Magistral, Ministral Reasoning",
        r"magistral|ministral.*reasoning",
        reasoning_tokens=REASONING_TOKENS,
        advised=(0.7, 0.95),
    ),
    Preset("Ministral", r"ministral", NEVER),
    Preset("Kanana Instruct", r"kanana.*instruct", NEVER),
    Preset("SmolLM2", r"smollm2", NEVER),
    Preset("GPT-4o, GPT-4.1", r"gpt-4(o|\.1)", NEVER),
    Preset(
        "Brumby",
        r"brumby",
        note=_("It is a base model without a chat template: its server needs one given to it."),
    ),
)

NOTHING_KNOWN = Preset(
    "?",
    "",
    note=_("Nothing is known of this model: it may think, so its text is held until it is whole."),
)


def known(model: str) -> Preset | None:
    """The preset of the model of this name; None if nothing is known of it.

    The name may have an owner, a folder, a size, and marks of quantisation:
    `Qwen/Qwen3.5-4B-FP8`, `/models/gemma-4-12b.gguf`, `qwen3:4b`.
    """
    bare = model.lower().rstrip("/").rpartition("/")[2].replace("_", "-")
    found = next((each for each in PRESETS if re.match(each.pattern, bare)), None)
    # "Never" must be certain: with it, text streams to a student before anybody knows its end.
    if found and found.thinking is Thinking.NEVER and SAYS_IT_THINKS.search(bare):
        return None
    return found


def words(preset: Preset | None) -> str:
    """What a person should know of the model, in one or two sentences."""
    if preset is None:
        return str(NOTHING_KNOWN.note)
    text = f"{preset.title}: {preset.about()}"
    if preset.advised is None:
        return text
    temperature, top_p = preset.advised
    advice = _("Its makers advise temperature %(temperature)s and top_p %(top_p)s.")
    return f"{text} {advice % {'temperature': temperature, 'top_p': top_p}}"
