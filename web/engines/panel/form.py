"""The form of the AI mode as this page has it, and the draft that a person has typed into it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from web.engines import addresses, history
from web.engines.keyform import KeyForm
from web.engines.kinds import KINDS
from web.engines.models import AIModelConfig, Engine, Mode
from web.engines.panel import sealed

LOST = _("The key that you typed is kept no longer: type it again.")


class ModeForm(KeyForm):
    """All that a person sets. Addresses come out of it as they will be used."""

    class Meta:
        model = AIModelConfig
        fields = (*history.FIELDS, history.KEY)
        # Django would begin these with a capital letter too.
        labels = {"vllm_url": _("vLLM URL"), "top_p": "top_p"}

    def clean_api_url(self) -> str:
        return self.whole("api_url")

    def clean_vllm_url(self) -> str:
        return self.whole("vllm_url")

    def whole(self, name: str) -> str:
        # What the admin's form has stored as it is stays so until somebody types another.
        typed = str(self.cleaned_data[name])
        return addresses.whole(typed) if name in self.changed_data else typed


class ModeDraft:
    """What was typed, over the row as it is stored now. form.instance: the row as it would be."""

    def __init__(self, request: HttpRequest, stored: AIModelConfig) -> None:
        self.stored, self.name = stored, request.POST.get("draft", "")
        self.key = request.POST.get(history.KEY) or sealed.kept(request, self.name)
        """The new one; empty where nobody typed one."""
        self.typed: dict[str, str] = request.POST.dict() | {history.KEY: self.key}
        # A row of its own, because a form writes into the one that it is given.
        self.form = ModeForm(self.typed, instance=AIModelConfig.current())
        # Else the save would quietly keep the old key.
        if self.name and not self.key:
            self.form.add_error(history.KEY, LOST)

    def is_stale(self) -> bool:
        """Whether somebody has saved the AI mode since this form was opened."""
        return self.typed.get("version", "") != version(self.stored)

    def changed(self) -> dict[str, list[Any]]:
        """As history.changed; of a valid form."""
        return history.changed(self.stored, self.form.instance)

    def hidden(self) -> list[tuple[str, str]]:
        """Names and values for the confirmation to send again, all but the key."""
        names = [name for name in self.form.fields if name in self.typed and name != history.KEY]
        return [(name, self.typed[name]) for name in names]

    def moved(self, engine: Engine) -> bool:
        """Whether this engine would be sent the stored key at another host than before.

        Whoever may change the mode may use the key, but not read it: a host of their own could.
        """
        kind = KINDS[engine.kind]
        if self.key or engine.api_key or engine.url or not kind.shares_key:
            return False
        old, new = kind.url(self.stored), kind.url(self.form.instance)
        return bool(self.stored.api_key) and addresses.origin(old) != addresses.origin(new)


def version(config: AIModelConfig) -> str:
    """Changes with every save of the row."""
    return config.changed_at.isoformat()


def engines_of(config: AIModelConfig) -> list[Engine]:
    """The engines that would write, and those that would stand in for them.

    Where none of a mode is enabled one of no name, at the mode's address.
    """
    enabled = Engine.objects.filter(enabled=True)
    return [
        engine
        for mode in config.order
        for engine in enabled.filter(kind=mode) or [Engine(kind=mode, name=str(Mode(mode).label))]
    ]
