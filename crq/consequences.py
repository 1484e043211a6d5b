"""What one object's action means for the others, in the same transaction; and the rules that tie them together.

`complete_flows` adds these to the tables of `deployments/flow.py` and `crq/flow.py` when the application starts.
"""

from __future__ import annotations

from datetime import datetime

from crq import emails, guards
from crq.announcing_clock import announce_skip
from crq.change_system.owing import owe
from crq.deadlines import settle
from crq.deliverables import BY_KEY, Readiness
from crq.exemptions import EXEMPTION, granted, withdraw_open
from crq.flow import CRQ_FLOW, lock_crq_of
from crq.models import CRQ, Follower
from crq.readiness import Facts
from crq.week_end import close_failed, follow_dates
from deployments.flow import CODE_REVIEW, DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import Deployment, PullRequest
from deployments.policy import Deadline
from workflow.machine import follow
from workflow.models import Event
from workflow.steps import Call, Flow

Closure = CRQ.Closure


def complete_flows() -> None:
    DEPLOYMENT.complete(
        settle=settle,
        guards={
            "record_branch": (guards.evidence_is_open,),
            "record_core_dev": (guards.evidence_is_open,),
            "clear": (guards.ready_to_clear,),
            "start": (guards.ready_to_clear, guards.not_the_approver),
            "finish": (guards.not_the_approver,),
            "retry": (guards.ready_to_clear, guards.not_the_approver),
        },
        consequences={
            "comment": _named_follow,
            "move": _moved,
            "record_branch": _ask_approval,
            "record_core_dev": _ask_approval,
            "withdraw": _withdrawn,
            "finish": _ship,
            "undo_finish": _unship,
            "fail": _failed,
            "verify": _verified,
            "back_out": _backed_out,
        },
        emails=emails.WRITERS,
        digests=emails.DIGESTS,
    )
    PULL_REQUEST.complete(
        settle=_settle_pull_request,
        consequences={
            "new_head": _content_changed,
            "plan": _content_changed,
            "unplan": _content_changed,
            "review": _ask_approval,
            "record_checks": _ask_approval,
            "recognise": _ask_approval,
        },
        emails=emails.WRITERS,
    )
    CRQ_FLOW.complete(
        settle=lambda crq, now: settle(crq.deployment, now),
        consequences={
            "approve": lambda call: _follow_deployment(call, "clear"),
            "return": _unclear,
            "void": _unclear,
            **{f"attach_{kind}": _document_changed for kind in ("justification", "tests", "plan")},
        },
        emails=emails.WRITERS,
    )
    EXEMPTION.complete(
        settle=lambda request, now: settle(request.crq.deployment, now),
        consequences={"grant": granted},
        emails=emails.WRITERS,
    )
    WEEK.complete(
        consequences=dict.fromkeys(("reschedule", "skip", "substitute", "reopen"), _dates_changed),
        emails=emails.WRITERS,
    )
    CODE_REVIEW.complete(emails=emails.WRITERS)
    for flow in (CRQ_FLOW, DEPLOYMENT, PULL_REQUEST, WEEK):
        flow.complete(after=owe)


def _named_follow(call: Call) -> None:
    """Whom a comment names hears of the deployment from now on, but for its author."""
    for pk in call.note["mentioned"]:
        if pk != call.person.pk:
            Follower.objects.get_or_create(deployment=call.obj, user_id=pk)


def _dates_changed(call: Call) -> None:
    follow_dates(call)
    announce_skip(call)


def _settle_pull_request(pull_request: PullRequest, now: datetime) -> None:
    if pull_request.deployment:
        settle(pull_request.deployment, now)


def _follow_deployment(call: Call, action: str, reason: str = "") -> None:
    follow(call, DEPLOYMENT, action, call.obj.deployment, reason=reason)


def _crq(deployment: Deployment) -> CRQ | None:
    """The deployment's CRQ, locked."""
    return lock_crq_of(deployment) if CRQ.objects.filter(deployment=deployment).exists() else None


