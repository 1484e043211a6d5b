"""The facts that an exemption is asked for and decided with: what was missed, what is ready, and what waiting costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crq.deliverables import TABLE, Deliverable, Readiness
from crq.missed import TUESDAY, Missed, missed, tuesday_snapshots
from crq.models import ExemptionRequest, Snapshot
from crq.readiness import Facts
from deployments.models import Deployment, ReleaseWeek
from deployments.weeks import open_for_plans
from workflow.badge import Badge
from workflow.eastern import say_day, say_instant

PERIOD = timedelta(weeks=12)
OFFERED = 3
D, S = Deployment.Status, ExemptionRequest.Status
BADGES = {S.REQUESTED: "you", S.GRANTED: "exempt", S.DENIED: "stop", S.LAPSED: "stop", S.WITHDRAWN: "idle"}
STATES = {D.CLEARED: "done", D.INSTALLED: "done", D.VERIFIED: "done", D.PLANNED: "wait", D.INSTALLING: "you"}


@dataclass(frozen=True)
class Line:
    """One deliverable that was missed: which gate, and by how long."""

    label: str
    owner: str
    due: datetime
    words: str
    there: bool


@dataclass(frozen=True)
class Compared:
    """One deliverable at the deadline and now. `then` is empty while no deadline has passed."""

    label: str
    then: Badge | None
    now: Badge


@dataclass(frozen=True)
class OpenWeek:
    day: date
    wait: str


@dataclass(frozen=True)
class Before:
    """An earlier request of the team."""

    title: str
    url: str
    meta: str
    badge: Badge


@dataclass(frozen=True)
class Other:
    """What else installs that day."""

    title: str
    url: str
    meta: str
    badge: Badge


@dataclass(frozen=True)
class Case:
    late: list[Line]
    deadline: str
    compared: list[Compared]
    open_weeks: list[OpenWeek]
    before: list[Before]
    before_note: str
    others: list[Other]
    install_day: date | None

    @property
    def waiting(self) -> str:
        """What waiting costs, in one sentence."""
        if not self.open_weeks:
            return "No later week is open for plans yet."
        first = self.open_weeks[0]
        return f"The next open install day is {say_day(first.day)}, {first.wait}."


def case(readiness: Readiness, week: ReleaseWeek, *, now: datetime, asked: ExemptionRequest | None = None) -> Case:
    """`readiness` is that of the deployment now; `week` the one that the exemption is for. Five statements."""
    deployment = readiness.facts.deployment
    snapshots = list(tuesday_snapshots(deployment, week))
    before = _before(deployment, now, asked)
    return Case(
        late=[_line(each, now) for each in missed(snapshots, readiness, week)],
        deadline=say_instant(snapshots[-1].milestone.due_at, now=now) if snapshots else "",
        compared=[_compared(each, snapshots[-1:], readiness) for each in TABLE if each.due in TUESDAY],
        open_weeks=_open_weeks(week, now),
        before=before,
        before_note=_count(before),
        others=[_other(each) for each in _installing_too(deployment, week)],
        install_day=week.install_day,
    )


def _line(each: Missed, now: datetime) -> Line:
    return Line(each.deliverable.label, each.owner, each.due, each.words(now), each.there)


def _compared(each: Deliverable, last: list[Snapshot], readiness: Readiness) -> Compared:
    found = readiness.of[each.key]
    return Compared(each.label, then(last[0], each.key) if last else None, ready(found.done, found.total))


def then(snapshot: Snapshot, key: str) -> Badge:
    """A deliverable as the snapshot has it."""
    record = snapshot.readiness.get(key, {})
    return ready(record.get("done", 0), record.get("total", 1))


def ready(done: int, total: int) -> Badge:
    if total > 0 and done >= total:
        return Badge("done", "Ready")
    return Badge("part", f"{done} of {total}") if done else Badge("stop", "Missing")


def _open_weeks(instead_of: ReleaseWeek, now: datetime) -> list[OpenWeek]:
    later = open_for_plans(now).filter(thursday__gt=instead_of.thursday)
    return [_open_week(each, instead_of) for each in later[:OFFERED]]


def _open_week(week: ReleaseWeek, instead_of: ReleaseWeek) -> OpenWeek:
    day = week.install_day or week.thursday
    days = (day - (instead_of.install_day or instead_of.thursday)).days
    return OpenWeek(day, f"{days} days later")


def _before(deployment: Deployment, now: datetime, asked: ExemptionRequest | None) -> list[Before]:
    team = deployment.application.team_id
    since = ExemptionRequest.objects.filter(crq__deployment__application__team=team, requested_at__gte=now - PERIOD)
    earlier = since.exclude(pk=asked.pk) if asked else since
    return [_asked_before(each) for each in earlier.select_related("crq", "week", "requested_by")]


def _asked_before(request: ExemptionRequest) -> Before:
    meta = f"{say_day(request.week.install_day or request.week.thursday)} · asked by {request.requested_by.name}"
    return Before(request.crq.title, request.get_absolute_url(), meta, badge(request))


def badge(request: ExemptionRequest) -> Badge:
    status = S(request.status)
    return Badge(BADGES[status], "Waiting for a decision" if status == S.REQUESTED else str(status.label))


def _count(before: list[Before]) -> str:
    """ "3 asked in 12 weeks, 2 granted"."""
    if not before:
        return "None in 12 weeks"
    granted = sum(each.badge.state == BADGES[S.GRANTED] for each in before)
    return f"{len(before)} asked in 12 weeks, {granted or 'none'} granted"


def _installing_too(deployment: Deployment, week: ReleaseWeek) -> Iterable[Deployment]:
    same_day = Deployment.objects.filter(week=week).exclude(pk=deployment.pk).exclude(status=D.WITHDRAWN)
    return same_day.select_related("application__team", "crq").order_by("pk")


def _other(deployment: Deployment) -> Other:
    crq = Facts(deployment).crq
    url = crq.get_absolute_url() if crq else deployment.get_absolute_url()
    state = STATES.get(D(deployment.status), "stop")
    return Other(
        deployment.title,
        url,
        f"{deployment.application} · {deployment.application.team}",
        Badge(state, deployment.get_status_display()),
    )
