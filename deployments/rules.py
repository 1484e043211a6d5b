"""The rules in force: the saved policy, and the closed days of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from deployments.calendar import ClosedDay
from deployments.models import ClosedDay as ClosedDayRow
from deployments.models import SchedulePolicy
from deployments.policy import DEFAULT_POLICY, MOST_WEEKS_BEFORE, Deadline, Policy, Rule

ONLY = 1  # the key of the one policy record


@dataclass(frozen=True)
class Rules:
    """What a week is planned from."""

    policy: Policy
    closed: tuple[ClosedDay, ...]

    def name_of(self, day: date) -> str:
        """Why the day is closed, or nothing."""
        return next((each.name for each in self.closed if each.day == day), "")


def current_policy() -> Policy:
    """The schedule's rules: the saved record, or the defaults while nobody has changed them."""
    saved = SchedulePolicy.objects.first()
    if saved is None:
        return DEFAULT_POLICY
    rules = {
        key: Rule(rule["weeks_before"], rule["weekday"], time.fromisoformat(rule["at"]))
        for key, rule in saved.rules.items()
    }
    return Policy(**rules, missed_cutoff_holds=saved.missed_cutoff_holds)


def as_record(policy: Policy) -> dict[str, dict[str, Any]]:
    """The rules as `SchedulePolicy` keeps them."""
    rules = {key.value: policy.rule(key) for key in Deadline}
    return {
        key: {"weeks_before": rule.weeks_before, "weekday": rule.weekday, "at": f"{rule.at:%H:%M}"}
        for key, rule in rules.items()
    }


def current_rules(first: date) -> Rules:
    """For planning weeks from that of the Thursday `first` on: closed days matter as far back as a deadline can lie."""
    since = first - timedelta(weeks=MOST_WEEKS_BEFORE + 1)
    rows = ClosedDayRow.objects.filter(day__gte=since)
    return Rules(current_policy(), tuple(ClosedDay(row.day, row.name, row.kind) for row in rows))  # type: ignore[arg-type]


def lock_policy(pk: int = ONLY) -> SchedulePolicy:
    """The policy record, made on first use. Its lock is that of the whole schedule: one change at a time."""
    defaults = {"rules": as_record(DEFAULT_POLICY), "missed_cutoff_holds": DEFAULT_POLICY.missed_cutoff_holds}
    SchedulePolicy.objects.get_or_create(pk=pk, defaults=defaults)
    return SchedulePolicy.objects.select_for_update().get(pk=pk)
