import logging

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "web.ops"

    def ready(self) -> None:
        from web.ops import checks  # noqa: F401  # registers them

        # Into the log, in its form, as all other lines.
        logging.captureWarnings(True)
