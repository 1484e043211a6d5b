from importlib import import_module

from django.apps import AppConfig


class ReleaseflowConfig(AppConfig):
    name = "releaseflow"

    def ready(self) -> None:
        for name in (
            "people.flow",
            "people.account",
            "people.roles",
            "people.invitations",
            "settings_pages.flow",
            "signin.record",
        ):
            import_module(f"releaseflow.{name}")  # registers its flows
        import_module("releaseflow.checks")
