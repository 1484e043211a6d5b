"""What the pages of exemptions show: asking for one, the director's one page, and all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from accounts.roles import Role, people
from crq import guards
from crq.case import Case, badge, case
from crq.deliverables import Deliverable, Readiness
from crq.exemptions import EXEMPTION
from crq.models import CRQ, Document, ExemptionNote, ExemptionRequest
from crq.readiness import Facts
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.acts import Act, act
from workflow.badge import Badge
from workflow.eastern import eastern_day
from workflow.machine import refusal
from workflow.models import Event

S = ExemptionRequest.Status


# --- Asking --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Ask:
    """`approves`: the button approves the content as well. `missing` is what keeps it from doing so."""

    crq: CRQ
    deployment: Deployment
    case: Case
    label: str
    why_not: str
    approves: bool
    missing: list[str]
    missing_note: str
    decides: str
    until: datetime | None
    hidden: dict[str, str] = field(default_factory=dict)


def ask(crq: CRQ, *, by: User, now: datetime) -> Ask:
    """`crq.deployment` comes from `with_facts`."""
    deployment = crq.deployment
    readiness = Readiness(Facts(deployment).remember())
    no = refusal(EXEMPTION, "request", ExemptionRequest(crq=crq), by=by, now=now)
    missing = readiness.missing(list(guards.BEFORE_APPROVAL))
    own_change = "" if missing or no else guards.not_own_change(crq, by, now)
    approves = not missing and not own_change and not readiness.complete("approved")
    return Ask(
        crq=crq,
        deployment=deployment,
        case=case(readiness, deployment.week, now=now),
        label="Approve late and ask for an exemption" if approves else "Ask for an exemption",
        why_not=no.sentence if no else "",
        approves=approves,
        missing=[_owned(each) for each in missing],
        missing_note=own_change,
        decides=_directors(now) or "The EDMT Director",
        until=deployment.week.due(Deadline.EXEMPTION_CLOSE),
        hidden={"digest": readiness.facts.digest, "approve": "1" if approves else ""},
    )


def _directors(now: datetime) -> str:
    """By name, deputies last."""
    own = people(Role.DIRECTOR)
    deputies = [person for person in people(Role.DIRECTOR, on=eastern_day(now)) if person not in own]
    return " or ".join(person.name for person in own + deputies)


def _owned(each: Deliverable) -> str:
    return f"{each.label} ({Role(each.owner).label})"


# --- One request ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Plan:
    """The install and backout plan as it is now."""

    name: str
    url: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Choice:
    """Granting or denying, with what follows from it."""

    act: Act
    consequence: str


@dataclass(frozen=True)
class Page:
    request: ExemptionRequest
    crq: CRQ
    deployment: Deployment
    badge: Badge
    case: Case
    plan: Plan | None
    asked_by: str
    decided_by: str
    outcome: str
    approval: str
    notes: list[ExemptionNote]
    choices: list[Choice]
    note_act: Act
    acts: list[Act]
    move: Act | None
    until: datetime | None

    @property
    def open_forms(self) -> set[str]:
        """The actions whose forms this person sees."""
        return {each.action for each in (self.note_act, *(choice.act for choice in self.choices)) if each.enabled}


def page(request: ExemptionRequest, *, by: User, now: datetime) -> Page:
    """`request.crq.deployment` comes from `with_facts`."""
    crq, deployment = request.crq, request.crq.deployment
    facts = Facts(deployment).remember()
    readiness = Readiness(facts)
    who = _names(request)
    return Page(
        request=request,
        crq=crq,
        deployment=deployment,
        badge=badge(request),
        case=case(readiness, request.week, now=now, asked=request),
        plan=_plan(facts),
        asked_by=who.get("request", request.requested_by.name),
        decided_by=who.get("grant") or who.get("deny") or "",
        outcome=_outcome(request),
        approval=_approval(request, readiness),
        notes=list(request.notes.select_related("by")),
        choices=_choices(request, readiness, by, now),
        note_act=act(EXEMPTION, "note", request, by=by, now=now),
        acts=_acts(request, by, now),
        move=_move(request, by, now),
        until=request.week.due(Deadline.EXEMPTION_CLOSE),
    )


def _names(request: ExemptionRequest) -> dict[str, str]:
    """Who did what, a deputy as "A for B"."""
    events = Event.objects.filter(object_type=EXEMPTION.name, object_id=request.pk).select_related("actor", "for_user")
    return {event.action: event.actor_name for event in events}


def _plan(facts: Facts) -> Plan | None:
    found = facts.documents.get(Document.Kind.PLAN)
    if found is None or facts.crq is None:
        return None
    found.crq = facts.crq
    return Plan(found.name, found.get_absolute_url(), found.by.name, found.at)


def _outcome(request: ExemptionRequest) -> str:
    sentences = {
        S.GRANTED: "Granted: the deadline is waived for this week.",
        S.DENIED: "Denied: the deployment stays held.",
        S.LAPSED: "No decision was made in time, which counts as a denial: silence never approves.",
        S.WITHDRAWN: "The request was withdrawn.",
    }
    return sentences.get(S(request.status), "")


def _approval(request: ExemptionRequest, readiness: Readiness) -> str:
    """Whether the manager approved the content with the request, and whether that still holds."""
    name = request.requested_by.name
    if not request.approved_digest:
        return "The CRQ was not approved with this request. A grant lifts the hold; the approval follows."
    if request.approved_digest != readiness.facts.digest:
        return (
            f"{name} approved the CRQ with this request, but its content changed since, so it must be approved again."
        )
    return f"{name} approved the CRQ with this request. A grant clears the deployment at once."


def _choices(request: ExemptionRequest, readiness: Readiness, by: User, now: datetime) -> list[Choice]:
    if request.status != S.REQUESTED:
        return []
    clears = request.approved_digest == readiness.facts.digest
    granted = "The deployment is cleared for install." if clears else "The hold is lifted, and the rest follows."
    denied = (
        f"The hold stays, and {request.requested_by.name} is asked to choose a new week. This cannot be taken back."
    )
    return [
        Choice(
            act(EXEMPTION, "grant", request, by=by, now=now, primary=True), f"{granted} Everyone concerned is e-mailed."
        ),
        Choice(act(EXEMPTION, "deny", request, by=by, now=now), f"{denied} Everyone concerned is e-mailed."),
    ]


def _acts(request: ExemptionRequest, by: User, now: datetime) -> list[Act]:
    withdraw = act(EXEMPTION, "withdraw", request, by=by, now=now)
    return [withdraw] if withdraw.enabled else []


def _move(request: ExemptionRequest, by: User, now: datetime) -> Act | None:
    """The next step after a denial, while the deployment is still held in the week that it was asked for."""
    deployment = request.crq.deployment
    refused = request.status in {S.DENIED, S.LAPSED}
    if not refused or deployment.status != Deployment.Status.HELD or deployment.week_id != request.week_id:
        return None
    url = reverse("move", args=[deployment.pk])
    return act(DEPLOYMENT, "move", deployment, by=by, now=now, label="Choose a new week", primary=True, form_url=url)
