"""The other change system that this installation tells of its CRQs, or none."""

from django.conf import settings

from crq.change_system.helix import Helix
from crq.change_system.servicenow import ServiceNow
from crq.change_system.system import ChangeSystem

ADAPTERS: dict[str, type[ChangeSystem]] = {"servicenow": ServiceNow, "helix": Helix}


def chosen() -> ChangeSystem | None:
    """One to be closed after its use; None where people carry CRQs over by hand."""
    access = settings.CHANGE_SYSTEM
    return ADAPTERS[access.kind](access) if access else None
