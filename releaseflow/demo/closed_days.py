"""The days on which the made-up company closes: federal holidays by their rules, and two days of freeze a year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from deployments.models import ClosedDay

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
HOLIDAY, FREEZE = ClosedDay.Kind.HOLIDAY, ClosedDay.Kind.FREEZE


def close_days(first: date, last: date) -> None:
    """Creates the rows between two days; where a freeze falls on a holiday, the holiday stands."""
    rows: dict[date, ClosedDay] = {}
    for year in range(first.year, last.year + 2):
        for day, name in _freezes(year):
            rows.setdefault(day, ClosedDay(day=day, name=name, kind=FREEZE))
        for day, name in federal_holidays(year):
            rows[day] = ClosedDay(day=day, name=name, kind=HOLIDAY)
    ClosedDay.objects.bulk_create(rows[day] for day in sorted(rows) if first <= day <= last)


def federal_holidays(year: int) -> Iterator[tuple[date, str]]:
    """The days on which United States federal offices close (5 U.S.C. 6103), as observed."""
    for month, day, name in (
        (1, 1, "New Year's Day"),
        (6, 19, "Juneteenth"),
        (7, 4, "Independence Day"),
        (11, 11, "Veterans Day"),
        (12, 25, "Christmas Day"),
    ):
        yield _observed(date(year, month, day)), name
    for month, weekday, number, name in (
        (1, MONDAY, 3, "Martin Luther King Jr. Day"),
        (2, MONDAY, 3, "Washington's Birthday"),
        (9, MONDAY, 1, "Labor Day"),
        (10, MONDAY, 2, "Columbus Day"),
        (11, THURSDAY, 4, "Thanksgiving Day"),
    ):
        yield _nth(year, month, weekday, number), name
    yield _nth(year, 6, MONDAY, 1) - timedelta(days=7), "Memorial Day"


def _freezes(year: int) -> Iterator[tuple[date, str]]:
    for day in (date(year, 12, 24), date(year, 12, 31)):
        if day.weekday() < SATURDAY:
            yield day, "Year-end freeze"


def _observed(day: date) -> date:
    shift = {SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=shift)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=number - 1)
