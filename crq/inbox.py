"""Tasks that come from deliverables and from the week's two e-mails, computed from their facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Team, User
from accounts.prepared import Prepared, Slot, among
from accounts.roles import Role, standing
from crq import announcing_drafts as drafts
from crq.announcing import OUTCOMES
from crq.announcing_difference import Change
from crq.gathering import CurrentFacts, Gathered, current, gather
from crq.mail_parts import week_mail_url
from crq.models import Announcement
from crq.nudges import day_before, with_nudges
from crq.turns import Turn, Turns
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_day
from workflow.inbox import Task

S, Kind = Deployment.Status, Announcement.Kind
UNFINISHED = (S.PLANNED, S.CLEARED, S.HELD, S.INSTALLING, S.INSTALLED, S.FAILED)
LOOK_BACK = timedelta(weeks=3)


def recent_weeks(now: datetime) -> QuerySet[ReleaseWeek]:
    """The weeks ahead, and those behind in which something may still be unfinished."""
    return weeks_since(oldest_week(now))


def oldest_week(now: datetime) -> date:
    """No recent week's Thursday is before this day."""
    return eastern_day(now) - LOOK_BACK


def weeks_since(day: date | Slot) -> QuerySet[ReleaseWeek]:
    return ReleaseWeek.objects.filter(thursday__gte=day).order_by("thursday")


def concerning(by: User, weeks: Iterable[ReleaseWeek], *, now: datetime) -> Gathered:
    """The unfinished deployments and waiting pull requests of the person's teams; DevOps has those of all teams."""
    who = standing(by, eastern_day(now))
    known = {week.pk: week for week in weeks}
    teams = who.team_ids()
    if who.holds(Role.DEVOPS):
        lines = _UNFINISHED.read(weeks=known, since=day_before(now))
    elif teams:
        lines = _UNFINISHED_OF_TEAMS.read(weeks=known, since=day_before(now), teams=teams)
    else:
        return Gathered(_UNFINISHED, known)
    return gather(_UNFINISHED, lines, weeks=known.values(), queue_of=teams)


def of_everybody(weeks: Iterable[ReleaseWeek], *, now: datetime) -> Gathered:
    """What concerns anybody at all, for `part_of`."""
    known = {week.pk: week for week in weeks}
    teams = Team.objects.order_by().values_list("pk", flat=True)
    lines = _UNFINISHED.read(weeks=known, since=day_before(now))
    return gather(_UNFINISHED, lines, weeks=known.values(), queue_of=teams)


def _unfinished() -> QuerySet[Deployment]:
    found = Deployment.objects.filter(among("week", "weeks"), status__in=UNFINISHED).order_by("week__thursday", "pk")
    return current(with_nudges(found))


_UNFINISHED = Prepared(_unfinished)
_UNFINISHED_OF_TEAMS = Prepared(lambda: _unfinished().filter(among("application__team", "teams")))


def part_of(everything: Gathered, by: User, *, now: datetime) -> tuple[list[CurrentFacts], list[PullRequest]]:
    """The facts and the queue that `concerning` would read for this person."""
    who = standing(by, eastern_day(now))
    teams, is_devops = who.team_ids(), who.holds(Role.DEVOPS)
    return (
        [each for each in everything.facts if is_devops or each.deployment.application.team_id in teams],
        [each for each in everything.queue if each.repository.application.team_id in teams],
    )


def tasks(turns: Turns) -> Iterator[Task]:
    """What this person must do on the deployment; reviews and exemptions have inboxes of their own."""
    crq, title = turns.facts.crq, turns.deployment.title
    for turn in turns.all:
        if turn.mine and not (_is_elsewhere(turns, turn) or _comes_with_branch(turns, turn)):
            pick = crq.number if crq and turn.key == "approved" and turns.approvable else ""
            yield Task(turn.verb, title, turn.url, _why(turns, turn), turn.due, turn.since, pick=pick)


def waiting(turns: Turns) -> Iterator[Task]:
    """What the person's teams wait for from somebody else; one thing at the most."""
    turn = turns.first
    if turn and not turn.mine and turns.deployment.application.team_id in turns.who.team_ids():
        who = turn.owner if turn.owner and turn.owner != turns.by.name else turn.role.label
        yield Task(turn.words, turns.deployment.title, turns.url, _why(turns), turn.due, turn.since, who)


