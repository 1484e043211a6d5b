"""Exemptions: the clock can be waived, the evidence never.

Asked by a Dev Manager from the moment a Tuesday deadline is missed, or is at risk, until `exemption_close`; decided by
the EDMT Director. Silence never approves: an undecided request lapses.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.roles import Role, own_part
from crq import guards
from crq.deliverables import Readiness
from crq.flow import CRQ_FLOW, lock_crq
from crq.models import CRQ, ExemptionNote, ExemptionRequest
from crq.readiness import Facts
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_instant
from workflow.machine import follow, for_whom, perform
from workflow.steps import Actor, Call, Flow, Refused, Step

AT_RISK = timedelta(hours=4)
MANAGER, DIRECTOR = Role.MANAGER, Role.DIRECTOR
S, D = ExemptionRequest.Status, Deployment.Status


def at_risk(deployment: Deployment, readiness: Readiness, now: datetime) -> bool:
    """Whether a Tuesday deadline is within four hours while something due by then is missing."""
    for key in (Deadline.CUTOFF, Deadline.APPROVAL):
        due = deployment.week.due(key)
        if due and now <= due <= now + AT_RISK and readiness.missing_at(key):
            return True
    return False


def _may_be_asked(request: ExemptionRequest, by: Actor, now: datetime) -> str:
    """The request's time: a Tuesday deadline missed or at risk, and exemptions not closed."""
    deployment = request.crq.deployment
    close = deployment.week.due(Deadline.EXEMPTION_CLOSE)
    if close is None or now > close:
        return f"Exemptions closed on {say_instant(close, now=now)}." if close else "This week has no install."
    if deployment.status not in {D.PLANNED, D.HELD}:
        return f"This deployment is {deployment.get_status_display().lower()}, so it needs no exemption."
    if deployment.status == D.HELD or at_risk(deployment, Readiness(Facts.seen(deployment)), now):
        return ""
    if deployment.week.passed(Deadline.APPROVAL, now):
        return "The hold was lifted already."
    return "No deadline is missed or within four hours, so there is nothing to be exempted from yet."


def _once_a_week(request: ExemptionRequest, by: Actor, now: datetime) -> str:
    asked = ExemptionRequest.objects.filter(crq=request.crq, week_id=request.crq.deployment.week_id).first()
    if asked is None:
        return ""
    return f"An exemption was asked for this CRQ and week already: {asked.get_status_display().lower()}."


def _still_open(request: ExemptionRequest, by: Actor, now: datetime) -> str:
    close = request.week.due(Deadline.EXEMPTION_CLOSE)
    if close and now > close:
        return f"Exemptions closed on {say_instant(close, now=now)}, so this request lapsed without a decision."
    if request.crq.deployment.week_id != request.week_id:
        return "The deployment was moved to another week, so there is nothing left to decide."
    return ""


def _someone_else_decides(request: ExemptionRequest, by: Actor, now: datetime) -> str:
    """Whoever asked, or had it asked by a deputy, does not decide, nor does their deputy for them."""
    askers, day = {request.requested_by_id, request.requested_for_id}, eastern_day(now)
    did = own_part(by, DIRECTOR, None, day, lambda who: "asked for this exemption" if who.pk in askers else "")
    return f"{did}, so someone else must decide it." if did else ""


def _request(call: Call) -> None:
    """`why`, `why_now` and `risk` are on the object. Given `approve` and `digest`: the manager approves it."""
    request: ExemptionRequest = call.obj
    if not (request.why.strip() and request.why_now.strip() and request.risk.strip()):
        raise Refused.because("Say why, why it cannot wait, and what the risk of installing late is.")
    request.week = request.crq.deployment.week
    request.requested_by, request.requested_at = call.person, call.now
    request.requested_for = for_whom(call)
    if call.given.get("approve"):
        _approve_with_it(call)


def _approve_with_it(call: Call) -> None:
    crq: CRQ = call.obj.crq
    digest = Facts.fresh(crq.deployment).remember(crq.deployment).digest
    for guard in (guards.not_own_change, guards.everything_before_approval):
        if sentence := guard(crq, call.by, call.now):
            raise Refused.because(sentence)
    if call.given.get("digest", digest) != digest:
        raise Refused.because("The content changed after you opened this page. Look at what is new, then approve.")
    call.obj.approved_digest = digest
    call.note["approved"] = digest


