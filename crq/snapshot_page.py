"""What was ready and what was missing at each deadline of a week, compared with now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from crq.case import ready
from crq.case import then as at_the_deadline
from crq.deliverables import TABLE, Deliverable, Readiness
from crq.missed import first_there
from crq.models import Snapshot
from crq.readiness import Facts, with_facts
from deployments.models import Deployment, Milestone, ReleaseWeek
from deployments.policy import Deadline
from workflow.badge import Badge
from workflow.eastern import say_day, say_near, say_span

S = Deployment.Status


@dataclass(frozen=True)
class Gate:
    """One deliverable of one deployment at the deadline. `since` says what became of it, where it was missing."""

    label: str
    then: Badge
    since: str = ""


@dataclass(frozen=True)
class Row:
    """One deployment at one deadline. `now` is where it stands today, perhaps in another week."""

    title: str
    url: str
    meta: str
    ready: bool
    status_then: str
    gates: list[Gate]
    now: str


@dataclass(frozen=True)
class Section:
    """One enforced deadline."""

    label: str
    due_at: datetime
    enforced_at: datetime | None
    columns: list[str]
    rows: list[Row]

    @property
    def tally(self) -> str:
        if not self.rows:
            return "Nothing was planned"
        return f"{sum(row.ready for row in self.rows)} of {len(self.rows)} ready"


@dataclass(frozen=True)
class Page:
    week: ReleaseWeek
    title: str
    sections: list[Section]
    first_due: datetime | None


def page(thursday: date, *, now: datetime) -> Page | None:
    """None when there is no such week. Eleven statements, however many deployments there were."""
    week = ReleaseWeek.objects.filter(thursday=thursday).prefetch_related("milestones").first()
    if week is None:
        return None
    taken = _by_milestone(Snapshot.objects.filter(milestone__week=week).order_by("deployment_id"))
    ids = {snapshot.deployment_id for rows in taken.values() for snapshot in rows}
    found = Facts.of_all(with_facts(ids))
    known = {each.deployment.pk: Readiness(each) for each in found}
    judged = [each for each in week.milestones.all() if each.key in _judging()]
    return Page(
        week=week,
        title=f"Snapshots of the {week}",
        sections=[
            _section(each, week, taken[each.pk], known, now) for each in judged if each.enforced_at or taken[each.pk]
        ],
        first_due=min((each.due_at for each in judged), default=None),
    )


def _judging() -> set[Deadline]:
    """The deadlines that deliverables are due by."""
    return {each.due for each in TABLE}


def _by_milestone(snapshots: Iterable[Snapshot]) -> dict[int, list[Snapshot]]:
    found: dict[int, list[Snapshot]] = defaultdict(list)
    for snapshot in snapshots:
        found[snapshot.milestone_id].append(snapshot)
    return found


def _section(
    milestone: Milestone, week: ReleaseWeek, taken: list[Snapshot], known: dict[int, Readiness], now: datetime
) -> Section:
    due = _due_by(milestone)
    return Section(
        label=Deadline(milestone.key).label,
        due_at=milestone.due_at,
        enforced_at=milestone.enforced_at or min((each.taken_at for each in taken), default=None),
        columns=[each.label for each in due],
        rows=[_row(each, due, known[each.deployment_id], week, now) for each in taken],
    )


def _due_by(milestone: Milestone) -> list[Deliverable]:
    order = list(Deadline)
    return [each for each in TABLE if order.index(each.due) <= order.index(Deadline(milestone.key))]


def _row(snapshot: Snapshot, due: list[Deliverable], readiness: Readiness, week: ReleaseWeek, now: datetime) -> Row:
    deployment = readiness.facts.deployment
    crq = readiness.facts.crq
    stayed = deployment.week_id == week.pk
    return Row(
        title=deployment.title,
        url=crq.get_absolute_url() if crq else deployment.get_absolute_url(),
        meta=f"{deployment.application} · {deployment.application.team}",
        ready=snapshot.ready,
        status_then=str(S(snapshot.status).label),
        gates=[_gate(each, snapshot, readiness if stayed else None, week, now) for each in due],
        now=deployment.get_status_display() if stayed else f"Moved to {say_day(deployment.week.thursday)}",
    )


def _gate(each: Deliverable, snapshot: Snapshot, readiness: Readiness | None, week: ReleaseWeek, now: datetime) -> Gate:
    """What left the week is not compared: its facts are those of another week."""
    then = at_the_deadline(snapshot, each.key)
    since = (
        _since(each, readiness, week, now)
        if readiness and (then.state == "done") != readiness.complete(each.key)
        else ""
    )
    return Gate(each.label, then, since or _still(each, snapshot, readiness, week, now))


def _still(each: Deliverable, snapshot: Snapshot, readiness: Readiness | None, week: ReleaseWeek, now: datetime) -> str:
    due = week.due(each.due)
    waits = readiness is not None and each.key in snapshot.missing and not readiness.complete(each.key)
    return f"Still missing, late {say_span(now - due)}" if waits and due else ""


def _since(each: Deliverable, readiness: Readiness, week: ReleaseWeek, now: datetime) -> str:
    """What changed after the deadline: it came late, or what was there is gone."""
    if not readiness.complete(each.key):
        found = readiness.of[each.key]
        return f"Now {ready(found.done, found.total).text.lower()}"
    came, due = first_there(each.key, readiness), week.due(each.due)
    if came is None or due is None or came <= due:
        return "Ready now"
    return f"Ready {say_near(came, now)}, late {say_span(came - due)}"
