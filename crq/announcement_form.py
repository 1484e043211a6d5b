"""What the Scrum Master writes into an announcement; everything else in it comes from the data."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from email.utils import parseaddr
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from crq.announcing_lines import Content
from crq.announcing_recipients import BY_DEFAULT, Audience
from crq.models import Announcement
from workflow.eastern import EASTERN

MOST_ADDED = 200
SEPARATORS = re.compile(r"[,;\n]+")


class AnnouncementForm(forms.Form):
    """`audience` gives the groups; `content` the deployments that can have a note."""

    subject = forms.CharField(
        label="Subject",
        max_length=200,
        required=False,
        help_text="Left empty, it is written from the data when it is sent.",
    )
    introduction = forms.CharField(
        label="Introduction",
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Stands above everything else.",
    )
    groups = forms.MultipleChoiceField(label="Groups", required=False)
    add = forms.CharField(label="Also to", max_length=4000, required=False)
    day = forms.DateField(label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    at = forms.TimeField(label="Time (ET)", required=False, widget=forms.TimeInput(attrs={"type": "time"}))

    def __init__(self, typed: Any = None, *, announcement: Announcement, content: Content, audience: Audience) -> None:
        super().__init__(typed, initial=_initial(announcement, audience))
        self.announcement, self.audience = announcement, audience
        self.fields["groups"].choices = [(group.key, group.label) for group in audience.groups]  # type: ignore[attr-defined]
        self.noted = [line.deployment for line in content.lines]
        for line in content.lines:
            self.fields[note_field(line.deployment)] = forms.CharField(
                label=line.title, max_length=500, required=False, initial=line.note
            )

    def clean_add(self) -> list[str]:
        """The addresses, in lower case; each that is none gets a sentence."""
        entries = [each.strip() for each in SEPARATORS.split(self.cleaned_data["add"]) if each.strip()]
        if len(entries) > MOST_ADDED:
            raise ValidationError(f"Add at most {MOST_ADDED} addresses; a longer list belongs in the stakeholder list.")
        addresses = [parseaddr(each)[1].lower() for each in entries]
        wrong = [entry for entry, each in zip(entries, addresses, strict=True) if not _is_address(each)]
        if wrong:
            sentence = "“{}” is no e-mail address. Write it as name@example.com."
            raise ValidationError([sentence.format(each[:80]) for each in wrong])
        return addresses

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        added = [*self.announcement.recipients.get("added", []), *(cleaned.get("add") or [])]
        if "add" in cleaned and not (cleaned.get("groups") or added):
            self.add_error("groups", "Choose at least one group, or add an address.")
        return cleaned

    @property
    def note_fields(self) -> list[forms.BoundField]:
        return [self[note_field(pk)] for pk in self.noted]

    def notes(self) -> dict[int, str]:
        return {pk: self.cleaned_data[note_field(pk)] for pk in self.noted}

    def recipients(self, *, leave_out: str = "", put_back: str = "", drop: str = "") -> dict[str, Any]:
        """The choice as it is kept; nothing is kept of what everybody gets anyway."""
        before = self.announcement.recipients
        added = [each for each in [*before.get("added", []), *self.cleaned_data["add"]] if each != drop]
        left_out = [each for each in [*before.get("left_out", []), leave_out] if each and each != put_back]
        groups = self.cleaned_data["groups"]
        choice = {"groups": groups, "added": list(dict.fromkeys(added)), "left_out": list(dict.fromkeys(left_out))}
        return {} if choice == {"groups": list(BY_DEFAULT), "added": [], "left_out": []} else choice

    def chosen_time(self) -> datetime | None:
        """The instant on Eastern clocks, where both fields are filled."""
        day: date | None = self.cleaned_data["day"]
        at: time | None = self.cleaned_data["at"]
        return datetime.combine(day, at, EASTERN) if day and at else None


def note_field(deployment: int) -> str:
    return f"note_{deployment}"


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _initial(announcement: Announcement, audience: Audience) -> dict[str, Any]:
    chosen = announcement.send_at.astimezone(EASTERN) if announcement.send_at else None
    return {
        "subject": announcement.subject,
        "introduction": announcement.introduction,
        "groups": [group.key for group in audience.groups if group.chosen],
        "day": chosen.date() if chosen else None,
        "at": chosen.time() if chosen else None,
    }
