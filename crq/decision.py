"""The one panel on top of the page: is it ready, what exactly is missing, and what can this person do now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import User
from accounts.roles import Role, standing
from crq import seen
from crq.deliverables import TABLE, Deliverable, Readiness, listed
from crq.exemptions import EXEMPTION, at_risk
from crq.flow import CRQ_FLOW
from crq.missed import missed, tuesday_snapshots
from crq.models import Decision, ExemptionRequest
from crq.readers import contributors
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.acts import Act, act, worth_showing
from workflow.addresses import address
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_long_day, say_near
from workflow.machine import refusal

S, E = Deployment.Status, ExemptionRequest.Status
ASKED = {
    E.REQUESTED: "An exemption was asked for and waits for the EDMT Director's decision.",
    E.GRANTED: "An exemption was granted: the deadline is waived for this week.",
    E.DENIED: "The exemption was denied, so a new week must be chosen.",
    E.LAPSED: "Nobody decided about the exemption in time, so a new week must be chosen.",
    E.WITHDRAWN: "The request for an exemption was withdrawn.",
}


@dataclass(frozen=True)
class Missing:
    """One thing that is not there yet, and where to see to it."""

    text: str
    url: str


@dataclass(frozen=True)
class Panel:
    tone: str
    heading: str
    sentence: str = ""
    due: datetime | None = None
    missing: list[Missing] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    note_label: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    url: str = ""
    hint: str = ""


def badge(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Badge:
    """The state in one or two words."""
    status = S(deployment.status)
    if status == S.PLANNED:
        if readiness.is_open(_APPROVED):
            mine = standing(by, eastern_day(now)).holds(Role.MANAGER, deployment.application.team_id)
            return Badge("you" if mine else "wait", "Waiting for your approval" if mine else "Waiting for approval")
        return Badge("wait", "Planned")
    states = {S.VERIFIED: "done", S.CLEARED: "done", S.INSTALLED: "done", S.WITHDRAWN: "idle", S.INSTALLING: "you"}
    return Badge(states.get(status, "stop"), str(status.label))


_APPROVED = next(each for each in TABLE if each.key == "approved")


def panel(deployment: Deployment, readiness: Readiness, *, by: User, now: datetime) -> Panel:
    build = _BUILDERS.get(S(deployment.status), _over)
    return build(deployment, readiness, by, now)


def _planned(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    if readiness.is_open(_APPROVED):
        return _to_decide(deployment, readiness, by, now)
    mine = [each for each in readiness.open_now() if _is_mine(each, deployment, by, now)]
    wanted = readiness.missing([each.key for each in TABLE if each.due != Deadline.INSTALL_CLOSE])
    first = mine or readiness.open_now()
    asked, ask = _exemption(deployment, readiness, by, now)
    heading = f"Your turn: {_words(first)}" if mine else f"Waiting for {_owners(first)}"
    return Panel(
        tone="you" if mine else "wait",
        heading=heading,
        sentence=_joined(_late(deployment, readiness, now), asked, "Missing before this can be installed:"),
        due=deployment.week.due(first[0].due) if first else None,
        missing=[_missing(each, readiness) for each in wanted],
        acts=_work(deployment, mine, by, now) + [each for each in ask if each.enabled],
    )


def _to_decide(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    crq, day = deployment.crq, deployment.week.install_day
    mine = standing(by, eastern_day(now)).holds(Role.MANAGER, deployment.application.team_id)
    returned = readiness.facts.returned
    if returned and not mine:
        return _changes_asked(deployment, returned, by, now)
    sentence = "Everything due before approval is in place."
    if returned:
        sentence = f"{returned.by.name} asked for changes: {returned.reason} Nothing was changed since."
    if day:
        sentence += f" Approving clears this change for install on {say_long_day(day)}."
    asked, ask = _exemption(deployment, readiness, by, now)
    approve = act(CRQ_FLOW, "approve", crq, by=by, now=now, primary=True)
    return Panel(
        tone="you" if mine else "wait",
        heading="Ready for your decision" if mine else "Waiting for the manager's approval",
        sentence=_joined(_late(deployment, readiness, now), sentence, asked),
        due=deployment.week.due(Deadline.APPROVAL),
        acts=[
            approve,
            act(CRQ_FLOW, "return", crq, by=by, now=now),
            *(each for each in ask if each.enabled and not approve.enabled),
        ],
        note_label="Note" if mine else "",
        hidden={"digest": readiness.facts.digest, "seen": seen.token(readiness.facts)},
        url=address("decide", crq.number),
        hint=emailed([each for each in contributors(deployment, eastern_day(now)) if each != by]),
    )


def first_names(persons: list[User]) -> str:
    """ "Hannah and Grace", "Hannah, Grace and 2 more"; full names where a first name alone would not tell two apart."""
    firsts = [person.first_name for person in persons]
    names = [each.first_name if firsts.count(each.first_name) == 1 else each.name for each in persons]
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def emailed(persons: list[User]) -> str:
    """ "Hannah and Grace are emailed"; nothing when there is nobody."""
    return f"{first_names(persons)} {'is' if len(persons) == 1 else 'are'} emailed" if persons else ""


def _changes_asked(deployment: Deployment, returned: Decision, by: User, now: datetime) -> Panel:
    own_team = standing(by, eastern_day(now)).holds(Role.DEVELOPER, deployment.application.team_id)
    return Panel(
        tone="you" if own_team else "wait",
        heading="Your turn: the manager asked for changes" if own_team else "Waiting for the team: changes asked for",
        sentence=f"{returned.by.name}: {returned.reason} A new document or commit asks the manager again.",
        due=deployment.week.due(Deadline.APPROVAL),
        missing=[Missing("Documents", "#documents"), Missing("Pull requests", "#pull-requests")] if own_team else [],
    )


def _held(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    week = deployment.week
    late = {
        each.deliverable.key: each.words(now) for each in missed(tuesday_snapshots(deployment, week), readiness, week)
    }
    due = [each for each in TABLE if each.due != Deadline.INSTALL_CLOSE]
    shown = [each for each in due if each.key in late or not readiness.complete(each.key)]
    mine = [each for each in readiness.open_now() if _is_mine(each, deployment, by, now) and each.key != "approved"]
    asked, ask = _exemption(deployment, readiness, by, now)
    return Panel(
        tone="stop",
        heading="Held",
        sentence=_joined(deployment.held_reason, asked, "What was due:" if shown else ""),
        missing=[_missing(each, readiness, late.get(each.key, "")) for each in shown],
        acts=[
            *_work(deployment, mine, by, now),
            *ask,
            _move(deployment, by, now, primary=not mine and not _possible(ask)),
        ],
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _late(deployment: Deployment, readiness: Readiness, now: datetime) -> str:
    """Where a missed cutoff holds nothing, or no longer, it is still said, with how long there is left."""
    week = deployment.week
    until = week.due(Deadline.APPROVAL)
    if until is None or now > until or not week.passed(Deadline.CUTOFF, now):
        return ""
    late = missed(tuesday_snapshots(deployment, week), readiness, week)
    if not late:
        return ""
    what = listed(each.deliverable for each in late)
    return f"Late at the cutoff: {what}. It can be approved until {say_near(until, now)}."


def _possible(acts: list[Act]) -> bool:
    return any(each.enabled and each.primary for each in acts)


def _move(deployment: Deployment, by: User, now: datetime, *, primary: bool) -> Act:
    url = address("move", deployment.pk)
    return act(DEPLOYMENT, "move", deployment, by=by, now=now, form_url=url, primary=primary)


def _exemption(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> tuple[str, list[Act]]:
    """How the exemption for this week stands, and the act for it: to ask where that makes sense, or to see it."""
    crq = readiness.facts.crq
    asked = next((each for each in crq.exemptions.all() if each.week_id == deployment.week_id), None) if crq else None
    if asked:
        url = asked.get_absolute_url()
        return ASKED[E(asked.status)], [Act("exemption", "See the request", url, enabled=True, form_url=url)]
    if deployment.status != S.HELD and not at_risk(deployment, readiness, now):
        return "", []
    if crq is None:
        why_not = "An exemption is asked for a CRQ. Create it first."
        return "", [Act("request", "Ask for an exemption", "", enabled=False, why_not=why_not)]
    no = refusal(EXEMPTION, "request", ExemptionRequest(crq=crq), by=by, now=now)
    url = address("ask-exemption", crq.number)
    primary = deployment.status == S.HELD
    why_not = no.sentence if no else ""
    return "", [Act("request", "Ask for an exemption", url, no is None, why_not, primary=primary, form_url=url)]


def _cleared(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    day = deployment.week.install_day
    acts = [act(DEPLOYMENT, "start", deployment, by=by, now=now, primary=True)]
    if standing(by, eastern_day(now)).holds(Role.MANAGER, deployment.application.team_id):
        acts.append(act(CRQ_FLOW, "return", deployment.crq, by=by, now=now))
    return Panel(
        "ok",
        f"Cleared for install on {say_long_day(day)}" if day else "Cleared",
        "Approved with everything in place. DevOps installs it after the batch.",
        deployment.week.due(Deadline.INSTALL),
        acts=acts,
    )


def _running(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    who = deployment.started_by.name if deployment.started_by else "DevOps"
    acts = [act(DEPLOYMENT, name, deployment, by=by, now=now, primary=name == "finish") for name in _RUNNING]
    return Panel("you", f"{who} is installing this", acts=worth_showing(acts))


def _installed(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    acts = [act(DEPLOYMENT, name, deployment, by=by, now=now, primary=name == "verify") for name in _INSTALLED]
    mine = standing(by, eastern_day(now)).holds(Role.DEVELOPER, deployment.application.team_id)
    return Panel(
        "you" if mine else "wait",
        "Your turn: verify the install" if mine else "Waiting for the team to verify",
        "Look at production, then say whether it was installed as expected.",
        deployment.week.due(Deadline.INSTALL_CLOSE),
        acts=acts,
    )


def _failed(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    acts = [
        act(DEPLOYMENT, name, deployment, by=by, now=now, primary=name == "retry") for name in ("retry", "back_out")
    ]
    return Panel(
        "stop",
        "The install failed",
        "Back it out, or try again while the window is open.",
        deployment.week.due(Deadline.INSTALL_CLOSE),
        acts=acts,
    )


def _over(deployment: Deployment, readiness: Readiness, by: User, now: datetime) -> Panel:
    sentences = {
        S.VERIFIED: "Installed and verified in production.",
        S.BACKED_OUT: "Taken back out of production. Its pull requests are in the queue again.",
        S.WITHDRAWN: "Not going ahead. Its pull requests are in the queue again.",
    }
    tone = "ok" if deployment.status == S.VERIFIED else "stop"
    return Panel(tone, str(S(deployment.status).label), sentences[S(deployment.status)])


_RUNNING = ("finish", "fail", "back_out")
_INSTALLED = ("verify", "fail", "back_out")
_BUILDERS = {
    S.PLANNED: _planned,
    S.HELD: _held,
    S.CLEARED: _cleared,
    S.INSTALLING: _running,
    S.INSTALLED: _installed,
    S.FAILED: _failed,
}


def _is_mine(each: Deliverable, deployment: Deployment, by: User, now: datetime) -> bool:
    return standing(by, eastern_day(now)).holds(each.owner, deployment.application.team_id)


def _words(deliverables: list[Deliverable]) -> str:
    verbs = [each.verb[0].lower() + each.verb[1:] for each in deliverables]
    return verbs[0] if len(verbs) == 1 else f"{verbs[0]} and {len(verbs) - 1} more"


def _owners(deliverables: list[Deliverable]) -> str:
    return " and ".join(dict.fromkeys(Role(each.owner).label for each in deliverables)) or "nobody"


def _missing(each: Deliverable, readiness: Readiness, late: str = "") -> Missing:
    """`late`: by how long it missed its deadline."""
    note = ", ".join(filter(None, [readiness.of[each.key].missing, late]))
    return Missing(f"{each.label} ({Role(each.owner).label}){f': {note}' if note else ''}", f"#{each.key}")


def _work(deployment: Deployment, mine: list[Deliverable], by: User, now: datetime) -> list[Act]:
    """A button for each thing that is this person's turn."""
    buttons: dict[str, Act] = {}
    for each in mine:
        url = _where(each, deployment)
        label = "Record branch and core dev" if each.key in {"branch", "core_dev"} else each.verb
        buttons.setdefault(url, Act(each.key, label, url, enabled=True, primary=not buttons, form_url=url))
    return list(buttons.values())


def _where(each: Deliverable, deployment: Deployment) -> str:
    """The page or place where this deliverable is brought."""
    if each.key == "prs":
        return (
            "#pull-requests" if deployment.pull_requests.all() else address("deployment-pull-requests", deployment.pk)
        )
    if each.key == "crq":
        return address("open-crq", deployment.pk)
    if each.key in {"branch", "core_dev"}:
        return address("merge", deployment.pk)
    return f"#attach-{each.key}"
