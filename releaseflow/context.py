"""What every page shows around its content: the clock, the navigation, the person and the demonstration's bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.roles import Role, role_line, standing
from deployments.calendar import upcoming_thursdays
from workflow import clock
from workflow.addresses import address
from workflow.eastern import eastern_day


@dataclass(frozen=True, eq=False)
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


class Entry(NamedTuple):
    """A place as the navigation shows it; `waiting` is the number of tasks there."""

    place: Place
    url: str
    current: bool
    waiting: int


class Command(NamedTuple):
    icon: str
    label: str
    url: str


@dataclass(frozen=True)
class Frame:
    """What stands around the content of a person's page."""

    places: tuple[Entry, ...]
    commands: tuple[Command, ...]
    role_line: str


def context(request: HttpRequest) -> dict[str, Any]:
    """For every template, without a statement: the clock is read where the view gave no `now` and a page shows it."""
    return {
        "now": SimpleLazyObject(clock.now),
        "demo": _demo(request),
        "csp_nonce": getattr(request, "csp_nonce", ""),
    }


def frame(user: User, *, page: str, now: datetime, tasks: int = 0) -> Frame:
    """One statement for the person's roles, which a view has usually read already.

    `page` is the name of the address; `tasks` is the number that wait for the person, where the page knows it.
    """
    # Install day is that of the calendar's week, which needs no look at the database.
    install_day = address("install-day", *upcoming_thursdays(eastern_day(now), 1))
    return Frame(places(page, install_day, tasks), commands(user), role_line(user))


@lru_cache(maxsize=256)
def places(page: str, install_day: str, tasks: int) -> tuple[Entry, ...]:
    """The navigation as it stands around a page."""
    return tuple(
        Entry(
            place,
            install_day if place.pages[0] == "install-day" else address(place.pages[0]),
            current=place.has(page),
            waiting=tasks if place.is_you else 0,
        )
        for place in PLACES
    )


def commands(user: User) -> tuple[Command, ...]:
    """What the command menu offers beside the places: what this person's roles may do, by roles read already."""
    who = standing(user)
    offered = (
        ("plus", "New deployment", "new-deployment", bool(who.team_ids()) or who.holds(Role.SCRUM_MASTER)),
        ("pr", "Submit a pull request", "new-pull-request", bool(who.team_ids())),
        ("done", "Approve CRQs together", "approvals", who.holds(Role.MANAGER)),
        ("gear", "Schedule", "schedule", who.holds(Role.ADMINISTRATOR)),
        ("people", "People", "people", who.holds(Role.ADMINISTRATOR)),
        ("people", "My page: roles, deputies, shortcuts", "me", True),
    )
    return tuple(Command(icon, label, address(page)) for icon, label, page, may in offered if may)


def _demo(request: HttpRequest) -> Any:
    """The bar of a demonstration, or None."""
    if not settings.DEMO:
        return None
    from releaseflow.demo.bar import bar

    return bar(request)
