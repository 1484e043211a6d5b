from django.apps import AppConfig


class ReleaseflowConfig(AppConfig):
    name = "releaseflow"
