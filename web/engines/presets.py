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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings for one family of models. pattern: matches the start of a bare name.

    thinking: NEVER only for models that have no thoughts to write. A model that is asked not to
    think stays UNKNOWN: a server may ignore the request.
    temperature, top_p: what its makers advise, as words for people; None: nothing is known.
    """

    title: str
    pattern: str
    thinking: Thinking = Thinking.UNKNOWN
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    reasoning_tokens: int = 0
    temperature: float | None = None
    top_p: float | None = None
    note: str | Promise


ASKED_OFF_NOTE = _("It thinks by default, and is asked not to.")
NEVER_NOTE = _("It does not think.")
ALWAYS_NOTE = _("It always thinks, and needs room for that.")

# The first one that matches counts. Sources: the models' cards and vLLM's recipes, autumn 2026.
PRESETS = (
    Preset(
        title="Qwen 2.5",
        pattern=r"qwen-?2\.5",
        thinking=Thinking.NEVER,
        temperature=0.7,
        top_p=0.8,
        note=NEVER_NOTE,
    ),
    Preset(
        title="Qwen 3 Instruct, Qwen 3 Coder",
        pattern=r"qwen-?3-(coder|.*instruct)",
        thinking=Thinking.NEVER,
        temperature=0.7,
        top_p=0.8,
        note=NEVER_NOTE,
    ),
    Preset(
        title="Qwen Thinking",
        pattern=r"qwq|qwen.*thinking",
        reasoning_tokens=REASONING_TOKENS,
        temperature=0.6,
        top_p=0.95,
        note=ALWAYS_NOTE,
    ),
    Preset(
        title="Qwen 3, 3.5, 3.8",
        pattern=r"qwen-?3",
        extra_body=ASKED_OFF,
        temperature=0.7,
        top_p=0.8,
        note=ASKED_OFF_NOTE,
    ),
    Preset(
        title="EXAONE 4",
        pattern=r"exaone-4",
        extra_body=ASKED_OFF,
        note=ASKED_OFF_NOTE,
    ),
    Preset(
        title="Gemma",
        pattern=r"gemma",
        thinking=Thinking.NEVER,
        temperature=1.0,
        top_p=0.95,
        note=_("It thinks only when it is asked to."),
    ),
    Preset(
        title="gpt-oss",
        pattern=r"gpt-oss",
        extra_body={"reasoning_effort": "low"},
        reasoning_tokens=REASONING_TOKENS,
        temperature=1.0,
        top_p=1.0,
        note=ALWAYS_NOTE,
    ),
    Preset(
        title="Magistral, Ministral Reasoning",
        pattern=r"magistral|ministral.*reasoning",
        reasoning_tokens=REASONING_TOKENS,
        temperature=0.7,
        top_p=0.95,
        note=ALWAYS_NOTE,
    ),
    Preset(
        title="Ministral",
        pattern=r"ministral",
        thinking=Thinking.NEVER,
        note=NEVER_NOTE,
    ),
    Preset(
        title="Kanana Instruct",
        pattern=r"kanana.*instruct",
        thinking=Thinking.NEVER,
        note=NEVER_NOTE,
    ),
    Preset(
        title="SmolLM2",
        pattern=r"smollm2",
        thinking=Thinking.NEVER,
        note=NEVER_NOTE,
    ),
    Preset(
        title="GPT-4o, GPT-4.1",
        pattern=r"gpt-4(o|\.1)",
        thinking=Thinking.NEVER,
        note=NEVER_NOTE,
    ),
    Preset(
        title="Brumby",
        pattern=r"brumby",
        note=_("It is a base model without a chat template: its server needs one given to it."),
    ),
)

NOTHING_KNOWN = Preset(
    title="?",
    pattern="",
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
    parts = [f"{preset.title}: {preset.note}"]
    if preset.temperature is not None and preset.top_p is not None:
        advice = _("Its makers advise temperature %(temperature)s and top_p %(top_p)s.")
        parts.append(advice % {"temperature": preset.temperature, "top_p": preset.top_p})
    return " ".join(parts)
