"""Taking a press of the wrong button back: by the same person, within ten minutes, while nothing happened since."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from accounts.models import User
from deployments.models import Deployment
from workflow.eastern import say_near
from workflow.models import Event
from workflow.steps import Actor

UNDO_WITHIN = timedelta(minutes=10)


def start_can_be_undone(deployment: Deployment, by: Actor, now: datetime) -> str:
    return _undoable(deployment, "start", deployment.started_by, deployment.started_at, by=by, now=now)


def finish_can_be_undone(deployment: Deployment, by: Actor, now: datetime) -> str:
    return _undoable(deployment, "finish", deployment.installed_by, deployment.installed_at, by=by, now=now)


def _undoable(
    deployment: Deployment, action: str, who: User | None, at: datetime | None, *, by: Actor, now: datetime
) -> str:
    if who is None or at is None:
        return "There is nothing to undo."
    if by is None or by.pk != who.pk:
        return f"Only {who.name}, who did this {say_near(at, now)}, can undo it."
    if now > at + UNDO_WITHIN:
        return f"This could be undone for 10 minutes, until {say_near(at + UNDO_WITHIN, now)}."
    last = last_change(deployment)
    return "" if last and last.action == action else "More happened since, so this cannot be undone."


def last_change(deployment: Deployment) -> Event | None:
    """The event that gave the deployment its status; a page that has read it already lays it beside the row."""
    if "last_change" not in deployment.__dict__:
        own = Event.objects.filter(object_type="deployment", object_id=deployment.pk)
        deployment.__dict__["last_change"] = own.exclude(before=F("after")).last()
    found: Event | None = deployment.__dict__["last_change"]
    return found
