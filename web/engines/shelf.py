"""The page of models: which one fits a GPU, and those that the local engine can be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext as _

from broker.base import gguf
from broker.base.gguf import Served
from web.engines import downloads, fits, roster
from web.engines.downloads import Doing, Progress
from web.engines.models import AIModelConfig, Engine, Mode
from web.engines.offers import NAMED, OFFERS, Offer
from web.engines.trouble import DownloadFailed
from web.people import access

DEFAULT = "default"
"""Of the model that nobody has chosen, in the place of an offer's name."""
BUNDLED_LICENCE, BUNDLED_LANGUAGES = "Apache-2.0", "en"
OURS = Engine.objects.filter(kind=Mode.LOCAL, url="")
"""The engines whose server is the local engine of this site."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One model that the local engine can serve. offer: None for the default one.

    licence: of the model's weights, "–" where nobody knows it.
    words: where it stands. done: the share of its bytes that are there or checked, while they come.
    buttons: label by what it does (download, cancel, use), "" where it cannot do that now.
    """

    name: str
    offer: Offer | None
    model: str
    licence: str
    words: str
    done: float | None
    buttons: dict[str, str]
    evaluation: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "done": self.done,
            "buttons": self.buttons,
            "evaluation": self.evaluation,
        }


def rows() -> list[Choice]:
    # Each read once: two rows could tell of different moments.
    told = downloads.newest(), gguf.chosen(), gguf.served()
    return [row(each, *told) for each in (None, *OFFERS)]


def row(offer: Offer | None, now: Progress | None, chosen_file: str, served: Served) -> Choice:
    """now: the newest download, of whichever model. chosen_file, served: as gguf tells them."""
    going = now is not None and now.doing in downloads.GOING
    own = now if now and offer and now.offer == offer.name else None
    fetched = offer is None or bool(downloads.digest(offer))
    model = offer.file if offer else gguf.default()
    chosen = chosen_file == (offer.file if offer else "")
    fetching = fetch_words(offer, own, fetched) if offer else ""
    return Choice(
        name=offer.name if offer else DEFAULT,
        offer=offer,
        model=model,
        licence=offer.licence if offer else BUNDLED_LICENCE if bundled() else "–",
        words=serving_words(model, chosen, served) or fetching,
        done=own.done_bytes / offer.size_bytes if own and offer and going else None,
        buttons={
            "download": "" if fetched or going or not offer else fetch_label(offer),
            "cancel": str(_("Cancel")) if own and going else "",
            "use": str(_("Use it")) if fetched and not chosen else "",
        },
        evaluation=evaluation() if chosen and served.model == model else "",
    )


def serving_words(model: str, chosen: bool, served: Served) -> str:
    """What the engine does with the model; "": nothing."""
    if served.model == model and chosen:
        return _("The local engine serves it.")
    if chosen and served.refused == model:
        return _("It is chosen, but cannot be served: %(why)s. The engine serves %(model)s.") % {
            "why": served.why,
            "model": served.model,
        }
    if chosen:
        return _("It is chosen, and is being loaded once the local engine runs.")
    if served.model == model:
        return _("The local engine still serves it.")
    return ""


def fetch_words(offer: Offer, own: Progress | None, fetched: bool) -> str:
    if own and own.doing is Doing.FETCHING:
        have, size = filesizeformat(own.done_bytes), filesizeformat(offer.size_bytes)
        return _("%(have)s of %(size)s") % {"have": have, "size": size}
    if own and own.doing is Doing.CHECKING:
        return _("It is there, and is being checked.")
    if fetched:
        return _("It is there and checked.")
    if own and own.trouble:
        return own.words()
    if downloads.is_there(offer):
        return _("A file of this name is there; it must be checked first.")
    return ""


