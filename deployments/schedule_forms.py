"""What people type about the schedule, the calendar and the dates of one week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from deployments.calendar import ClosedDay
from deployments.dates import Choice, by_choice
from deployments.models import ClosedDay as ClosedDayRow
from deployments.models import ReleaseWeek
from deployments.policy import INSTALL_DAY, MOST_WEEKS_BEFORE, Deadline, Policy, Rule
from deployments.rules import current_rules
from workflow.eastern import WEEKDAYS, eastern_day, say_day, say_long_day

LONGEST_FREEZE = 60
SATURDAY = 5
CLOCK = ["%H:%M", "%I:%M %p", "%I:%M%p"]
MEANING = {
    Deadline.CODE_REVIEW: "The weekly review.",
    Deadline.PLAN_EMAIL: "The planned-deployments e-mail goes out if it was not sent.",
    Deadline.CUTOFF: "The scope locks.",
    Deadline.APPROVAL: "Every CRQ must be approved: the end of the day.",
    Deadline.EXEMPTION_CLOSE: "Requests without a decision lapse.",
    Deadline.INSTALL: "Installs are expected to open.",
    Deadline.INSTALL_CLOSE: "What is not started is held.",
}


class PolicyForm(forms.Form):
    """A day and a time for each milestone; `policy` is what they make."""

    policy: Policy

    def __init__(self, data: Any = None, *, current: Policy) -> None:
        super().__init__(data)
        for key in Deadline:
            rule = current.rule(key)
            weeks = 0 if key in INSTALL_DAY else MOST_WEEKS_BEFORE
            self.fields[f"{key.value}_day"] = forms.ChoiceField(
                label=f"{key.label}, day", choices=_days(weeks), initial=f"{rule.weeks_before}-{rule.weekday}"
            )
            self.fields[f"{key.value}_at"] = forms.TimeField(
                label=f"{key.label}, time",
                initial=rule.at,
                input_formats=CLOCK,
                widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                error_messages=dict.fromkeys(("required", "invalid"), "Give a time, such as 2:00 pm."),
            )
        self.fields["missed_cutoff_holds"] = forms.BooleanField(
            label="A missed cutoff holds the deployment",
            required=False,
            initial=current.missed_cutoff_holds,
            help_text="When it is off, a deployment that misses the cutoff may still be approved in time.",
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The fields as the page lays them out, a milestone a line."""
        return [
            {"key": key.value, "label": key.label, "meaning": MEANING[key]}
            | {"day": self[f"{key.value}_day"], "at": self[f"{key.value}_at"]}
            for key in Deadline
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        rules = {key.value: rule for key in Deadline if (rule := self._rule(key, given))}
        if len(rules) == len(Deadline):
            try:
                self.policy = Policy(**rules, missed_cutoff_holds=given["missed_cutoff_holds"])
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return given

    def _rule(self, key: Deadline, given: dict[str, Any]) -> Rule | None:
        day, at = given.get(f"{key.value}_day"), given.get(f"{key.value}_at")
        if day is None or at is None:
            return None
        weeks, weekday = (int(part) for part in day.split("-"))
        try:
            return Rule(weeks, weekday, at)
        except ValueError as error:
            self.add_error(f"{key.value}_at", str(error))
            return None


def _days(most_weeks: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Weekdays under the week they are in."""
    names = ["The install week", "The week before", *(f"{weeks} weeks before" for weeks in range(2, most_weeks + 1))]
    after = ["", ", the week before", *(f", {weeks} weeks before" for weeks in range(2, most_weeks + 1))]
    return [
        (names[weeks], [(f"{weeks}-{day}", f"{WEEKDAYS[day]}{after[weeks]}") for day in range(5)])
        for weeks in range(most_weeks + 1)
    ]


def _date_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ClosedDaysForm(forms.Form):
    """A holiday, or a freeze of one or more days. `days` are the working days it closes that are not closed already."""

    days: list[ClosedDay]

    kind = forms.ChoiceField(choices=ClosedDayRow.Kind.choices)
    name = forms.CharField(
        max_length=80, help_text="People see it as the reason.", error_messages={"required": "Name the day."}
    )
    first = forms.DateField(label="Day", widget=_date_input(), help_text="For a freeze its first day.")
    last = forms.DateField(label="Last day of a freeze", required=False, widget=_date_input())

    def __init__(self, data: Any = None, *, now: datetime) -> None:
        super().__init__(data)
        self.today = eastern_day(now)

    def clean_first(self) -> date:
        first: date = self.cleaned_data["first"]
        if first < self.today:
            raise ValidationError(f"{say_day(first)} is over. Choose a day from today on.")
        return first

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last") or given.get("first")
        if self.errors or first is None or last is None:
            return given
        if last < first:
            self.add_error("last", "The last day comes before the first.")
        elif last > first and given["kind"] == ClosedDayRow.Kind.HOLIDAY:
            self.add_error("last", "A holiday is one day. Choose a freeze for several days.")
        elif (last - first).days >= LONGEST_FREEZE:
            self.add_error("last", f"A freeze is {LONGEST_FREEZE} days at most.")
        else:
            self.days = self._closed(first, last, given)
        return given

    def _closed(self, first: date, last: date, given: dict[str, Any]) -> list[ClosedDay]:
        every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        working = [day for day in every if day.weekday() < SATURDAY]
        known = {row.day: row for row in ClosedDayRow.objects.filter(day__in=working)}
        new = [ClosedDay(day, given["name"], given["kind"]) for day in working if day not in known]
        if not working:
            self.add_error("first", f"{say_day(first)} is on a weekend, when nothing is due anyway.")
        elif not new:
            row = known[working[0]]
            self.add_error("first", f"{say_day(row.day)} is closed already: {row.name}.")
        return new


class ProposalForm(forms.Form):
    """Which of the days proposed for a year are taken. Those that are closed already, or over, are not offered."""

    days = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, error_messages={"required": "Tick at least one day."}
    )

    def __init__(self, data: Any = None, *, proposed: Iterable[ClosedDay], now: datetime) -> None:
        super().__init__(data)
        today = eastern_day(now)
        proposed = [each for each in proposed if each.day >= today]
        known = set(ClosedDayRow.objects.filter(day__in=[each.day for each in proposed]).values_list("day", flat=True))
        self.offered = {each.day.isoformat(): each for each in proposed if each.day not in known}
        self.fields["days"].choices = [(key, _say_closed(each)) for key, each in self.offered.items()]  # type: ignore[attr-defined]
        self.fields["days"].initial = list(self.offered)

    @property
    def chosen(self) -> list[ClosedDay]:
        return [self.offered[key] for key in self.cleaned_data["days"]]


class SubstituteForm(forms.Form):
    """Another install day in the same week."""

    day = forms.DateField(label="Install day", error_messages={"required": "Choose a day."})

    def __init__(self, data: Any = None, *, week: ReleaseWeek, now: datetime) -> None:
        super().__init__(data)
        self.offered = _possible_days(week, now)
        choices = [(day.isoformat(), say_long_day(day)) for day in self.offered]
        self.fields["day"].widget = forms.Select(choices=choices)


class SkipForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="Everybody sees it wherever the week is shown.",
        error_messages={"required": "Say why in a few words."},
    )

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"]).rstrip(". ")
        if not reason:
            raise ValidationError("Say why in a few words.")
        return reason


def _possible_days(week: ReleaseWeek, now: datetime) -> list[date]:
    """The days of the week on which its install could be instead."""
    rules = current_rules(week.thursday)
    found = []
    for number in range(-3, 2):
        day = week.thursday + timedelta(days=number)
        try:
            by_choice(week, Choice(substitute=day), rules, now)
        except ValueError:
            continue
        if day != week.install_day:
            found.append(day)
    return found


def _say_closed(each: ClosedDay) -> str:
    kind = "" if each.kind == "holiday" else " (freeze)"
    return f"{say_day(each.day)} · {each.name}{kind}"
