"""What an administrator types about a forge."""

from __future__ import annotations

from django import forms

from accounts.models import User
from deployments.models import Connection, Repository
from deployments.models.application import https_only


class ConnectionForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="As people call it, such as GitHub of Identity.")
    forge = forms.ChoiceField(choices=Repository.Forge.choices)
    speaks_for = forms.URLField(
        label="Speaks for",
        max_length=200,
        assume_scheme="https",
        validators=[https_only],
        help_text="Where its repositories are, such as https://github.com/acme. It is not heard about any other.",
        error_messages={"invalid": "Give the full address, beginning with https://."},
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_speaks_for(self) -> str:
        return str(self.cleaned_data["speaks_for"]).rstrip("/")

    def unsaved(self) -> Connection:
        return Connection(**self.cleaned_data)


class LinkForm(forms.Form):
    login = forms.CharField(max_length=100, widget=forms.HiddenInput)
    person = forms.ModelChoiceField(User.objects.filter(is_active=True), empty_label="Choose a person")
