"""What happened on a page since it was opened, for whoever still looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.models import User
from crq.timeline import Entry, entries
from deployments.models import Deployment
from workflow.models import Event


@dataclass(frozen=True)
class News:
    """`opened` is the trail's newest event when the page was made, `newest` that of now; `entries` came between."""

    opened: int
    newest: int
    entries: list[Entry] = field(default_factory=list)


def newest_event(deployment_id: int) -> int:
    found = Event.objects.filter(deployment_id=deployment_id).order_by("-pk").values_list("pk", flat=True).first()
    return found or 0


def news(deployment: Deployment, *, by: User, opened: int, newest: int) -> News:
    """What others did; one's own acts are no news."""
    events = Event.objects.filter(deployment_id=deployment.pk, pk__gt=opened).select_related("actor", "for_user")
    return News(opened, newest, entries(events.exclude(actor=by), deployment))
