"""What people type about an exemption."""

from __future__ import annotations

from typing import Any

from django import forms

LENGTH = 4000


def _words(label: str, needed: str, *, rows: int = 3, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=LENGTH,
        help_text=help_text,
        error_messages={"required": needed},
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class AskForm(forms.Form):
    """The three answers that a request needs. Everything else on its page is a fact that nobody types."""

    why = _words(
        "Why you ask for an exemption", "Say why you ask for it.", help_text="What happened, and who needs this change."
    )
    why_now = _words("Why it cannot wait", "Say why it cannot wait for a later week.")
    risk = _words(
        "Risk of installing it late", "Say what the risk is.", help_text="And how it would be taken back out."
    )

    def words(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("why", "why_now", "risk")}


class DecisionForm(forms.Form):
    """A grant or a denial, told apart by `action`, each with a reason of its own."""

    reason = _words(
        "Reason",
        "Say why in a few words: the reason is kept with the decision.",
        help_text="Everyone concerned reads it.",
    )

    def __init__(self, data: Any = None, *, action: str) -> None:
        super().__init__(data, auto_id=f"{action}-%s")


class GrantForm(DecisionForm):
    condition = forms.CharField(
        required=False,
        max_length=300,
        help_text="Shown wherever the grant is, for example: only if verified on core dev.",
    )


class NoteForm(forms.Form):
    text = _words("Question or answer", "Write the question or the answer first.", help_text="It decides nothing.")
