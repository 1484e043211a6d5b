"""What the pages of a person and of all people show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from accounts.mail import Topic
from accounts.models import Appointment, Deputy, Membership, User
from accounts.roles import Role
from releaseflow.people.administration import standing_of
from releaseflow.people.flow import DEPUTY
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_day

LOOK_BACK = timedelta(weeks=12)
HEAD = ("Name", "E-mail", "Roles", "Deputies", "State")


@dataclass(frozen=True)
class Served:
    """One deputy, or one person deputised for: `name` is the other one. `state` is that of a badge."""

    name: str
    initials: str
    role: str
    days: str
    state: str
    text: str
    end: Act | None = None


@dataclass(frozen=True)
class Me:
    roles: list[str]
    own_roles: list[Role]
    deputies: list[Served]
    deputising: list[Served]
    wanted: list[str]


@dataclass(frozen=True)
class Person:
    pk: int
    name: str
    initials: str
    email: str
    roles: list[str]
    deputies: list[Served]
    state: tuple[str, str]


def me(by: User, *, now: datetime) -> Me:
    """Five statements, and those that say whether each deputy can be ended."""
    today = eastern_day(now)
    held = _held(by.memberships.select_related("team"), by.appointments.all())
    recent = Q(ends__gte=today - LOOK_BACK)
    mine = by.deputies.filter(recent).select_related("deputy", "for_user").order_by("-starts", "-pk")
    theirs = by.deputising.filter(recent).select_related("for_user").order_by("-starts", "-pk")
    return Me(
        roles=[label for _, label in held],
        own_roles=list(dict.fromkeys(role for role, _ in held)),
        deputies=[_served(each, each.deputy, today, _end(each, by, now)) for each in mine],
        deputising=[_served(each, each.for_user, today) for each in theirs],
        wanted=_wanted(by),
    )


def _wanted(by: User) -> list[str]:
    """The topics that are not muted."""
    muted = set(by.muted.values_list("topic", flat=True))
    return [topic for topic in Topic.values if topic not in muted]


def everyone(by: User, *, now: datetime, words: str = "", off: bool = False) -> list[Person]:
    """All active people (`off`: those who are not), or those whose name or address has the words; with their deputies
    of today and later.
    """
    today = eastern_day(now)
    return [_person(each, by, now, today) for each in _found(words, today, off=off)]


def cells(by: User, *, now: datetime, words: str, off: bool) -> Iterator[tuple[object, ...]]:
    """The same people as rows of a spreadsheet."""
    for each in everyone(by, now=now, words=words, off=off):
        deputies = [f"{deputy.name}, {deputy.role}, {deputy.days}" for deputy in each.deputies]
        yield each.name, each.email, "; ".join(each.roles), "; ".join(deputies), each.state[1]


def _found(words: str, today: date, *, off: bool) -> QuerySet[User]:
    found = User.objects.filter(is_active=not off).select_related("invitation")
    if words:
        found = found.filter(Q(first_name__icontains=words) | Q(last_name__icontains=words) | Q(email__icontains=words))
    serving = Deputy.objects.filter(ended_at=None, ends__gte=today).select_related("deputy", "for_user")
    return found.prefetch_related(
        Prefetch("memberships", Membership.objects.select_related("team").order_by("team__name", "role")),
        "appointments",
        Prefetch("deputies", serving),
    )


def _person(user: User, by: User, now: datetime, today: date) -> Person:
    held = _held(user.memberships.all(), user.appointments.all())
    deputies = [_served(each, each.deputy, today, _end(each, by, now)) for each in user.deputies.all()]
    state = standing_of(user, getattr(user, "invitation", None), now)
    return Person(user.pk, user.name, user.initials, user.email, [label for _, label in held], deputies, state)


def _held(memberships: Iterable[Membership], appointments: Iterable[Appointment]) -> list[tuple[Role, str]]:
    """Roles with their words, those of teams first."""
    in_teams = [(Role(each.role), f"{Role(each.role).label} · {each.team}") for each in memberships]
    return in_teams + [(Role(each.role), str(Role(each.role).label)) for each in appointments]


def _served(deputy: Deputy, other: User, today: date, end: Act | None = None) -> Served:
    days = (
        say_day(deputy.starts)
        if deputy.starts == deputy.ends
        else f"{say_day(deputy.starts)} to {say_day(deputy.ends)}"
    )
    state, text = _state(deputy, today)
    return Served(other.name, other.initials, str(Role(deputy.role).label), days, state, text, end)


def _state(deputy: Deputy, today: date) -> tuple[str, str]:
    if deputy.ended_at:
        return "idle", f"Ended {say_day(eastern_day(deputy.ended_at))}"
    if deputy.ends < today:
        return "idle", "Over"
    return ("wait", "Later") if deputy.starts > today else ("done", "Acting now")


def _end(deputy: Deputy, by: User, now: datetime) -> Act | None:
    """The button, where there is something to end."""
    found = act(DEPUTY, "end", deputy, by=by, now=now, confirm=f"{deputy.deputy.name} stops acting at once.")
    return found if found.enabled else None
