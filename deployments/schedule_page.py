"""A change of dates as people look at it before they save it, and one week's dates with what can be done about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import User
from deployments.dates import Shift, WeekChange
from deployments.flow import CLOSED_DAY, POLICY, WEEK
from deployments.models import ClosedDay, Milestone, ReleaseWeek, SchedulePolicy
from deployments.policy import Deadline, Policy
from deployments.rules import ONLY
from deployments.schedule import Concerned, Preview
from workflow.eastern import say_day
from workflow.machine import refusal


@dataclass(frozen=True)
class ChangedWeek:
    """One week of a preview. `fate` says what becomes of its deployments."""

    title: str
    url: str
    tone: str
    sentence: str
    given_up: str
    shifts: list[Shift]
    fate: str
    deployments: list[str]


@dataclass(frozen=True)
class YearView:
    label: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True)
class ClosedRow:
    closed: ClosedDay
    over: bool
    effect: str


def changed_weeks(found: Preview) -> list[ChangedWeek]:
    return [_changed(each) for each in found.weeks]


def _changed(each: Concerned) -> ChangedWeek:
    change, count = each.change, len(each.deployments)
    return ChangedWeek(
        title=f"Week of {say_day(change.week.thursday)}",
        url=change.week.get_absolute_url(),
        tone=_tone(change),
        sentence=change.sentence,
        given_up=f"The chosen install day cannot stay. {change.given_up}" if change.given_up else "",
        shifts=change.shifts if change.install_day else [],
        fate=_fate(change, count),
        deployments=[str(deployment) for deployment in each.deployments],
    )


def _tone(change: WeekChange) -> str:
    if change.install_day is None:
        return "stop"
    return "you" if change.opens or change.moves_install else "wait"


def _fate(change: WeekChange, count: int) -> str:
    if not count:
        return "Nothing is planned for it yet." if change.skips else ""
    some = f"{count} deployment{'' if count == 1 else 's'}"
    if change.skips:
        return f"{some} {'moves' if count == 1 else 'move'} to the next open week, without the approval:"
    return f"{some} {'is' if count == 1 else 'are'} planned for it:"


def policy_lines(old: Policy, new: Policy) -> list[str]:
    """The rules that differ, in words."""
    lines = [
        f"{key.label}: {old.rule(key)} becomes {new.rule(key)}" for key in Deadline if old.rule(key) != new.rule(key)
    ]
    if old.missed_cutoff_holds != new.missed_cutoff_holds:
        lines.append(f"A missed cutoff {'holds' if new.missed_cutoff_holds else 'no longer holds'} a deployment")
    return lines


def why_not_policy(by: User, now: datetime) -> str:
    no = refusal(POLICY, "change", SchedulePolicy(pk=ONLY), by=by, now=now)
    return no.sentence if no else ""


def why_not_calendar(by: User, now: datetime) -> str:
    """Why this person may not change the calendar at all; a single day may have reasons of its own."""
    no = refusal(CLOSED_DAY, "add", ClosedDay(day=date.max), by=by, now=now)
    return no.sentence if no and no.code == "role" else ""


def why_not_week(action: str, week: ReleaseWeek, *, by: User, now: datetime) -> str:
    no = refusal(WEEK, action, week, by=by, now=now)
    return no.sentence if no else ""


def years(shown: int, this: int, counts: dict[int, int], url: str) -> list[YearView]:
    """Last year, if it had closed days, up to the year after next, and the one that is shown."""
    offered = {this, this + 1, this + 2, shown} | {year for year in counts if year >= this - 1}
    return [YearView(str(year), f"{url}?year={year}", counts.get(year, 0), year == shown) for year in sorted(offered)]


def closed_rows(rows: Iterable[ClosedDay], weeks: Iterable[ReleaseWeek], today: date) -> list[ClosedRow]:
    """The closed days with what they do to the open weeks."""
    skipped = {week.thursday: week for week in weeks if week.skipped and not week.frozen}
    return [
        ClosedRow(row, row.day < today, f"No code install in the {skipped[row.day]}" if row.day in skipped else "")
        for row in rows
    ]


def week_dates(week: ReleaseWeek, now: datetime) -> list[tuple[Milestone, bool]]:
    """The week's milestones in order, each with whether it is over."""
    return [(row, row.due_at < now) for row in week.milestones.all()]