def fetch_label(offer: Offer) -> str:
    if downloads.is_there(offer):
        return _("Check it")
    if part := downloads.part_bytes(offer):
        percent = min(99, 100 * part // offer.size_bytes)
        return _("Go on, %(percent)d %% is there") % {"percent": percent}
    return _("Download %(size)s") % {"size": filesizeformat(offer.size_bytes)}


def evaluation() -> str:
    """Where a model is evaluated, which it must be before it may write much."""
    # The page of another room above this one, which is found by its name alone.
    try:
        page = reverse("admin:evaluation_evaluation_add")
    except NoReverseMatch:
        return ""
    engine = OURS.values_list("name", flat=True).first()
    return f"{page}?engine={engine}" if engine else page


def bundled() -> bool:
    """Whether the default model is the bundled one; of any other one nothing is known."""
    return gguf.default() == gguf.BUNDLED


def use(offer: Offer | None) -> None:
    """The local engine is to serve this model, None: the default one. Raises: OSError."""
    gguf.choose(offer.file if offer else "")
    languages = offer.languages if offer else BUNDLED_LANGUAGES if bundled() else ""
    if languages:
        OURS.update(languages=languages)
        roster.push()


def named(name: str) -> Offer | None:
    """Raises: Http404."""
    if name == DEFAULT:
        return None
    if name not in NAMED:
        raise Http404
    return NAMED[name]


class Shelf:
    """The views, which stand below those of the AI mode."""

    def __init__(self, mode: ModelAdmin[AIModelConfig]) -> None:
        self.mode = mode
        self.site = mode.admin_site

    def urls(self) -> list[URLPattern]:
        view = self.site.admin_view
        return [
            path("models/", view(self.page), name="engines_aimodelconfig_models"),
            path("models/now/", view(self.now), name="engines_aimodelconfig_models_now"),
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        access.require(access.sees_engines, request.user)
        if request.method == "POST":
            access.require(access.changes_mode, request.user)
            self.carry_out(request)
            return redirect("admin:engines_aimodelconfig_models")
        typed = request.GET.get("memory", "")
        memory = fits.memory(typed)
        context = self.site.each_context(request) | {
            "title": _("Models"),
            "opts": AIModelConfig._meta,
            "typed": typed,
            "memory": memory,
            "bands": fits.bands(memory),
            "older": fits.OLDER,
            "rows": rows(),
            "folder": gguf.folder(),
            "may_add": access.changes_engines(request.user),
            "may_change": access.changes_mode(request.user),
        }
        return TemplateResponse(request, "admin/engines/aimodelconfig/models.html", context)

    def now(self, request: HttpRequest) -> HttpResponse:
        """JSON: rows, each as Choice.as_json by its name."""
        access.require(access.sees_engines, request.user)
        return JsonResponse({"rows": {row.name: row.as_json() for row in rows()}})

    def carry_out(self, request: HttpRequest) -> None:
        """The button that was pressed has what it does as its name, and whose it is as value."""
        for verb in (self.download, self.cancel, self.use):
            if verb.__name__ not in request.POST:
                continue
            offer = named(request.POST[verb.__name__])
            try:
                verb(request, offer)
            except DownloadFailed as failed:
                messages.error(request, failed.words())
            except OSError as error:
                text = _("The folder of models cannot be written: %(why)s.")
                messages.error(request, text % {"why": error.strerror or error})

    def download(self, request: HttpRequest, offer: Offer | None) -> None:
        # It may have come meanwhile, by another admin or the command.
        if offer and not downloads.digest(offer):
            downloads.start(offer)

    def cancel(self, request: HttpRequest, offer: Offer | None) -> None:
        now = downloads.newest()
        # Of a page that was loaded before another download began.
        if now and offer and now.offer == offer.name:
            downloads.cancel()

    def use(self, request: HttpRequest, offer: Offer | None) -> None:
        if offer and not downloads.digest(offer):
            messages.error(request, _("The file must be downloaded and checked first."))
            return
        use(offer)
        model = offer.file if offer else gguf.default()
        text = _("The local engine changes to %(model)s; hints that are being written go on.")
        messages.success(request, text % {"model": model})
        self.mode.log_change(request, AIModelConfig.current(), f"local model: {model}")
