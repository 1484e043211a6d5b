"""The bar above every page of the demonstration: whom to become, and when to be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from accounts.models import Appointment, Membership, User
from accounts.roles import Role
from releaseflow.demo import moments
from releaseflow.demo.organisation import FACES, username
from workflow import clock

MOST = 12


@dataclass(frozen=True)
class Bar:
    """Read only where a page shows it."""

    request: HttpRequest

    @cached_property
    def me(self) -> object:
        return self.request.user

    @cached_property
    def people(self) -> list[tuple[User, str]]:
        """The first choice, each with name and roles: those of organisation.FACES, or the first who hold a role."""
        known = {user.username: (user, label) for user, label in self._everybody}
        faces = [known[username(name)] for name in FACES if username(name) in known]
        return faces or self._everybody[:MOST]

    @cached_property
    def others(self) -> list[tuple[User, str]]:
        """Everybody else who holds a role, and oneself."""
        first = {user.pk for user, _ in self.people}
        return [(user, label) for user, label in self._everybody if user.pk not in first]

    @cached_property
    def _everybody(self) -> list[tuple[User, str]]:
        users = _with_roles()
        holders = [user for user in users if user.memberships.all() or user.appointments.all() or user == self.me]
        return [(user, f"{user.name}, {_roles(user)}") for user in holders]

    @cached_property
    def jumps(self) -> list[tuple[str, str]]:
        return moments.jumps(clock.now())


def bar(request: HttpRequest) -> Bar:
    """For the context of every page while DEMO is on."""
    return Bar(request)


def _with_roles() -> QuerySet[User]:
    return User.objects.filter(is_active=True).prefetch_related(
        Prefetch("memberships", Membership.objects.select_related("team").order_by("-role", "team__name")),
        Prefetch("appointments", Appointment.objects.order_by("pk")),
    )


def _roles(user: User) -> str:
    words = [f"{Role(held.role).label}\u00a0· {held.team.name}" for held in user.memberships.all()]
    words += [Role(office.role).label for office in user.appointments.all()]
    return ", ".join(words) or "no role of their own"
