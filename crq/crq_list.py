"""All CRQs as a list: what narrows it, its rows, its pages, and the same as a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.dateparse import parse_date

from accounts.models import Team, User
from accounts.prepared import Prepared, Slot, among
from accounts.roles import standing
from crq.models import CRQ
from deployments.models import Application, Deployment, ReleaseWeek
from workflow.addresses import address
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_day
from workflow.keyset import page
from workflow.words import MOST_KEYS, WORD, few, look_up, narrowed

SIZE = 50
MOST_WEEKS = 60
MOST_IN_A_FILE = 20_000
MOST_WORDS = 8
HELD = "held"
MOST_APPLICATIONS = 100
SHOWN = (
    *("pk", "number", "title", "status", "closure", "target_date"),
    *("deployment__status", "deployment__week__install_day"),
    *("deployment__application__name", "deployment__application__team__name"),
    *("opened_by__username", "opened_by__first_name", "opened_by__last_name"),
)
"""What a row reads; as objects, a page of fifty would be three hundred."""
STATES = {**dict(CRQ.Status.choices), HELD: "Held"}
HEAD = (
    "CRQ", "Title", "Application", "Team", "Week", "Target date", "CRQ state", "Closure", "Deployment state",
    "Opened by", "Opened at", "Address",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what it names wrongly is left out."""

    q: str = ""
    week: date | None = None
    team: int | None = None
    application: int | None = None
    state: str = ""
    mine: bool = False
    at: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        state = query.get("state", "")
        return cls(
            q=query.get("q", "").replace("\0", "").strip()[:100],
            week=_day(query.get("week", "")),
            team=_number(query.get("team", "")),
            application=_number(query.get("application", "")),
            state=state if state in STATES else "",
            mine=query.get("mine", "") == "1",
            at=query.get("at", "")[:30],
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.values())

    def values(self) -> dict[str, str]:
        """The filters as an address carries them; the page is no filter."""
        asked = {
            "q": self.q,
            "week": self.week.isoformat() if self.week else "",
            "team": str(self.team or ""),
            "application": str(self.application or ""),
            "state": self.state,
            "mine": "1" if self.mine else "",
        }
        return {name: value for name, value in asked.items() if value}

    def url(self, **more: str) -> str:
        return f"{reverse('crqs')}?{urlencode(self.values() | more)}"


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Row:
    url: str
    title: str
    number: str
    meta: str
    badge: Badge
    install: str


@dataclass(frozen=True)
class Listed:
    asked: Asked
    rows: list[Row]
    weeks: list[Option]
    teams: list[Option]
    applications: list[Option]
    states: list[Option] = field(default_factory=list)
    has_more_applications: bool = False
    previous_page_url: str = ""
    next_page_url: str = ""

    @property
    def csv_url(self) -> str:
        return self.asked.url(format="csv")


def listed(asked: Asked, *, by: User, now: datetime) -> Listed:
    """One page of the list, newest first: a fixed number of statements, however many rows."""
    rows: QuerySet[CRQ, Any] = matching(asked, by=by, now=now).values_list(*SHOWN, named=True)
    found = page(rows, ("pk",), at=asked.at, size=SIZE)
    own = standing(by, eastern_day(now)).team_ids() | {asked.team or 0}
    applications = _APPLICATIONS(teams=own, application=asked.application or 0)
    return Listed(
        asked=asked,
        rows=[_row(each) for each in found.rows],
        weeks=[Option(day.isoformat(), _week(day), day == asked.week) for day in _WEEKS()],
        teams=[_option(str(pk), name, asked.team) for pk, name in _TEAMS()],
        applications=[
            _option(str(pk), name, asked.application) for name, pk in sorted(applications[:MOST_APPLICATIONS])
        ],
        has_more_applications=len(applications) > MOST_APPLICATIONS,
        states=[_option(value, label, asked.state) for value, label in STATES.items()],
        previous_page_url=asked.url(at=found.newer) if found.newer else "",
        next_page_url=asked.url(at=found.older) if found.older else "",
    )


def _weeks() -> QuerySet[ReleaseWeek, date]:
    with_crq = Exists(CRQ.objects.filter(deployment__week=OuterRef("pk")))
    weeks = ReleaseWeek.objects.filter(with_crq).order_by("-thursday")[:MOST_WEEKS]
    return weeks.values_list("thursday", flat=True)


def _teams() -> QuerySet[Team, tuple[int, str]]:
    return Team.objects.filter(Exists(Application.objects.filter(team=OuterRef("pk")))).values_list("pk", "name")


def _applications() -> QuerySet[Application, tuple[str, int]]:
    """First the chosen one, those of the chosen team and of one's own; where there are many, not all of the others."""
    near = Q(among("team", "teams")) | Q(pk=Slot("application"))
    found = Application.objects.order_by(Case(When(near, then=Value(0)), default=Value(1)), "name")
    return found.values_list("name", "pk")[: MOST_APPLICATIONS + 1]


_WEEKS, _TEAMS, _APPLICATIONS = Prepared(_weeks), Prepared(_teams), Prepared(_applications)


