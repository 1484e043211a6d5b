"""What to find in the activity: by person, object and verb, week and words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.http import urlencode

from accounts.models import User
from accounts.roles import Role, standing
from deployments.models import ReleaseWeek
from releaseflow.activity.words import kind_label
from releaseflow.people.account import ACCOUNT, SIGN_IN
from workflow.eastern import EASTERN, say_day
from workflow.models import Event
from workflow.steps import Flow

SYSTEM = "releaseflow"
WEEKS_SHOWN = 60
A_DAY = timedelta(days=1)
Choices = list[tuple[str, str]]


def _day_field(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=False, label=label, widget=widget, error_messages={"invalid": "Choose a day."})


class FilterForm(forms.Form):
    """Everything is optional. `what` is an object ("crq") or a verb of one ("crq.approve"); `since` and `until` are
    Eastern days, both included.
    """

    who = forms.ChoiceField(required=False, label="Person")
    what = forms.ChoiceField(required=False)
    week = forms.DateField(required=False, error_messages={"invalid": "Choose a week of the list."})
    since = _day_field("From")
    until = _day_field("To")
    q = forms.CharField(required=False, max_length=100, strip=True, label="Words")
    deployment = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        people = [(str(each.pk), each.name) for each in User.objects.all()]
        self._offer("who", [("", "Everybody"), (SYSTEM, "releaseflow itself"), *people])
        self._offer("what", [("", "Anything"), *_verbs()])
        weeks = ReleaseWeek.objects.order_by("-thursday").values_list("thursday", flat=True)[:WEEKS_SHOWN]
        shown = [("", "Any week"), *((day.isoformat(), f"{say_day(day)}, {day.year}") for day in weeks)]
        self.fields["week"].widget = forms.Select(choices=shown)
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": "Any words"}
        for field in self.visible_fields():
            chosen = isinstance(field.field.widget, forms.Select)
            field.field.widget.attrs["class"] = "form-select" if chosen else "field"

    def _offer(self, name: str, choices: Iterable[Any]) -> None:
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = list(choices)
        field.error_messages["invalid_choice"] = "Choose one of the list."

    def clean_q(self) -> str:
        words: str = self.cleaned_data["q"]
        if "\x00" in words:
            raise ValidationError("These words hold a character that nothing here has.")
        return words

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", "This day is before the first one.")
        return given

    def found(self) -> QuerySet[Event]:
        """The events, newest first; nothing for a filter that makes no sense."""
        events = Event.objects.select_related("actor", "for_user").order_by("-at", "-pk")
        if not self.is_valid():
            return events.none()
        return events.filter(_where(self.cleaned_data))

    @property
    def query(self) -> str:
        """The filter as the end of an address, without what is empty."""
        names = [name for name in self.fields if self.data.get(name)]
        return urlencode({name: self.data[name] for name in names})

    @property
    def is_filtered(self) -> bool:
        return bool(self.query)


def visible(events: QuerySet[Event], by: User) -> QuerySet[Event]:
    """Without when and how others sign in, which only administrators see."""
    if standing(by).holds_own(Role.ADMINISTRATOR):
        return events
    return events.exclude(~Q(object_id=by.pk), object_type=ACCOUNT.name, action__in=SIGN_IN)


def _where(given: dict[str, Any]) -> Q:
    where = Q()
    if given["who"]:
        system = given["who"] == SYSTEM
        where &= Q(actor=None) if system else Q(actor=given["who"]) | Q(for_user=given["who"])
    if given["what"]:
        kind, _, action = given["what"].partition(".")
        where &= Q(object_type=kind) & (Q(action=action) if action else Q())
    if given["week"]:
        where &= Q(week=given["week"])
    if given["since"]:
        where &= Q(at__gte=_midnight(given["since"]))
    if given["until"]:
        where &= Q(at__lt=_midnight(min(given["until"], date.max - A_DAY) + A_DAY))
    if given["deployment"]:
        where &= Q(deployment_id=given["deployment"])
    for word in given["q"].split():
        where &= Q(subject__icontains=word) | Q(reason__icontains=word)
    return where


def _midnight(day: date) -> datetime:
    """The first instant of an Eastern day."""
    return datetime(day.year, day.month, day.day, tzinfo=EASTERN)


def _verbs() -> Iterable[tuple[str, Choices]]:
    """For each kind of object: anything that happened to one, then its steps."""
    yield "Deadline", [("milestone", "Deadlines that passed")]
    for name in sorted(Flow.registry, key=kind_label):
        kind = kind_label(name)
        steps = [(f"{name}.{step.action}", step.label) for step in Flow.registry[name].steps.values()]
        yield kind, [(name, f"{kind}: anything"), *steps]
