"""What the pages of the settings show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Prefetch, Q, QuerySet
from django.urls import reverse

from accounts.models import Appointment, Membership, Team, User
from accounts.roles import OFFICE_ROLES, Role, standing
from deployments.models import Application, ClosedDay, Repository, SchedulePolicy
from notifications.models import Email, Stakeholder
from releaseflow.settings_pages.flow import RECIPIENT, REPOSITORY
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_day
from workflow.machine import refusal
from workflow.steps import Flow


def why_not(flow: Flow, action: str, obj: object, *, by: User, now: datetime) -> str:
    """The sentence that names who can, for everybody but an administrator."""
    no = refusal(flow, action, obj, by=by, now=now)
    return no.sentence if no else ""


# --- The overview --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Item:
    """One line of the first-run checklist."""

    label: str
    done: bool
    detail: str
    url: str


def checklist(now: datetime) -> list[Item]:
    """What a new installation needs, in the order in which it is set up. Nine statements."""
    return [*_organisation(), *_calendar(now), *_mail()]


def _organisation() -> Iterator[Item]:
    teams = Team.objects.count()
    yield Item("Teams", teams > 0, _count(teams, "team"), reverse("setting-teams"))
    lacking = _offices_without_anybody() + _teams_without_a_manager()
    detail = f"Missing: {', '.join(lacking)}." if lacking else "Every role is held by somebody."
    yield Item("People and roles", not lacking, detail, reverse("people"))
    applications = Application.objects.aggregate(all=Count("pk", distinct=True), bare=_WITHOUT_REPOSITORY)
    detail = _count(applications["all"], "application")
    detail += f", {applications['bare']} without a repository" if applications["bare"] else ""
    done = bool(applications["all"]) and not applications["bare"]
    yield Item("Applications and repositories", done, detail, reverse("setting-applications"))


_WITHOUT_REPOSITORY = Count("pk", filter=Q(repositories=None), distinct=True)


def _offices_without_anybody() -> list[str]:
    held = set(Appointment.objects.filter(user__is_active=True).values_list("role", flat=True))
    return [str(Role(role).label) for role in OFFICE_ROLES if role not in held]


def _teams_without_a_manager() -> list[str]:
    managed = Membership.objects.filter(role=Role.MANAGER, user__is_active=True).values("team")
    return [f"a Dev Manager of {team}" for team in Team.objects.exclude(pk__in=managed)]


def _calendar(now: datetime) -> Iterator[Item]:
    chosen = SchedulePolicy.objects.exists()
    detail = "Chosen here." if chosen else "The usual rules apply: cutoff Tuesday 2:00 pm, install Thursday 2:00 pm."
    yield Item("Schedule", chosen, detail, reverse("schedule"))
    last = ClosedDay.objects.filter(day__gte=eastern_day(now)).order_by("-day").first()
    detail = f"Known until {say_day(last.day)}, {last.day.year}." if last else "No holiday or freeze is ahead."
    yield Item("Holidays and freezes", last is not None, detail, reverse("closed-days"))


def _mail() -> Iterator[Item]:
    recipients = Stakeholder.objects.count()
    yield Item("Recipients", recipients > 0, _count(recipients, "recipient"), reverse("setting-recipients"))
    sent = Email.objects.exclude(sent_at=None).order_by("-sent_at").first()
    detail = f"The last one left for {sent.to}." if sent else "No e-mail has left yet. Send a test to yourself."
    yield Item("E-mail", sent is not None, detail, f"{reverse('settings')}#test")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else f"No {noun} yet"


APPLICATIONS_HEAD = ("Name", "Team", "Repository", "Forge", "Approvals")


# --- Lists ---------------------------------------------------------------------------------------------------
def applications() -> QuerySet[Application]:
    """With team and repositories: two statements."""
    return Application.objects.select_related("team").prefetch_related("repositories")


def application_cells() -> Iterator[tuple[object, ...]]:
    """A line for each repository, as `manage.py import_applications` reads them."""
    for application in applications():
        repositories = list(application.repositories.all())
        for each in repositories:
            yield application, application.team, each.url, each.get_forge_display(), each.required_approvals
        if not repositories:
            yield application, application.team, None, None, None


def repositories(application: Application, *, by: User, now: datetime) -> list[tuple[Repository, Act | None]]:
    """Each with the act that removes it, for an administrator."""
    confirm = "It is taken out of the application. Nothing of it is on record yet."
    found = application.repositories.annotate(on_record=Count("pull_requests"))
    return [(each, _removal(REPOSITORY, each, confirm, by, now)) for each in found]


def _removal(flow: Flow, obj: object, confirm: str, by: User, now: datetime) -> Act | None:
    """Nothing for others: the page says once who can."""
    if not standing(by, eastern_day(now)).holds(Role.ADMINISTRATOR):
        return None
    return act(flow, "remove", obj, by=by, now=now, confirm=confirm)


def teams() -> QuerySet[Team]:
    """With members and applications: three statements."""
    members = (
        Membership.objects.filter(user__is_active=True).select_related("user").order_by("-role", "user__first_name")
    )
    return Team.objects.prefetch_related(Prefetch("memberships", members), "applications")


def recipients(*, by: User, now: datetime) -> list[tuple[Stakeholder, Act | None]]:
    """Each with the act that removes it, for an administrator."""
    confirm = "The week’s e-mails no longer go there."
    return [(each, _removal(RECIPIENT, each, confirm, by, now)) for each in Stakeholder.objects.all()]
