"""The calendar as its page shows it: months as tables, and the same weeks as an agenda."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.urls import reverse

from deployments.models import ClosedDay, ReleaseWeek
from deployments.policy import INSTALL_DAY, Deadline, Policy
from deployments.rules import current_policy
from deployments.weeks import WARN_BEFORE
from workflow.eastern import MONTHS, WEEKDAYS, eastern_day, say_clock, say_day, to_eastern

MONTHS_SHOWN, MOST_YEARS = 3, 10
THURSDAY = 3
SHORT = {
    Deadline.CODE_REVIEW: "Code review",
    Deadline.PLAN_EMAIL: "Plan e-mail",
    Deadline.CUTOFF: "PRs and CRQs",
    Deadline.APPROVAL: "CRQ approval",
    Deadline.EXEMPTION_CLOSE: "Exemptions close",
    Deadline.INSTALL: "Code install",
    Deadline.INSTALL_CLOSE: "Install closes",
}


@dataclass(frozen=True)
class Entry:
    """One deadline of a week. `moved` says from where, when a closed day or a choice moved it.

    `of` names the week where it is not the one in which the deadline lies: "for Dec 10".
    """

    key: str
    label: str
    at: datetime
    over: bool
    moved: str
    of: str

    @property
    def clock(self) -> str:
        return say_clock(to_eastern(self.at).time()).removeprefix("12:00 ")

    @property
    def is_install(self) -> bool:
        return self.key == Deadline.INSTALL


@dataclass(frozen=True)
class Day:
    """One working day. `skipped` is the reason why the week that installs here does not."""

    day: date
    in_month: bool
    today: bool
    over: bool
    closed: ClosedDay | None
    entries: list[Entry]
    skipped: str

    @property
    def name(self) -> str:
        return say_day(self.day)


@dataclass(frozen=True)
class Line:
    """One calendar week of a month: Monday to Friday."""

    label: str
    url: str
    days: list[Day]


@dataclass(frozen=True)
class Month:
    label: str
    lines: list[Line]


@dataclass(frozen=True)
class AgendaWeek:
    """A week with all its days that have something; `url` is empty while the release week is not open."""

    title: str
    url: str
    schedule_url: str
    skipped: str
    moved: str
    warn: bool
    days: list[Day]

    @property
    def name(self) -> str:
        """The title inside a sentence."""
        return f"w{self.title[1:]}"


@dataclass(frozen=True)
class Turn:
    """A link to another month."""

    label: str
    url: str


@dataclass(frozen=True)
class CalendarPage:
    """`back` is empty on the page of this month."""

    weekdays: tuple[str, ...]
    months: list[Month]
    agenda: list[AgendaWeek]
    before: Turn
    after: Turn
    back: Turn | None


def calendar_page(now: datetime, month: str = "") -> CalendarPage:
    """Three months from `month` ("2026-12") on, or from this one. Four statements, whatever is in them."""
    this = eastern_day(now).replace(day=1)
    first = month_of(month, this) or this
    months = [_next_month(first, number) for number in range(MONTHS_SHOWN)]
    last = _next_month(first, MONTHS_SHOWN) - timedelta(days=1)
    found = _Found(first, last, now)
    return CalendarPage(
        weekdays=WEEKDAYS[:5],
        months=[Month(f"{MONTHS[month.month - 1]} {month.year}", list(_lines(month, found))) for month in months],
        agenda=list(_agenda(found, max(first, found.today) if first == this else first, last)),
        before=_turn(_next_month(first, -1)),
        after=_turn(_next_month(first, 1)),
        back=_turn(this) if first != this else None,
    )


def month_of(text: str, this: date) -> date | None:
    """The first day of "2026-12", within ten years of this month."""
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return day if len(text) == 7 and abs(day.year - this.year) <= MOST_YEARS else None


def _turn(month: date) -> Turn:
    return Turn(f"{MONTHS[month.month - 1]} {month.year}", f"{reverse('calendar')}?month={month:%Y-%m}")


class _Found:
    """What stands in the calendar between two days, by day."""

    def __init__(self, first: date, last: date, now: datetime) -> None:
        self.now, self.today = now, eastern_day(now)
        around = (first - timedelta(days=7), last + timedelta(days=35))
        weeks = ReleaseWeek.objects.filter(thursday__range=around).prefetch_related("milestones")
        self.weeks = {week.thursday: week for week in weeks}
        closed = ClosedDay.objects.filter(day__range=(first - timedelta(days=40), around[1]))
        self.closed = {row.day: row for row in closed}
        self.policy = current_policy()
        self.entries: dict[date, list[Entry]] = {}
        for week in self.weeks.values():
            for entry in self._entries(week):
                self.entries.setdefault(eastern_day(entry.at), []).append(entry)
        for entries in self.entries.values():
            entries.sort(key=lambda entry: entry.at)

    def day(self, day: date, month: date | None = None) -> Day:
        week = self.weeks.get(thursday_of(day))
        skipped = week.skip_reason if week and week.skipped and day.weekday() == self.policy.install.weekday else ""
        return Day(
            day=day,
            in_month=month is None or (day.year, day.month) == (month.year, month.month),
            today=day == self.today,
            over=day < self.today,
            closed=self.closed.get(day),
            entries=self.entries.get(day, []),
            skipped=skipped,
        )

    def _entries(self, week: ReleaseWeek) -> Iterator[Entry]:
        for row in week.milestones.all():
            if week.skipped and row.due_at >= self.now:
                continue
            moved = _moved(week, row.key, row.due_at, self.policy, self.closed)
            elsewhere = thursday_of(eastern_day(row.due_at)) != week.thursday
            of = f"for {say_day(week.thursday)[4:]}" if elsewhere else ""
            yield Entry(row.key, SHORT[Deadline(row.key)], row.due_at, row.due_at < self.now, moved, of)


def _moved(week: ReleaseWeek, key: str, at: datetime, policy: Policy, closed: dict[date, ClosedDay]) -> str:
    """ "moved from Tue Nov 10", where a closed day moved a deadline or somebody chose another install day."""
    rule = policy.rule(Deadline(key))
    nominal = week.thursday + timedelta(days=rule.weekday - THURSDAY, weeks=-rule.weeks_before)
    if eastern_day(at) == nominal:
        return ""
    chosen = key in INSTALL_DAY and week.substitute is not None
    return f"moved from {say_day(nominal)}" if chosen or nominal in closed else ""


def _lines(month: date, found: _Found) -> Iterator[Line]:
    monday = month - timedelta(days=month.weekday())
    while monday < _next_month(month, 1):
        days = [found.day(monday + timedelta(days=number), month) for number in range(5)]
        if any(day.in_month for day in days):
            thursday = monday + timedelta(days=THURSDAY)
            week = found.weeks.get(thursday)
            yield Line(say_day(thursday), week.get_absolute_url() if week else "", days)
        monday += timedelta(weeks=1)


def _agenda(found: _Found, first: date, last: date) -> Iterator[AgendaWeek]:
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        days = [found.day(monday + timedelta(days=number)) for number in range(5)]
        days = [day for day in days if day.entries or day.closed or day.skipped]
        week = found.weeks.get(monday + timedelta(days=THURSDAY))
        if days or week:
            yield _agenda_week(monday + timedelta(days=THURSDAY), week, days, found)
        monday += timedelta(weeks=1)


def _agenda_week(thursday: date, week: ReleaseWeek | None, days: list[Day], found: _Found) -> AgendaWeek:
    title = f"Week of {say_day(thursday)}"
    if week is None:
        return AgendaWeek(title, "", "", "", "", warn=False, days=days)
    return AgendaWeek(
        title=title,
        url=week.get_absolute_url(),
        schedule_url=reverse("week-schedule", args=[thursday]),
        skipped=week.skip_reason,
        moved=f"Code install on {say_day(week.substitute)} instead of {say_day(thursday)}" if week.substitute else "",
        warn=week.skipped and found.today <= thursday <= found.today + WARN_BEFORE,
        days=days,
    )


def thursday_of(day: date) -> date:
    """The Thursday of the calendar week of a day."""
    return day + timedelta(days=THURSDAY - day.weekday())


def _next_month(first: date, number: int) -> date:
    months = first.month - 1 + number
    return date(first.year + months // 12, months % 12 + 1, 1)
