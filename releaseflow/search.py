"""Search over everything that has a name: deployments with their CRQs, pull requests, people, applications."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.urls import reverse

from accounts.models import Appointment, Membership, User
from accounts.prepared import Prepared, Slot, among
from accounts.roles import Role
from crq.models import CRQ
from crq.reading import hang, keys
from deployments.forge.address import read_address, same_place
from deployments.models import Application, Deployment, PullRequest, Repository, Review
from deployments.queue import badge as pull_request_badge
from deployments.queue import having, says, with_reviews
from workflow.badge import Badge
from workflow.eastern import say_day
from workflow.words import WORD, few, look_up, narrowed

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
Titled = TypeVar("Titled", Deployment, PullRequest)


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
        _group("CRQs and deployments", "doc", _deployments(words, most), _deployment, most, _listed("crqs", q)),
        _group(
            *("Pull requests", "pr", _pull_requests(words, most), lambda found: _pull_request(found, by, now), most),
            _listed("pull-requests", q, view="all"),
        ),
        _group("People", "people", _people(words, most), _person, most),
        _group("Applications", "batch", _applications(words, most), _application, most),
    ]
    return Found(q, [group for group in groups if group.hits])


def _words(q: str) -> list[str]:
    """The words to look for; a CRQ's number without its zeros, so that the begun number finds it too."""
    number = CRQ_NUMBER.fullmatch("".join(q.split()))
    return [number[2]] if number and number[1] else q.split()[:MOST_WORDS]


def _group(  # noqa: PLR0917
    label: str, icon: str, rows: list[Any], hit: Callable[[Any], Hit], most: int, more_url: str = ""
) -> Group:
    has_more = len(rows) > most
    return Group(label, icon, [hit(row) for row in rows[:most]], has_more, more_url if has_more else "")


def _listed(page: str, q: str, **more: str) -> str:
    return f"{reverse(page)}?{urlencode(more | {'q': q})}"


# --- What is looked for where --------------------------------------------------------------------------------
# Of each kind one row more than is shown, so that more is noticed.
def _deployments(words: Sequence[str], most: int) -> list[Deployment]:
    looked = look_up(words, lambda word: _HAVING(word=word))
    if looked.common:
        return _newest(narrowed(_with_names(), looked, _says), words, most)
    return _found_deployments(most)(keys=looked.keys, begin=" ".join(words)) if looked.keys else []


def _with_names() -> QuerySet[Deployment]:
    return Deployment.objects.select_related("application__team", "week", "crq")


def _having() -> QuerySet[Any, int]:
    """Keys of deployments that have a word in one of the places that `_says` names."""
    owned = Application.objects.filter(Q(name__icontains=WORD) | Q(team__name__icontains=WORD))
    crqs = CRQ.objects.order_by().values_list("deployment", flat=True)
    deployments = Deployment.objects.order_by().values_list("pk", flat=True)
    return few(
        deployments.filter(title__icontains=WORD),
        crqs.filter(number__icontains=WORD),
        crqs.filter(number_there__number__icontains=WORD),
        crqs.filter(title__icontains=WORD),
        deployments.filter(application__in=owned),
    )


_HAVING = Prepared(_having)


def _says(word: str) -> Q:
    return (
        Q(title__icontains=word)
        | Q(crq__number__icontains=word)
        | Q(crq__number_there__number__icontains=word)
        | Q(crq__title__icontains=word)
        | Q(application__name__icontains=word)
        | Q(application__team__name__icontains=word)
    )


def _newest(found: QuerySet[Titled], words: Sequence[str], most: int) -> list[Titled]:
    """For words that many have: the newest, of them those that begin so before the others."""
    begin = " ".join(words).upper()
    return sorted(found.order_by("-pk")[: most + 1], key=lambda each: not each.title.upper().startswith(begin))


def _pull_requests(words: Sequence[str], most: int) -> list[PullRequest]:
    looked = having(words)
    if looked.common:
        return _newest(narrowed(with_reviews(PullRequest.objects.all()), looked, says), words, most)
    found = _found_pull_requests(most)(keys=looked.keys, begin=" ".join(words)) if looked.keys else []
    hang(_REVIEWS(pull_requests=keys(found)) if found else [], "pull_request_id", found, "reviews")
    return found


_REVIEWS = Prepared(lambda: Review.objects.filter(among("pull_request", "pull_requests")).select_related("reviewer"))


@cache
def _found_deployments(most: int) -> Prepared[Deployment]:
    return Prepared(lambda: _with_names().filter(among("pk", "keys")).order_by(_begins("title"), "-pk")[: most + 1])


@cache
def _found_pull_requests(most: int) -> Prepared[PullRequest]:
    found = PullRequest.objects.select_related("repository__application__team", "author", "deployment__week")
    return Prepared(lambda: found.filter(among("pk", "keys")).order_by(_begins("title"), "-pk")[: most + 1])


def _people(words: Sequence[str], most: int) -> list[User]:
    found = _found_people(len(words), most)(**_given(words))
    hang(_MEMBERSHIPS(people=keys(found)) if found else [], "user_id", found, "memberships")
    hang(_APPOINTMENTS(people=keys(found)) if found else [], "user_id", found, "appointments")
    return found


_MEMBERSHIPS = Prepared(lambda: Membership.objects.filter(among("user", "people")).select_related("team"))
_APPOINTMENTS = Prepared(lambda: Appointment.objects.filter(among("user", "people")))


@cache
def _found_people(words: int, most: int) -> Prepared[User]:
    found = User.objects.filter(is_active=True)
    for word in _slots(words):
        names = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        found = found.filter(names | Q(email__icontains=word) | Q(forge_login__icontains=word))
    return Prepared(lambda: found.order_by(_begins("first_name"), "first_name", "last_name", "pk")[: most + 1])


def _applications(words: Sequence[str], most: int) -> list[Application]:
    return _found_applications(len(words), most)(**_given(words))


@cache
def _found_applications(words: int, most: int) -> Prepared[Application]:
    found = Application.objects.select_related("team")
    for word in _slots(words):
        repositories = Repository.objects.filter(name__icontains=word).values("application")
        found = found.filter(Q(name__icontains=word) | Q(team__name__icontains=word) | Q(pk__in=repositories))
    return Prepared(lambda: found.order_by(_begins("name"), "name")[: most + 1])


def _slots(words: int) -> list[Slot]:
    return [Slot(f"word{place}", CharField()) for place in range(words)]


def _given(words: Sequence[str]) -> dict[str, str]:
    return {f"word{place}": word for place, word in enumerate(words)} | {"begin": " ".join(words)}


def _begins(field: str) -> Case:
    """Sorts what begins with the words before what only has them somewhere."""
    return Case(When(**{f"{field}__istartswith": Slot("begin", CharField())}, then=Value(0)), default=Value(1))


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
