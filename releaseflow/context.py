"""What every page shows around its content: the clock, the navigation, the person and the demonstration's bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.roles import Role, role_line, standing
from deployments.calendar import upcoming_thursdays
from workflow import clock
from workflow.addresses import address
from workflow.eastern import eastern_day


@dataclass(frozen=True)
class Place:
    """One entry of the navigation; `pages` are the names of the addresses that belong to it, its own first.

    A name that ends with a hyphen stands for all that begin so.

    `tab`: it stands in the bar of small screens, which has room for four and "More". `key` follows g on the keyboard.
    """

    label: str
    short: str
    icon: str
    group: str
    pages: tuple[str, ...]
    is_you: bool = False
    tab: bool = False
    key: str = ""

    def has(self, page: str) -> bool:
        return page in self.pages or page.startswith(tuple(each for each in self.pages if each.endswith("-")))


DEPLOYMENTS = (
    *("crqs", "crq", "crq-", "open-crq", "deployment", "deployment-", "new-deployment", "new-deployment-"),
    *("merge", "move", "attach"),
)
PLACES = (
    Place("My tasks", "My tasks", "home", "main", ("my-tasks", "approvals"), is_you=True, tab=True, key="t"),
    Place("Week board", "Week", "board", "main", ("weeks", "week", "snapshots"), tab=True, key="w"),
    Place("CRQs", "CRQs", "doc", "main", DEPLOYMENTS),
    Place("Pull requests", "PRs", "pr", "main", ("pull-requests", "pull-request", "new-pull-request")),
    Place("Code review", "Review", "review", "main", ("reviews", "review"), tab=True),
    Place("Install day", "Install", "install", "main", ("install-day",), tab=True, key="i"),
    Place("Exemptions", "Exempt", "exempt", "main", ("exemptions", "exemption", "ask-exemption")),
    Place("Emails", "Emails", "mail", "more", ("emails", "announcement", "week-mail", "email-delivery")),
    Place("Calendar", "Calendar", "cal", "more", ("calendar", "week-schedule")),
    Place("Activity", "Activity", "history", "more", ("activity", "event")),
    Place(
        "Settings",
        "Settings",
        "gear",
        "more",
        ("settings", "setting-", "people", "person", "invite", "schedule", "closed-days"),
    ),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """For a stranger no statement at all; for a person the one for their roles, which a view has usually read already.

    Clock and navigation are made only where the view gave none of its own.
    """
    now: Any = SimpleLazyObject(clock.now)
    nonce = getattr(request, "csp_nonce", "")
    found: dict[str, Any] = {"now": now, "demo": _demo(request), "csp_nonce": nonce}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return found
    nav = SimpleLazyObject(lambda: navigation(request, now=now))
    return found | {"nav": nav, "commands": commands(cast(User, user)), "role_line": role_line(cast(User, user))}


def commands(user: User) -> list[dict[str, str]]:
    """What the command menu offers beside the places: what this person's roles may do, by roles read already."""
    who = standing(user)
    offered = [
        ("plus", "New deployment", "new-deployment", bool(who.team_ids()) or who.holds(Role.SCRUM_MASTER)),
        ("pr", "Submit a pull request", "new-pull-request", bool(who.team_ids())),
        ("done", "Approve CRQs together", "approvals", who.holds(Role.MANAGER)),
        ("gear", "Schedule", "schedule", who.holds(Role.ADMINISTRATOR)),
        ("people", "People", "people", who.holds(Role.ADMINISTRATOR)),
        ("people", "My page: roles, deputies, shortcuts", "me", True),
    ]
    return [{"icon": icon, "label": label, "url": address(page)} for icon, label, page, may in offered if may]


def navigation(request: HttpRequest, *, now: datetime, tasks: int = 0) -> list[dict[str, Any]]:
    """The entries for every page; `tasks` is the number that wait for the person, where the page knows it."""
    current = (request.resolver_match.url_name if request.resolver_match else "") or ""
    return [
        {
            "url": _url(place, now),
            "label": place.label,
            "short": place.short,
            "icon": place.icon,
            "group": place.group,
            "current": place.has(current),
            "count": tasks if place.is_you else 0,
            "is_you": place.is_you,
            "tab": place.tab,
            "key": place.key,
        }
        for place in PLACES
    ]


def _url(place: Place, now: datetime) -> str:
    """Install day is that of the calendar's week, which needs no look at the database."""
    if place.pages[0] == "install-day":
        return address("install-day", *upcoming_thursdays(eastern_day(now), 1))
    return address(place.pages[0])


def _demo(request: HttpRequest) -> Any:
    """The bar of a demonstration, or None."""
    if not settings.DEMO:
        return None
    from releaseflow.demo.bar import bar

    return bar(request)
