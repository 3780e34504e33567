from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HintListsConfig(AppConfig):
    name = "web.ops.hints"
    # The last part of the name is the label of the app that has the hints themselves.
    label = "ops_hints"
    verbose_name = _("lists of hints")
