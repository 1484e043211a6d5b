"""All that proves one deployment, or one week, as plain data: what an auditor asks for two years later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from crq.change_system.by_hand import number_there
from crq.models import CRQ, Announcement, AttachedThere, ExemptionRequest, NumberThere, Snapshot
from crq.readiness import with_facts
from deployments.models import Deployment, PullRequest, ReleaseWeek
from notifications.models import Email, Letter
from workflow.models import Event

Record = dict[str, Any]
INSTALLING = ("start", "finish", "fail", "retry", "back_out", "verify")


def record(deployment: Deployment) -> Record:
    """One deployment from `with_facts`. Instants are UTC; people are named as they are called now."""
    crq = getattr(deployment, "crq", None)
    return {
        "deployment": {
            **_of(
                deployment, "id title status planned_at held_at held_reason core_dev_result core_dev_build core_dev_at"
            ),
            **_of(deployment, "started_at installed_at installed_by verified_at verified_by"),
            "application": deployment.application.name,
            "team": deployment.application.team.name,
            "week": _plain(deployment.week.thursday),
            "install_day": _plain(deployment.week.install_day),
        },
        "deadlines": [_of(each, "key due_at enforced_at") for each in deployment.week.milestones.all()],
        "crq": crq and _of(crq, "number title status closure target_date opened_at opened_by"),
        "in_another_change_system": _elsewhere(crq) if crq else None,
        "pull_requests": [_pull_request(each) for each in deployment.pull_requests.all()],
        "branches": [
            {**_of(each, "name by at"), "repository": each.repository.name} for each in deployment.branches.all()
        ],
        "documents": [_of(each, "id kind version name size sha256 by at purged_at") for each in crq.documents.all()]
        if crq
        else [],
        "decisions": _decisions(crq) if crq else [],
        "exemptions": [_exemption(each) for each in _exemptions(crq)] if crq else [],
        "snapshots": [_snapshot(each) for each in deployment.snapshots.select_related("milestone__week")],
        "deferrals": [_deferral(each) for each in deployment.deferrals.select_related("from_week", "to_week", "by")],
        "install_log": [_said(each) for each in events(deployment).filter(action__in=INSTALLING)],
    }


def _elsewhere(crq: CRQ) -> Record:
    """Its number there, and the keys of the documents that somebody attached there."""
    marks = AttachedThere.objects.filter(document__crq=crq).select_related("by")
    number = number_there(crq)
    return {
        "number": number and _noted(number, "number at"),
        "documents": [_noted(each, "document_id at") for each in marks],
    }


def _noted(obj: NumberThere | AttachedThere, names: str) -> Record:
    return {**_of(obj, names), "by": obj.who}


def week_record(week: ReleaseWeek) -> Record:
    """The week itself; each of its deployments has a record of its own."""
    return {
        "week": _of(week, "thursday install_day skip_reason batch_completed_at batch_completed_by"),
        "deadlines": [_of(each, "key due_at enforced_at") for each in week.milestones.all()],
        "announcements": [
            _of(each, "kind status subject sent_at sent_by letter_id")
            for each in week.announcements.select_related("sent_by").order_by("pk")
        ],
    }


def deployments_of(week: ReleaseWeek) -> Iterator[Deployment]:
    """Those in the week now, and those that one of its deadlines has judged; one at a time."""
    found = Deployment.objects.filter(Q(week=week) | Q(snapshots__milestone__week=week)).distinct().order_by("pk")
    for pk in found.values_list("pk", flat=True):
        yield from with_facts([pk])


def events(deployment: Deployment) -> QuerySet[Event]:
    return Event.objects.filter(deployment_id=deployment.pk).select_related("actor", "for_user").order_by("at", "pk")


def shards(deployment: Deployment) -> set[str]:
    """The chains that tell its story: its own, and those of its pull requests before they joined it."""
    pulls = {f"pull_request:{each.pk}" for each in deployment.pull_requests.all()}
    return {f"deployment:{deployment.pk}"} | pulls


def week_shards(week: ReleaseWeek) -> set[str]:
    """What happened in the week outside its deployments: deadlines, batch, code reviews, announcements."""
    outside = Event.objects.filter(week=week.thursday, deployment_id=None).exclude(object_type="audit")
    return set(outside.order_by("shard").values_list("shard", flat=True).distinct())


def letters(deployment: Deployment) -> QuerySet[Letter]:
    """The e-mails that something about this deployment has caused, oldest first. Their keys name the cause."""
    crq = getattr(deployment, "crq", None)
    cause = Q(key__contains=f":deployment:{deployment.pk}:") | Q(key__startswith=f"approval_needed:{deployment.pk}:")
    if crq:
        cause |= Q(key__contains=f":crq:{crq.pk}:")
        for pk in ExemptionRequest.objects.filter(crq=crq).values_list("pk", flat=True):
            cause |= Q(key__contains=f":exemption:{pk}:")
    return _oldest_first(Letter.objects.filter(pk__in=Email.objects.filter(cause).values("letter")))


def week_letters(week: ReleaseWeek) -> QuerySet[Letter]:
    return _oldest_first(Letter.objects.filter(pk__in=Announcement.objects.filter(week=week).values("letter")))


def _oldest_first(found: QuerySet[Letter]) -> QuerySet[Letter]:
    return found.order_by("written_at", "pk").prefetch_related("emails")


def letter_record(letter: Letter) -> Record:
    return {
        **_of(letter, "id kind subject written_at"),
        "recipients": [_of(each, "to message_id attempts sent_at state") for each in letter.emails.all()],
    }


def _pull_request(pull: PullRequest) -> Record:
    return {
        **_of(pull, "number title url head_sha status checks forge_state submitted_at"),
        "repository": pull.repository.name,
        "author": pull.author_name,
        "reviews": [
            {**_of(each, "verdict sha at note counts"), "reviewer": _plain(each.reviewer) or each.reviewer_login}
            for each in pull.reviews.all()
        ],
    }


def _decisions(crq: CRQ) -> list[Record]:
    return [_of(each, "verdict digest by at reason voided_at voided_because") for each in crq.decisions.all()]


def _exemptions(crq: CRQ) -> QuerySet[ExemptionRequest]:
    asked = ExemptionRequest.objects.filter(crq=crq).select_related("requested_by", "decided_by", "week")
    return asked.prefetch_related("notes__by")


def _exemption(asked: ExemptionRequest) -> Record:
    return {
        **_of(asked, "status why why_now risk approved_digest requested_by requested_at decided_by decided_at"),
        "decision_reason": asked.decision_reason,
        "week": _plain(asked.week.thursday),
        "notes": [_of(each, "by at text") for each in asked.notes.all()],
    }


def _snapshot(snapshot: Snapshot) -> Record:
    milestone = snapshot.milestone
    about = {"week": _plain(milestone.week.thursday), "deadline": milestone.key, "due_at": _plain(milestone.due_at)}
    return about | _of(snapshot, "status missing readiness taken_at")


def _deferral(deferral: Any) -> Record:
    weeks = {"from": _plain(deferral.from_week.thursday), "to": _plain(deferral.to_week.thursday)}
    return weeks | _of(deferral, "why by at")


def _said(event: Event) -> Record:
    return _of(event, "at action before after reason data") | {"who": event.actor_name}


def _of(obj: Any, names: str) -> Record:
    return {name: _plain(getattr(obj, name)) for name in names.split()}


def _plain(value: Any) -> Any:
    """As JSON has it: instants and days in ISO form, people by name."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.name if hasattr(value, "username") else value
