"""What the page of a deployment and its CRQ shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms

from accounts.models import User
from accounts.roles import Role, people, standing
from crq.change_system.by_hand import number_there
from crq.decision import Panel, badge, panel
from crq.deliverables import TABLE, Deliverable, Readiness, repositories
from crq.following import follow_act
from crq.forms import CommentForm, NoteForm
from crq.live import News
from crq.missed import missed, tuesday_snapshots
from crq.models import CRQ
from crq.papers import Attaching, Paper, attaching, papers
from crq.readiness import Facts
from crq.timeline import Entry, timeline
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, PullRequest
from deployments.policy import Deadline
from workflow.acts import Act, act, worth_showing
from workflow.addresses import address
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_day, say_instant, say_near, say_time

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
    attach: Attaching | None
    pull_requests: list[Row]
    timeline: list[Entry]
    news: News
    deployment: Deployment
    facts: list[list[tuple[str, Any, str]]]
    acts_more: list[Act]
    follow: Act
    footnote: str
    note_form: NoteForm
    comment_form: CommentForm

    @property
    def problem(self) -> forms.Form | None:
        return next((form for form in (self.note_form, self.comment_form) if form.errors), None)


def build(
    deployment: Deployment,
    *,
    by: User,
    now: datetime,
    note_form: NoteForm | None = None,
    comment_form: CommentForm | None = None,
) -> Page:
    """`deployment` comes from `with_facts`. Five further queries, for roles, timeline, follower and number elsewhere,
    and two for what was missed once the cutoff has passed. A form that failed comes along, so that the page keeps what
    was typed.
    """
    [facts] = Facts.of_all([deployment])
    facts.remember()
    if facts.crq:
        facts.crq.deployment = deployment
    readiness = Readiness(facts)
    done = sum(readiness.complete(each.key) for each in TABLE)
    entries, newest = timeline(deployment)
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
        documents=papers(facts),
        attach=attaching(facts, by=by, now=now),
        pull_requests=pull_request_rows(deployment),
        timeline=entries,
        news=News(newest, newest),
        deployment=deployment,
        facts=_facts(facts, now),
        acts_more=_more(deployment, by, now),
        follow=follow_act(deployment, by=by, now=now),
        footnote=_footnote(deployment, readiness, now),
        note_form=note_form or NoteForm(),
        comment_form=comment_form or CommentForm(),
    )


def _groups(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> list[Group]:
    found, week = [], deployment.week
    snapshots = tuesday_snapshots(deployment, week) if week.passed(Deadline.CUTOFF, now) else []
    late = {each.deliverable.key: each.words(now) for each in missed(snapshots, readiness, week)}
    for deadline in dict.fromkeys(each.due for each in TABLE):
        due = week.due(deadline)
        items = [_item(each, deployment, readiness, by, now, late) for each in TABLE if each.due == deadline]
        label = f"By {say_instant(due, now=now)}" if due else "No deadline"
        found.append(Group(label, _met(deadline, readiness, now) or _note(due, now), items))
    return found


def _met(deadline: str, readiness: Readiness, now: datetime) -> str:
    """ "Met today, 10:58 am ET", once all that is due by then is there."""
    wanted = [readiness.of[each.key] for each in TABLE if each.due == deadline]
    if not all(each.complete for each in wanted):
        return ""
    last = max((each.at for each in wanted if each.at), default=None)
    return f"Met {say_near(last, now)}" if last else "Met"


def _note(due: datetime | None, now: datetime) -> str:
    """Nothing while it is ahead: the group is named by it, and the panel above counts down."""
    return "Passed" if due and now > due else ""


def _item(  # noqa: PLR0917
    each: Deliverable, deployment: Deployment, readiness: Readiness, by: User, now: datetime, late: dict[str, str]
) -> Item:
    """`late`: by how long what is there now missed its deadline, by key."""
    found = readiness.of[each.key]
    owner = Role(each.owner).label
    if found.complete:
        who = f" · {found.who}" if found.who else f" · {found.done} of {found.total}" if found.total > 1 else ""
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
        label = "Your approval" if each.key == "approved" else each.label
        return Item("you", label, _your_turn(each, readiness, now) + note, each.key)
    return Item("part" if found.partial else "wait", each.label, f"{owner}{note}", each.key)


def _is_over(facts: Facts) -> bool:
    """Nobody has to bring anything any more."""
    return facts.deployment.status in Deployment.NO_LONGER_LIVE or bool(facts.crq and facts.crq.status == S.CLOSED)


def _your_turn(each: Deliverable, readiness: Readiness, now: datetime) -> str:
    """Since when somebody can do it: since the last thing that it needs was there."""
    since = max((at for key in each.needs if (at := readiness.of[key].at)), default=None)
    return f"Waiting for you since {say_near(since, now)}" if since else "Your turn"


def pull_request_rows(deployment: Deployment) -> list[Row]:
    return [_row(pull) for pull in Facts.seen(deployment).pull_requests]


def _row(pull: PullRequest) -> Row:
    how = pull.standing
    state, text = "part", f"{how.approvals} of {how.required} approvals"
    if how.blockers:
        state, text = "stop", how.blockers[0][0].upper() + how.blockers[0][1:]
    elif how.full:
        state, text = "done", f"{how.approvals} approval{'' if how.approvals == 1 else 's'}"
    meta = f"{pull.repository.short_name} #{pull.number} · {pull.author_name} · {pull.head_sha[:10]}"
    return Row(pull.title, pull.get_absolute_url(), meta, Badge(state, text))


def _facts(facts: Facts, now: datetime) -> list[list[tuple[str, Any, str]]]:
    """Label, value and remark, in groups."""
    deployment = facts.deployment
    day, install = deployment.week.install_day, deployment.week.due(Deadline.INSTALL)
    branches = ", ".join(dict.fromkeys(branch.name for branch in facts.branches.values()))
    systems = ", ".join(each.short_name for each in repositories(facts))
    noted = number_there(facts.crq) if facts.crq else None
    what = [
        ("Install day", say_day(day) if day else "None", f"After batch, about {say_time(install)}" if install else ""),
        ("Application", deployment.application.name, systems),
        ("Release branch", branches, ""),
        ("Core dev", deployment.get_core_dev_result_display(), deployment.core_dev_build),
    ]
    if noted:
        what.append(("In another change system", noted.number, f"{noted.who}, {say_near(noted.at, now)}"))
    return [what, [each for each in _people(facts, now) if each[1]]]


def _people(facts: Facts, now: datetime) -> list[tuple[str, Any, str]]:
    """Who opened, approves, prepares, installs and verifies it; before the approval, whoever could give it."""
    deployment, crq, plan = facts.deployment, facts.crq, facts.documents.get("plan")
    prepared = [branch.by for branch in facts.branches.values()] + ([plan.by] if plan else [])
    approval = facts.approval
    if approval:
        by, principal = _acting(approval.by, approval.for_user)
        approver = [("Approved by", by, " · ".join(filter(None, [principal, say_near(approval.at, now)])))]
    else:
        approver = [("" if place else "May approve", each, "") for place, each in enumerate(_approvers(facts, now)[:2])]
    return [
        ("CRQ opened by", crq.opened_by if crq else None, say_near(crq.opened_at, now) if crq else ""),
        *approver,
        ("DevOps", prepared[0] if prepared else None, ""),
        ("Installed by", deployment.installed_by, ""),
        ("Verified by", *_acting(deployment.verified_by, deployment.verified_for)),
    ]


def _approvers(facts: Facts, now: datetime) -> list[User]:
    """The managers without an obvious part in the change; the flow has the last word."""
    if facts.deployment.status not in LATE_WHILE:
        return []
    parts = {pull.author_id for pull in facts.pull_requests} | ({facts.crq.opened_by_id} if facts.crq else set())
    managers = people(Role.MANAGER, facts.deployment.application.team_id, on=eastern_day(now))
    return [person for person in managers if person.pk not in parts]


def _acting(by: User | None, principal: User | None) -> tuple[User | None, str]:
    """The person, and whose deputy they were."""
    return by, f"for {principal.name}" if principal else ""


def _more(deployment: Deployment, by: User, now: datetime) -> list[Act]:
    move = address("move", deployment.pk)
    pulls = address("deployment-pull-requests", deployment.pk)
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
