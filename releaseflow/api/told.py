"""Records as the API tells them. Whatever is told of many comes from what was read for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.roles import Role
from crq.deliverables import TABLE, Readiness
from crq.models import CRQ, Decision, Document, ExemptionRequest
from crq.readiness import Facts
from deployments.models import CodeReview, Deployment, PullRequest, ReleaseWeek
from workflow.eastern import say_instant
from workflow.machine import refusal
from workflow.steps import Flow

Told = dict[str, Any]
ROOT = "/api/v1"


def when(at: datetime | None) -> Told | None:
    return {"at": at, "et": say_instant(at)} if at else None


def named(found: Any) -> Told | None:
    return {"id": found.pk, "name": str(found)} if found else None


def fact(at: datetime | None, by: User | None, for_user: User | None = None) -> Told | None:
    return {"when": when(at), "by": named(by), "for_user": named(for_user)} if at else None


def page(obj: Any) -> str:
    return f"{settings.SITE_URL}{obj.get_absolute_url()}"


def actions(flow: Flow, obj: Any, address: str, *, by: User, now: datetime) -> list[Told]:
    """What people may do to it at any time; steps of the system, and those that begin an object, are left out."""
    return [
        _action(flow, action, obj, address, by=by, now=now)
        for action, step in flow.steps.items()
        if (step.roles or step.anyone) and (step.sources or not step.target)
    ]


def _action(flow: Flow, action: str, obj: Any, address: str, *, by: User, now: datetime) -> Told:
    step, no = flow.steps[action], refusal(flow, action, obj, by=by, now=now)
    return {
        "action": action,
        "label": step.label,
        "allowed": no is None,
        "code": no.code if no else "",
        "why_not": no.sentence if no else "",
        "needs_reason": step.needs_reason,
        "url": f"{ROOT}/{address}/actions/{action}",
    }


# --- Weeks and reviews ---------------------------------------------------------------------------------------
def week(found: ReleaseWeek, now: datetime) -> Told:
    return {
        "thursday": found.thursday,
        "install_day": found.install_day,
        "skip_reason": found.skip_reason,
        "milestones": [
            {
                "key": each.key,
                "label": each.get_key_display(),
                "due": when(each.due_at),
                "passed": now > each.due_at,
            }
            for each in found.milestones.all()
        ],
        "batch_completed": fact(found.batch_completed_at, found.batch_completed_by),
        "legal_hold": found.legal_hold,
    }


def code_review(found: CodeReview) -> Told:
    return {
        "id": found.pk,
        "kind": found.kind,
        "week": found.week.thursday,
        "team": named(found.team),
        "at": when(found.at),
        "status": found.status,
        "note": found.note,
    }


def review_decisions(found: CodeReview) -> list[Told]:
    return [
        {
            "pull_request": each.pull_request_id,
            "outcome": each.outcome,
            "note": each.note,
            "fact": fact(each.at, each.by),
        }
        for each in found.decisions.select_related("by")
    ]


# --- Pull requests -------------------------------------------------------------------------------------------
def pull_request(found: PullRequest) -> Told:
    standing = found.standing
    names = ("number", "title", "url", "head_sha", "forge_state", "checks", "status")
    return {name: getattr(found, name) for name in names} | {
        "id": found.pk,
        "repository": named(found.repository),
        "author": found.author_name,
        "deployment": found.deployment_id,
        "approvals": standing.approvals,
        "required_approvals": standing.required,
        "fully_approved": standing.full,
        "blockers": list(standing.blockers),
        "reviews": [_review(each) for each in found.reviews.all()],
    }


def _review(found: Any) -> Told:
    names = ("verdict", "sha", "note", "counts")
    return {name: getattr(found, name) for name in names} | {"reviewer": found.who, "at": when(found.at)}


# --- Deployments and CRQs ------------------------------------------------------------------------------------
def deployments(found: Iterable[Deployment]) -> list[Told]:
    """From `with_facts`: nothing more is read, but for what ended ones contained."""
    return [deployment(facts) for facts in Facts.of_all(found)]


def deployment(facts: Facts) -> Told:
    found = facts.deployment
    return {
        "id": found.pk,
        "title": found.title,
        "status": found.status,
        "application": named(found.application),
        "team": named(found.application.team),
        "week": found.week.thursday,
        "held_reason": found.held_reason,
        "crq": {"number": facts.crq.number, "status": facts.crq.status} if facts.crq else None,
        "core_dev": {
            "result": found.core_dev_result,
            "build": found.core_dev_build,
            "fact": fact(found.core_dev_at, found.core_dev_by),
        },
        "branches": [
            {"repository": named(each.repository), "name": each.name, "fact": fact(each.at, each.by)}
            for each in facts.branches.values()
        ],
        "pull_requests": [pull_request(each) for each in facts.pull_requests],
        "deliverables": deliverables(facts),
        "planned": fact(found.planned_at, found.planned_by),
        "started": fact(found.started_at, found.started_by),
        "installed": fact(found.installed_at, found.installed_by),
        "verified": fact(found.verified_at, found.verified_by, found.verified_for),
        "page": page(found),
    }


def deliverables(facts: Facts) -> list[Told]:
    readiness, due = Readiness(facts), facts.deployment.week.due
    rows = []
    for each in TABLE:
        got = readiness.of[each.key]
        rows.append(
            {
                "key": each.key,
                "label": each.label,
                "owner": str(Role(each.owner).label),
                "due": when(due(each.due)),
                "complete": got.complete,
                "open": readiness.is_open(each),
                "done": got.done,
                "total": got.total,
                "missing": got.missing,
                "fact": fact(got.at, got.by, got.for_user),
            }
        )
    return rows


def crq(found: CRQ) -> Told:
    deployment = found.deployment
    return {
        "number": found.number,
        "title": found.title,
        "status": found.status,
        "closure": found.closure,
        "target_date": found.target_date,
        "deployment": deployment.pk,
        "deployment_status": deployment.status,
        "application": named(deployment.application),
        "team": named(deployment.application.team),
        "week": deployment.week.thursday,
        "opened": fact(found.opened_at, found.opened_by),
        "page": page(found),
    }


def crq_content(facts: Facts) -> Told:
    """What only the CRQ's own address tells, but for the actions."""
    found = facts.crq
    return {
        "digest": facts.digest,
        "documents": [_document(each, found.number) for each in found.documents.all()] if found else [],
        "decisions": [_decision(each) for each in facts.decisions],
        "deliverables": deliverables(facts),
    }


def _document(found: Document, number: str) -> Told:
    names = ("kind", "version", "name", "size", "sha256")
    return {name: getattr(found, name) for name in names} | {
        "id": found.pk,
        "fact": fact(found.at, found.by),
        "purged": found.purged_at is not None,
        "download": f"{ROOT}/crqs/{number}/documents/{found.pk}",
    }


def _decision(found: Decision) -> Told:
    names = ("verdict", "reason", "digest", "voided_because")
    return {name: getattr(found, name) for name in names} | {
        "fact": fact(found.at, found.by, found.for_user),
        "voided": when(found.voided_at),
    }


def exemption(found: ExemptionRequest) -> Told:
    names = ("status", "why", "why_now", "risk", "decision_reason", "condition")
    return {name: getattr(found, name) for name in names} | {
        "id": found.pk,
        "crq": found.crq.number,
        "week": found.week.thursday,
        "requested": fact(found.requested_at, found.requested_by, found.requested_for),
        "decided": fact(found.decided_at, found.decided_by, found.decided_for),
        "page": page(found),
    }


def exemption_notes(found: ExemptionRequest) -> list[Told]:
    return [{"text": each.text, "fact": fact(each.at, each.by)} for each in found.notes.select_related("by")]
