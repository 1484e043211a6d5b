"""Roles, and the one place that answers "who holds which".

Team roles count for one team; offices count for the whole organisation. One person may hold several.
Separation of duties is checked per action (see the guards of each flow), never by forbidding a combination of roles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices, Value

if TYPE_CHECKING:
    from accounts.models import User


class Role(TextChoices):
    DEVELOPER = "developer", "Dev Team"
    MANAGER = "manager", "Dev Manager"
    SCRUM_MASTER = "scrum_master", "Scrum Master"
    DEVOPS = "devops", "DevOps"
    DIRECTOR = "director", "EDMT Director"
    ADMINISTRATOR = "administrator", "Administrator"


TEAM_ROLES = (Role.DEVELOPER, Role.MANAGER)
OFFICE_ROLES = (Role.SCRUM_MASTER, Role.DEVOPS, Role.DIRECTOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Standing:
    """What one person may do: pairs of (role, team) for team roles, plain roles for offices."""

    in_teams: frozenset[tuple[str, int]]
    offices: frozenset[str]
    line: str = "No role yet"

    def holds(self, role: Role, team_id: int | None = None) -> bool:
        """Whether the role is held; a team role needs the team it is asked for (None = in any team)."""
        if role not in TEAM_ROLES:
            return role in self.offices
        return any(held == role and team_id in (None, team) for held, team in self.in_teams)

    def team_ids(self, *roles: Role) -> set[int]:
        """The teams in which one of these roles is held (any team role when none is named)."""
        return {team for held, team in self.in_teams if not roles or held in roles}


def standing(user: User) -> Standing:
    """The person's roles, read once per loaded user (that is once per request): one query."""
    known: Standing | None = getattr(user, "_standing", None)
    if known is None:
        in_teams = user.memberships.values_list("role", "team_id", "team__name")
        held = sorted(in_teams.union(user.appointments.values_list("role", Value(0), Value(""))), key=_by_rank)
        known = Standing(
            in_teams=frozenset((role, team_id) for role, team_id, _ in held if team_id),
            offices=frozenset(role for role, team_id, _ in held if not team_id),
            line=", ".join(f"{Role(role).label} · {team}" if team else Role(role).label for role, _, team in held)
            or "No role yet",
        )
        user._standing = known  # type: ignore[attr-defined]
    return known


def _by_rank(held: tuple[str, int, str]) -> tuple[bool, bool, str, str]:
    """Team roles before offices, managers before developers, then by team."""
    role, team_id, team = held
    return not team_id, role != Role.MANAGER, team, role


def people(role: Role, team_id: int | None = None) -> list[User]:
    """Everyone active who holds the role (of the team, for a team role), by name."""
    from accounts.models import User

    if role not in TEAM_ROLES:
        return list(User.objects.filter(is_active=True, appointments__role=role))
    where = {"memberships__role": role} | ({"memberships__team_id": team_id} if team_id is not None else {})
    return list(User.objects.filter(is_active=True, **where).distinct())


def role_line(user: User) -> str:
    """The roles in words, for the person's card: "Dev Manager · Identity"."""
    return standing(user).line
