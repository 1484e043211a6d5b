"""What the page of install day shows: the batch, each installation with its next act, and what is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from django.db.models import DateField, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, standing
from crq.announcing import OUTCOMES
from crq.deliverables import Readiness, listed
from crq.gathering import Gathered, Read, current, gather, knowing, with_deadlines
from crq.install_rows import Row, meta, rows
from crq.models import Announcement
from crq.readiness import Facts
from deployments.flow import WEEK
from deployments.live import marked
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_day, say_near, say_time
from workflow.kept import Kept

S = Deployment.Status
NAMED = 2


@dataclass(frozen=True)
class Batch:
    done: bool
    heading: str
    sentence: str
    act: Act | None


@dataclass(frozen=True, eq=False)
class Left:
    """A deployment of the week that is not installed as things are; `pk` is its key."""

    pk: int
    url: str
    title: str
    meta: str
    reason: str


@dataclass(frozen=True)
class Week:
    url: str
    install_day: date | None
    skip_reason: str


@dataclass(frozen=True)
class InstallDay:
    """`completion_url` leads the Scrum Master to the completion e-mail when every installation has an outcome."""

    title: str
    week: Week
    tally: str
    batch: Batch
    rows: list[Row]
    order_url: str
    completion_url: str
    uncleared: list[Left]
    held: list[Left]


def week_of(thursday: date, *, now: datetime) -> ReleaseWeek | None:
    """The week for `install_day`, with its mark: one statement."""
    return next(iter(knowing(_WEEK(thursday=thursday, now=now))), None)


def install_day(week: ReleaseWeek, *, by: User, now: datetime) -> InstallDay:
    """`week` comes from `week_of`. Costs the same number of statements for any number of deployments."""
    gathered = gather(_OF_WEEK, _OF_WEEK.read(week=week.pk), weeks=[week])
    by_status = gathered.by("status")
    in_the_run = gathered.facts_of([each for status in Deployment.IN_THE_RUN for each in by_status[status]])
    known = {each.deployment: each.remember() for each in in_the_run}
    running = [known[each] for each in week.in_run_order(known)]
    return InstallDay(
        title=f"Install day, {say_day(week.install_day or week.thursday)}",
        week=Week(week.get_absolute_url(), week.install_day, week.skip_reason),
        tally=_tally(running),
        batch=_batch(week, by, now),
        rows=rows(running, by=by, now=now),
        order_url=_order_url(week, running, by, now),
        completion_url=_completion_url(week, running, by, now),
        uncleared=week.in_run_order(_LEFT.of((week.pk, S.PLANNED), by_status[S.PLANNED], partial(_left, gathered))),
        held=week.in_run_order(_LEFT.of((week.pk, S.HELD), by_status[S.HELD], partial(_left, gathered))),
    )


def _week() -> QuerySet[ReleaseWeek]:
    found = ReleaseWeek.objects.filter(thursday=Slot("thursday", DateField())).select_related("batch_completed_by")
    return with_deadlines(marked(found))


_WEEK = Prepared(_week)
_OF_WEEK = Prepared(lambda: current(Deployment.objects.filter(week=Slot("week")).order_by("pk")))
_LEFT: Kept[Read, Left] = Kept(most=16)


def _tally(running: list[Facts]) -> str:
    verified = sum(each.deployment.status == S.VERIFIED for each in running)
    return f"{verified} of {len(running)} verified" if running else ""


def _order_url(week: ReleaseWeek, running: list[Facts], by: User, now: datetime) -> str:
    """Where DevOps moves an installation up or down, when there is more than one."""
    if len(running) < 2 or not standing(by, eastern_day(now)).holds(Role.DEVOPS):
        return ""
    return act(WEEK, "reorder", week, by=by, now=now).url


def _completion_url(week: ReleaseWeek, running: list[Facts], by: User, now: datetime) -> str:
    over = bool(running) and all(each.deployment.status in OUTCOMES for each in running)
    if not over or not week.batch_completed_at or not standing(by, eastern_day(now)).holds(Role.SCRUM_MASTER):
        return ""
    written = Announcement.objects.filter(week=week, kind=Announcement.Kind.COMPLETION).last()
    if written and written.status == Announcement.Status.SENT:
        return ""
    return written.get_absolute_url() if written else reverse("emails")


# --- The batch -----------------------------------------------------------------------------------------------
def _batch(week: ReleaseWeek, by: User, now: datetime) -> Batch:
    done_at, who = week.batch_completed_at, week.batch_completed_by
    if done_at and who:
        is_open = "" if week.passed(Deadline.INSTALL_CLOSE, now) else " Installs are open."
        return Batch(True, "Batch: complete", f"{who.name} marked this {say_near(done_at, now)}.{is_open}", None)
    if week.passed(Deadline.INSTALL_CLOSE, now):
        return Batch(False, "Batch: not marked complete", "The install window closed without it.", None)
    sentence = "Installs open when DevOps marks the batch complete, earlier or later than expected."
    return Batch(False, _running(week, now), sentence, act(WEEK, "complete_batch", week, by=by, now=now, primary=True))


def _running(week: ReleaseWeek, now: datetime) -> str:
    """ "Batch: running · expected about 2:00 pm ET"."""
    expected, today = week.due(Deadline.INSTALL), eastern_day(now) == week.install_day
    state = "running" if today else "not started"
    if expected is None:
        return f"Batch: {state}"
    return f"Batch: {state} · expected about {say_time(expected) if today else say_near(expected, now)}"


# --- What is not installed -----------------------------------------------------------------------------------
def _left(gathered: Gathered, reads: list[Read]) -> Iterator[Left]:
    """The same for everybody and at any time: nothing but what was read decides it."""
    for facts in gathered.facts_of(reads):
        deployment = facts.deployment
        reason = deployment.held_reason if deployment.status == S.HELD else _missing(facts)
        yield Left(deployment.pk, deployment.get_absolute_url(), deployment.title, meta(facts), reason)


def _missing(facts: Facts) -> str:
    missing = Readiness(facts).missing_at(Deadline.APPROVAL)
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"Still missing: {listed(missing[:NAMED])}{more}." if missing else "Waits for its clearance."
