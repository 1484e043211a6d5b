"""What the page of install day shows: the batch, each installation with its next act, and what is not installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import User
from accounts.roles import Role, standing
from crq.deliverables import Readiness, listed
from crq.models import Document
from crq.readiness import Facts, with_facts
from deployments.flow import DEPLOYMENT, WEEK
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_day, say_near
from workflow.models import Event

S = Deployment.Status
RUNNING = (S.CLEARED, S.INSTALLING, S.INSTALLED, S.VERIFIED, S.FAILED, S.BACKED_OUT)
SHAPES = {
    S.CLEARED: "wait",
    S.INSTALLING: "part",
    S.INSTALLED: "part",
    S.VERIFIED: "done",
    S.FAILED: "stop",
    S.BACKED_OUT: "stop",
}
LABELS = {S.CLEARED: "Waiting"}
# What moves an installation on, then what ends it badly.
FORWARD, BACK = ("start", "retry", "finish", "verify"), ("fail", "back_out")
SAYS = {
    "start": "{who} started the install {when}.",
    "retry": "{who} tried again {when}.",
    "finish": "{who} installed this {when}.",
    "verify": "{who} verified the install {when}.",
    "fail": "{who} reported a failure {when}: {reason}",
    "back_out": "{who} backed this out {when}.",
}
NAMED = 2
BACK_OUT = "This ends the installation for this week. Its pull requests return to the queue."


@dataclass(frozen=True)
class Batch:
    done: bool
    heading: str
    sentence: str
    act: Act | None


@dataclass(frozen=True)
class Row:
    """One installation; `waits_for` says in words whose move it is, where it is not the reader's."""

    url: str
    title: str
    meta: str
    state: str
    status_label: str
    who_line: str
    waits_for: str
    acts: list[Act]
    plan_url: str


@dataclass(frozen=True)
class Left:
    """A deployment of the week that is not installed as things are."""

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
    title: str
    week: Week
    tally: str
    batch: Batch
    rows: list[Row]
    uncleared: list[Left]
    held: list[Left]


def install_day(week: ReleaseWeek, *, by: User, now: datetime) -> InstallDay:
    """`week` comes with its milestones. Costs the same number of statements for any number of deployments."""
    live = Deployment.objects.filter(week=week).exclude(status=S.WITHDRAWN)
    found = with_facts(live).select_related("core_dev_by").order_by("pk")
    facts = [each.remember() for each in Facts.of_all(found)]
    running = [each for each in facts if each.deployment.status in RUNNING]
    last = _last_events(running)
    rows = [_row(each, last.get(each.deployment.pk, {}), by, now) for each in running]
    return InstallDay(
        title=f"Install day, {say_day(week.install_day or week.thursday)}",
        week=Week(week.get_absolute_url(), week.install_day, week.skip_reason),
        tally=_tally(running),
        batch=_batch(week, by, now),
        rows=rows,
        uncleared=[_left(each, _missing(each)) for each in facts if each.deployment.status == S.PLANNED],
        held=[_left(each, each.deployment.held_reason) for each in facts if each.deployment.status == S.HELD],
    )


def _tally(running: list[Facts]) -> str:
    verified = sum(each.deployment.status == S.VERIFIED for each in running)
    return f"{verified} of {len(running)} verified" if running else ""


# --- The batch -----------------------------------------------------------------------------------------------
def _batch(week: ReleaseWeek, by: User, now: datetime) -> Batch:
    done_at, who = week.batch_completed_at, week.batch_completed_by
    if done_at and who:
        is_open = "" if week.passed(Deadline.INSTALL_CLOSE, now) else " Installs are open."
        return Batch(True, "Batch complete", f"{who.name} marked this {say_near(done_at, now)}.{is_open}", None)
    install, today = week.due(Deadline.INSTALL), eastern_day(now)
    about = f" It is expected to end about {say_near(install, now)}." if install else ""
    if week.passed(Deadline.INSTALL_CLOSE, now):
        return Batch(False, "Batch not marked complete", "The install window closed without it.", None)
    sentence = f"Installs open when DevOps marks it complete.{about}"
    heading = "Batch running" if today == week.install_day else "Batch not started"
    return Batch(False, heading, sentence, act(WEEK, "complete_batch", week, by=by, now=now, primary=True))


