"""What a judgement depends on beside what was read of the deployment: who looks, at which weeks, and since when.

Whoever judges at `now` of the circumstances, rather than at the present instant, depends on nothing finer; so what was
judged holds as long as the circumstances are the same. See docs/adr/0033-a-row-is-judged-once.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from accounts.models import User
from accounts.roles import standing
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import EASTERN, eastern_day

Facts = tuple[object, ...]


class Circumstances(NamedTuple):
    """`now` is the first instant at which everything stood to the clock as it does now."""

    person: Facts
    weeks: tuple[Facts, ...]
    now: datetime


def circumstances(by: User, weeks: Iterable[ReleaseWeek], now: datetime) -> Circumstances:
    """`weeks` know their deadlines."""
    weeks = list(weeks)
    return Circumstances(_person(by, now), tuple(_week(each) for each in weeks), _since(weeks, now))


def _person(by: User, now: datetime) -> Facts:
    who = standing(by, eastern_day(now))
    lent = tuple((each.role, each.team_id, each.for_user.pk, each.for_user.name) for each in who.lent)
    return (by.pk, by.name, who.in_teams, who.offices, lent)


def _week(week: ReleaseWeek) -> Facts:
    columns = (str(getattr(week, field.attname)) for field in week._meta.concrete_fields)
    return (*columns, *(week.due(key) for key in Deadline))


def _since(weeks: Iterable[ReleaseWeek], now: datetime) -> datetime:
    """The last midnight in the East, or the first instant after the last of these deadlines that has passed."""
    midnight = datetime.combine(eastern_day(now), time(), EASTERN).astimezone(UTC)
    dues = (due for week in weeks for key in Deadline if (due := week.due(key)))
    return max([midnight, *(due + timedelta(microseconds=1) for due in dues if due < now)])
