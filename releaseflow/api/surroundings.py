"""Who and what is around the releases: oneself, tasks, teams, applications, people, the activity, the e-mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from ninja import Query

from accounts.models import Team, User
from accounts.person import person
from accounts.roles import read_standings, standing
from crq.mail_delivery import why_not_shown
from crq.models import Announcement
from deployments.models import Application
from notifications.models import Email
from releaseflow.activity.filters import FilterForm, visible
from releaseflow.api import shapes
from releaseflow.api.inputs import PLAIN
from releaseflow.api.pages import Cursor, Day, Id, Limit, Words, paged
from releaseflow.api.problems import Problem
from releaseflow.api.told import fact, named, when
from releaseflow.home import home
from releaseflow.people.views import administrators_only
from workflow import clock
from workflow.eastern import eastern_day
from workflow.models import Event

Told = dict[str, Any]
Verb = Annotated[str, Query(max_length=80, pattern=PLAIN)]


def read_me(request: HttpRequest) -> Told:
    """Whom this token acts for, and as what."""
    by, token = person(request), request.token  # type: ignore[attr-defined]
    return {
        "id": by.pk,
        "name": by.name,
        "email": by.email,
        "roles": standing(by).line,
        "token": {"name": token.name, "roles": token.roles, "expires": when(token.expires_at)},
    }


def my_tasks(request: HttpRequest) -> Told:
    """What the person owes, and what their teams wait for."""
    found = home(person(request), now=clock.now())
    tasks = [(group.label, task) for group in found.groups for task in group.tasks]
    names = ("verb", "subject", "why", "late")
    return {
        "tasks": [
            {name: getattr(task, name) for name in names}
            | {"url": settings.SITE_URL + task.url, "due": when(task.due), "group": group}
            for group, task in tasks
        ],
        "waiting": [
            {name: getattr(each, name) for name in ("verb", "subject", "why", "who")}
            | {"url": settings.SITE_URL + each.url}
            for each in found.waiting
        ],
    }


def list_teams(request: HttpRequest) -> list[Told]:
    """Teams by name."""
    return [{"id": each.pk, "name": each.name, "slug": each.slug} for each in Team.objects.all()]


def list_applications(request: HttpRequest) -> list[Told]:
    """Applications with their repositories."""
    found = Application.objects.select_related("team").prefetch_related("repositories")
    names = ("name", "forge", "url", "required_approvals")
    return [
        {
            "id": each.pk,
            "name": each.name,
            "team": named(each.team),
            "repositories": [
                {name: getattr(row, name) for name in names} | {"id": row.pk} for row in each.repositories.all()
            ],
        }
        for each in found
    ]


def list_people(request: HttpRequest, q: Words = "", cursor: Cursor = "", limit: Limit = 50) -> Told:
    """People, for administrators."""
    administrators_only(person(request))
    found = User.objects.filter(Q(first_name__icontains=q) | Q(last_name__icontains=q) | Q(email__icontains=q))

    def tell(rows: list[User]) -> list[Told]:
        read_standings(rows, eastern_day(clock.now()))
        return [
            {
                "id": each.pk,
                "name": each.name,
                "email": each.email,
                "active": each.is_active,
                "roles": standing(each).line,
            }
            for each in rows
        ]

    return paged(found, ("pk",), cursor, limit, tell)


def list_events(  # noqa: PLR0917
    request: HttpRequest,
    who: Verb = "",
    what: Verb = "",
    week: Day = None,
    since: Day = None,
    until: Day = None,
    q: Words = "",
    deployment: Id = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """The activity: everything that happened, the newest first."""
    asked = {"who": who, "what": what, "q": q, "week": week, "since": since, "until": until, "deployment": deployment}
    form = FilterForm({name: str(value) for name, value in asked.items() if value})
    if not form.is_valid():
        raise Problem.of_form(form)
    return paged(
        visible(form.found(), person(request)), ("at", "pk"), cursor, limit, lambda rows: list(map(_event, rows))
    )


def _event(found: Event) -> Told:
    names = ("action", "object_type", "object_id", "subject", "week", "before", "after", "reason", "hash")
    return {name: getattr(found, name) for name in names} | {
        "id": found.pk,
        "fact": fact(found.at, found.actor, found.for_user),
        "deployment": found.deployment_id,
    }


def list_announcements(request: HttpRequest, week: Day = None, cursor: Cursor = "", limit: Limit = 50) -> Told:
    """The weeks' two e-mails: drafts, and what was sent."""
    found = Announcement.objects.select_related("week")
    found = found.filter(week__thursday=week) if week else found
    names = ("kind", "edition", "status", "subject")

    def tell(rows: list[Announcement]) -> list[Told]:
        return [
            {name: getattr(each, name) for name in names}
            | {"id": each.pk, "week": each.week.thursday, "sent": when(each.sent_at)}
            for each in rows
        ]

    return paged(found, ("pk",), cursor, limit, tell)


def list_emails(
    request: HttpRequest,
    state: Literal["", "waiting", "sent", "parked", "cancelled"] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """What was written to whom and whether it left, for those who see to the delivery."""
    if sentence := why_not_shown(person(request), now=clock.now()):
        raise PermissionDenied(sentence)
    where = Email.WAITING if state == "waiting" else Q(**{f"{state}_at__isnull": False}) if state else Q()

    def tell(rows: list[Email]) -> list[Told]:
        return [
            {name: getattr(each, name) for name in ("to", "state", "attempts")}
            | {"id": each.pk, "kind": each.letter.kind, "subject": each.letter.subject}
            | {"written": when(each.letter.written_at), "sent": when(each.sent_at)}
            for each in rows
        ]

    return paged(Email.objects.filter(where).select_related("letter"), ("pk",), cursor, limit, tell)


LISTS: tuple[tuple[str, str, Any, Callable[..., Any]], ...] = (
    ("/me", "me", shapes.MeOut, read_me),
    ("/me/tasks", "me", shapes.TasksOut, my_tasks),
    ("/teams", "around", list[shapes.TeamOut], list_teams),
    ("/applications", "around", list[shapes.ApplicationOut], list_applications),
    ("/people", "around", shapes.PersonOut, list_people),
    ("/activity", "around", shapes.EventOut, list_events),
    ("/announcements", "around", shapes.AnnouncementOut, list_announcements),
    ("/emails", "around", shapes.EmailOut, list_emails),
)