# --- One installation ----------------------------------------------------------------------------------------
def _row(facts: Facts, last: dict[str, Event], by: User, now: datetime) -> Row:
    deployment = facts.deployment
    acts = _acts(deployment, by, now)
    plan = facts.documents.get(Document.Kind.PLAN)
    return Row(
        url=deployment.get_absolute_url(),
        title=deployment.title,
        meta=_meta(facts),
        state=SHAPES[S(deployment.status)],
        status_label=LABELS.get(S(deployment.status), deployment.get_status_display()),
        who_line=_who_line(deployment, last, now),
        waits_for="" if acts else _waits_for(deployment),
        acts=acts,
        plan_url=plan.get_absolute_url() if plan else "",
    )


def _meta(facts: Facts) -> str:
    deployment = facts.deployment
    parts = [f"{deployment.application} · {deployment.application.team}"]
    parts += [facts.crq.number] if facts.crq else []
    parts += [deployment.core_dev_build] if deployment.core_dev_build else []
    return " · ".join(parts)


def _acts(deployment: Deployment, by: User, now: datetime) -> list[Act]:
    """What this person's roles do to it next; a refused way forward with its reason, a refused way back not at all."""
    mine = [name for name in (*FORWARD, *BACK) if _is_theirs(name, deployment, by, now)]
    acts = [_act(name, deployment, by, now) for name in mine]
    return [each for each in acts if each.enabled or each.action in FORWARD]


def _is_theirs(name: str, deployment: Deployment, by: User, now: datetime) -> bool:
    step, roles = DEPLOYMENT.steps[name], standing(by, eastern_day(now))
    return deployment.status in step.sources and any(
        roles.holds(role, deployment.application.team_id) for role in step.roles
    )


def _act(name: str, deployment: Deployment, by: User, now: datetime) -> Act:
    confirm = BACK_OUT if name == "back_out" else ""
    return act(DEPLOYMENT, name, deployment, by=by, now=now, primary=name in FORWARD, confirm=confirm)


def _waits_for(deployment: Deployment) -> str:
    step = next(
        (DEPLOYMENT.steps[name] for name in FORWARD if deployment.status in DEPLOYMENT.steps[name].sources), None
    )
    if step is None:
        return ""
    who = deployment.application.team.name if Role.DEVELOPER in step.roles else Role.DEVOPS.label
    return f"Next: {who}, {step.label.lower()}."


def _last_events(running: list[Facts]) -> dict[int, dict[str, Event]]:
    """The newest event of each action for each deployment: one statement."""
    about = Event.objects.filter(object_type=DEPLOYMENT.name, object_id__in=[each.deployment.pk for each in running])
    newest: dict[int, dict[str, Event]] = {}
    for event in about.filter(action__in=SAYS).select_related("actor").order_by("at", "pk"):
        newest.setdefault(event.object_id, {})[event.action] = event
    return newest


def _who_line(deployment: Deployment, last: dict[str, Event], now: datetime) -> str:
    """What happened to it, newest first as far as it explains the status."""
    fitting = [event for event in _newest_first(last.values()) if event.after == deployment.status]
    return _say(fitting[0], now) if fitting else ""


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.at, event.pk), reverse=True)


def _say(event: Event, now: datetime) -> str:
    return SAYS[event.action].format(who=event.actor_name, when=say_near(event.at, now), reason=event.reason)


# --- What is not installed -----------------------------------------------------------------------------------
def _left(facts: Facts, reason: str) -> Left:
    return Left(facts.deployment.get_absolute_url(), facts.deployment.title, _meta(facts), reason)


def _missing(facts: Facts) -> str:
    missing = Readiness(facts).missing_at(Deadline.APPROVAL)
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"Still missing: {listed(missing[:NAMED])}{more}." if missing else "Waits for its clearance."
