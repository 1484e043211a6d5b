"""One installation of install day: where it stands, whose move it is, and the buttons for the one who looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.prepared import Prepared, among
from accounts.roles import Role, standing
from crq.models import CRQ, Document
from crq.readiness import Facts
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from deployments.undo import UNDO_WITHIN
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_near, say_time
from workflow.models import Event

S = Deployment.Status
SHAPES = {
    S.CLEARED: "wait",
    S.INSTALLING: "part",
    S.INSTALLED: "part",
    S.VERIFIED: "done",
    S.FAILED: "stop",
    S.BACKED_OUT: "stop",
}
LABELS = {S.CLEARED: "Waiting"}
PATH = (S.CLEARED, S.INSTALLING, S.INSTALLED, S.VERIFIED)
# What moves an installation on, then what ends it badly.
FORWARD, BACK = ("start", "retry", "finish", "verify"), ("fail", "back_out")
SAYS = {
    "start": "{who} is on this since {when}.",
    "retry": "{who} is trying again since {when}.",
    "finish": "{who} installed this {when}.",
    "verify": "{who} verified the install {when}.",
    "fail": "{who} reported a failure {when}: {reason}",
    "back_out": "{who} backed this out {when}.",
    "undo_start": "{who} took the start back {when}.",
    "undo_finish": "{who} took “installed” back {when}: it is still being installed.",
}
BACK_OUT = "This ends the installation for this week. Its pull requests return to the queue."
TEXT_KINDS = {".txt", ".md", ".log", ".csv"}


@dataclass(frozen=True)
class Stage:
    """One step of the small stepper; `state` is past, now, stop or empty for what is still ahead."""

    label: str
    state: str


@dataclass(frozen=True)
class Plan:
    """The install and backout plan; `text_url` gives the words of one that is plain text."""

    key: int
    name: str
    url: str
    about: str
    text_url: str


@dataclass(frozen=True)
class Undo:
    act: Act
    until: str


@dataclass(frozen=True)
class Row:
    """One installation; `waits_for` says in words whose move it is, where it is not the reader's."""

    key: int
    place: int
    url: str
    title: str
    meta: str
    state: str
    status_label: str
    stages: tuple[Stage, ...]
    who_line: str
    waits_for: str
    condition: str
    acts: list[Act]
    undo: Undo | None
    plan: Plan | None


def rows(running: list[Facts], *, by: User, now: datetime) -> list[Row]:
    """In the given order; one statement for what happened to all of them."""
    last = _last_events(running)
    return [_row(place, each, last.get(each.deployment.pk, {}), by, now) for place, each in enumerate(running)]


def _row(place: int, facts: Facts, last: dict[str, Event], by: User, now: datetime) -> Row:
    deployment = facts.deployment
    deployment.__dict__["last_change"] = next(iter(_newest_first(last.values())), None)
    acts = _acts(deployment, by, now)
    return Row(
        key=deployment.pk,
        place=place,
        url=deployment.get_absolute_url(),
        title=deployment.title,
        meta=meta(facts),
        state=SHAPES[S(deployment.status)],
        status_label=LABELS.get(S(deployment.status), deployment.get_status_display()),
        stages=tuple(_stages(deployment, last)),
        who_line=_who_line(deployment, last, now),
        waits_for="" if acts else _waits_for(deployment),
        condition=facts.request.condition if facts.request and facts.exempted else "",
        acts=acts,
        undo=_undo(deployment, by, now),
        plan=_plan(facts, now),
    )


def meta(facts: Facts) -> str:
    deployment = facts.deployment
    parts = [f"{deployment.application} · {deployment.application.team}"]
    parts += [facts.crq.number] if facts.crq else []
    parts += [deployment.core_dev_build] if deployment.core_dev_build else []
    return " · ".join(parts)


def _stages(deployment: Deployment, last: dict[str, Event]) -> list[Stage]:
    """Waiting, installing, installed, verified; or how far it came, failed, backed out."""
    status = S(deployment.status)
    if status in PATH:
        now = PATH.index(status)
        done = status == S.VERIFIED
        states = ["past" if number < now or done else "now" if number == now else "" for number in range(len(PATH))]
        return [Stage(_label(each), state) for each, state in zip(PATH, states, strict=True)]
    came = PATH[: 3 if deployment.installed_at else 2]
    ends = (S.FAILED, S.BACKED_OUT) if status == S.FAILED or "fail" in last else (S.BACKED_OUT,)
    marks = ["stop" if ends.index(each) <= ends.index(status) else "" for each in ends]
    return [Stage(_label(each), "past") for each in came] + [
        Stage(_label(each), mark) for each, mark in zip(ends, marks, strict=True)
    ]


def _label(status: S) -> str:
    return LABELS.get(status, str(status.label))


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


def _undo(deployment: Deployment, by: User, now: datetime) -> Undo | None:
    """Offered to whoever pressed the button, for as long as it can be taken back."""
    status = S(deployment.status)
    if status == S.INSTALLING and deployment.started_by_id == by.pk:
        name, at, confirm = "undo_start", deployment.started_at, ""
    elif status == S.INSTALLED and deployment.installed_by_id == by.pk:
        told = f"{deployment.application.team} was e-mailed to verify it. That e-mail is not taken back."
        name, at, confirm = "undo_finish", deployment.installed_at, told
    else:
        return None
    found = act(DEPLOYMENT, name, deployment, by=by, now=now, confirm=confirm)
    return Undo(found, say_time(at + UNDO_WITHIN)) if at and found.enabled else None


def _waits_for(deployment: Deployment) -> str:
    step = next(
        (DEPLOYMENT.steps[name] for name in FORWARD if deployment.status in DEPLOYMENT.steps[name].sources), None
    )
    if step is None:
        return ""
    who = deployment.application.team.name if Role.DEVELOPER in step.roles else Role.DEVOPS.label
    return f"Next: {who}, {step.label.lower()}."


def _plan(facts: Facts, now: datetime) -> Plan | None:
    found = facts.documents.get(Document.Kind.PLAN)
    if found is None or facts.crq is None:
        return None
    found.crq = facts.crq
    about = f"Version {found.version} · {found.by.name}, {say_near(found.at, now)}"
    return Plan(found.pk, found.name, found.get_absolute_url(), about, _text_url(facts.crq, found))


def _text_url(crq: CRQ, document: Document) -> str:
    return reverse("document-text", args=[crq.number, document.pk]) if is_text(document.name) else ""


def is_text(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in TEXT_KINDS


# --- What happened -------------------------------------------------------------------------------------------
def _last_events(running: list[Facts]) -> dict[int, dict[str, Event]]:
    """The newest event of each action for each deployment: one statement."""
    newest: dict[int, dict[str, Event]] = {}
    for event in _HAPPENED(deployments=[each.deployment.pk for each in running]):
        newest.setdefault(event.object_id, {})[event.action] = event
    return newest


def _happened() -> QuerySet[Event]:
    about = Event.objects.filter(among("object_id", "deployments"), object_type=DEPLOYMENT.name, action__in=SAYS)
    return about.select_related("actor", "for_user").order_by("at", "pk")


_HAPPENED = Prepared(_happened)


def _who_line(deployment: Deployment, last: dict[str, Event], now: datetime) -> str:
    """What happened to it, newest first as far as it explains the status."""
    fitting = [event for event in _newest_first(last.values()) if event.after == deployment.status]
    return _say(fitting[0], now) if fitting else ""


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.at, event.pk), reverse=True)


def _say(event: Event, now: datetime) -> str:
    return SAYS[event.action].format(who=event.actor_name, when=say_near(event.at, now), reason=event.reason)
