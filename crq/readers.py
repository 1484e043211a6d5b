"""Who gets which e-mail about a deployment, why, and what of it they may do without."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from accounts.mail import Topic, wanted
from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, members, people
from crq import guards
from crq.models import Follower
from crq.readiness import Facts
from deployments.models import Deployment
from workflow.eastern import eastern_day
from workflow.steps import Call

Find = Callable[[Deployment, date], list[User]]
"""Who they are; the Eastern day says whose deputies count."""


@dataclass(frozen=True)
class Reader:
    """One group of readers of a kind. `why` is why they get it, in words for the mail's foot.

    `topic`: whoever has muted it gets none. `acts`: they are asked to act, so it comes even to whoever caused it.
    """

    find: Find
    why: str
    topic: Topic | None = None
    acts: bool = False


Part = tuple[str, list[User]]
"""Why, and to whom."""


def _owners(deployment: Deployment, day: date) -> list[User]:
    team = deployment.application.team_id
    return members([team], on=day).get(team, [])


def _verifiers(deployment: Deployment, day: date) -> list[User]:
    """Those of the team who may verify: whoever installed it may not."""
    hands = {deployment.started_by_id, deployment.installed_by_id}
    return [each for each in people(Role.DEVELOPER, deployment.application.team_id, on=day) if each.pk not in hands]


def _managers(deployment: Deployment, day: date) -> list[User]:
    return people(Role.MANAGER, deployment.application.team_id, on=day)


def _approvers(deployment: Deployment, day: date) -> list[User]:
    """Those who may approve; where nobody may, every manager, who then has to find somebody."""
    crq = Facts(deployment).crq
    return (guards.possible_approvers(crq, day) if crq else []) or _managers(deployment, day)


def _office(role: Role) -> Find:
    return lambda deployment, day: people(role, on=day)


def contributors(deployment: Deployment, day: date) -> list[User]:
    """Who brought what the manager approves: the CRQ, the documents, the branches, the core-dev build."""
    facts = Facts.seen(deployment)
    brought = [facts.crq.opened_by if facts.crq else None, *(document.by for document in facts.documents.values())]
    brought += [*(branch.by for branch in facts.branches.values()), deployment.core_dev_by]
    return list({person.pk: person for person in brought if person and person.is_active}.values())


def _followers(deployment: Deployment, day: date) -> list[User]:
    return [each.user for each in _FOLLOWING(deployment=deployment.pk)]


_FOLLOWING = Prepared(
    lambda: (
        Follower.objects.filter(deployment=Slot("deployment"), user__is_active=True)
        .select_related("user")
        .order_by("pk")
    )
)


WORKS_IN_TEAM = "You get this because you work in {team}, which owns {application}."
APPROVES = "You get this because you are a Dev Manager of {team}, or act for one."
RUNS_RELEASE = "You get this because you are the Scrum Master, or act for one."
WORKS_IN_DEVOPS = "You get this because you work in DevOps."
DECIDES = "You get this because you decide about exemptions as EDMT Director, or act for the director."
BROUGHT = "You get this because you brought a part of what the manager decides about."
FOLLOWS = "You get this because you follow this deployment. You can stop on its page."

OWNERS = Reader(_owners, WORKS_IN_TEAM)
OWNERS_ACT = Reader(_owners, WORKS_IN_TEAM, acts=True)
OWNERS_LEARN = Reader(_owners, WORKS_IN_TEAM, Topic.MOVES)
VERIFIERS = Reader(_verifiers, WORKS_IN_TEAM, acts=True)
APPROVERS = Reader(_approvers, APPROVES, acts=True)
ASKERS = Reader(_managers, APPROVES)
SCRUM_MASTER = Reader(_office(Role.SCRUM_MASTER), RUNS_RELEASE)
DEVOPS = Reader(_office(Role.DEVOPS), WORKS_IN_DEVOPS)
DEVOPS_ACT = Reader(_office(Role.DEVOPS), WORKS_IN_DEVOPS, acts=True)
DIRECTOR = Reader(_office(Role.DIRECTOR), DECIDES)
DIRECTOR_DECIDES = Reader(_office(Role.DIRECTOR), DECIDES, acts=True)
CONTRIBUTORS = Reader(contributors, BROUGHT)
FOLLOWERS = Reader(_followers, FOLLOWS, Topic.FOLLOWED)

READERS: dict[str, tuple[Reader, ...]] = {
    "approval_needed": (APPROVERS,),
    "crq_approved": (CONTRIBUTORS,),
    "crq_returned": (OWNERS, CONTRIBUTORS, FOLLOWERS),
    "approval_voided": (OWNERS_ACT, FOLLOWERS),
    "moved": (OWNERS_LEARN, FOLLOWERS),
    "withdrawn": (OWNERS_LEARN, FOLLOWERS),
    "verify_needed": (VERIFIERS,),
    "install_failed": (OWNERS, SCRUM_MASTER, DEVOPS_ACT),
    "backed_out": (OWNERS, SCRUM_MASTER, DEVOPS),
    "exemption_requested": (DIRECTOR_DECIDES,),
    "exemption_note": (DIRECTOR, ASKERS),
    "exemption_decided": (OWNERS_ACT, SCRUM_MASTER, DEVOPS),
}


def parts(kind: str, deployment: Deployment, call: Call) -> list[Part]:
    """The readers of this kind, each group with why it gets it. Whoever is in two groups counts in the first."""
    day, team = eastern_day(call.now), deployment.application.team
    found = []
    for reader in READERS[kind]:
        why = reader.why.format(team=team, application=deployment.application)
        found.append((why, told(reader.find(deployment, day), call, topic=reader.topic, acts=reader.acts)))
    return found


def told(found: Iterable[User], call: Call, *, topic: Topic | None = None, acts: bool = False) -> list[User]:
    """Of the people found those who get it: not whoever caused it, unless they have to act; not whoever muted it."""
    others = [person for person in found if acts or person != call.by]
    return wanted(others, topic) if topic else others


def of_held(deployments: Iterable[Deployment], day: date) -> list[tuple[str, list[User], tuple[Deployment, ...]]]:
    """One digest for each person: the Scrum Master has every held deployment, a team member those of their teams."""
    held = tuple(deployments)
    teams_of: dict[User, set[int]] = {}
    for team, people_of_it in members({each.application.team_id for each in held}, on=day).items():
        for person in people_of_it:
            teams_of.setdefault(person, set()).add(team)
    groups: dict[frozenset[int], list[User]] = {}
    for person, own in teams_of.items():
        groups.setdefault(frozenset(own), []).append(person)
    told = [(RUNS_RELEASE, people(Role.SCRUM_MASTER, on=day), held)]
    for teams, persons in groups.items():
        concerned = tuple(each for each in held if each.application.team_id in teams)
        told.append((_works_in(concerned), persons, held if concerned == held else concerned))
    return told


def _works_in(concerned: tuple[Deployment, ...]) -> str:
    teams = " and ".join(dict.fromkeys(str(each.application.team) for each in concerned))
    return f"You get this because you work in {teams}, or act for somebody who does."


def of_review(call: Call, topic: Topic | None = None) -> list[Part]:
    """The Dev Teams and DevOps."""
    return [
        ("You get this because you belong to a Dev Team.", told(people(Role.DEVELOPER), call, topic=topic)),
        (WORKS_IN_DEVOPS, told(people(Role.DEVOPS), call, topic=topic)),
    ]


def of_window(cleared: Iterable[Deployment], call: Call) -> list[Part]:
    """DevOps installs; the teams of what is cleared know that they are about to verify."""
    day = eastern_day(call.now)
    teams = members({each.application.team_id for each in cleared}, on=day)
    in_teams = [person for team in teams.values() for person in team]
    return [
        (WORKS_IN_DEVOPS, people(Role.DEVOPS, on=day)),
        ("You get this because a deployment of your team is cleared.", told(in_teams, call, topic=Topic.WINDOW)),
    ]
