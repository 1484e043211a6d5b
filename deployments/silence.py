"""The alarm for an install that nobody verifies: the team is asked a second time, once."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from deployments.flow import DEPLOYMENT
from deployments.guards import SILENCE
from deployments.models import Deployment
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused


def remind_silence(now: datetime) -> int:
    """Asks again where an install is half an hour old and neither verified nor failed; returns how many were asked."""
    reminded = Event.objects.filter(object_type="deployment", object_id=OuterRef("pk"), action="remind")
    silent = Deployment.objects.filter(status=Deployment.Status.INSTALLED, installed_at__lte=now - SILENCE)
    waiting = silent.exclude(Exists(reminded.filter(at__gte=OuterRef("installed_at")))).order_by("pk")
    return sum(_remind(each) for each in waiting)


def _remind(deployment: Deployment) -> bool:
    """False where somebody was faster: the guard looks again under the lock."""
    try:
        perform(DEPLOYMENT, "remind", deployment, by=None)
    except Refused:
        return False
    return True
