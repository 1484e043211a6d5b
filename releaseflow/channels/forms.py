"""What an administrator types about a channel."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Team
from accounts.secrets import seal
from notifications.http import checked
from notifications.models import Channel
from notifications.posts import EVENTS

SECRET_ADDRESS = {"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}


class AddressField(forms.CharField):
    """Whoever has a chat's address can write there, so it is shown to nobody after it was taken."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, widget=forms.TextInput(attrs=SECRET_ADDRESS), **options)

    def clean(self, value: Any) -> str:
        address = str(super().clean(value))
        if address:
            try:
                checked(address)
            except ValueError as error:
                raise forms.ValidationError(str(error)) from None
        return address


class _Channel(forms.Form):
    name = forms.CharField(max_length=80, help_text="As people call it, such as #releases in Slack.")
    events = forms.MultipleChoiceField(
        choices=[(kind, means) for kind, (_, means) in EVENTS.items()],
        initial=list(EVENTS),
        label="It hears when",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    team = forms.ModelChoiceField(
        Team.objects.all(),
        required=False,
        label="Whose deployments",
        empty_label="All teams",
        help_text="What concerns a whole week is told in any case.",
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def values(self) -> dict[str, Any]:
        """Of a channel, with the address sealed; without it where none was typed."""
        given = dict(self.cleaned_data)
        if address := given.pop("address"):
            given |= {"address": seal(address), "host": checked(address).netloc}
        return given


class NewChannelForm(_Channel):
    kind = forms.ChoiceField(choices=Channel.Kind.choices)
    address = AddressField(help_text="Where posts go, beginning with https://. A chat makes one for you.")
    field_order = ("name", "kind", "address", "events", "team")

    def unsaved(self) -> Channel:
        return Channel(**self.values())


class ChannelForm(_Channel):
    address = AddressField(required=False, label="Another address", help_text="Empty: the present one is kept.")
    field_order = ("name", "events", "team", "address")

    def __init__(self, data: Any = None, *, channel: Channel) -> None:
        now = {"name": channel.name, "events": channel.events, "team": channel.team_id}
        super().__init__(data, initial=now)