@lru_cache(maxsize=MOST_WEEKS)
def _week(day: date) -> str:
    return f"Week of {say_day(day)}"


def matching(asked: Asked, *, by: User, now: datetime) -> QuerySet[CRQ]:
    found = CRQ.objects.select_related("deployment__application__team", "deployment__week", "opened_by")
    if asked.week:
        found = found.filter(deployment__week__thursday=asked.week)
    if asked.team:
        found = found.filter(_of_teams([asked.team]))
    if asked.application:
        found = found.filter(deployment__application=asked.application)
    if asked.state == HELD:
        found = found.exclude(status=CRQ.Status.CLOSED).filter(deployment__status=Deployment.Status.HELD)
    elif asked.state:
        found = found.filter(status=asked.state)
    if asked.mine:
        teams = standing(by, eastern_day(now)).team_ids()
        found = found.filter(Q(opened_by=by) | _of_teams(teams))
    if words := asked.q.split()[:MOST_WORDS]:
        found = narrowed(found, look_up(words, lambda word: _HAVING(word=word)), _says)
    return found


def _of_teams(teams: Iterable[int]) -> Q:
    """By keys where a team has few: PostgreSQL takes all teams for equally busy, and would read every CRQ."""
    keys = _DEPLOYMENTS(applications=_OWNED(teams=teams))
    return Q(deployment__in=keys) if len(keys) <= MOST_KEYS else Q(deployment__application__team__in=teams)


def _deployments() -> QuerySet[Deployment, int]:
    """In the order of the index that finds them, which PostgreSQL then uses."""
    found = Deployment.objects.filter(among("application", "applications")).order_by("application_id")
    return found.values_list("pk", flat=True)[: MOST_KEYS + 1]


_DEPLOYMENTS = Prepared(_deployments)
_OWNED = Prepared(lambda: Application.objects.filter(among("team", "teams")).order_by().values_list("pk", flat=True))


def _having() -> QuerySet[Any, int]:
    """Keys of CRQs that have a word in one of the places that `_says` names."""
    people = User.objects.filter(Q(first_name__icontains=WORD) | Q(last_name__icontains=WORD))
    owned = Application.objects.filter(Q(name__icontains=WORD) | Q(team__name__icontains=WORD))
    conditions = (
        Q(title__icontains=WORD),
        Q(number__icontains=WORD),
        Q(number_there__number__icontains=WORD),
        Q(deployment__in=Deployment.objects.filter(application__in=owned)),
        Q(opened_by__in=people),
    )
    return few(*(CRQ.objects.filter(each).order_by().values_list("pk", flat=True) for each in conditions))


_HAVING = Prepared(_having)


def _says(word: str) -> Q:
    return (
        Q(number__icontains=word)
        | Q(number_there__number__icontains=word)
        | Q(title__icontains=word)
        | Q(deployment__application__name__icontains=word)
        | Q(deployment__application__team__name__icontains=word)
        | Q(opened_by__first_name__icontains=word)
        | Q(opened_by__last_name__icontains=word)
    )


def cells(asked: Asked, *, by: User, now: datetime, site: str) -> Iterator[tuple[object, ...]]:
    """The rows of the spreadsheet: all that the filters leave, at most MOST_IN_A_FILE."""
    for crq in matching(asked, by=by, now=now).order_by("-pk")[:MOST_IN_A_FILE].iterator():
        deployment = crq.deployment
        yield (
            crq.number, crq.title, deployment.application, deployment.application.team, deployment.week.thursday,
            crq.target_date, crq.get_status_display(), crq.get_closure_display() if crq.closure else "",
            deployment.get_status_display(), crq.opened_by, crq.opened_at, site + crq.get_absolute_url(),
        )  # fmt: skip


def _row(shown: Any) -> Row:
    """`shown` has the values of SHOWN."""
    who = f"{shown.opened_by__first_name} {shown.opened_by__last_name}".strip() or shown.opened_by__username
    whose = f"{shown.deployment__application__name} · {shown.deployment__application__team__name}"
    return Row(
        url=address("crq", shown.number),
        title=shown.title,
        number=shown.number,
        meta=f"{whose} · opened by {who}",
        badge=_badge(shown.status, shown.closure, shown.deployment__status),
        install=f"Install {say_day(shown.deployment__week__install_day or shown.target_date)}",
    )


@cache
def _badge(status: str, closure: str, of_deployment: str) -> Badge:
    if status == CRQ.Status.CLOSED:
        good = closure in {CRQ.Closure.SUCCESSFUL, CRQ.Closure.WITH_ISSUES}
        return Badge("done" if good else "idle", CRQ.Closure(closure).label)
    if of_deployment == Deployment.Status.HELD:
        return Badge("stop", "Held")
    if status == CRQ.Status.APPROVED:
        return Badge("done", "Approved")
    return Badge("wait", "Open")


def _option(value: str, label: str, chosen: object) -> Option:
    return Option(value, label, chosen is not None and value == str(chosen))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
