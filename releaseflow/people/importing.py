"""Reading a list of people from a CSV file: all of it or nothing, and every bad row with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Appointment, Invitation, Membership, Team, User
from accounts.roles import TEAM_ROLES, Role
from releaseflow.csv_file import Columns, Told, Unreadable, records
from releaseflow.people.invitations import INVITATION, Place, newcomer
from releaseflow.people.roles import PLACE
from releaseflow.settings_pages.flow import TEAM
from workflow.machine import begin, perform

COLUMNS = Columns(
    ("name", "email", "team", "roles", "manager"),
    needed=("name", "email"),
    also={"emailaddress": "email", "mail": "email", "role": "roles"},
)
WORDS = {word.casefold(): role for role in Role for word in (role.value, str(role.label), role.value.replace("_", " "))}
"""What a role may be called: developer, Dev Team, scrum_master, Scrum Master …"""
Roles = list[tuple[Team | None, Role]]


@dataclass
class Row:
    line: int
    name: str
    email: str
    roles: Roles = field(default_factory=list)
    manager: str = ""
    team: Team | None = None


@dataclass
class Tally(Told):
    """What an import did, in people."""

    invited: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    unchanged: int = 0

    def lines(self) -> list[str]:
        done = [f"Invited: {name}" for name in self.invited] + [f"Given roles: {name}" for name in self.given]
        return [*done, f"{len(self.invited)} invited, {len(self.given)} given roles, {self.unchanged} unchanged."]


# --- Reading -------------------------------------------------------------------------------------------------
def read(content: bytes) -> list[Row]:
    """The rows of a file, checked against the teams that there are; raises Unreadable with all problems at once."""
    rows: list[Row] = []
    problems: list[str] = []
    teams = {team.name.casefold(): team for team in Team.objects.all()}
    for line, values in records(content, COLUMNS):
        found, wrong = _row(line, values, teams)
        problems += [f"Line {line}: {sentence}" for sentence in wrong]
        rows.append(found)
    problems += _twice(rows) + _managers(rows)
    if problems:
        raise Unreadable(*problems)
    return rows


def _row(line: int, values: dict[str, str], teams: dict[str, Team]) -> tuple[Row, list[str]]:
    """The row as far as it can be read, and what is wrong with it."""
    wrong: list[str] = []
    row = Row(line, values.get("name", ""), values.get("email", "").lower(), manager=values.get("manager", "").lower())
    if not row.name or len(row.name) > 150 or not row.name.isprintable():
        wrong.append("a name is needed, of at most 150 characters.")
    addresses = (row.email, *filter(None, [row.manager]))
    wrong += [f"“{each}” is not an e-mail address." for each in addresses if not _is_address(each)]
    team = values.get("team", "")
    row.team = teams.get(team.casefold())
    if team and not row.team:
        wrong.append(f"there is no team {team}. Add it on the settings page, or correct the name.")
    if row.manager and not team:
        wrong.append("a manager is one of a team, and the row names none.")
    return row, wrong + _read_roles(row, values.get("roles", ""), has_team=bool(team))


def _read_roles(row: Row, text: str, *, has_team: bool) -> list[str]:
    """Adds the roles of a cell to the row; returns what is wrong with them."""
    wrong = []
    for word in filter(None, map(str.strip, re.split(r"[|/+,;]", text))):
        role = WORDS.get(word.casefold())
        if role is None:
            wrong.append(f"there is no role {word}. Roles are {', '.join(str(each.label) for each in Role)}.")
        elif role in TEAM_ROLES and not has_team:
            wrong.append(f"{role.label} is a role of a team, and the row names none.")
        elif role not in TEAM_ROLES or row.team:
            row.roles.append((row.team if role in TEAM_ROLES else None, role))
    return wrong


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _twice(rows: list[Row]) -> list[str]:
    first: dict[str, int] = {}
    return [
        f"Line {row.line}: {row.email} stands on line {first[row.email]} already."
        for row in rows
        if first.setdefault(row.email, row.line) != row.line
    ]


def _managers(rows: list[Row]) -> list[str]:
    """A manager who is named must be somebody; `_promote` makes them Dev Manager of the row's team."""
    known = {email.lower() for email in User.objects.filter(is_active=True).values_list("email", flat=True)}
    known |= {row.email for row in rows} | {""}
    return [
        f"Line {row.line}: the manager {row.manager} is neither here nor in releaseflow."
        for row in rows
        if row.manager not in known
    ]


# --- Writing -------------------------------------------------------------------------------------------------
def save(rows: list[Row], now: datetime, *, dry_run: bool = False) -> Tally:
    """Invites who is new and gives who is known the roles that they lack; takes nothing away. All or nothing."""
    tally = Tally()
    with transaction.atomic():
        for row in rows:
            _save(row, now, tally)
        for row in rows:
            _promote(row)
        if dry_run:
            transaction.set_rollback(True)
    return tally


def _save(row: Row, now: datetime, tally: Tally) -> None:
    user = User.objects.filter(email__iexact=row.email).first()
    if user is None:
        first, _, last = row.name.rpartition(" ")
        person = newcomer(first_name=first or last, last_name=last if first else "", email=row.email)
        place = Place(
            in_teams=tuple((team, role) for team, role in row.roles if team),
            offices=tuple(role for team, role in row.roles if not team),
        )
        begin(INVITATION, "invite", Invitation(user=person, sent_at=now, expires_at=now), by=None, place=place)
        tally.invited.append(row.name)
    elif _give(user, row.roles):
        tally.given.append(row.name)
    else:
        tally.unchanged += 1


def _promote(row: Row) -> None:
    """Makes the manager whom a row names one of its team."""
    if row.manager and row.team:
        _give(User.objects.get(email__iexact=row.manager), [(row.team, Role.MANAGER)])


def _give(user: User, roles: Roles) -> int:
    """How many of these roles the person did not hold yet."""
    lacking = [(team, role) for team, role in roles if not _holds(user, team, role)]
    for team, role in lacking:
        if team:
            perform(TEAM, "add_member", team, by=None, user=user, role=role)
        else:
            perform(PLACE, "give_role", user, by=None, role=role)
    return len(lacking)


def _holds(user: User, team: Team | None, role: Role) -> bool:
    if team:
        return Membership.objects.filter(user=user, team=team, role=role).exists()
    return Appointment.objects.filter(user=user, role=role).exists()
