"""What a student reads for each reason code."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.contract.hint import Reason

NOTICES: dict[str, Promise] = {
    Reason.LEAK: _("The AI said too much, so this hint comes without it."),
    Reason.OFF_TEMPLATE: _("The AI's answer was not usable, so this hint comes without it."),
    Reason.UNJUDGED: _("The AI's answer could not be checked, so this hint comes without it."),
    Reason.MODEL_UNAVAILABLE: _("The AI cannot be reached right now. This hint comes without it."),
    Reason.MODEL_TIMEOUT: _("The AI took too long. This hint comes without it."),
    Reason.MODEL_REFUSED: _(
        "The AI is not set up correctly; staff can see why. This hint comes without it."
    ),
    Reason.REQUEST_REFUSED: _(
        "The AI could not take your request; it may be too long. This hint comes without it."
    ),
    Reason.OTHER_LANGUAGE: _(
        "The AI here does not write this hint's language. This hint comes without it."
    ),
    Reason.UNLICENSED: _(
        "Nobody has made sure yet that the AI here writes such hints well. This hint comes "
        "without it."
    ),
    Reason.QUOTA: _("No AI hint was left when you asked, so this one comes without AI."),
    Reason.UNVERIFIED: _(
        "The AI could not prove what is wrong here, and does not write so much then. This hint "
        "comes without it; your teacher can tell you more."
    ),
    Reason.ONLY_THOUGHTS: _(
        "The AI thought for so long that it gave no answer. This hint comes without it."
    ),
    Reason.TRUNCATED: _("The AI broke off in the middle. This hint comes without it."),
    Reason.WORKER_LOST: _("Something broke on our side. This hint comes without the AI."),
    Reason.EXPIRED: _("It was too busy to ask the AI in time. This hint comes without it."),
    Reason.CANCELLED: _("You took this request back."),
}


def notice(reason: str) -> str:
    """The sentence in the language that is active now; empty for no reason."""
    return str(NOTICES[reason]) if reason else ""
