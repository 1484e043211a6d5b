"""A friendly word to whoever is next: from the people of the deployment, at most once a day to each person asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Role, people
from crq.gathering import gather
from crq.guards import possible_approvers
from crq.turns import ENDED, Turn, Turns
from deployments.flow import lock_deployment
from deployments.models import Deployment
from notifications.outbox import enqueue
from workflow.eastern import eastern_day, say_time
from workflow.models import Event
from workflow.steps import Actor, Call, Flow, Refused, Step

SEEN = "_seen_with_nudges"
OPEN = tuple(status for status in Deployment.Status if status not in ENDED)


def look_at(turns: Iterable[Turns], *, now: datetime) -> None:
    """Lets the guards below answer from these turns and from one statement for all of their nudges."""
    known = {each.deployment.pk: each for each in turns}
    nudges: dict[int, list[Event]] = {pk: [] for pk in known}
    for event in _nudges(now).filter(object_id__in=known) if known else ():
        nudges[event.object_id].append(event)
    for pk, each in known.items():
        each.deployment.__dict__[SEEN] = (each, nudges[pk])


def _nudges(now: datetime) -> QuerySet[Event]:
    return Event.objects.filter(object_type="nudge", at__gt=now - timedelta(days=1)).select_related("actor")


def _seen(deployment: Deployment, by: User, now: datetime) -> tuple[Turns, list[Event]]:
    seen: tuple[Turns, list[Event]] | None = deployment.__dict__.get(SEEN)
    if seen is None:
        [facts] = gather(Deployment.objects.filter(pk=deployment.pk)).facts
        seen = (Turns(facts, by=by, now=now), list(_nudges(now).filter(object_id=deployment.pk)))
    return seen


def _next(deployment: Deployment, by: User, now: datetime) -> Turn | None:
    return _seen(deployment, by, now)[0].first


def _waits_for_somebody_else(deployment: Deployment, by: Actor, now: datetime) -> str:
    turn = _next(deployment, by, now) if by else None
    if turn is None:
        return "This waits for nobody now."
    return "This is your turn." if turn.mine else ""


def _not_today(deployment: Deployment, by: Actor, now: datetime) -> str:
    turn = _next(deployment, by, now) if by else None
    for event in _seen(deployment, by, now)[1] if by and turn else ():
        if eastern_day(event.at) == eastern_day(now) and event.data["role"] == turn.role:
            asked = _listed(event.data["asked"])
            return f"{event.actor_name} nudged {asked} today at {say_time(event.at)}. Tomorrow you can again."
    return ""


def _nudge(call: Call) -> None:
    """Notes whom it is for, so that the letter and the timeline can name them."""
    turn = _next(call.obj, call.person, call.now)
    assert turn is not None  # the guard saw it under this lock
    asked = _asked(call.obj, turn, call)
    if not asked:
        raise Refused.because("Nobody but you can do this yet, so there is nobody to nudge.", "guard")
    call.given |= {"turn": turn, "asked": asked}
    call.note |= {"role": str(turn.role), "step": turn.words, "asked": [person.name for person in asked]}


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
NUDGE.complete(emails={"nudge": _write})
