"""Appointing a deputy: for oneself, or by an administrator for anyone."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from accounts.mail import Topic
from accounts.models import Deputy, User
from accounts.roles import Role


def _day(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, widget=widget)


class DeputyForm(forms.Form):
    """A choice from outside what is shown is understood, so that the flow can say why not."""

    deputy = forms.ModelChoiceField(User.objects.filter(is_active=True), label="Deputy")
    role = forms.ChoiceField(choices=Role.choices, label="In the role")
    starts = _day("From")
    ends = _day("Until", "This day included.")

    def __init__(self, data: Any = None, *, principal: User, roles: list[Role], today: date) -> None:
        super().__init__(data)
        self.principal = principal
        self._show("deputy", _people(besides=principal))
        self._show("role", [(role.value, str(role.label)) for role in roles])
        self.fields["starts"].initial = today

    def _show(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].widget.choices = choices

    def unsaved(self) -> Deputy:
        return Deputy(for_user=self.principal, **self.cleaned_data)


class EmailsForm(forms.Form):
    """The e-mails that a person may do without; a ticked topic is wanted."""

    topics = forms.MultipleChoiceField(
        choices=Topic.choices, required=False, label="Send me", widget=forms.CheckboxSelectMultiple
    )


class AnyDeputyForm(DeputyForm):
    """With the person who is deputised for."""

    for_user = forms.ModelChoiceField(User.objects.filter(is_active=True), label="Deputy of")
    field_order = ("for_user", "deputy", "role", "starts", "ends")

    def __init__(self, data: Any = None, *, principal: User, today: date) -> None:
        super().__init__(data, principal=principal, roles=list(Role), today=today)
        self._show("for_user", _people())
        self._show("deputy", _people())

    def unsaved(self) -> Deputy:
        return Deputy(**self.cleaned_data)


def _people(*, besides: User | None = None) -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True)
    shown = people.exclude(pk=besides.pk) if besides else people
    return [("", "Choose a person"), *((str(each.pk), each.name) for each in shown)]
