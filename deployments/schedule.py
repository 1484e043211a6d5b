"""Changing the schedule or the calendar: first what it would mean for every open week, then the change itself.

`preview` and `apply` compute the same; what was looked at is named by its digest, so that nothing else is applied.
Rows are locked in the one order that `flow.py` names: the schedule, deployments, code reviews, weeks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from accounts.models import User
from deployments.calendar import ClosedDay
from deployments.dates import Choice, WeekChange, by_choice, by_rules
from deployments.flow import CLOSED_DAY, POLICY, WEEK
from deployments.models import ClosedDay as ClosedDayRow
from deployments.models import CodeReview, Deployment, ReleaseWeek, SchedulePolicy
from deployments.policy import Deadline, Policy
from deployments.rules import ONLY, Rules, as_record, current_rules, lock_policy
from workflow import clock
from workflow.eastern import eastern_day, say_day
from workflow.machine import begin, perform
from workflow.steps import Refused
from workflow.transactions import whole

S = Deployment.Status


class Wish(Protocol):
    """A change of the rules that somebody wants."""

    @property
    def reason(self) -> str:
        """Why weeks follow, for their audit trail."""

    def over(self, rules: Rules) -> Rules: ...
    def write(self, by: User) -> None: ...
    def record(self) -> Any:
        """What tells this wish from any other, as JSON."""


@dataclass(frozen=True)
class NewPolicy:
    """Other weekdays and times."""

    policy: Policy

    @property
    def reason(self) -> str:
        return "The schedule changed"

    def over(self, rules: Rules) -> Rules:
        return replace(rules, policy=self.policy)

    def write(self, by: User) -> None:
        perform(POLICY, "change", SchedulePolicy(pk=ONLY), by=by, policy=self.policy)

    def record(self) -> Any:
        return [as_record(self.policy), self.policy.missed_cutoff_holds]


@dataclass(frozen=True)
class NewClosedDays:
    """Days that are added to the calendar or taken out of it."""

    add: tuple[ClosedDay, ...] = ()
    remove: tuple[date, ...] = ()

    @property
    def year(self) -> int:
        """That of the first day."""
        return min([*self.remove, *(each.day for each in self.add)]).year

    @property
    def words(self) -> list[str]:
        """Each day in a sentence."""
        added = [f"{say_day(each.day)}, {each.day.year} is closed: {each.name}" for each in self.add]
        return added + [f"{say_day(day)}, {day.year} is no longer closed" for day in self.remove]

    @property
    def reason(self) -> str:
        days = self.words
        more = f"; and {len(days) - 3} more" if len(days) > 3 else ""
        return "; ".join(days[:3]) + more

    def over(self, rules: Rules) -> Rules:
        stay = tuple(each for each in rules.closed if each.day not in self.remove)
        return replace(rules, closed=stay + self.add)

    def write(self, by: User) -> None:
        for row in ClosedDayRow.objects.filter(day__in=self.remove):
            perform(CLOSED_DAY, "remove", row, by=by)
        for each in self.add:
            begin(CLOSED_DAY, "add", ClosedDayRow(day=each.day, name=each.name, kind=each.kind), by=by)

    def record(self) -> Any:
        known = ClosedDayRow.objects.filter(day__in=[*self.remove, *(each.day for each in self.add)])
        return [
            [[str(each.day), each.name, each.kind] for each in self.add],
            [str(day) for day in self.remove],
            [str(row.day) for row in known],
        ]


@dataclass(frozen=True)
class Concerned:
    """A week that changes, and the unfinished deployments planned for it."""

    change: WeekChange
    deployments: tuple[Deployment, ...]


@dataclass(frozen=True)
class Preview:
    """What a change means. `kept` counts the open weeks that keep their dates, `locked` those whose scope is locked.

    A week that is skipped and stays so counts for neither.
    """

    weeks: tuple[Concerned, ...]
    kept: int
    locked: int
    digest: str

    @property
    def sentence(self) -> str:
        """ "3 open weeks keep their dates; 5 change, from the week of Thu Jan 7 on."."""
        if not self.weeks:
            return "No open week changes its dates." if self.kept else "No week is open that would change."
        first = self.weeks[0].change.week
        if not self.kept:
            return f"All {len(self.weeks)} open weeks change." if len(self.weeks) > 1 else f"The {first} changes."
        some = f"{self.kept} open week{' keeps its' if self.kept == 1 else 's keep their'} dates"
        if len(self.weeks) == 1:
            return f"{some}; the {first} changes."
        return f"{some}; {len(self.weeks)} change, from the {first} on."


class Stale(Exception):
    """What was looked at is no longer what would happen. `preview` is what would happen now."""

    def __init__(self, preview: Preview) -> None:
        super().__init__("The weeks changed while you looked at this. Here is what would happen now.")
        self.preview = preview


def preview(wish: Wish, now: datetime) -> Preview:
    """What the wish means for every week that is still open."""
    weeks = open_now(now)
    rules = wish.over(_rules(weeks, now))
    found = [by_rules(week, rules, now) for week in weeks]
    return _preview([each for each in found if each.changes], wish.record(), weeks, now)


@whole
def apply(wish: Wish, *, by: User, digest: str) -> Preview:
    """Writes the change and lets every open week follow, all or nothing. Raises Stale, or Refused."""
    lock_policy()
    _lock(open_now(clock.now()))
    found = preview(wish, clock.now())
    _same(found, digest)
    wish.write(by)
    rules = _rules(open_now(clock.now()), clock.now())
    # The last first: what leaves a week finds the later ones as they will be.
    for each in reversed(found.weeks):
        perform(WEEK, "reschedule", each.change.week, by=None, reason=wish.reason[:500], rules=rules)
    return found


def preview_week(week: ReleaseWeek, choice: Choice, now: datetime) -> Preview:
    """What a choice means for its week. Raises ValueError, with a sentence, for one that cannot be kept."""
    change = by_choice(week, choice, current_rules(week.thursday), now)
    return _preview([change], [choice.skip_because, str(choice.substitute)], [week], now)


@whole
def apply_to_week(
    week: ReleaseWeek, action: str, choice: Choice, *, by: User, digest: str, reason: str = ""
) -> ReleaseWeek:
    """Skips, moves or reopens one week as it was previewed. Raises Stale, or Refused."""
    lock_policy()
    _lock([week])
    fresh = ReleaseWeek.objects.prefetch_related("milestones").get(pk=week.pk)
    try:
        _same(preview_week(fresh, choice, clock.now()), digest)
    except ValueError as error:
        raise Refused.because(str(error)) from error
    done: ReleaseWeek = perform(WEEK, action, week, by=by, reason=reason, day=choice.substitute)
    return done


def open_now(now: datetime) -> list[ReleaseWeek]:
    """The weeks that are not over, with their milestones; those whose scope is locked are among them."""
    recent = ReleaseWeek.objects.filter(thursday__gte=eastern_day(now) - timedelta(days=4))
    return list(recent.prefetch_related("milestones").order_by("thursday"))


def _rules(weeks: list[ReleaseWeek], now: datetime) -> Rules:
    return current_rules(weeks[0].thursday if weeks else eastern_day(now))


def _preview(changes: list[WeekChange], wished: Any, weeks: list[ReleaseWeek], now: datetime) -> Preview:
    concerned = _concerned(changes)
    changing = {each.week.pk for each in changes}
    same = [week for week in weeks if week.pk not in changing and not week.skipped]
    locked = sum(week.passed(Deadline.CUTOFF, now) for week in same)
    return Preview(
        weeks=tuple(concerned),
        kept=len(same) - locked,
        locked=locked,
        digest=_digest(wished, concerned),
    )


def _concerned(changes: list[WeekChange]) -> list[Concerned]:
    live = Deployment.objects.filter(week__in=[each.week for each in changes], status__in=Deployment.BEFORE_INSTALL)
    planned: dict[int, list[Deployment]] = {}
    for deployment in live.select_related("application").order_by("pk") if changes else ():
        planned.setdefault(deployment.week_id, []).append(deployment)
    return [Concerned(each, tuple(planned.get(each.week.pk, ()))) for each in changes]


def _digest(wished: Any, concerned: Iterable[Concerned]) -> str:
    """Names exactly this change: the wish, and for each week its dates before and after and its deployments."""
    weeks = [
        [
            each.change.week.pk,
            [each.change.week.skip_reason, each.change.skip_reason, str(each.change.install_day)],
            [[shift.key, str(shift.before), str(shift.after)] for shift in each.change.shifts],
            [deployment.pk for deployment in each.deployments],
        ]
        for each in concerned
    ]
    return hashlib.sha256(json.dumps([wished, weeks]).encode()).hexdigest()[:32]


def _same(found: Preview, digest: str) -> None:
    if found.digest != digest:
        raise Stale(found)


def _lock(weeks: Collection[ReleaseWeek]) -> None:
    """Takes what a change of these weeks may touch, in the order in which everybody does."""
    rows = (
        Deployment.objects.filter(week__in=weeks, status__in=Deployment.BEFORE_INSTALL).order_by("pk"),
        CodeReview.objects.filter(week__in=weeks, kind=CodeReview.Kind.WEEKLY).order_by("pk"),
        ReleaseWeek.objects.filter(pk__in=[week.pk for week in weeks]).order_by("thursday"),
    )
    for each in rows:
        list(each.select_for_update(no_key=True, of=("self",)).values_list("pk"))