def _is_elsewhere(turns: Turns, turn: Turn) -> bool:
    """Reviews are in `deployments.inbox`, exemptions in `exemption_tasks`."""
    return turn.key == "exemption" or (turn.key == "prs" and bool(turns.facts.pull_requests))


def _comes_with_branch(turns: Turns, turn: Turn) -> bool:
    """Branch and core dev are recorded in one form."""
    return turn.key == "core_dev" and turns.mine("branch")


def _why(turns: Turns, turn: Turn | None = None) -> str:
    deployment, crq = turns.deployment, turns.facts.crq
    place = f"{deployment.application.team} · {crq.number if crq else 'no CRQ yet'}"
    if turn and turn.key in {"held", "core_dev"} and turn.stuck:
        return f"{place} · {turn.words}"
    return f"{place} · installs {say_day(deployment.week.install_day or deployment.week.thursday)}"


# --- The week's two e-mails ----------------------------------------------------------------------------------
def with_announcements(weeks: QuerySet[ReleaseWeek]) -> QuerySet[ReleaseWeek]:
    """The weeks with what their e-mails depend on: `plan_sent`, `completion_sent`, `planned_any`, `unfinished_any`."""
    sent = Announcement.objects.filter(week=OuterRef("pk"), status=Announcement.Status.SENT)
    live = Deployment.objects.filter(week=OuterRef("pk")).exclude(status=S.WITHDRAWN)
    return weeks.annotate(
        plan_sent=Exists(sent.filter(kind=Announcement.Kind.PLANNED)),
        completion_sent=Exists(sent.filter(kind=Announcement.Kind.COMPLETION)),
        planned_any=Exists(live),
        unfinished_any=Exists(live.exclude(status__in=OUTCOMES)),
    )


def announcements(weeks: Iterable[ReleaseWeek], *, now: datetime) -> Iterator[Task]:
    """The e-mails that the Scrum Master owes; `weeks` come from `with_announcements` and with milestones."""
    weeks = list(weeks)
    yield from _revisions(weeks, now)
    for week in weeks:
        if week.skipped:
            continue
        if not week.plan_sent and _plan_is_open(week, now):  # type: ignore[attr-defined]
            yield _send(Kind.PLANNED, "the planned-deployments e-mail", week, "The week's code review is over")
        if not week.completion_sent and _completion_is_open(week, now):  # type: ignore[attr-defined]
            yield _send(Kind.COMPLETION, "the completion e-mail", week, "Every installation has an outcome")


def _plan_is_open(week: ReleaseWeek, now: datetime) -> bool:
    return week.passed(Deadline.CODE_REVIEW, now) and not week.passed(Deadline.INSTALL, now)


def _completion_is_open(week: ReleaseWeek, now: datetime) -> bool:
    all_done = week.planned_any and not week.unfinished_any  # type: ignore[attr-defined]
    return bool(all_done and week.install_day and eastern_day(now) >= week.install_day)


def _revisions(weeks: list[ReleaseWeek], now: datetime) -> Iterator[Task]:
    """A plan that was sent and no longer tells what is: until the approval deadline, then until installs open."""
    sent_for = [week for week in weeks if week.plan_sent and not week.passed(Deadline.INSTALL, now)]  # type: ignore[attr-defined]
    if not sent_for:
        return
    changed = drafts.outdated(drafts.last_sent(sent_for, Kind.PLANNED), sent_for, Kind.PLANNED, now)
    for week in sent_for:
        if changes := changed.get(week.pk):
            final = week.due(Deadline.APPROVAL)
            due = final if final and now <= final else week.due(Deadline.INSTALL)
            yield Task(
                "Send", f"the revised plan for {_day(week)}", week_mail_url(week, Kind.PLANNED), _said(changes), due
            )


def _said(changes: list[Change]) -> str:
    """ "Added: Nightly export. Changed: Ledger rounding. 2 more"."""
    said = [f"{change.what}: {change.title}" for change in changes[:2]]
    return ". ".join([*said, f"{len(changes) - 2} more"] if len(changes) > 2 else said)


def _send(kind: Announcement.Kind, what: str, week: ReleaseWeek, why: str) -> Task:
    due = week.due(Deadline.PLAN_EMAIL if kind == Kind.PLANNED else Deadline.INSTALL_CLOSE)
    return Task("Send", f"{what} for {_day(week)}", week_mail_url(week, kind), why, due)


def _day(week: ReleaseWeek) -> str:
    return say_day(week.install_day or week.thursday)