def _decide(call: Call) -> None:
    """Given `condition`, optionally, with a grant."""
    call.obj.decided_by, call.obj.decided_at, call.obj.decision_reason = call.by, call.now, call.reason
    call.obj.decided_for = for_whom(call)
    if condition := " ".join(call.given.get("condition", "").split())[:300]:
        call.obj.condition = call.note["condition"] = condition


def _note(call: Call) -> None:
    """Given `text`."""
    text = call.given["text"].strip()
    if not text:
        raise Refused.because("Write the question or the answer first.")
    ExemptionNote.objects.create(request=call.obj, by=call.person, at=call.now, text=text[:4000])
    call.note["text"] = text[:4000]


def granted(call: Call) -> None:
    """Lifts the hold; with a standing approval, or one of the present content, the deployment is cleared at once."""
    request: ExemptionRequest = call.obj
    crq, deployment = request.crq, request.crq.deployment
    if deployment.status == D.HELD:
        follow(call, DEPLOYMENT, "release", deployment)
    facts = Facts.fresh(deployment)
    if deployment.status != D.PLANNED or Readiness(facts).missing(guards.BEFORE_APPROVAL):
        return
    if crq.status == CRQ.Status.APPROVED:
        follow(call, DEPLOYMENT, "clear", deployment)
    elif crq.status == CRQ.Status.OPEN and request.approved_digest == facts.digest:
        approver = {"approver": request.requested_by, "approver_for": request.requested_for}
        follow(call, CRQ_FLOW, "approve", crq, **approver)


def withdraw_open(call: Call, crq: CRQ) -> None:
    """Takes the week's undecided request back when the deployment leaves the week or is withdrawn."""
    for request in ExemptionRequest.objects.filter(crq=crq, status=S.REQUESTED).select_related("week", "requested_by"):
        request.crq = crq
        follow(call, EXEMPTION, "withdraw", request)


def lapse_all(week_id: int, now: datetime) -> int:
    """Ends the week's undecided requests; returns how many."""
    waiting = ExemptionRequest.objects.filter(week_id=week_id, status=S.REQUESTED).order_by("pk")
    for request in waiting:
        perform(EXEMPTION, "lapse", request, by=None)
    return len(waiting)


def _lock(pk: int) -> ExemptionRequest:
    """Locks the deployment, its CRQ, then the request."""
    crq = lock_crq(ExemptionRequest.objects.values_list("crq_id", flat=True).get(pk=pk))
    locked = ExemptionRequest.objects.select_for_update(no_key=True, of=("self",))
    request = locked.select_related("requested_by", "requested_for", "week").get(pk=pk)
    request.crq = crq
    return request


def _join(request: ExemptionRequest) -> None:
    """A new request joins its CRQ under the deployment's lock."""
    request.crq = lock_crq(request.crq_id)


_DECIDES = (_someone_else_decides, _still_open)
EXEMPTION = Flow(
    "exemption",
    ExemptionRequest,
    _lock,
    [
        Step(
            "request",
            "Ask for an exemption",
            (),
            S.REQUESTED,
            (MANAGER,),
            (_once_a_week, _may_be_asked),
            _request,
            emails=("exemption_requested",),
            plain=False,
        ),
        Step(
            "note",
            "Ask or answer",
            (S.REQUESTED,),
            "",
            (DIRECTOR, MANAGER),
            (),
            _note,
            emails=("exemption_note",),
            plain=False,
        ),
        Step(
            "grant",
            "Grant",
            (S.REQUESTED,),
            S.GRANTED,
            (DIRECTOR,),
            _DECIDES,
            _decide,
            needs_reason=True,
            emails=("exemption_decided",),
        ),
        Step(
            "deny",
            "Deny",
            (S.REQUESTED,),
            S.DENIED,
            (DIRECTOR,),
            _DECIDES,
            _decide,
            needs_reason=True,
            emails=("exemption_decided",),
        ),
        Step("lapse", "Lapse", (S.REQUESTED,), S.LAPSED, emails=("exemption_decided",)),
        Step(
            "withdraw",
            "Withdraw the request",
            (S.REQUESTED,),
            S.WITHDRAWN,
            (MANAGER,),
            done="Withdrawn. The deployment stays held until it is moved.",
        ),
    ],
    join=_join,
)
