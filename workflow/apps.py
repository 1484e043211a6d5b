from django.apps import AppConfig

from workflow import wording


class WorkflowConfig(AppConfig):
    name = "workflow"

    def ready(self) -> None:
        wording.install()
