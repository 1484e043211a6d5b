"""Eastern rules and closed days become the UTC instants of one release week. Pure: no Django, no Celery.

A week is named by its nominal Thursday and runs from Monday to Friday. Every instant is made from a date and a wall
time in the zone's own rules, never by adding 168 hours to last week's: twice a year that is an hour wrong.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from deployments.policy import INSTALL_DAY, Deadline, Policy, Rule
from workflow.eastern import EASTERN, say_day

THURSDAY = 3
BEFORE_INSTALL = tuple(key for key in Deadline if key not in INSTALL_DAY)


@dataclass(frozen=True)
class ClosedDay:
    """A day without deadlines or installs; `name` is shown to people as the reason."""

    day: date
    name: str
    kind: Literal["holiday", "freeze"]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError(f"The {self.kind} on {say_day(self.day)} needs a name, such as Thanksgiving Day.")


@dataclass(frozen=True)
class WeekPlan:
    """What `plan_week` decides. A skipped week has no install day, no deadlines and a reason; others have no reason.

    `due` has every `Deadline` in order; its keys equal the plain strings of the database, its values are aware UTC.
    """

    thursday: date
    install_day: date | None
    skip_reason: str
    due: dict[str, datetime]


def plan_week(
    thursday: date, policy: Policy, closed: Collection[ClosedDay], *, substitute: date | None = None
) -> WeekPlan:
    """The deadlines of the week of a nominal Thursday (product rules: the week and its clock).

    A deadline before the install day that falls on a closed day moves to the last working day before, same hour.
    Where such moves would turn the order round, the earlier milestone comes forward to the instant of the later one:
    the order never reverses and no move makes anything due later than its rule says.

    A closed install day skips the week, unless `substitute` names another day for the install: a working day of the
    same Monday to Friday, after the deadlines. The substitute also holds when the nominal day is open.

    Raises ValueError, with a sentence, for a date that is no Thursday or a substitute that cannot be used.
    """
    if thursday.weekday() != THURSDAY:
        raise ValueError(f"{say_day(thursday)} is not a Thursday, and a release week is named by its Thursday.")
    closed_days = {each.day for each in closed}
    install_day = substitute or _nominal_day(thursday, policy.install)
    if substitute is None and install_day in closed_days:
        return WeekPlan(thursday, None, _reason(install_day, closed), {})
    due = _due_before_install(thursday, policy, closed_days)
    for key in INSTALL_DAY:
        due[key] = _instant(install_day, policy.rule(key))
    if substitute is not None:
        _check_substitute(substitute, thursday, due, closed_days)
    return WeekPlan(thursday, install_day, "", due)


def upcoming_thursdays(today: date, count: int) -> list[date]:
    """`count` nominal Thursdays in a row, the first on or after `today` (an Eastern date)."""
    first = today + timedelta(days=(THURSDAY - today.weekday()) % 7)
    return [first + timedelta(weeks=number) for number in range(count)]


def week_id(thursday: date) -> str:
    """`2026-W53`: year and number of the ISO week, in which the year is that of the Thursday."""
    year, week, _ = thursday.isocalendar()
    return f"{year}-W{week:02}"


def _due_before_install(thursday: date, policy: Policy, closed_days: Collection[date]) -> dict[str, datetime]:
    due: dict[str, datetime] = {}
    for key in BEFORE_INSTALL:
        rule = policy.rule(key)
        due[key] = _instant(_working_day_until(_nominal_day(thursday, rule), closed_days), rule)
    return _in_order(due)


def _in_order(due: dict[str, datetime]) -> dict[str, datetime]:
    """Each instant no later than any that follows it."""
    instants = list(due.values())
    return {key: min(instants[number:]) for number, key in enumerate(due)}


def _check_substitute(day: date, thursday: date, due: dict[str, datetime], closed_days: Collection[date]) -> None:
    monday, friday = thursday - timedelta(days=3), thursday + timedelta(days=1)
    if not monday <= day <= friday:
        raise ValueError(
            f"{say_day(day)} is not in the same week. Choose a day from {say_day(monday)} to {say_day(friday)}."
        )
    if day in closed_days:
        raise ValueError(f"{say_day(day)} is closed. Choose a working day.")
    if due[Deadline.EXEMPTION_CLOSE] <= due[Deadline.APPROVAL]:
        raise ValueError(f"{say_day(day)} is not after the week's deadlines. Choose a later day.")


def _reason(day: date, closed: Collection[ClosedDay]) -> str:
    """The name of the closed day; a holiday's name before a freeze's."""
    return min((each.kind == "freeze", each.name) for each in closed if each.day == day)[1]


def _nominal_day(thursday: date, rule: Rule) -> date:
    return thursday + timedelta(days=rule.weekday - THURSDAY, weeks=-rule.weeks_before)


def _working_day_until(day: date, closed_days: Collection[date]) -> date:
    while day.weekday() > 4 or day in closed_days:
        day -= timedelta(days=1)
    return day


def _instant(day: date, rule: Rule) -> datetime:
    return datetime.combine(day, rule.at, EASTERN).astimezone(UTC)
