from importlib import import_module

from django.apps import AppConfig


class ReleaseflowConfig(AppConfig):
    name = "releaseflow"

    def ready(self) -> None:
        import_module("releaseflow.people.flow")  # registers its flow
        import_module("releaseflow.checks")
