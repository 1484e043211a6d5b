"""Reasons why a CRQ cannot be acted on, or a deployment because of its CRQ, as sentences."""

from __future__ import annotations

from datetime import date, datetime

from accounts.models import User
from accounts.roles import Role, acting_for, own_part, people
from crq.deliverables import BY_KEY, TABLE, Deliverable, Readiness, listed
from crq.models import CRQ
from crq.readiness import Facts
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_instant
from workflow.steps import Actor

BEFORE_APPROVAL = tuple(each.key for each in TABLE if each.key in BY_KEY["approved"].needs)


def evidence_is_open(deployment: Deployment, by: Actor, now: datetime) -> str:
    """Merging and deploying to core dev begin when the pull requests are approved and the CRQ exists."""
    missing = Readiness(Facts.seen(deployment)).missing(BY_KEY["branch"].needs)
    return _first_missing(missing)


def ready_to_clear(deployment: Deployment, by: Actor, now: datetime) -> str:
    return _first_missing(Readiness(Facts.seen(deployment)).missing((*BEFORE_APPROVAL, "approved")))


def _first_missing(missing: list[Deliverable]) -> str:
    return f"Missing first: {listed(missing)}." if missing else ""


def not_the_approver(deployment: Deployment, by: Actor, now: datetime) -> str:
    """Whoever approved the CRQ does not install it, nor does their deputy for them."""
    approval = Facts.seen(deployment).approval
    if approval is None:
        return ""
    approver, day = approval.by_id, eastern_day(now)
    did = own_part(by, Role.DEVOPS, None, day, lambda who: "approved this CRQ" if who.pk == approver else "")
    return f"{did}, so someone else must install it." if did else ""


def deployment_takes_a_crq(crq: CRQ, by: Actor, now: datetime) -> str:
    if known := CRQ.objects.filter(deployment_id=crq.deployment_id).first():
        return f"This deployment has its CRQ already: {known.number}."
    return content_can_change(crq, by, now)


def content_can_change(crq: CRQ, by: Actor, now: datetime) -> str:
    status = crq.deployment.status
    if status in Deployment.BEFORE_INSTALL:
        return ""
    return f"The deployment is {crq.deployment.get_status_display().lower()}, so its CRQ no longer changes."


def approval_in_time(crq: CRQ, by: Actor, now: datetime) -> str:
    """The deadline, by the clock that was read under the lock; a granted exemption waives it for its week."""
    week = crq.deployment.week
    if week.skipped:
        return f"Nothing is installed in the {week}: {week.skip_reason}."
    due = week.due(Deadline.APPROVAL)
    if due is None or now <= due or Facts.seen(crq.deployment).exempted:
        return ""
    return f"Approval was due {say_instant(due, now=now)}. To install this week it needs an exemption."


def deployment_is_not_held(crq: CRQ, by: Actor, now: datetime) -> str:
    deployment = crq.deployment
    if deployment.status == Deployment.Status.HELD:
        return f"The deployment is held. {deployment.held_reason}"
    return content_can_change(crq, by, now)


def everything_before_approval(crq: CRQ, by: Actor, now: datetime) -> str:
    return _first_missing(Readiness(Facts.seen(crq.deployment)).missing(BEFORE_APPROVAL))


def not_own_change(crq: CRQ, by: Actor, now: datetime) -> str:
    """Whoever opened the CRQ or wrote a pull request on it does not approve it, nor does their deputy for them."""
    did = own_part(by, Role.MANAGER, crq.scope().team_id, eastern_day(now), lambda who: _part(crq, who))
    return f"{did}, so someone else must approve it.{_others(crq, now)}" if did else ""


def _part(crq: CRQ, person: User) -> str:
    """The part that somebody has in the change, in words that follow their name."""
    if person.pk == crq.opened_by_id:
        return "opened this CRQ"
    wrote = any(pull.author_id == person.pk for pull in Facts.seen(crq.deployment).pull_requests)
    return "wrote a pull request on this CRQ" if wrote else ""


def possible_approvers(crq: CRQ, on: date) -> list[User]:
    """Managers of the owning team, and their deputies on that day, who have no part in the change, nor act for one."""
    team_id = crq.scope().team_id
    return [
        person
        for person in people(Role.MANAGER, team_id, on=on)
        if not any(_part(crq, each) for each in acting_for(person, Role.MANAGER, team_id, on))
    ]


def _others(crq: CRQ, now: datetime) -> str:
    names = [person.name for person in possible_approvers(crq, eastern_day(now))]
    return f" {' or '.join(names)} can." if names else " Nobody else in the team can yet: ask an administrator."
