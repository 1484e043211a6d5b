from importlib import import_module

from django.apps import AppConfig


class ReleaseflowConfig(AppConfig):
    name = "releaseflow"

    def ready(self) -> None:
        for name in ("people.flow", "people.account", "settings_pages.flow"):
            import_module(f"releaseflow.{name}")  # registers its flows
        import_module("releaseflow.checks")
