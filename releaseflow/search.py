"""Search over everything that has a name: deployments with their CRQs, pull requests, people, applications."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Q, QuerySet, Value, When
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from crq.models import CRQ
from deployments.forge.address import read_address, same_place
from deployments.models import Application, Deployment, PullRequest, Repository
from deployments.queue import badge as pull_request_badge
from deployments.queue import matching, with_reviews
from workflow.badge import Badge
from workflow.eastern import say_day

MOST = 20
FEW = 5
"""How many a group shows on its page, and in the list under the search field."""
LONGEST = 200
MOST_WORDS = 6
CRQ_NUMBER = re.compile(r"(CRQ)?0*([0-9]{1,12})", re.IGNORECASE)
NUMBER_ELSEWHERE = re.compile(r"[A-Z]{2,6}[0-9]{4,15}", re.IGNORECASE)
DIGITS_OF_A_CRQ = 6
"""So many digits without the letters are taken for a CRQ's number; fewer may be a pull request's."""
S = Deployment.Status
STATES = {S.VERIFIED: "done", S.CLEARED: "done", S.HELD: "stop", S.FAILED: "stop", S.BACKED_OUT: "stop"}


@dataclass(frozen=True)
class Hit:
    url: str
    title: str
    meta: str
    badge: Badge | None = None


@dataclass(frozen=True)
class Group:
    """`more_url` shows all of a group that has more than are here; empty where no page lists them."""

    label: str
    icon: str
    hits: list[Hit]
    has_more: bool = False
    more_url: str = ""


@dataclass(frozen=True)
class Found:
    """`unknown_address`: the address of a pull request that releaseflow does not know."""

    q: str
    groups: list[Group]
    unknown_address: str = ""

    @property
    def count(self) -> int:
        return sum(len(group.hits) for group in self.groups)

    @property
    def has_more(self) -> bool:
        return any(group.has_more for group in self.groups)


def cleaned(q: str) -> str:
    """What was typed as it is searched for: printable, one line, not endless."""
    return " ".join("".join(char if char.isprintable() else " " for char in q).split())[:LONGEST]


def exact(q: str) -> str:
    """The page that a CRQ's number, here or in another change system, or a pull request's address names by itself, else
    nothing. At most two statements.
    """
    if number := crq_number(q):
        crq = CRQ.objects.filter(number=number).first()
        return crq.get_absolute_url() if crq else _elsewhere(number)
    if NUMBER_ELSEWHERE.fullmatch(q):
        return _elsewhere(q.upper())
    pull_request = _at_address(q)
    return pull_request.get_absolute_url() if pull_request else ""


def _elsewhere(number: str) -> str:
    """The page of the CRQ that has this number in another change system."""
    crq = CRQ.objects.filter(number_there__number=number).first()
    return crq.get_absolute_url() if crq else ""


def crq_number(q: str) -> str:
    """The full number for "crq 418207", "CRQ000000418207" or "000 000 418 207"; nothing for anything else."""
    found = CRQ_NUMBER.fullmatch("".join(q.split()))
    if found is None or (not found[1] and len(found[0]) < DIGITS_OF_A_CRQ):
        return ""
    return f"CRQ{int(found[2]):012d}"


def _at_address(q: str) -> PullRequest | None:
    address = read_address(q)
    if address is None:
        return None
    same_number = PullRequest.objects.filter(number=address.number).select_related("repository")
    named = same_number.filter(repository__name__iexact=address.name)
    return next((each for each in named if same_place(each.repository.url, address.repository_url)), None)


def search(q: str, *, by: User, now: datetime, most: int = MOST) -> Found:
    """At most `most` of each group, those that begin with the words first; an empty `q` finds nothing."""
    words = _words(q)
    if not words:
        return Found(q, [])
    if read_address(q):
        return Found(q, [], unknown_address="" if exact(q) else q)
    groups = [
        _group("CRQs and deployments", "doc", _deployments(words), _deployment, most, _listed("crqs", q)),
        _group(
            *("Pull requests", "pr", _pull_requests(words), lambda found: _pull_request(found, by, now), most),
            _listed("pull-requests", q, view="all"),
        ),
        _group("People", "people", _people(words), _person, most),
        _group("Applications", "batch", _applications(words), _application, most),
    ]
    return Found(q, [group for group in groups if group.hits])


def _words(q: str) -> list[str]:
    """The words to look for; a CRQ's number without its zeros, so that the begun number finds it too."""
    number = CRQ_NUMBER.fullmatch("".join(q.split()))
    return [number[2]] if number and number[1] else q.split()[:MOST_WORDS]


