"""What the events of each deployment tell, read from its beginning."""

from __future__ import annotations

from deployments.models import Deployment
from workflow.models import Event


def unapproved_starts() -> list[int]:
    """Deployments of which an install began while their CRQ had no standing approval, by their own story."""
    found = []
    for deployment in Deployment.objects.all():
        approved = False
        for event in Event.objects.filter(shard=f"deployment:{deployment.pk}").order_by("sequence"):
            if event.object_type == "crq" and event.action in {"approve", "return", "void"}:
                approved = event.action == "approve"
            if event.action in {"start", "retry"} and not approved:
                found.append(deployment.pk)
    return found
