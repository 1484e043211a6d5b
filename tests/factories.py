"""People, teams and applications for tests. Deployments reach their states by real actions: see tests/stages.py."""

import factory
from factory.django import DjangoModelFactory

from accounts.models import Appointment, Membership, Team, User
from accounts.roles import Role
from deployments.models import Application, Repository


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")
    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.com")
    password = factory.django.Password("a quiet harbour")


class TeamFactory(DjangoModelFactory[Team]):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")
    slug = factory.Sequence(lambda n: f"team-{n}")


class ApplicationFactory(DjangoModelFactory[Application]):
    class Meta:
        model = Application

    name = factory.Sequence(lambda n: f"Application {n}")
    team = factory.SubFactory(TeamFactory)


class RepositoryFactory(DjangoModelFactory[Repository]):
    class Meta:
        model = Repository

    application = factory.SubFactory(ApplicationFactory)
    name = factory.Sequence(lambda n: f"acme/repository-{n}")
    url = factory.LazyAttribute(lambda repository: f"https://github.com/{repository.name}")


def person(first: str, last: str, *, team: Team | None = None, role: Role | None = None) -> User:
    """Someone named, with at most one role: of the team when one is given, else an office."""
    user: User = UserFactory(first_name=first, last_name=last, username=f"{first}.{last}".lower())
    if team and role:
        Membership.objects.create(user=user, team=team, role=role)
    elif role:
        Appointment.objects.create(user=user, role=role)
    return user
