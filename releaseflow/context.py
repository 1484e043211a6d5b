"""What every page shows around its content: the clock, the navigation, the person and the demonstration's bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.roles import role_line
from deployments.calendar import upcoming_thursdays
from workflow import clock
from workflow.eastern import eastern_day


@dataclass(frozen=True)
class Place:
    """One entry of the navigation; `pages` are the names of the addresses that belong to it."""

    label: str
    short: str
    icon: str
    group: str
    pages: tuple[str, ...]
    is_you: bool = False


SETTINGS = (
    *("settings", "people", "schedule", "closed-days", "setting-applications", "setting-application"),
    *("setting-repository", "setting-teams", "setting-team", "setting-recipients"),
)
PLACES = (
    Place("My tasks", "Tasks", "home", "main", ("my-tasks",), is_you=True),
    Place("Week board", "Week", "board", "main", ("weeks", "week")),
    Place("CRQs", "CRQs", "doc", "main", ("crqs", "crq", "deployment", "open-crq", "merge", "move", "attach")),
    Place("Pull requests", "PRs", "pr", "main", ("pull-requests", "pull-request", "new-pull-request")),
    Place("Code review", "Review", "review", "main", ("reviews", "review")),
    Place("Install day", "Install", "install", "main", ("install-day",)),
    Place("Exemptions", "Exempt", "exempt", "main", ("exemptions", "exemption", "ask-exemption")),
    Place("Emails", "Emails", "mail", "more", ("emails", "announcement")),
    Place("Calendar", "Calendar", "cal", "more", ("calendar", "week-schedule")),
    Place("Activity", "Activity", "history", "more", ("activity", "event")),
    Place("Settings", "Settings", "gear", "more", SETTINGS),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """For a stranger no statement at all; for a person the one for their roles, which a view has usually read already.

    Clock and navigation are made only where the view gave none of its own.
    """
    now: Any = SimpleLazyObject(clock.now)
    found: dict[str, Any] = {"now": now, "demo": _demo(request)}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return found
    nav = SimpleLazyObject(lambda: navigation(request, now=now))
    return found | {"nav": nav, "role_line": role_line(cast(User, user))}


def navigation(request: HttpRequest, *, now: datetime, tasks: int = 0) -> list[dict[str, Any]]:
    """The entries for every page; `tasks` is the number that wait for the person, where the page knows it."""
    current = request.resolver_match.url_name if request.resolver_match else ""
    return [
        {
            "url": _url(place, now),
            "label": place.label,
            "short": place.short,
            "icon": place.icon,
            "group": place.group,
            "current": current in place.pages,
            "count": tasks if place.is_you else 0,
            "is_you": place.is_you,
        }
        for place in PLACES
    ]


def _url(place: Place, now: datetime) -> str:
    """Install day is that of the calendar's week, which needs no look at the database."""
    if place.pages[0] == "install-day":
        return reverse("install-day", args=upcoming_thursdays(eastern_day(now), 1))
    return reverse(place.pages[0])


def _demo(request: HttpRequest) -> Any:
    """The bar of a demonstration, or None."""
    if not settings.DEMO:
        return None
    from releaseflow.demo.bar import bar

    return bar(request)