def _close(call: Call, closure: str) -> None:
    """Closed as failed when the window ended, a CRQ may still end otherwise: a backout is never blocked."""
    crq = _crq(call.obj)
    if crq and crq.status != CRQ.Status.CLOSED:
        follow(call, CRQ_FLOW, "close", crq, closure=closure)
    elif crq and crq.closure != closure:
        follow(call, CRQ_FLOW, "correct", crq, closure=closure)


def _each_pull_request(call: Call, action: str) -> None:
    flow: Flow = PULL_REQUEST
    for pull_request in call.obj.pull_requests.select_related("repository__application", "deployment__week"):
        follow(call, flow, action, pull_request)


def _withdrawn(call: Call) -> None:
    if crq := _crq(call.obj):
        withdraw_open(call, crq)
    _close(call, Closure.WITHDRAWN)
    _each_pull_request(call, "requeue")


def _ship(call: Call) -> None:
    for pull_request in call.obj.pull_requests.filter(status=PullRequest.Status.PLANNED):
        pull_request.deployment = call.obj
        follow(call, PULL_REQUEST, "ship", pull_request)


def _unship(call: Call) -> None:
    for pull_request in call.obj.pull_requests.filter(status=PullRequest.Status.SHIPPED):
        pull_request.deployment = call.obj
        follow(call, PULL_REQUEST, "unship", pull_request)


def _verified(call: Call) -> None:
    stumbled = Event.objects.filter(object_type="deployment", object_id=call.obj.pk, action="fail").exists()
    _close(call, Closure.WITH_ISSUES if stumbled else Closure.SUCCESSFUL)


def _failed(call: Call) -> None:
    """Inside the window a failure can still be repaired; after it, it is over."""
    if call.obj.week.passed(Deadline.INSTALL_CLOSE, call.now):
        close_failed(call, call.obj)


def _backed_out(call: Call) -> None:
    _close(call, Closure.BACKED_OUT)
    _each_pull_request(call, "requeue")


def _moved(call: Call) -> None:
    """The approval was for the old week; the CRQ's target date follows the deployment."""
    crq = _crq(call.obj)
    if crq is None:
        return
    if crq.status == CRQ.Status.APPROVED:
        follow(call, CRQ_FLOW, "void", crq, reason=f"moved to the {call.obj.week}", moved=True)
    withdraw_open(call, crq)
    crq.target_date = call.obj.week.install_day
    crq.save(update_fields=["target_date"])


def _unclear(call: Call) -> None:
    """Without approval nothing is cleared; after the deadline that is a hold, unless an exemption waives it."""
    deployment: Deployment = call.obj.deployment
    if deployment.status != Deployment.Status.CLEARED:
        return
    _follow_deployment(call, "unclear", call.reason)
    if deployment.week.passed(Deadline.APPROVAL, call.now) and not Facts.fresh(deployment).exempted:
        _follow_deployment(call, "hold", f"The approval ended after the deadline: {call.reason}."[:500])


def _content_changed(call: Call) -> None:
    """A pull request's head, or the set of pull requests, is part of what was approved."""
    deployment = call.obj.deployment or call.given.get("left")
    if deployment:
        _void_if_changed(call, deployment, f"{call.obj}: {call.step.label.lower()}")


def _document_changed(call: Call) -> None:
    _void_if_changed(call, call.obj.deployment, f"{call.note['name']} was attached", call.obj)
    _ask_approval(call)


def _ask_approval(call: Call) -> None:
    """When the last thing before the approval is there, the managers are asked: once for each content."""
    deployment = call.obj if isinstance(call.obj, Deployment) else call.obj.deployment
    if deployment is None or deployment.status != Deployment.Status.PLANNED:
        return
    if deployment.core_dev_result != Deployment.CoreDev.SUCCESS:  # spares the full look: it comes last as a rule
        return
    facts = Facts.fresh(deployment).remember()
    if Readiness(facts).is_open(BY_KEY["approved"]):
        emails.ask_approval(call, facts.deployment, facts.digest)


def _void_if_changed(call: Call, deployment: Deployment, what: str, crq: CRQ | None = None) -> None:
    crq = crq or _crq(deployment)
    if crq is None or crq.status != CRQ.Status.APPROVED:
        return
    facts = Facts.fresh(deployment)
    if facts.approval and facts.approval.digest != facts.digest:
        follow(call, CRQ_FLOW, "void", crq, reason=what)
