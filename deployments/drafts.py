"""A new deployment in four saved steps: what each step saves, and how far somebody is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from deployments import planning
from deployments.flow import DEPLOYMENT
from deployments.models import Application, Deployment, Draft, PullRequest, ReleaseWeek
from workflow.machine import refusal
from workflow.steps import Refused


@dataclass(frozen=True)
class Place:
    """One step as the page shows it; `url` is empty where one cannot go yet."""

    number: int
    label: str
    url: str
    current: bool
    done: bool


def places(draft: Draft | None, current: int) -> list[Place]:
    reached = draft.step if draft else 1
    return [
        Place(
            number=step.value,
            label=str(step.label),
            url=draft.url(step.value) if draft and step.value <= reached and step.value != current else "",
            current=step.value == current,
            done=step.value < reached,
        )
        for step in Draft.Step
    ]


def begin(
    key: UUID,
    application: Application,
    week: ReleaseWeek,
    title: str,
    *,
    wished: Collection[int] = (),
    by: User,
    now: datetime,
) -> Draft:
    """Saves step 1; the same form sent twice gives the same draft. Raises Refused when it could not be planned."""
    if known := Draft.objects.filter(key=key, by=by).first():
        return known
    _possible(application, week, title, by=by, now=now)
    values = {"application": application, "week": week, "title": title, "wished": sorted(wished), "begun_at": now}
    return Draft.objects.get_or_create(key=key, by=by, defaults=values)[0]


def change(draft: Draft, application: Application, week: ReleaseWeek, title: str, *, by: User, now: datetime) -> None:
    """Saves step 1 again, which is possible until step 2 has planned the deployment."""
    if draft.deployment_id:
        raise Refused.because(f"{draft.deployment} is planned already. Move it to another week on its page.", "done")
    _possible(application, week, title, by=by, now=now)
    draft.application, draft.week, draft.title = application, week, title
    draft.save(update_fields=["application", "week", "title"])


def _possible(application: Application, week: ReleaseWeek, title: str, *, by: User, now: datetime) -> None:
    wanted = Deployment(application=application, week=week, title=title)
    if no := refusal(DEPLOYMENT, "plan", wanted, by=by, now=now):
        raise Refused(no)


@transaction.atomic
def plan(draft: Draft, *, add: Collection[PullRequest], remove: Collection[PullRequest], by: User) -> Deployment:
    """Saves step 2: plans the deployment, or changes what it brings when it is planned already."""
    locked = Draft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    deployment: Deployment | None = locked.deployment
    if deployment is None:
        deployment = planning.plan_deployment(locked.application, locked.week, locked.title, add, by=by)
        locked.deployment = deployment
    else:
        inside = set(deployment.pull_requests.values_list("pk", flat=True))
        fresh = [each for each in add if each.pk not in inside]
        planning.change_scope(deployment, add=fresh, remove=remove, by=by)
    advance(locked, Draft.Step.CRQ)
    return deployment


def advance(draft: Draft, step: int) -> None:
    """Goes on with this step; never back."""
    draft.step = max(draft.step, step)
    draft.save(update_fields=["step", "deployment"])
