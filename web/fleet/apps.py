from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "web.fleet"
    label = "fleet"

    def ready(self) -> None:
        from web.fleet import push  # noqa: F401  # connects the signals
