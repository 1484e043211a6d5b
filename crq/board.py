"""The week board: every deployment of one week, in bands by what is due next, each with its next step in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from urllib.parse import urlencode

from django.db.models import DateField, Exists, F, OuterRef, QuerySet, Subquery
from django.urls import reverse

from accounts.models import User
from accounts.prepared import Line, Prepared, Slot, among
from accounts.roles import Role, standing
from crq.cells import Head, heads
from crq.circumstances import circumstances
from crq.gathering import Read, current, full_name, gather, knowing, with_deadlines
from crq.models import Announcement
from crq.rail import NextDue, Step, next_due, rail
from crq.rows import Row, row
from crq.turns import Turns
from deployments.guards import closed_week
from deployments.live import mark_of, marked
from deployments.models import Deferral, Deployment, ReleaseWeek
from workflow.addresses import address
from workflow.eastern import eastern_day, say_long_day
from workflow.kept import Kept
from workflow.models import Event

VIEWS = {"": "All", "due": "Due today", "blocked": "Blocked", "mine": "My teams"}


@dataclass(frozen=True)
class Band:
    """Rows whose next deadline or stage is the same."""

    label: str
    rows: list[Row]

    @property
    def count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class View:
    label: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True)
class Choice:
    """A team that has deployments in the week."""

    slug: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class Week:
    thursday: date
    url: str
    skip_reason: str


@dataclass(frozen=True)
class Board:
    title: str
    subtitle: str
    week: Week
    previous_url: str
    next_url: str
    can_plan: bool
    plan_url: str
    next_due: NextDue | None
    rail: list[Step]
    views: list[View]
    columns: list[Head]
    bands: list[Band]
    teams: list[Choice]
    query: str
    mark: str

    @property
    def is_filtered(self) -> bool:
        return bool(self.query)

    @property
    def has_deployments(self) -> bool:
        return bool(self.teams)


def board(thursday: date, *, by: User, now: datetime, view: str = "", team: str = "") -> Board | None:
    """The board of the week of this Thursday, or None when there is no such week.

    `view` is one of VIEWS and `team` the slug of a team that has deployments here; anything else shows all.
    """
    week = next(iter(knowing(_WEEK(thursday=thursday, now=now))), None)
    if week is None:
        return None
    rows = _rows(week, by, now)
    live = [each.reached for each in rows if not each.left]
    teams = _teams(rows, team)
    shown = [row for row in rows if row.team_slug == team] if any(each.chosen for each in teams) else rows
    filters = _filters(view, team if shown is not rows else "")
    return Board(
        title=f"Week of {say_long_day(thursday).partition(', ')[2]}",
        subtitle=_subtitle(week, len(live)),
        week=Week(thursday, week.get_absolute_url(), week.skip_reason),
        previous_url=_week_url(week.previous),  # type: ignore[attr-defined]
        next_url=_week_url(week.following),  # type: ignore[attr-defined]
        can_plan=_can_plan(week, by, now),
        plan_url=f"{reverse('new-deployment')}?week={thursday}",
        next_due=next_due(week, now),
        rail=rail(week, live, now, plan_sent=week.plan_sent_at, sent=week.completion_sent_at),  # type: ignore[attr-defined]
        views=_views(week, shown, filters, bool(standing(by, eastern_day(now)).team_ids())) if rows else [],
        columns=heads(week),
        bands=_bands(_in_view(shown, filters.get("view", ""))),
        teams=teams,
        query=urlencode(filters) if rows else "",
        mark=mark_of(week, now),
    )


def _filters(view: str, team: str) -> dict[str, str]:
    """Only what narrows, so that addresses are short and the same filter has one address."""
    wanted = {"view": view if view in VIEWS else "", "team": team}
    return {key: value for key, value in wanted.items() if value}


def _teams(rows: Iterable[Row], chosen: str) -> list[Choice]:
    names = {each.team_slug: each.team for each in rows}
    return [Choice(slug, name, slug == chosen) for slug, name in sorted(names.items(), key=lambda pair: pair[1])]


def _week() -> QuerySet[ReleaseWeek]:
    """The week with its neighbours, when its two e-mails were sent, and whether deployments left it for another."""
    before = ReleaseWeek.objects.filter(thursday__lt=OuterRef("thursday")).order_by("-thursday")
    after = ReleaseWeek.objects.filter(thursday__gt=OuterRef("thursday")).order_by("thursday")
    sent = Announcement.objects.filter(week=OuterRef("pk"), status=Announcement.Status.SENT).order_by("sent_at")
    kind = Announcement.Kind
    found = ReleaseWeek.objects.filter(thursday=Slot("thursday", DateField())).annotate(
        previous=Subquery(before.values("thursday")[:1]),
        following=Subquery(after.values("thursday")[:1]),
        plan_sent_at=Subquery(sent.filter(kind=kind.PLANNED).values("sent_at")[:1]),
        completion_sent_at=Subquery(sent.filter(kind=kind.COMPLETION).values("sent_at")[:1]),
        was_left=Exists(Deferral.objects.filter(from_week=OuterRef("pk"))),
    )
    return with_deadlines(marked(found))


_ROWS: Kept[Read, Row] = Kept(most=16)


def _rows(week: ReleaseWeek, by: User, now: datetime) -> list[Row]:
    """Everything that is or was planned for the week, seen from it; in the order of the keys.

    Judged anew is only what is not as it was when the person looked last.
    """
    gathered = gather(_HERE, _seen_in(week), weeks=[week])
    seen = circumstances(by, [week], now)

    def judged(reads: list[Read]) -> Iterator[Row]:
        for facts in gathered.facts_of(reads):
            left = facts.deployment.week_id != week.pk or facts.deployment.status == Deployment.Status.WITHDRAWN
            yield row(Turns(facts, by=by, now=seen.now, left=left), left=left, now=seen.now)

    return _ROWS.of(seen, gathered.reads, judged)


def _seen_in(week: ReleaseWeek) -> list[Line]:
    """What left is read by its keys, which takes two statements, where something left.

    In one statement PostgreSQL would begin its many joins at all deployments there are.
    """
    here = _HERE.read(week=week.pk)
    if not week.was_left:  # type: ignore[attr-defined]
        return here
    gone = set(_LEFT(week=week.pk)) - set(_HERE.by("id", here))
    return sorted([*here, *(_GONE.read(week=week.pk, deployments=gone) if gone else ())], key=_HERE.key)


def _seen() -> QuerySet[Deployment]:
    """Deployments with how they came to the week and how they left it."""
    left = Deferral.objects.filter(deployment=OuterRef("pk"), from_week=Slot("week")).order_by("-at")
    came = Deferral.objects.filter(deployment=OuterRef("pk"), to_week=Slot("week")).order_by("-at")
    withdrawn = Event.objects.filter(object_type="deployment", object_id=OuterRef("pk"), action="withdraw").order_by(
        "-pk"
    )
    found = Deployment.objects.annotate(
        left_why=Subquery(left.values("why")[:1]),
        left_by=Subquery(left.values(name=full_name("by"))[:1]),
        came_from=Subquery(came.values("from_week__thursday")[:1]),
        withdrawn_why=Subquery(withdrawn.values("reason")[:1]),
        now_in=F("week__thursday"),
    )
    return current(found.order_by("pk"))


_WEEK = Prepared(_week)
_HERE = Prepared(lambda: _seen().filter(week=Slot("week")))
_GONE = Prepared(lambda: _seen().filter(among("pk", "deployments")))
_LEFT = Prepared(lambda: Deferral.objects.filter(from_week=Slot("week")).values_list("deployment", flat=True))


def _subtitle(week: ReleaseWeek, live: int) -> str:
    if week.install_day is None:
        return "No code install this week"
    count = f"{live or 'No'} deployment{'' if live == 1 else 's'}"
    return f"{count} for code install on {say_long_day(week.install_day)}"


def _week_url(thursday: date | None) -> str:
    return address("week", thursday) if thursday else ""


def _can_plan(week: ReleaseWeek, by: User, now: datetime) -> bool:
    who = standing(by, eastern_day(now))
    return (bool(who.team_ids()) or who.holds(Role.SCRUM_MASTER)) and not closed_week(week, now)


def _in_view(rows: Iterable[Row], view: str) -> list[Row]:
    return [each for each in rows if not view or view in each.views]


def _views(week: ReleaseWeek, rows: list[Row], filters: dict[str, str], has_team: bool) -> list[View]:
    """The filters with their counts; "All" counts what is still planned here. "My teams" is for people with a team."""
    found, current = [], filters.get("view", "")
    for key, label in VIEWS.items():
        if key == "mine" and not has_team:
            continue
        count = len(_in_view(rows, key)) if key else sum(not each.left for each in rows)
        query = urlencode(_filters(key, filters.get("team", "")))
        url = week.get_absolute_url()
        found.append(View(label, f"{url}?{query}" if query else url, count, key == current))
    return found


def _bands(rows: Iterable[Row]) -> list[Band]:
    """In a band the rows that wait for the person who looks come first."""
    in_order = sorted(rows, key=lambda each: (each.rank, not each.next.is_you))
    return [Band(label, list(found)) for label, found in groupby(in_order, key=lambda each: each.band)]
