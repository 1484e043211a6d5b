"""The reason of a plain step that was refused, kept to be sent again."""

from __future__ import annotations

from django import forms

from workflow.machine import NO_REASON


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), error_messages={"required": NO_REASON})
