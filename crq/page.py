"""What the page of a deployment and its CRQ shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role, standing
from crq import uploads
from crq.decision import Panel, badge, panel
from crq.deliverables import TABLE, Deliverable, Readiness
from crq.flow import CRQ_FLOW
from crq.following import follow_act
from crq.missed import missed, tuesday_snapshots
from crq.models import CRQ, Document
from crq.readiness import Facts
from crq.timeline import Entry, timeline
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, PullRequest
from deployments.policy import Deadline
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_day, say_instant, say_near

S = CRQ.Status
LATE_WHILE = {Deployment.Status.PLANNED, Deployment.Status.HELD, Deployment.Status.CLEARED}
"""Afterwards a missing deliverable is history: the pull requests of a backed-out deployment are in the queue again."""


@dataclass(frozen=True)
class Item:
    """One line of the checklist."""

    state: str
    label: str
    by: str
    anchor: str


@dataclass(frozen=True)
class Group:
    """The deliverables of one deadline."""

    label: str
    note: str
    items: list[Item]


@dataclass(frozen=True)
class Paper:
    """The current version of a document and the older ones."""

    url: str
    name: str
    kind_label: str
    size_text: str
    by: str
    at: datetime
    version: int
    older: list[Paper]


@dataclass(frozen=True)
class Attach:
    """The upload form of one kind of document."""

    kind: str
    label: str
    url: str
    enabled: bool
    why_not: str


@dataclass(frozen=True)
class Row:
    """One pull request."""

    title: str
    url: str
    meta: str
    badge: Badge


@dataclass(frozen=True)
class Page:
    title: str
    badge: Badge
    crq_number: str
    team: str
    install_day: date | None
    week_url: str
    week_title: str
    decision: Panel
    readiness: list[Group]
    readiness_tally: str
    documents: list[Paper]
    attach_forms: list[Attach]
    attach_hint: str
    pull_requests: list[Row]
    timeline: list[Entry]
    facts: list[list[tuple[str, Any, str]]]
    acts_more: list[Act]
    follow: Act
    footnote: str


def build(deployment: Deployment, *, by: User, now: datetime) -> Page:
    """`deployment` comes from `with_facts`. Four further queries, for roles, timeline and follower, and two for what
    was missed once the cutoff has passed.
    """
    [facts] = Facts.of_all([deployment])
    facts.remember()
    if facts.crq:
        facts.crq.deployment = deployment
    readiness = Readiness(facts)
    done = sum(readiness.complete(each.key) for each in TABLE)
    return Page(
        title=deployment.title,
        badge=badge(deployment, readiness, by, now),
        crq_number=facts.crq.number if facts.crq else "",
        team=f"{deployment.application} · {deployment.application.team}",
        install_day=deployment.week.install_day,
        week_url=deployment.week.get_absolute_url(),
        week_title=f"Week of {say_day(deployment.week.thursday)}",
        decision=panel(deployment, readiness, by=by, now=now),
        readiness=_groups(deployment, readiness, by, now),
        readiness_tally=f"{done} of {len(TABLE)} done",
        documents=_papers(facts),
        attach_forms=_attach_forms(facts.crq, by, now),
        attach_hint=uploads.hint() + _voids(facts, now),
        pull_requests=[_row(pull) for pull in facts.pull_requests],
        timeline=timeline(deployment),
        facts=_facts(facts),
        acts_more=_more(deployment, by, now),
        follow=follow_act(deployment, by=by, now=now),
        footnote=_footnote(deployment, readiness, now),
    )


def _groups(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> list[Group]:
    found, week = [], deployment.week
    snapshots = tuesday_snapshots(deployment, week) if week.passed(Deadline.CUTOFF, now) else []
    late = {each.deliverable.key: each.words(now) for each in missed(snapshots, readiness, week)}
    for deadline in dict.fromkeys(each.due for each in TABLE):
        due = week.due(deadline)
        items = [_item(each, deployment, readiness, by, now, late) for each in TABLE if each.due == deadline]
        label = f"By {say_instant(due, now=now)}" if due else "No deadline"
        met = all(readiness.complete(each.key) for each in TABLE if each.due == deadline)
        found.append(Group(label, "Met" if met else _note(due, now), items))
    return found


def _note(due: datetime | None, now: datetime) -> str:
    return "" if due is None else "Passed" if now > due else f"Due {say_near(due, now)}"


def _item(  # noqa: PLR0917
    each: Deliverable, deployment: Deployment, readiness: Readiness, by: User, now: datetime, late: dict[str, str]
) -> Item:
    """`late`: by how long what is there now missed its deadline, by key."""
    found = readiness.of[each.key]
    owner = Role(each.owner).label
    if found.complete:
        who = f" · {found.who}" if found.who else ""
        when = f", {say_near(found.at, now)}" if found.at else ""
        missed_by = f" · {late[each.key]}" if each.key in late else ""
        return Item("done", each.label, f"{owner}{who}{when}{missed_by}", each.key)
    note = f" · {found.missing}" if found.missing else ""
    due = deployment.week.due(each.due)
    if due and now > due and deployment.status in LATE_WHILE:
        return Item("stop", each.label, f"{owner}{note} · late", each.key)
    if not readiness.is_open(each) or _is_over(readiness.facts):
        return Item("none", each.label, f"{owner}{note}", each.key)
    if standing(by, eastern_day(now)).holds(each.owner, deployment.application.team_id):
        return Item("you", each.label, f"Your turn{note}", each.key)
    return Item("part" if found.partial else "wait", each.label, f"{owner}{note}", each.key)


def _is_over(facts: Facts) -> bool:
    """Nobody has to bring anything any more."""
    return facts.deployment.status in Deployment.NO_LONGER_LIVE or bool(facts.crq and facts.crq.status == S.CLOSED)


def _papers(facts: Facts) -> list[Paper]:
    every = list(facts.crq.documents.all()) if facts.crq else []
    for document in every:
        document.crq = facts.crq  # type: ignore[assignment]  # there is one, or there were no documents
    return [
        _paper(current, [_paper(each, []) for each in every if each.kind == kind and each.pk != current.pk])
        for kind in Document.Kind.values
        if (current := facts.documents.get(kind))
    ]


def _paper(document: Document, older: list[Paper]) -> Paper:
    return Paper(
        url=document.get_absolute_url(),
        name=document.name,
        kind_label=document.get_kind_display(),
        size_text=filesizeformat(document.size),
        by=document.by.name,
        at=document.at,
        version=document.version,
        older=older,
    )


def _attach_forms(crq: CRQ | None, by: User, now: datetime) -> list[Attach]:
    if crq is None or crq.status == S.CLOSED:
        return []
    forms = []
    for kind, label in Document.Kind.choices:
        button = act(CRQ_FLOW, f"attach_{kind}", crq, by=by, now=now)
        forms.append(Attach(kind, label, reverse("attach", args=[crq.number, kind]), button.enabled, button.why_not))
    return forms


def _voids(facts: Facts, now: datetime) -> str:
    """The consequence, said before the act that would cause it."""
    if facts.approval is None:
        return ""
    if facts.deployment.week.passed(Deadline.APPROVAL, now) and not facts.exempted:
        return " This CRQ is approved: a new document voids the approval, and then it is held and needs an exemption."
    return " This CRQ is approved: a new document voids the approval, and the manager is asked again."


def _row(pull: PullRequest) -> Row:
    how = pull.standing
    state, text = "part", f"{how.approvals} of {how.required} approvals"
    if how.blockers:
        state, text = "stop", how.blockers[0][0].upper() + how.blockers[0][1:]
    elif how.full:
        state, text = "done", "Fully approved"
    meta = f"{pull.repository.short_name} #{pull.number} · {pull.author_name} · {pull.head_sha[:10]}"
    return Row(pull.title, pull.get_absolute_url(), meta, Badge(state, text))


def _facts(facts: Facts) -> list[list[tuple[str, Any, str]]]:
    deployment, crq, approval = facts.deployment, facts.crq, facts.approval
    day = deployment.week.install_day
    install = deployment.week.due(Deadline.INSTALL)
    branches = ", ".join(dict.fromkeys(branch.name for branch in facts.branches.values()))
    core_dev = deployment.get_core_dev_result_display()
    what = [
        ("Install day", say_day(day) if day else "None", "After batch, about 2:00 pm ET" if install else ""),
        ("Application", deployment.application.name, ""),
        ("Release branch", branches, ""),
        ("Core dev", core_dev, deployment.core_dev_build),
    ]
    who = [
        ("CRQ opened by", crq.opened_by if crq else None, ""),
        ("Approved by", *(_acting(approval.by, approval.for_user) if approval else (None, ""))),
        ("Installed by", deployment.installed_by, ""),
        ("Verified by", *_acting(deployment.verified_by, deployment.verified_for)),
    ]
    return [what, [each for each in who if each[1]]]


def _acting(by: User | None, principal: User | None) -> tuple[User | None, str]:
    """The person, and whose deputy they were."""
    return by, f"for {principal.name}" if principal else ""


def _more(deployment: Deployment, by: User, now: datetime) -> list[Act]:
    move = reverse("move", args=[deployment.pk])
    pulls = reverse("deployment-pull-requests", args=[deployment.pk])
    acts = [
        act(DEPLOYMENT, "move", deployment, by=by, now=now, form_url=move),
        act(DEPLOYMENT, "withdraw", deployment, by=by, now=now),
    ]
    shown = [each for each in worth_showing(acts) if each.enabled]
    if shown and deployment.status in {Deployment.Status.PLANNED, Deployment.Status.CLEARED}:
        shown.insert(0, Act("pull_requests", "Change pull requests", pulls, enabled=True, form_url=pulls))
    return shown


def _footnote(deployment: Deployment, readiness: Readiness, now: datetime) -> str:
    due = deployment.week.due(Deadline.APPROVAL)
    if due is None or now > due or readiness.complete("approved"):
        return ""
    return (
        f"If this is not approved by {say_instant(due, now=now)}, it needs an exemption from the EDMT Director before "
        "it can be installed."
    )
