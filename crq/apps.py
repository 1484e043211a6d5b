from importlib import import_module

from django.apps import AppConfig


class CRQConfig(AppConfig):
    name = "crq"

    def ready(self) -> None:
        from crq.consequences import complete_flows

        complete_flows()
        import_module("crq.change_system.by_hand")  # registers its flows
        import_module("crq.change_system.differences")  # registers its flow
        import_module("crq.mail_delivery")  # registers its flows
        import_module("crq.nudges")  # registers its flow
