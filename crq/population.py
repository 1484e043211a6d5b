"""Every deployment of a period, one row each: the whole from which an auditor draws a sample."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.db.models import Q, prefetch_related_objects

from crq.models import Decision, Document
from crq.readiness import Facts, with_facts
from deployments.models import Deployment, PullRequest

PORTION = 200
HEAD = (
    *("Deployment key", "Week", "Install day", "Application", "Team", "Title", "State", "CRQ", "CRQ closed as"),
    *("Requested by", "Requested at", "Approved by", "Approved for", "Approved at", "Approval voided at"),
    *("Exemption", "Exemption decided by", "Exemption decided at", "Pull requests"),
    *("Justification SHA-256", "Test results SHA-256", "Plan SHA-256"),
    *("Started by", "Started at", "Installed by", "Installed at", "Verified by", "Verified at"),
)


def population(since: date | None, until: date | None) -> Iterator[tuple[object, ...]]:
    """Those whose week's Thursday lies in the period, both days included, whatever became of them; by key."""
    within = Q(week__thursday__gte=since) if since else Q()
    within &= Q(week__thursday__lte=until) if until else Q()
    keys = list(Deployment.objects.filter(within).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), PORTION):
        portion = with_facts(keys[start : start + PORTION])
        prefetch_related_objects(portion, "started_by", "crq__exemptions__decided_by")
        for facts in Facts.of_all(portion):
            yield (*_what(facts), *_decided(facts), *_evidence(facts), *_done(facts.deployment))


def _what(facts: Facts) -> tuple[object, ...]:
    deployment, crq, week = facts.deployment, facts.crq, facts.deployment.week
    application = deployment.application
    named = (deployment.pk, week.thursday, week.install_day, application.name, application.team.name, deployment.title)
    if crq is None:
        return (*named, deployment.get_status_display(), None, None, None, None)
    closed = crq.get_closure_display() if crq.closure else ""
    return (*named, deployment.get_status_display(), crq.number, closed, crq.opened_by.name, crq.opened_at)


def _decided(facts: Facts) -> tuple[object, ...]:
    """The newest approval, voided or not, and the request for an exemption in the week."""
    approvals = [each for each in facts.decisions if each.verdict == Decision.Verdict.APPROVED]
    last, asked = approvals[-1] if approvals else None, facts.request
    approved = (last.by.name, last.for_user and last.for_user.name, last.at, last.voided_at) if last else (None,) * 4
    decided_by = asked.decided_by.name if asked and asked.decided_by else None
    return (*approved, asked and asked.get_status_display(), decided_by, asked and asked.decided_at)


def _evidence(facts: Facts) -> tuple[object, ...]:
    pulls = "; ".join(_pull_request(each) for each in facts.pull_requests)
    kinds = (Document.Kind.JUSTIFICATION, Document.Kind.TESTS, Document.Kind.PLAN)
    hashes = [facts.documents[kind].sha256 if kind in facts.documents else None for kind in kinds]
    return (pulls, *hashes)


def _pull_request(pull: PullRequest) -> str:
    return f"{pull.repository.name}#{pull.number} at {pull.head_sha}"


def _done(deployment: Deployment) -> tuple[object, ...]:
    acts = [
        (deployment.started_by, deployment.started_at),
        (deployment.installed_by, deployment.installed_at),
        (deployment.verified_by, deployment.verified_at),
    ]
    return tuple(value for who, at in acts for value in (who and who.name, at))
