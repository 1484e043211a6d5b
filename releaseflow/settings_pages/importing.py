"""Reading a list of applications from a CSV file: all of it or nothing, and every bad row with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import Team
from deployments.forge.address import Address, read_address, same_place
from deployments.models import Application, Repository
from releaseflow.csv_file import Columns, Told, Unreadable, records
from releaseflow.settings_pages.flow import APPLICATION, REPOSITORY
from workflow.machine import begin

COLUMNS = Columns(
    ("name", "team", "repositories", "forge", "approvals"),
    needed=("name", "team"),
    also={"application": "name", "repository": "repositories", "requiredapprovals": "approvals"},
)
Forge = Repository.Forge
FORGES = {word.casefold(): forge for forge in Forge for word in (forge.value, str(forge.label))}
LONGEST_NAME = Application._meta.get_field("name").max_length or 0
LONGEST_URL, LONGEST_REPOSITORY = 200, 120
MOST_APPROVALS = 10


@dataclass
class Row:
    line: int
    name: str
    team: Team | None = None
    repositories: list[Address] = field(default_factory=list)
    forge: Forge | None = None
    approvals: int = 1


@dataclass
class Tally(Told):
    """What an import did, in names. `unchanged`: rows that said nothing new."""

    applications: list[str] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    unchanged: int = 0

    def lines(self) -> list[str]:
        done = [f"Application: {name}" for name in self.applications]
        done += [f"Repository: {name}" for name in self.repositories]
        total = f"{len(self.applications)} applications and {len(self.repositories)} repositories added"
        return [*done, f"{total}, {self.unchanged} rows unchanged."]


# --- Reading -------------------------------------------------------------------------------------------------
def read(content: bytes) -> list[Row]:
    """The rows of a file, checked against what is there; raises Unreadable with all problems at once."""
    teams = {team.name.casefold(): team for team in Team.objects.all()}
    rows: list[Row] = []
    problems: list[str] = []
    for line, values in records(content, COLUMNS):
        found = _row(line, values, teams)
        problems += [f"Line {line}: {sentence}" for sentence in _wrong(found, values)]
        rows.append(found)
    problems += [*_two_teams(rows), *_two_applications(rows)]
    if problems:
        raise Unreadable(*problems)
    return rows


def _row(line: int, values: dict[str, str], teams: dict[str, Team]) -> Row:
    """The row as far as it can be read."""
    places = [_place(each) for each in _addresses(values)]
    approvals = values.get("approvals", "")
    return Row(
        line,
        values.get("name", ""),
        teams.get(values.get("team", "").casefold()),
        [each for each in places if each],
        FORGES.get(values.get("forge", "").casefold()),
        int(approvals) if _is_a_number(approvals) else 1,
    )


def _addresses(values: dict[str, str]) -> list[str]:
    return [each for each in re.split(r"[|;,\s]+", values.get("repositories", "")) if each]


def _place(address: str) -> Address | None:
    """A repository by its https address; of two that are written differently the first one counts."""
    found = read_address(f"{address.rstrip('/').removesuffix('.git')}/pull/1")
    too_long = found and (len(found.repository_url) > LONGEST_URL or len(found.name) > LONGEST_REPOSITORY)
    return None if too_long else found


def _is_a_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 3 and 1 <= int(text) <= MOST_APPROVALS


def _wrong(row: Row, values: dict[str, str]) -> Iterator[str]:
    """What is wrong with the row by itself."""
    if not row.name or len(row.name) > LONGEST_NAME or not row.name.isprintable():
        yield f"a name is needed, of at most {LONGEST_NAME} characters."
    team, forge, approvals = (values.get(name, "") for name in ("team", "forge", "approvals"))
    if not team:
        yield "the team that owns the application is needed."
    elif not row.team:
        yield f"there is no team {team}. Add it on the settings page, or correct the name."
    yield from (
        f"“{each}” is not the https address of a repository." for each in _addresses(values) if not _place(each)
    )
    if forge and not row.forge:
        yield f"there is no forge {forge}. Forges are {', '.join(Forge.labels)}."
    if approvals and not _is_a_number(approvals):
        yield f"“{approvals}” is no number of approvals from 1 to {MOST_APPROVALS}."
    yield from (
        f"whose kind of forge {urlsplit(each.repository_url).netloc} is, its address does not say. Fill in forge."
        for each in row.repositories
        if not forge and _forge(row, each) is None
    )


def _forge(row: Row, place: Address) -> Forge | None:
    """As the row says, or as the forge's address does: github.com, gitlab.acme.example …"""
    host = urlsplit(place.repository_url).netloc.lower()
    return row.forge or next((forge for forge in Forge if forge.value in host), None)


def _two_teams(rows: list[Row]) -> Iterator[str]:
    """An application stays with its team; a move is made on its page, where what follows from it is seen first."""
    owners = {each.name.casefold(): (each.team, "releaseflow") for each in _known_applications()}
    for row in rows:
        if row.team is None:
            continue
        team, where = owners.setdefault(row.name.casefold(), (row.team, f"line {row.line}"))
        if team != row.team:
            yield f"Line {row.line}: {row.name} belongs to {team} by {where}. An application has one team."


def _two_applications(rows: list[Row]) -> Iterator[str]:
    known = [(each.url, each.application.name, "releaseflow") for each in _known_repositories()]
    for row in rows:
        for place in row.repositories:
            same = next((each for each in known if same_place(each[0], place.repository_url)), None)
            if same is None:
                known.append((place.repository_url, row.name, f"line {row.line}"))
            elif same[1].casefold() != row.name.casefold():
                yield f"Line {row.line}: {place.repository_url} belongs to {same[1]} by {same[2]}."


def _known_applications() -> list[Application]:
    return list(Application.objects.select_related("team"))


def _known_repositories() -> list[Repository]:
    return list(Repository.objects.select_related("application"))


# --- Writing -------------------------------------------------------------------------------------------------
def save(rows: list[Row], *, dry_run: bool = False) -> Tally:
    """Adds what is lacking; changes and takes away nothing. All or nothing."""
    tally = Tally()
    with transaction.atomic():
        applications = {each.name.casefold(): each for each in _known_applications()}
        urls = [each.url for each in _known_repositories()]
        for row in rows:
            before = len(tally.applications) + len(tally.repositories)
            _save(row, applications, urls, tally)
            tally.unchanged += before == len(tally.applications) + len(tally.repositories)
        if dry_run:
            transaction.set_rollback(True)
    return tally


def _save(row: Row, applications: dict[str, Any], urls: list[str], tally: Tally) -> None:
    key = row.name.casefold()
    if key not in applications:
        applications[key] = begin(APPLICATION, "create", Application(name=row.name, team=row.team), by=None)
        tally.applications.append(row.name)
    for place in row.repositories:
        if any(same_place(url, place.repository_url) for url in urls):
            continue
        made = Repository(
            application=applications[key],
            name=place.name,
            url=place.repository_url,
            forge=_forge(row, place) or Forge.GITHUB,
            required_approvals=row.approvals,
        )
        begin(REPOSITORY, "create", made, by=None)
        urls.append(place.repository_url)
        tally.repositories.append(place.name)
