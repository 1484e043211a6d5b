"""What an administrator types about a forge."""

from __future__ import annotations

from urllib.parse import urlsplit

from django import forms

from accounts.models import User
from deployments.models import Connection, Repository
from deployments.models.application import https_only
from releaseflow.signin.provider import LOOPBACK


def where_an_api_is(address: str) -> None:
    """A token is shown there, so it must be https, or this machine itself."""
    try:
        parts = urlsplit(address)
        plain = parts.port != 0 and not (parts.username or parts.query or parts.fragment)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        known = bool(parts.hostname) and plain and safe and not any(sign.isspace() for sign in address)
    except ValueError:
        known = False
    if not known:
        raise forms.ValidationError("Give the full address, beginning with https://.")


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


class TokenForm(forms.Form):
    token = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="One that may read pull requests and checks. Empty: the forge is not asked any more.",
    )
    api_url = forms.CharField(
        label="Address of the API",
        max_length=200,
        required=False,
        validators=[where_an_api_is],
        help_text="Only where it is not the usual one.",
    )

    def clean_token(self) -> str:
        token = str(self.cleaned_data["token"])
        if not token.isascii() or any(sign.isspace() for sign in token):
            raise forms.ValidationError("A token has no spaces, and plain letters alone.")
        return token

    def clean_api_url(self) -> str:
        return str(self.cleaned_data["api_url"]).rstrip("/")


class LinkForm(forms.Form):
    login = forms.CharField(max_length=100, widget=forms.HiddenInput)
    person = forms.ModelChoiceField(User.objects.filter(is_active=True), empty_label="Choose a person")
