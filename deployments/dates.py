"""What becomes of the dates of a week that is open already, when the rules change or people choose something for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from deployments.calendar import WeekPlan, plan_week
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from deployments.rules import Rules
from workflow.eastern import eastern_day, say_day, say_instant

TOO_LATE = "It is too late for that: dates that have passed would come after those still ahead."


@dataclass(frozen=True)
class Choice:
    """What people decided for one week: a reason to skip it, or another install day. At most one of them."""

    skip_because: str = ""
    substitute: date | None = None

    @classmethod
    def of(cls, week: ReleaseWeek) -> Choice:
        return cls(week.skip_reason if week.frozen else "", week.substitute)


@dataclass(frozen=True)
class Shift:
    """One milestone whose instant changes; None where there is none."""

    key: str
    before: datetime | None
    after: datetime | None

    @property
    def label(self) -> str:
        return Deadline(self.key).label


@dataclass(frozen=True)
class WeekChange:
    """The dates that a week, given as it is now, would have. `given_up` says why a substitute day cannot stay."""

    week: ReleaseWeek
    install_day: date | None
    skip_reason: str
    due: dict[str, datetime]
    choice: Choice
    given_up: str = ""

    @property
    def shifts(self) -> list[Shift]:
        now = dues(self.week)
        pairs = [Shift(key.value, now.get(key), self.due.get(key)) for key in Deadline]
        return [each for each in pairs if each.before != each.after]

    @property
    def skips(self) -> bool:
        """The week had an install day and loses it."""
        return self.install_day is None and not self.week.skipped

    @property
    def opens(self) -> bool:
        return self.install_day is not None and self.week.skipped

    @property
    def moves_install(self) -> bool:
        return None not in {self.install_day, self.week.install_day} and self.install_day != self.week.install_day

    @property
    def changes(self) -> bool:
        old = (self.week.install_day, self.week.skip_reason, Choice.of(self.week))
        return bool(self.shifts) or old != (self.install_day, self.skip_reason, self.choice)

    @property
    def sentence(self) -> str:
        """What it means for the install, in words; nothing when only deadlines move."""
        if self.install_day is None:
            return f"No code install: {self.skip_reason}"
        day = say_day(self.install_day)
        if self.opens:
            return f"Code install on {day}, no longer skipped"
        return f"Code install moves to {day}" if self.moves_install else ""


def dues(week: ReleaseWeek) -> dict[str, datetime]:
    """The week's instants by key, from prefetched rows where there are."""
    return {row.key: row.due_at for row in week.milestones.all()}


def by_rules(week: ReleaseWeek, rules: Rules, now: datetime) -> WeekChange:
    """The week under these rules. It keeps its dates once its scope is locked, or if they would lock it now.

    What people chose for the week stands; a substitute day that cannot be used any more is given up.
    """
    choice, given_up = Choice.of(week), ""
    try:
        plan = planned(week.thursday, choice, rules)
    except ValueError as error:
        choice, given_up = Choice(), str(error)
        plan = planned(week.thursday, choice, rules)
    cutoff = plan.due.get(Deadline.CUTOFF)
    if week.passed(Deadline.CUTOFF, now) or (cutoff and cutoff <= now):
        return unchanged(week)
    due = merged(plan, dues(week), _enforced(week), now)
    return unchanged(week) if due is None else _change(week, plan, due, choice, given_up)


def by_choice(week: ReleaseWeek, choice: Choice, rules: Rules, now: datetime) -> WeekChange:
    """The week as people choose it. Raises ValueError, with a sentence, for a choice that cannot be kept."""
    plan = planned(week.thursday, choice, rules)
    cutoff = plan.due.get(Deadline.CUTOFF)
    if week.skipped and cutoff and cutoff <= now:
        raise ValueError(f"Its scope would have been locked on {say_instant(cutoff, now=now)}, so it stays skipped.")
    due = merged(plan, dues(week), _enforced(week), now)
    if due is None or (plan.install_day and not _install_is_ahead(due, plan.install_day, now)):
        raise ValueError(TOO_LATE)
    return _change(week, plan, due, choice, "")


def unchanged(week: ReleaseWeek) -> WeekChange:
    return WeekChange(week, week.install_day, week.skip_reason, dues(week), Choice.of(week))


def planned(thursday: date, choice: Choice, rules: Rules) -> WeekPlan:
    """ValueError, with a sentence, when the substitute day cannot be used."""
    if choice.skip_because:
        return WeekPlan(thursday, None, choice.skip_because, {})
    return plan_week(thursday, rules.policy, rules.closed, substitute=choice.substitute)


def merged(
    plan: WeekPlan, old: Mapping[str, datetime], enforced: Collection[str], now: datetime
) -> dict[str, datetime] | None:
    """The new instants, but nobody is late by surprise and nothing that is over moves.

    A milestone that was enforced or has passed keeps its instant, and so does one that would otherwise lie in the past.
    None when that turns the order of the milestones round.
    """
    found: dict[str, datetime] = {}
    for key in Deadline:
        before, after = old.get(key), plan.due.get(key)
        over = before is not None and (key in enforced or before <= now)
        retroactive = before is not None and after is not None and after <= now
        at = before if over or retroactive else after
        if at is not None:
            found[key.value] = at
    in_order = list(found.values())
    return found if in_order == sorted(in_order) else None


def _change(week: ReleaseWeek, plan: WeekPlan, due: dict[str, datetime], choice: Choice, given_up: str) -> WeekChange:
    install_day = eastern_day(due[Deadline.INSTALL]) if plan.install_day else None
    return WeekChange(week, install_day, plan.skip_reason[:200], due, choice, given_up)


def _install_is_ahead(due: Mapping[str, datetime], day: date, now: datetime) -> bool:
    install = due[Deadline.INSTALL]
    return install > now and eastern_day(install) == day


def _enforced(week: ReleaseWeek) -> set[str]:
    return {row.key for row in week.milestones.all() if row.enforced_at}
