"""Appointing a deputy: for oneself, or by an administrator for anyone."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django import forms

from accounts.models import Deputy, User
from accounts.roles import Role


def _day(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=help_text, widget=widget)


class DeputyForm(forms.Form):
    """A choice from outside what is shown is understood, so that the flow can say why not."""

    deputy = forms.ModelChoiceField(User.objects.filter(is_active=True), label="Deputy", empty_label="Choose a person")
    role = forms.ChoiceField(choices=Role.choices, label="In the role")
    starts = _day("From")
    ends = _day("Until", "This day included.")

    def __init__(self, data: Any = None, *, principal: User, roles: list[Role], today: date) -> None:
        super().__init__(data)
        self.principal = principal
        shown = cast(forms.ModelChoiceField[User], self.fields["deputy"])
        shown.widget.choices = [("", str(shown.empty_label)), *_people(besides=principal)]
        cast(forms.ChoiceField, self.fields["role"]).widget.choices = [(role.value, role.label) for role in roles]
        self.fields["starts"].initial = today

    def unsaved(self) -> Deputy:
        return Deputy(for_user=self.principal, **self.cleaned_data)


class AnyDeputyForm(DeputyForm):
    """With the person who is deputised for."""

    for_user = forms.ModelChoiceField(
        User.objects.filter(is_active=True), label="Deputy of", empty_label="Choose a person"
    )
    field_order = ("for_user", "deputy", "role", "starts", "ends")

    def __init__(self, data: Any = None, *, principal: User, today: date) -> None:
        super().__init__(data, principal=principal, roles=list(Role), today=today)
        everyone = [("", "Choose a person"), *_people()]
        for name in ("for_user", "deputy"):
            cast(forms.ModelChoiceField[User], self.fields[name]).widget.choices = everyone

    def unsaved(self) -> Deputy:
        return Deputy(**self.cleaned_data)


def _people(*, besides: User | None = None) -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True)
    return [(str(each.pk), each.name) for each in (people.exclude(pk=besides.pk) if besides else people)]
