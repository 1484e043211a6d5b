"""What the Scrum Master writes into an announcement; everything else in it comes from the data."""

from __future__ import annotations

from django import forms


class AnnouncementForm(forms.Form):
    subject = forms.CharField(
        max_length=200, required=False, help_text="Leave it empty to have it written from the data when it is sent."
    )
    introduction = forms.CharField(
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Stands above the list of deployments.",
    )
