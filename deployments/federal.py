"""The closed days that are proposed for a year. An administrator confirms and extends them; only their rows count."""

from __future__ import annotations

from datetime import date

from deployments.calendar import ClosedDay

SATURDAY = 5
FREEZE = "Year-end freeze"


def propose_closed_days(year: int) -> list[ClosedDay]:
    """The US federal holidays as working people see them, and December 24 and 31 as freezes, in order.

    A holiday on a weekend is proposed on the working day on which it is observed, and not on the weekend, where nothing
    is due anyway. A freeze gives way to a holiday. New Year's Day of the next year may be observed on December 31.
    """
    import holidays  # a large one, for what is asked once a year

    federal = holidays.country_holidays("US", years=[year, year + 1])
    found = {day: ClosedDay(day, name, "holiday") for day, name in federal.items() if day.year == year}
    for day in (date(year, 12, 24), date(year, 12, 31)):
        found.setdefault(day, ClosedDay(day, FREEZE, "freeze"))
    return [found[day] for day in sorted(found) if day.weekday() < SATURDAY]
