"""A friendly word to whoever is next: from the people of the deployment, at most once a day to each person asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import DateTimeField, OuterRef, QuerySet, Subquery

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, people
from crq.deadlines import settle
from crq.gathering import current, gather
from crq.guards import possible_approvers
from crq.turns import ENDED, Turn, Turns
from deployments.flow import lock_deployment
from deployments.models import Deployment
from notifications.outbox import enqueue
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_time
from workflow.models import Event
from workflow.steps import Actor, Call, Flow, Refused, Step

OPEN = tuple(status for status in Deployment.Status if status not in ENDED)


def with_nudges(deployments: QuerySet[Deployment]) -> QuerySet[Any]:
    """The deployments with the last nudge after `since`, which the guards below look at; to be prepared."""
    nudges = Event.objects.filter(object_type="nudge", object_id=OuterRef("pk"), at__gt=Slot("since", DateTimeField()))
    newest = nudges.order_by("-pk")
    return deployments.annotate(
        nudged_at=Subquery(newest.values("at")[:1]), nudge_note=Subquery(newest.values("data")[:1])
    )


def day_before(now: datetime) -> datetime:
    """Since when nudges matter: what an Eastern day holds is never older."""
    return now - timedelta(days=1)


_ONE = Prepared(lambda: current(with_nudges(Deployment.objects.filter(pk=Slot("key")))).select_related("week"))


def nudge_act(turns: Turns, *, by: User, now: datetime) -> Act:
    """The button. `turns` come from deployments `with_nudges`; the guards answer from them without a statement."""
    turns.deployment.__dict__["_turns"] = turns
    return act(NUDGE, "nudge", turns.deployment, by=by, now=now)


def _turns(deployment: Deployment, by: User, now: datetime) -> Turns:
    """As a page has already read them, else read anew."""
    seen: Turns | None = deployment.__dict__.get("_turns")
    if seen is None:
        [facts] = gather(_ONE, _ONE.read(key=deployment.pk, since=day_before(now))).facts
        seen = Turns(facts, by=by, now=now)
    return seen


def _waits_for_somebody_else(deployment: Deployment, by: Actor, now: datetime) -> str:
    turn = _turns(deployment, by, now).first if by else None
    if turn is None:
        return "This waits for nobody now."
    return "This is your turn." if turn.mine else ""


def _not_today(deployment: Deployment, by: Actor, now: datetime) -> str:
    seen = _turns(deployment, by, now) if by else None
    if seen is None or seen.first is None:
        return ""
    at, note = getattr(seen.deployment, "nudged_at", None), getattr(seen.deployment, "nudge_note", None) or {}
    if at is None or eastern_day(at) != eastern_day(now) or note["role"] != seen.first.role:
        return ""
    return f"{note['by']} nudged {_listed(note['asked'])} today at {say_time(at)}. Tomorrow you can again."


def _nudge(call: Call) -> None:
    """Notes whom it is for, so that the letter and the timeline can name them."""
    turn = _turns(call.obj, call.person, call.now).first
    asked = _asked(call.obj, turn, call) if turn else []
    if turn is None or not asked:
        raise Refused.because("Nobody but you can do this yet, so there is nobody to nudge.", "guard")
    already = _asked_today(call.obj, call.now)
    if not (asked := [person for person in asked if person.name not in already]):
        raise Refused.because("They were nudged about this deployment today already. Tomorrow you can again.", "guard")
    call.given |= {"turn": turn, "asked": asked}
    names = [person.name for person in asked]
    call.note |= {"role": str(turn.role), "step": turn.words, "asked": names, "by": call.person.name}


def _asked(deployment: Deployment, turn: Turn, call: Call) -> list[User]:
    """The person whose name stands there where one is known, else all who can; never the one who nudges."""
    day, team_id = eastern_day(call.now), deployment.application.team_id
    crq = getattr(deployment, "crq", None)
    if turn.role == Role.MANAGER and crq:
        found = possible_approvers(crq, day)
    else:
        holders = people(turn.role, team_id, on=day)
        waits_for_reviewers = turn.key == "prs" and not turn.stuck
        named = [] if waits_for_reviewers else [person for person in holders if person.name == turn.owner]
        found = named or [person for person in holders if not waits_for_reviewers or person.name != turn.owner]
    return [person for person in found if person != call.by]


def _asked_today(deployment: Deployment, now: datetime) -> set[str]:
    """Whoever was nudged about it today, in whatever role: the guard looks at the newest nudge alone."""
    nudges = Event.objects.filter(object_type="nudge", object_id=deployment.pk, at__gt=day_before(now))
    return {name for each in nudges if eastern_day(each.at) == eastern_day(now) for name in each.data["asked"]}


def _write(call: Call) -> None:
    deployment, turn = call.obj, call.given["turn"]
    enqueue(
        "nudge",
        {
            "actor": call.person.name,
            "deployment": deployment,
            "crq": getattr(deployment, "crq", None),
            "week": deployment.week,
            "step": turn.words,
            "due": turn.due,
            "url": settings.SITE_URL + turn.url,
        },
        to=call.given["asked"],
        key=f"nudge:{deployment.pk}:{eastern_day(call.now)}",
        now=call.now,
    )


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "nobody"


NUDGE = Flow(
    "nudge",
    Deployment,
    lock_deployment,
    [
        Step(
            "nudge",
            "Nudge",
            OPEN,
            roles=(Role.DEVELOPER, Role.MANAGER, Role.SCRUM_MASTER, Role.DEVOPS),
            guards=(_waits_for_somebody_else, _not_today),
            effect=_nudge,
            emails=("nudge",),
            done="Nudged.",
        )
    ],
)
NUDGE.complete(settle=settle, emails={"nudge": _write})
