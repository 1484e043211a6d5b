"""Who receives an announcement: groups that expand to people, and who is added or left out for this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from accounts.roles import everybody
from crq.models import Announcement
from notifications.models import Stakeholder

EVERYONE, STAKEHOLDERS = "everyone", "stakeholders"
BY_DEFAULT = (EVERYONE, STAKEHOLDERS)


@dataclass(frozen=True)
class Reader:
    """Somebody with an address; `user` where it is a person of releaseflow."""

    address: str
    name: str
    user: User | None = None

    @property
    def label(self) -> str:
        return self.name or self.address


@dataclass(frozen=True)
class Group:
    """`key` is "everyone", "stakeholders" or "team-7"."""

    key: str
    label: str
    readers: list[Reader]
    chosen: bool = False


@dataclass(frozen=True)
class Audience:
    """The recipients of one announcement, each address once."""

    groups: list[Group]
    added: list[Reader] = field(default_factory=list)
    left_out: list[Reader] = field(default_factory=list)

    @property
    def readers(self) -> list[Reader]:
        return list(_folded(self._entries).values())

    @property
    def to(self) -> list[User | str]:
        """As the outbox takes them."""
        return [reader.user or reader.address for reader in self.readers]

    @property
    def folded(self) -> int:
        """How many entries name an address that is there already."""
        return len(self._entries) - len(self.readers)

    @property
    def _entries(self) -> list[Reader]:
        without = {reader.address for reader in self.left_out}
        listed = [reader for group in self.groups if group.chosen for reader in group.readers]
        return [reader for reader in [*listed, *self.added] if reader.address not in without]


def audience(choice: dict[str, Any]) -> Audience:
    """`choice` is an announcement's `recipients`; without one it is everyone who holds a role and the stakeholders."""
    everyone, teams = _people()
    listed = [_stakeholder(each) for each in Stakeholder.objects.all()]
    known = _folded([*everyone, *listed])
    chosen = set(choice.get("groups", BY_DEFAULT))
    groups = [
        Group(EVERYONE, "Everyone with a role", everyone, EVERYONE in chosen),
        Group(STAKEHOLDERS, "Stakeholder list", listed, STAKEHOLDERS in chosen),
        *(Group(f"team-{pk}", name, readers, f"team-{pk}" in chosen) for (name, pk), readers in sorted(teams.items())),
    ]
    return Audience(groups, _named(choice.get("added", ()), known), _named(choice.get("left_out", ()), known))


def audience_of(announcement: Announcement) -> Audience:
    return audience(announcement.recipients)


def _people() -> tuple[list[Reader], dict[tuple[str, int], list[Reader]]]:
    """Everyone who holds a role, and those of each team by its name and primary key: two statements."""
    everyone: list[Reader] = []
    teams: dict[tuple[str, int], list[Reader]] = {}
    for user in everybody().prefetch_related("teams"):
        reader = Reader(user.email.lower(), user.name, user)
        everyone.append(reader)
        for team in {team.pk: team for team in user.teams.all()}.values():
            teams.setdefault((team.name, team.pk), []).append(reader)
    return everyone, teams


def _stakeholder(found: Stakeholder) -> Reader:
    return Reader(found.email.lower(), found.name)


def _folded(readers: Iterable[Reader]) -> dict[str, Reader]:
    """By address; whoever is a person of releaseflow comes before a bare address."""
    folded: dict[str, Reader] = {}
    for reader in readers:
        if reader.address not in folded or (reader.user and not folded[reader.address].user):
            folded[reader.address] = reader
    return folded


def _named(addresses: Sequence[str], known: dict[str, Reader]) -> list[Reader]:
    return [known.get(address) or Reader(address, "") for address in dict.fromkeys(addresses)]
