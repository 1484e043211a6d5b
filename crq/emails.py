"""Who is told what when something happens. Each writer queues one letter in the transaction of its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.roles import Role, everybody, people
from crq.models import ExemptionRequest
from crq.readiness import Facts
from deployments.models import Deployment
from notifications.outbox import enqueue
from workflow.eastern import eastern_day
from workflow.steps import Call

Audience = Callable[[Deployment, date], list[User]]
"""Who is told about a deployment; the Eastern day says whose deputies count."""


def _team(deployment: Deployment, day: date) -> list[User]:
    return people(Role.DEVELOPER, deployment.application.team_id, on=day)


def _managers(deployment: Deployment, day: date) -> list[User]:
    return people(Role.MANAGER, deployment.application.team_id, on=day)


def _team_and_managers(deployment: Deployment, day: date) -> list[User]:
    return _team(deployment, day) + _managers(deployment, day)


def _team_managers_scrum(deployment: Deployment, day: date) -> list[User]:
    return _team_and_managers(deployment, day) + people(Role.SCRUM_MASTER, on=day)


def _everyone_concerned(deployment: Deployment, day: date) -> list[User]:
    return _team_managers_scrum(deployment, day) + people(Role.DEVOPS, on=day)


def _directors(deployment: Deployment, day: date) -> list[User]:
    return people(Role.DIRECTOR, on=day)


def _directors_and_managers(deployment: Deployment, day: date) -> list[User]:
    return _directors(deployment, day) + _managers(deployment, day)


def _deployment(call: Call) -> Deployment:
    obj = call.obj
    if isinstance(obj, ExemptionRequest):
        obj = obj.crq
    return obj if isinstance(obj, Deployment) else obj.deployment


def _about(deployment: Deployment) -> dict[str, Any]:
    return {
        "deployment": deployment,
        "crq": getattr(deployment, "crq", None),
        "week": deployment.week,
        "url": settings.SITE_URL + deployment.get_absolute_url(),
    }


def _tell(kind: str, to: Audience) -> Callable[[Call], None]:
    """A writer for what concerns one deployment."""

    def write(call: Call) -> None:
        deployment = _deployment(call)
        _queue(kind, call, _about(deployment), to(deployment, eastern_day(call.now)))

    return write


def ask_approval(call: Call, deployment: Deployment, digest: str) -> None:
    """Asks the managers once for each content."""
    context = _about(deployment)
    _queue(
        "approval_needed",
        call,
        context,
        _managers(deployment, eastern_day(call.now)),
        key=f"{deployment.pk}:{deployment.week_id}:{digest}",
    )


def _queue(kind: str, call: Call, context: dict[str, Any], to: Iterable[User], key: str = "") -> None:
    about = {
        "actor": call.by.name if call.by else "releaseflow",
        "reason": call.reason,
        "note": call.note,
    }
    occasion = key or f"{call.flow.name}:{call.obj.pk}:{call.now.isoformat()}"
    enqueue(kind, context | about, to=to, key=f"{kind}:{occasion}", now=call.now)


def contributors(deployment: Deployment) -> list[User]:
    """Who brought what the manager approves: the CRQ, the documents, the branches, the core-dev build."""
    facts = Facts.seen(deployment)
    brought = [facts.crq.opened_by if facts.crq else None, *(document.by for document in facts.documents.values())]
    brought += [*(branch.by for branch in facts.branches.values()), deployment.core_dev_by]
    return list({person.pk: person for person in brought if person and person.is_active}.values())


def _approved(call: Call) -> None:
    """A manager's own approval; one that came with an exemption is told with the director's decision."""
    if call.by is None:
        return
    deployment = _deployment(call)
    to = [person for person in contributors(deployment) if person != call.by]
    _queue("crq_approved", call, _about(deployment), to)


def _team_managers_contributors(deployment: Deployment, day: date) -> list[User]:
    return _team_and_managers(deployment, day) + contributors(deployment)


def named(call: Call) -> list[User]:
    """Whom a comment names, but for its author."""
    return list(User.objects.filter(pk__in=call.note["mentioned"]).exclude(pk=call.person.pk))


def _mentioned(call: Call) -> None:
    _queue("mentioned", call, _about(call.obj), named(call))


def _exemption(kind: str, to: Audience) -> Callable[[Call], None]:
    """A writer for what concerns a request: the link leads to the request's own page."""

    def write(call: Call) -> None:
        request: ExemptionRequest = call.obj
        deployment = request.crq.deployment
        context = _about(deployment) | {
            "exemption": request,
            "url": settings.SITE_URL + request.get_absolute_url(),
        }
        _queue(kind, call, context, to(deployment, eastern_day(call.now)))

    return write


def _window_open(call: Call) -> None:
    week = call.obj
    cleared = list(week.deployments.filter(status=Deployment.Status.CLEARED).select_related("application__team", "crq"))
    day = eastern_day(call.now)
    to = people(Role.DEVOPS, on=day) + [person for each in cleared for person in _team(each, day)]
    context = {"week": week, "deployments": cleared, "url": f"{settings.SITE_URL}{week.get_absolute_url()}install/"}
    _queue("window_open", call, context, to)


def _review_cancelled(call: Call) -> None:
    review = call.obj
    context = {"review": review, "week": review.week, "url": settings.SITE_URL + review.get_absolute_url()}
    to = list(User.objects.filter(is_active=True, memberships__role=Role.DEVELOPER).distinct()) + people(Role.DEVOPS)
    _queue("review_cancelled", call, context, to)


def _week_warning(call: Call) -> None:
    """Everybody is told of a skipped week, and of its install day when it gets one after that."""
    if call.step.action != "warn" and not call.given.get("was_warned"):
        return
    week = call.obj
    context = {"week": week, "url": settings.SITE_URL + week.get_absolute_url()}
    _queue("week_warning", call, context, everybody(), key=f"{week.pk}:{call.step.action}:{call.now.isoformat()}")


def _approval_voided(call: Call) -> None:
    """Who moves a deployment tells about the approval in the same letter."""
    if not call.given.get("moved"):
        _tell("approval_voided", _team_and_managers)(call)


WRITERS: dict[str, Callable[[Call], None]] = {
    "deadline_missed": _tell("deadline_missed", _team_managers_scrum),
    "crq_approved": _approved,
    "crq_returned": _tell("crq_returned", _team_managers_contributors),
    "mentioned": _mentioned,
    "approval_voided": _approval_voided,
    "moved": _tell("moved", _everyone_concerned),
    "withdrawn": _tell("withdrawn", _everyone_concerned),
    "verify_needed": _tell("verify_needed", _team),
    "install_failed": _tell("install_failed", _everyone_concerned),
    "backed_out": _tell("backed_out", _everyone_concerned),
    "exemption_requested": _exemption("exemption_requested", _directors),
    "exemption_note": _exemption("exemption_note", _directors_and_managers),
    "exemption_decided": _exemption("exemption_decided", _everyone_concerned),
    "window_open": _window_open,
    "review_cancelled": _review_cancelled,
    "week_warning": _week_warning,
}
