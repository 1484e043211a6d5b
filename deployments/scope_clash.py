"""What somebody else did to a deployment's pull requests while one was choosing them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from deployments.models import Deployment, PullRequest
from workflow.clash import Clash, Difference
from workflow.eastern import say_near
from workflow.models import Event

DONE = {"plan": "added", "unplan": "took it out"}


def scope_clash(deployment: Deployment, shown: Collection[int], *, now: datetime) -> Clash:
    """`shown`: what was in the deployment when the page was opened."""
    inside = {each.pk for each in deployment.pull_requests.all()}
    concerned = PullRequest.objects.filter(pk__in=inside.union(shown)).select_related("repository").order_by("pk")
    events = Event.objects.filter(object_type="pull_request", action__in=DONE, deployment_id=deployment.pk)
    last = {event.object_id: event for event in events.select_related("actor", "for_user")}
    return Clash(
        heading="Somebody else changed these pull requests",
        sentence="Nothing is saved yet. Your ticks are kept below and theirs are with them. Look, then save again.",
        before_label="When you opened this",
        now_label="Now",
        rows=[
            Difference(
                f"{each}: {each.title}",
                "Included" if each.pk in shown else "Not included",
                "Included" if each.pk in inside else "Not included",
                _remark(last.get(each.pk), now),
            )
            for each in concerned
        ],
    )


def _remark(event: Event | None, now: datetime) -> str:
    return f"{event.actor_name} {DONE[event.action]}, {say_near(event.at, now)}" if event else ""
