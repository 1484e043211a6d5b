"""Roles, and the one place that answers "who holds which".

Team roles count for one team; offices count for the whole organisation. One person may hold several.
Separation of duties is checked per action (see the guards of each flow), never by forbidding a combination of roles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, DateField, F, Q, QuerySet, TextChoices, Value

from accounts.prepared import Prepared, Slot, among

if TYPE_CHECKING:
    from accounts.models import Deputy, Membership, User


class Role(TextChoices):
    DEVELOPER = "developer", "Dev Team"
    MANAGER = "manager", "Dev Manager"
    SCRUM_MASTER = "scrum_master", "Scrum Master"
    DEVOPS = "devops", "DevOps"
    DIRECTOR = "director", "EDMT Director"
    ADMINISTRATOR = "administrator", "Administrator"

    @property
    def in_a_sentence(self) -> str:
        """With its article: there are many managers, and one Scrum Master and director."""
        return _IN_A_SENTENCE[self]


_IN_A_SENTENCE = {
    Role.DEVELOPER: "the Dev Team",
    Role.MANAGER: "a Dev Manager",
    Role.SCRUM_MASTER: "the Scrum Master",
    Role.DEVOPS: "DevOps",
    Role.DIRECTOR: "the EDMT Director",
    Role.ADMINISTRATOR: "an administrator",
}
TEAM_ROLES = (Role.DEVELOPER, Role.MANAGER)
OFFICE_ROLES = (Role.SCRUM_MASTER, Role.DEVOPS, Role.DIRECTOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Lent:
    """A role that somebody else holds and this person may act in; `team_id` is None for an office."""

    role: str
    team_id: int | None
    for_user: User


@dataclass(frozen=True)
class Standing:
    """What one person may do: (role, team) for team roles, plain roles for offices, and roles lent by others."""

    in_teams: frozenset[tuple[str, int]]
    offices: frozenset[str]
    lent: tuple[Lent, ...] = ()
    line: str = "No role yet"

    def holds(self, role: Role, team_id: int | None = None) -> bool:
        """Whether the person may act in the role, in their own right or as a deputy.

        A team role needs the team it is asked for (None = in any team).
        """
        return self.holds_own(role, team_id) or self.for_whom(role, team_id) is not None

    def holds_own(self, role: Role, team_id: int | None = None) -> bool:
        if role not in TEAM_ROLES:
            return role in self.offices
        return any(held == role and team_id in {None, team} for held, team in self.in_teams)

    def for_whom(self, role: Role, team_id: int | None = None) -> User | None:
        """The person whose deputy this is in the role; None when it is not lent."""
        for lent in self.lent:
            if lent.role == role and (role not in TEAM_ROLES or team_id in {None, lent.team_id}):
                return lent.for_user
        return None

    def team_ids(self, *roles: Role) -> set[int]:
        """The teams in which one of these roles is held (any team role when none is named)."""
        own = {team for held, team in self.in_teams if not roles or held in roles}
        return own | {each.team_id for each in self.lent if each.team_id and (not roles or each.role in roles)}


def standing(user: User, on: date | None = None) -> Standing:
    """The person's roles, read once per loaded user and day (that is once per request): one query.

    `on` is the Eastern day by which deputies count; without it only roles held in one's own right do.
    """
    known: dict[date | None, Standing] = user.__dict__.setdefault("_standings", {})
    if on not in known:
        held, lent = _held(user, on)
        if (only := user.__dict__.get("_only")) is not None:
            held = [each for each in held if each[0] in only]
            lent = tuple(each for each in lent if each.role in only)
        known[None] = own = _standing(held)
        known[on] = replace(own, lent=lent) if on else own
    return known[on]


def narrow(user: User, roles: Iterable[str]) -> None:
    """This loaded person holds only these of their roles from here on, as behind a token that was made for them."""
    user.__dict__["_only"] = frozenset(roles)
    user.__dict__.pop("_standings", None)


def read_standings(users: Iterable[User], on: date) -> None:
    """What `standing` would read one by one, for many people at once: three statements, however many there are."""
    from accounts.models import Appointment, Deputy, Membership

    everyone = list(users)
    deputies = Deputy.objects.filter(deputy__in=everyone, **_serving(on)).select_related("for_user")
    lenders = {each.for_user_id for each in deputies}
    concerned = {user.pk for user in everyone} | lenders
    held: dict[int, list[tuple[str, int, str]]] = defaultdict(list)
    for row in Membership.objects.filter(user__in=concerned).select_related("team"):
        held[row.user_id].append((row.role, row.team_id, row.team.name))
    for pk, office in Appointment.objects.filter(user__in=concerned).values_list("user", "role"):
        held[pk].append((office, 0, ""))
    lent: dict[int, list[Lent]] = defaultdict(list)
    for deputy in deputies:
        teams = [team for role, team, _ in held[deputy.for_user_id] if role == deputy.role]
        lent[deputy.deputy_id] += [Lent(deputy.role, team or None, deputy.for_user) for team in teams]
    for user in everyone:
        own = _standing(held[user.pk])
        user.__dict__["_standings"] = {None: own, on: replace(own, lent=tuple(lent[user.pk]))}


def _standing(rows: Iterable[tuple[str, int, str]]) -> Standing:
    held = sorted(rows, key=_by_rank)
    line = ", ".join(f"{Role(role).label} · {team}" if team else Role(role).label for role, _, team in held)
    return Standing(
        in_teams=frozenset((role, team_id) for role, team_id, _ in held if team_id),
        offices=frozenset(role for role, team_id, _ in held if not team_id),
        line=line or "No role yet",
    )


def _by_rank(held: tuple[str, int, str]) -> tuple[bool, bool, str, str]:
    """Team roles before offices, managers before developers, then by team."""
    role, team_id, team = held
    return not team_id, role != Role.MANAGER, team, role


def _held(user: User, on: date | None) -> tuple[list[tuple[str, int, str]], tuple[Lent, ...]]:
    """What is held in one's own right, and what others lend on this day.

    Only what they hold themselves can be lent, so a deputy cannot lend it on.
    """
    from accounts.models import User

    rows = _ROLES(user=user.pk, day=on or date.min)
    held = [(role, team, name) for _, deputy, role, team, name, *_ in rows if not deputy]
    borrowed = sorted(row for row in rows if row[1])
    lent = [Lent(role, team or None, User.from_db(None, NAMES, person)) for _, _, role, team, _, *person in borrowed]
    return held, tuple(lent)


NAMES = ("id", "username", "first_name", "last_name")


def _roles() -> QuerySet[Any, Any]:
    """First day and key of the deputy (for one's own roles the day itself and zero), role, team, and who lends it."""
    from accounts.models import Appointment, Membership

    user, day = Slot("user"), Slot("day", DateField())
    nobody = (Value(0), Value(""), Value(""), Value(""))
    lends = {
        "user__deputies__deputy": user,
        "user__deputies__role": F("role"),
        "user__deputies__starts__lte": day,
        "user__deputies__ends__gte": day,
        "user__deputies__ended_at": None,
        "user__is_active": True,
    }
    in_team, in_office = ("role", "team_id", "team__name"), ("role", Value(0), Value(""))
    lender = ("user_id", "user__username", "user__first_name", "user__last_name")
    lent = ("user__deputies__starts", "user__deputies__pk")
    of_teams, of_offices = Membership.objects.order_by(), Appointment.objects.order_by()
    return (
        of_teams.filter(user=user)
        .values_list(day, Value(0), *in_team, *nobody)
        .union(
            of_offices.filter(user=user).values_list(day, Value(0), *in_office, *nobody),
            of_teams.filter(**lends).values_list(*lent, *in_team, *lender),
            of_offices.filter(**lends).values_list(*lent, *in_office, *lender),
            all=True,
        )
    )


_ROLES = Prepared(_roles)


def _serving(on: date | Slot) -> dict[str, Any]:
    """Which deputies count on this day."""
    return {"starts__lte": on, "ends__gte": on, "ended_at": None, "for_user__is_active": True}


def acting_for(by: User, role: Role, team_id: int | None, on: date) -> tuple[User, ...]:
    """Whose hands these are in a role: one's own, and the principal's for a deputy. Duties are separated for both."""
    who = standing(by, on)
    principal = None if who.holds_own(role, team_id) else who.for_whom(role, team_id)
    return (by, principal) if principal else (by,)


def own_part(by: User | None, role: Role, team_id: int | None, on: date, part: Callable[[User], str]) -> str:
    """The part that the one who acts, or whom they act for, has in something: "You wrote this pull request".

    `part` says it in words that follow a name. Nothing when neither has a part, or when the system acts.
    """
    for person in acting_for(by, role, team_id, on) if by else ():
        if words := part(person):
            return f"{'You' if person == by else f'{person.name}, for whom you act,'} {words}"
    return ""


def everybody() -> QuerySet[User]:
    """Everyone active who holds any role."""
    from accounts.models import User

    return User.objects.filter(is_active=True).exclude(memberships=None, appointments=None).distinct()


def at_work(on: date) -> list[User]:
    """Everyone active who holds a role or deputises for somebody on this day, by name."""
    from accounts.models import Deputy, User

    holders = ~Q(memberships=None, appointments=None)
    serving = Q(pk__in=Deputy.objects.filter(**_serving(on)).values("deputy"))
    return list(User.objects.filter(holders | serving, is_active=True).distinct())


def people(role: Role, team_id: int | None = None, *, on: date | None = None) -> list[User]:
    """Everyone active who holds the role (of the team, for a team role), by name; `on` adds that day's deputies."""
    team = team_id if role in TEAM_ROLES else None
    return _people(role in TEAM_ROLES, team is not None, on is not None)(role=role, team=team, day=on)


@cache
def _people(of_teams: bool, in_one: bool, with_deputies: bool) -> Prepared[User]:
    """By role; `team` is a slot where it must be one team's, `day` where deputies count."""
    held = "memberships" if of_teams else "appointments"
    where = {f"{held}__role": Slot("role", CharField())} | ({"memberships__team": Slot("team")} if in_one else {})
    return Prepared(lambda: _with_deputies(where) if with_deputies else _holders(where).distinct())


def _holders(where: dict[str, Any]) -> QuerySet[User]:
    from accounts.models import User

    return User.objects.filter(is_active=True, **where)


def _with_deputies(where: dict[str, Any]) -> QuerySet[User]:
    from accounts.models import Deputy, User

    day = Slot("day", DateField())
    serving = Deputy.objects.filter(role=Slot("role", CharField()), for_user__in=_holders(where), **_serving(day))
    deputies = User.objects.filter(is_active=True, deputising__in=serving)
    return (_holders(where).distinct() | deputies.distinct()).distinct()


def members(team_ids: Iterable[int], *, on: date) -> dict[int, list[User]]:
    """For each of these teams its active developers and managers, with that day's deputies: two statements."""
    found: dict[int, dict[int, User]] = defaultdict(dict)
    holders: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in _MEMBERSHIPS(teams=set(team_ids)):
        if row.user.is_active:
            found[row.team_id][row.user_id] = row.user
            holders[row.user_id, row.role].append(row.team_id)
    for each in _DEPUTIES(people={pk for pk, _ in holders}, day=on):
        for team_id in holders[each.for_user_id, each.role]:
            found[team_id][each.deputy_id] = each.deputy
    return {team_id: list(people.values()) for team_id, people in found.items()}


def _memberships() -> QuerySet[Membership]:
    from accounts.models import Membership

    return Membership.objects.filter(among("team", "teams")).select_related("user").order_by("pk")


def _deputies() -> QuerySet[Deputy]:
    from accounts.models import Deputy

    serving = Deputy.objects.filter(
        among("for_user", "people"), deputy__is_active=True, **_serving(Slot("day", DateField()))
    )
    return serving.select_related("deputy").order_by("pk")


_MEMBERSHIPS, _DEPUTIES = Prepared(_memberships), Prepared(_deputies)


def role_line(user: User) -> str:
    """The roles in words, for the person's card: "Dev Manager · Identity"."""
    return standing(user).line
