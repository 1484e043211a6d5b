"""The made-up company of the demonstration: its teams, people, applications and the readers of its e-mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.text import slugify

from accounts.models import Appointment, Deputy, Membership, Team, User
from accounts.roles import OFFICE_ROLES, Role
from deployments.models import Application, Repository
from notifications.models import Stakeholder

# Team: its manager, then its developers.
TEAMS = {
    "Identity": ("Anita Desai", "Hannah Cole", "Wei Zhang", "Tomás Rivera"),
    "Billing": ("Samuel Ortiz", "Lena Fischer", "Jonas Berg", "Amara Nwosu"),
    "Claims": ("Helen Park", "Marcus Oyelaran", "Sofia Marino", "Daniel Weiss"),
    "Payments": ("Victor Hugo Lima", "Priya Raman", "Erik Dahl", "Chloe Martin"),
    "Data": ("Noor Rahimi", "Peter Novak", "Grace Kim", "Luis Ortega"),
    "Mobile": ("Julia Brandt", "Kenji Mori", "Fatima Zahra", "Oliver Grant"),
}
OFFICES = {
    Role.SCRUM_MASTER: ("Maya Lind",),
    Role.DEVOPS: ("Grace Okafor", "Ivan Petrov", "Leila Haddad"),
    Role.DIRECTOR: ("Ruth Abrams",),
    Role.ADMINISTRATOR: ("Ada Quist",),
}
DIRECTORS_DEPUTY = "Daniel Osei"

# Application: its team, and its repositories with the number that their pull requests begin with.
APPLICATIONS: dict[str, tuple[str, dict[str, int]]] = {
    "Admin portal": ("Identity", {"identity-admin": 300, "session-service": 40}),
    "Sign-in": ("Identity", {"sign-in": 210}),
    "Ledger": ("Billing", {"ledger": 620}),
    "Statements": ("Billing", {"statements": 330, "pdf-renderer": 70}),
    "Claims intake": ("Claims", {"claims-intake": 1040, "claims-forms": 410}),
    "Address lookup": ("Claims", {"address-lookup": 90, "claims-web": 700}),
    "Card payments": ("Payments", {"card-payments": 840, "payment-rules": 180}),
    "Direct debit": ("Payments", {"direct-debit": 260}),
    "Warehouse export": ("Data", {"warehouse-export": 120}),
    "Mobile gateway": ("Mobile", {"mobile-gateway": 560, "push-service": 80}),
}
STAKEHOLDERS = {
    "Service desk": "service-desk@example.com",
    "Operations control room": "control-room@example.com",
    "Branch support": "branch-support@example.com",
    "Change advisory board": "change-board@example.com",
}
# Whom the bar offers to become: each role at least once, and those whom this week waits for.
FACES = (
    *("Hannah Cole", "Wei Zhang", "Lena Fischer", "Marcus Oyelaran", "Priya Raman", "Anita Desai", "Samuel Ortiz"),
    *("Maya Lind", "Grace Okafor", "Ivan Petrov", "Ruth Abrams", "Ada Quist"),
)


@dataclass(frozen=True)
class Crew:
    """Who works on one team's deployments."""

    team: Team
    manager: User
    developers: tuple[User, ...]


@dataclass(frozen=True)
class Organisation:
    crews: dict[str, Crew]
    applications: dict[str, Application]
    devops: tuple[User, ...]
    scrum_master: User
    director: User

    def crew(self, application: Application) -> Crew:
        return self.crews[application.team.name]


def username(name: str) -> str:
    """`tomas.rivera` for "Tomás Rivera"; of longer names the first and the last word."""
    words = slugify(name).split("-")
    return f"{words[0]}.{words[-1]}"


def person(name: str) -> User:
    """Someone without a password: in a demonstration one becomes people, nobody signs in as them."""
    first, _, last = name.rpartition(" ")
    login = username(name)
    user = User(username=login, first_name=first, last_name=last, email=f"{login}@example.com", forge_login=login)
    user.set_unusable_password()
    user.save()
    return user


def found(first_day: date, last_day: date) -> Organisation:
    """Creates everybody and everything that is there before the first week; the deputy serves between the days."""
    crews = {name: _crew(name, *people) for name, people in TEAMS.items()}
    offices = {role: tuple(_officer(role, name) for name in OFFICES[role]) for role in OFFICE_ROLES}
    director, deputy = offices[Role.DIRECTOR][0], person(DIRECTORS_DEPUTY)
    Deputy.objects.create(for_user=director, deputy=deputy, role=Role.DIRECTOR, starts=first_day, ends=last_day)
    Stakeholder.objects.bulk_create(Stakeholder(name=name, email=email) for name, email in STAKEHOLDERS.items())
    applications = {name: _application(name, crews) for name in APPLICATIONS}
    return Organisation(crews, applications, offices[Role.DEVOPS], offices[Role.SCRUM_MASTER][0], director)


def _crew(team_name: str, manager: str, *developers: str) -> Crew:
    team = Team.objects.create(name=team_name, slug=slugify(team_name))
    crew = Crew(team, person(manager), tuple(person(name) for name in developers))
    Membership.objects.create(user=crew.manager, team=team, role=Role.MANAGER)
    Membership.objects.bulk_create(Membership(user=user, team=team, role=Role.DEVELOPER) for user in crew.developers)
    return crew


def _officer(role: Role, name: str) -> User:
    user = person(name)
    Appointment.objects.create(user=user, role=role)
    return user


def _application(name: str, crews: dict[str, Crew]) -> Application:
    team_name, repositories = APPLICATIONS[name]
    team = crews[team_name].team
    application = Application.objects.create(name=name, team=team)
    Repository.objects.bulk_create(
        Repository(
            application=application,
            name=f"{team.slug}/{short}",
            url=f"https://git.example.com/{team.slug}/{short}",
            forge=Repository.Forge.GITLAB,
        )
        for short in repositories
    )
    return application


def first_number(repository: Repository) -> int:
    """Where the repository's pull requests begin to count in the demonstration."""
    return next(
        (numbers[repository.short_name] for _, numbers in APPLICATIONS.values() if repository.short_name in numbers), 1
    )