def _group(  # noqa: PLR0917
    label: str, icon: str, found: QuerySet[Any], hit: Callable[[Any], Hit], most: int, more_url: str = ""
) -> Group:
    rows = list(found[: most + 1])
    has_more = len(rows) > most
    return Group(label, icon, [hit(row) for row in rows[:most]], has_more, more_url if has_more else "")


def _listed(page: str, q: str, **more: str) -> str:
    return f"{reverse(page)}?{urlencode(more | {'q': q})}"


# --- What is looked for where --------------------------------------------------------------------------------
def _deployments(words: Sequence[str]) -> QuerySet[Deployment]:
    """Each source is looked through by itself and the keys are united: so an index can serve each of them."""
    found = Deployment.objects.select_related("application__team", "week", "crq")
    for word in words:
        owned = Application.objects.filter(Q(name__icontains=word) | Q(team__name__icontains=word))
        keys = Deployment.objects.filter(title__icontains=word).order_by().values("pk")
        found = found.filter(
            pk__in=keys.union(
                CRQ.objects.filter(number__icontains=word).order_by().values("deployment"),
                CRQ.objects.filter(number_there__number__icontains=word).order_by().values("deployment"),
                CRQ.objects.filter(title__icontains=word).order_by().values("deployment"),
                Deployment.objects.filter(application__in=owned).order_by().values("pk"),
            )
        )
    return found.order_by(_begins("title", words), "-pk")


def _pull_requests(words: Sequence[str]) -> QuerySet[PullRequest]:
    return matching(with_reviews(PullRequest.objects.all()), words).order_by(_begins("title", words), "-pk")


def _people(words: Sequence[str]) -> QuerySet[User]:
    found = User.objects.filter(is_active=True).prefetch_related("memberships__team", "appointments")
    for word in words:
        names = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        found = found.filter(names | Q(email__icontains=word) | Q(forge_login__icontains=word))
    return found.order_by(_begins("first_name", words), "first_name", "last_name", "pk")


def _applications(words: Sequence[str]) -> QuerySet[Application]:
    found = Application.objects.select_related("team")
    for word in words:
        repositories = Repository.objects.filter(name__icontains=word).values("application")
        found = found.filter(Q(name__icontains=word) | Q(team__name__icontains=word) | Q(pk__in=repositories))
    return found.order_by(_begins("name", words), "name")


def _begins(field: str, words: Sequence[str]) -> Case:
    """Sorts what begins with the words before what only has them somewhere."""
    return Case(When(**{f"{field}__istartswith": " ".join(words)}, then=Value(0)), default=Value(1))


# --- How it is shown -----------------------------------------------------------------------------------------
def _deployment(found: Deployment) -> Hit:
    crq: CRQ | None = getattr(found, "crq", None)
    status = S(found.status)
    words = [found.application.team.name, crq.number if crq else "no CRQ yet", found.application.name]
    return Hit(
        url=crq.get_absolute_url() if crq else found.get_absolute_url(),
        title=found.title,
        meta=" · ".join([*words, say_day(found.week.install_day or found.week.thursday)]),
        badge=Badge(STATES.get(status, "wait"), str(status.label)),
    )


def _pull_request(found: PullRequest, by: User, now: datetime) -> Hit:
    words = f"{found} · {found.author_name} · {found.repository.application}"
    return Hit(found.get_absolute_url(), found.title, words, pull_request_badge(found, by, now))


def _person(found: User) -> Hit:
    roles = [f"{Role(each.role).label} of {each.team}" for each in found.memberships.all()]
    roles += [str(Role(each.role).label) for each in found.appointments.all()]
    return Hit(f"mailto:{found.email}", found.name, " · ".join([*(roles or ["No role yet"]), found.email]))


def _application(found: Application) -> Hit:
    return Hit(_listed("crqs", found.name), found.name, f"{found.team} · see its CRQs")
