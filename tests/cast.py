"""One person for each role, two where a duty is separated, and outsiders."""

from dataclasses import dataclass
from typing import Self

from accounts.models import Team, User
from accounts.roles import Role
from deployments.models import Application, Repository
from tests.factories import ApplicationFactory, RepositoryFactory, TeamFactory, person


@dataclass(frozen=True)
class Cast:
    """Identity owns the application under test; Billing is the other team."""

    team: Team
    other_team: Team
    application: Application
    repository: Repository
    developer: User
    reviewer: User
    manager: User
    second_manager: User
    scrum_master: User
    devops: User
    second_devops: User
    director: User
    administrator: User
    other_developer: User
    other_manager: User
    outsider: User

    @classmethod
    def assemble(cls) -> Self:
        team, other_team = TeamFactory(name="Identity", slug="identity"), TeamFactory(name="Billing", slug="billing")
        application = ApplicationFactory(name="Admin portal", team=team)
        return cls(
            team=team,
            other_team=other_team,
            application=application,
            repository=RepositoryFactory(application=application, name="acme/identity-admin"),
            developer=person("Hannah", "Cole", team=team, role=Role.DEVELOPER),
            reviewer=person("Wei", "Zhang", team=team, role=Role.DEVELOPER),
            manager=person("Anita", "Desai", team=team, role=Role.MANAGER),
            second_manager=person("Samuel", "Ortiz", team=team, role=Role.MANAGER),
            scrum_master=person("Maya", "Lind", role=Role.SCRUM_MASTER),
            devops=person("Grace", "Okafor", role=Role.DEVOPS),
            second_devops=person("Ivan", "Petrov", role=Role.DEVOPS),
            director=person("Ruth", "Abrams", role=Role.DIRECTOR),
            administrator=person("Ada", "Quist", role=Role.ADMINISTRATOR),
            other_developer=person("Lena", "Fischer", team=other_team, role=Role.DEVELOPER),
            other_manager=person("Omar", "Haddad", team=other_team, role=Role.MANAGER),
            outsider=person("Nick", "Nowhere"),
        )
